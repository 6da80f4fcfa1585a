"""The git commands that a step of a fix comes down to."""

from __future__ import annotations

from app.git.hygiene.model import Step
from app.git.names import fold

BETWEEN = ".quarterdeck-moving"
"""Added to a name on its way to one that some file systems take for the same."""


def commands(step: Step) -> tuple[tuple[str, ...], ...]:
    """The exact commands, in order. Writing a whole file is shown by the command that takes it up."""
    if step.verb == "move":
        return moves(step.path, step.other)
    if step.verb == "remove":
        return (("git", "rm", "--", literal(step.path)),)
    if step.verb == "untrack":
        return (("git", "rm", "--cached", "--", literal(step.path)),)
    add = ("git", "add", "-f", "--", literal(step.path))
    if step.verb == "ignore":
        return (("sh", "-c", 'printf "%s\\n" "$1" >> "$2"', "sh", step.other, step.path), add)
    return (add,)


def moves(old: str, new: str) -> tuple[tuple[str, ...], ...]:
    """One `git mv`, or two with a name in between where the names are one for some file systems.

    `git mv` makes no folders, so that of the new name is made before.
    """
    folder = new.rpartition("/")[0]
    make = (("mkdir", "-p", "--", folder),) if folder and folder != old.rpartition("/")[0] else ()
    if fold(old) != fold(new):
        return (*make, ("git", "mv", "--", old, new))
    return (*make, ("git", "mv", "--", old, old + BETWEEN), ("git", "mv", "--", old + BETWEEN, new))


def literal(path: str) -> str:
    """A path as a pathspec that names it alone, whatever characters it holds."""
    return f":(literal){path}" if any(character in path for character in "*?[\\") or path.startswith(":") else path

"""Reads the tracked files from the index, or from any commit, for the audit. Blocks; takes no lock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from app.git.cli import Git
from app.git.hygiene.model import SUBMODULE, Entry

NOTHING: Mapping[str, str] = {}


def read_index(git: Git, env: Mapping[str, str] = NOTHING) -> list[Entry]:
    """All entries of the index, without sizes; of a path in conflict any one of its versions."""
    entries = []
    for record in git.run_sync("ls-files", "-s", "-z", "--full-name", "--", ":/", env=env).records:
        about, _, path = record.partition("\t")
        mode, oid, _stage = about.split(" ")
        entries.append(Entry(path, mode, oid))
    return entries


def read_tree(git: Git, commit: str, env: Mapping[str, str] = NOTHING) -> list[Entry]:
    """All files of a commit or tree, without sizes."""
    entries = []
    output = git.run_sync("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit, env=env)
    for record in output.records:
        about, _, path = record.partition("\t")
        mode, _type, oid = about.split(" ")
        entries.append(Entry(path, mode, oid))
    return entries


def with_sizes(
    git: Git, entries: Sequence[Entry], env: Mapping[str, str] = NOTHING, only: Collection[str] | None = None
) -> list[Entry]:
    """The entries with their sizes (with `only`, of these paths); objects that are not here stay without."""
    wanted = {
        entry.oid for entry in entries if entry.mode != SUBMODULE and (only is None or entry.path in only) and entry.oid
    }
    if not wanted:
        return list(entries)
    asked = "\n".join(sorted(wanted)).encode() + b"\n"
    # A line for a missing object ends with the word missing instead of a number.
    output = git.run_sync(
        "cat-file", "--buffer", "--batch-check=%(objectname) %(objectsize)", input=asked, env=env, ok=(0, 128)
    )
    sizes = {}
    for line in output.text.split("\n"):
        oid, _, size = line.partition(" ")
        if size.isdecimal():
            sizes[oid] = int(size)
    return [entry._replace(size=sizes.get(entry.oid)) for entry in entries]


def read_ignored(git: Git, env: Mapping[str, str] = NOTHING) -> list[str]:
    """Tracked paths that a `.gitignore` of the repository names. What the user ignores privately does not count."""
    args = ("ls-files", "-z", "-i", "-c", "--full-name", "--exclude-per-directory=.gitignore", "--", ":/")
    return list(dict.fromkeys(git.run_sync(*args, env=env).records))


def read_staged(git: Git, env: Mapping[str, str] = NOTHING) -> set[str]:
    """Paths that the next commit would add, or whose content it would change."""
    args = ("diff", "--cached", "--name-only", "-z", "--no-renames", "--diff-filter=ACMRT", "--ignore-submodules")
    return set(git.run_sync(*args, env=env).records)

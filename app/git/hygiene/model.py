"""The values of the hygiene audit. Standard library only, as a hook imports them.

Paths are relative to the top of the working tree, with `/`; bytes that are not UTF-8 are surrogates.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal[
    "case_twins",
    "unicode_twins",
    "bad_name",
    "readme_name",
    "large_file",
    "ignored_tracked",
    "missing_gitignore",
    "missing_license",
]
Severity = Literal["error", "warning", "note"]
"""`error`: cannot be checked out everywhere. `warning`: hardly belongs there. `note`: could be nicer."""
Verb = Literal["move", "remove", "untrack", "write", "ignore"]

SUBMODULE = "160000"


class Entry(NamedTuple):
    """A tracked file. `size` in bytes is None where it is not known here or was not asked for."""

    path: str
    mode: str
    oid: str
    size: int | None = None


class Step(NamedTuple):
    """One thing that a fix does; plain text throughout, so that it can be kept in a journal.

    `move` takes `path` to `other`. `remove` deletes a file that is there twice. `untrack` keeps the file on disk.
    `write` makes the file `path` with the text `other`. `ignore` adds the line `other` to the `.gitignore` at `path`.
    """

    verb: Verb
    path: str
    other: str = ""


class Finding(NamedTuple):
    """Something that is wrong. `paths` are what the finding is about, `files` all the tracked files that it touches."""

    kind: Kind
    severity: Severity
    paths: tuple[str, ...]
    files: tuple[str, ...]
    detail: str
    steps: tuple[Step, ...] = ()
    """What mends it; empty when only a person can."""
    ticked: bool = False
    """Whether the fix is right beyond doubt, so that it is done unless the user says otherwise."""

    @property
    def key(self) -> str:
        """Identifies the finding within its audit; no ref can be called so."""
        return f"{self.kind}:{self.paths[0]}"

"""Names of files that every file system takes, and paths that stay within their folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*#^\[\]\x00-\x1f\x7f]+')
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{word}{digit}" for word in ("com", "lpt") for digit in range(10)}
)
LONGEST = 180
"""Bytes of a name that is made here; what tells names apart comes behind it."""
MOST = 255
"""Bytes of a name that file systems take."""


def name_of(title: str) -> str:
    """What a file with this title is called, without its ending."""
    plain = " ".join(_NOT_IN_NAMES.sub(" ", unicodedata.normalize("NFC", title)).split())
    name = _cut(plain.strip(". "))
    if name.split(".", 1)[0].strip().casefold() in _RESERVED:
        name = f"{name}_" if "." not in name else name.replace(".", "_.", 1)
    return name or "note"


def free(name: str, folder: str, taken: Container[str]) -> str:
    """A path of a file in a folder (empty, or ending with a slash) that none of the `taken` keys is the key of."""
    number, path = 2, f"{folder}{name}.md"
    while key(path) in taken:
        path, number = f"{folder}{name} {number}.md", number + 1
    return path


def numbered(path: str, number: int) -> str:
    """The path with a number behind the name, which is cut where it would be too long for a file system."""
    folder, slash, name = path.rpartition("/")
    behind = f" {number}.md"
    return f"{folder}{slash}{_cut(name[:-3], MOST - len(behind))}{behind}"


def conflicting(path: str, day: str, number: int) -> str:
    """What the other text of a file is called that was changed on both sides."""
    folder, _, name = path.rpartition("/")
    again = f" {number}" if number > 1 else ""
    return f"{folder}{'/' if folder else ''}{_cut(name[:-3])} (conflict {day}{again}).md"


def key(path: str) -> str:
    """What is the same for all names that some file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def within(path: str) -> bool:
    """Whether this is a path of a Markdown file in a folder that no part of leads out of it, or is hidden."""
    parts = path.split("/")
    return (
        path.lower().endswith(".md")
        and "\0" not in path
        and not any(part.startswith(".") or not part or len(part.encode()) > MOST for part in parts)
    )


def _cut(name: str, most: int = LONGEST) -> str:
    return name.encode()[:most].decode(errors="ignore").strip(". ")

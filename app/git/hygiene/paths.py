"""Paths that are taken, counting as one what some file systems fold into one."""

from __future__ import annotations

from collections.abc import Iterable

from app.git.names import fold


class Taken:
    """The tracked paths with their folders, and the targets that fixes have been promised."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._files: dict[str, set[str]] = {}
        self._folders: set[str] = set()
        for path in paths:
            self.add(path)

    def add(self, path: str) -> None:
        """Take a path."""
        self._files.setdefault(fold(path), set()).add(path)
        folder = path.rpartition("/")[0]
        while folder and (folded := fold(folder)) not in self._folders:
            self._folders.add(folded)
            folder = folder.rpartition("/")[0]

    def free(self, path: str, *, besides: str = "") -> bool:
        """Whether nothing but `besides` is there, under this or a twin's name, nor a file where a folder would be."""
        folded = fold(path)
        if folded in self._folders or self._files.get(folded, set()) - {besides}:
            return False
        return not self._blocked(folded.rpartition("/")[0], besides)

    def near(self, path: str, *, besides: str = "") -> str:
        """The path, or the first of `name-2.ext`, `name-3.ext`… that is free.

        Folders are numbered as well where a file has their name.
        """
        folder, slash, name = path.rpartition("/")
        folder = self._usable(folder, besides)
        stem, dot, extension = name.rpartition(".")
        if not stem:
            stem, dot, extension = name, "", ""
        number, candidate = 1, f"{folder}{slash}{name}"
        while not self.free(candidate, besides=besides):
            number += 1
            candidate = f"{folder}{slash}{stem}-{number}{dot}{extension}"
        return candidate

    def _blocked(self, folder: str, besides: str) -> bool:
        """Whether a file has the name of this folded folder, or of one above it."""
        while folder:
            if self._files.get(folder, set()) - {besides}:
                return True
            folder = folder.rpartition("/")[0]
        return False

    def _usable(self, folder: str, besides: str) -> str:
        usable = ""
        for component in folder.split("/") if folder else ():
            above = f"{usable}/" if usable else ""
            number, usable = 1, above + component
            while self._blocked(fold(usable), besides):
                number += 1
                usable = f"{above}{component}-{number}"
        return usable


def replaced(path: str, start: str, other: str) -> str:
    """The path with its first folders exchanged; `start` must be those, or the whole path."""
    return other + path[len(start) :]

"""The files of a folder of notes: found, read, written. No link is followed, and what is hidden is left alone."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.content.notes.folder_names import key, numbered
from app.errors import UserError
from app.files import create_bytes, replace_bytes

LARGEST = 16 * 1024 * 1024
"""Bytes of a file that is read."""
TRASH = ".trash"
FRESH_S = 2.0
"""A file that was changed so lately may change again without its time telling it."""


@dataclass(frozen=True, slots=True)
class File:
    """A Markdown file. `stamp` tells that it is as it was; it is empty where only the hash can."""

    path: str
    size: int
    hash: str
    stamp: str


@dataclass(slots=True)
class Scan:
    """The files by their paths, what could not be looked at, and where that was: files, and folders with a slash.

    `names` are the keys of all names that are taken; `empty` tells that there is nothing at all, hidden or not.
    """

    files: dict[str, File] = field(default_factory=dict)
    faults: list[UserError] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    empty: bool = True

    def unknown(self, path: str) -> bool:
        """Whether nobody can tell if this file is there."""
        return any(path == each or (each.endswith("/") and path.startswith(each)) for each in self.closed)


class Folder:
    """A folder on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def scan(self, known: Mapping[str, tuple[str, str]], *, absent: bool = False) -> Scan:
        """All Markdown files; `known` are stamps and hashes of paths, which spare reading them again.

        Raises UserError where the folder cannot be read; with `absent` one that is not there is an empty one.
        """
        found = Scan()
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(self.root / folder) as entries:
                    listed = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                if not folder:
                    if absent and isinstance(error, FileNotFoundError):
                        return found
                    fix = "make it, or name another one"
                    raise UserError(
                        f"cannot read the folder: {error.strerror}", where=str(self.root), fix=fix
                    ) from None
                found.faults.append(UserError(f"cannot be read: {error.strerror}", where=folder, fix="allow it"))
                found.closed.append(folder)
                continue
            found.empty = found.empty and not listed
            for entry in listed:
                path = folder + entry.name
                if entry.name.startswith("."):
                    continue
                if entry.name.lower().endswith(".md"):
                    found.names.add(key(path))
                if entry.is_symlink():
                    found.closed += [path, f"{path}/"]
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{path}/")
                elif entry.name.lower().endswith(".md") and entry.is_file(follow_symlinks=False):
                    self._look(path, known, found)
        return found

    def _look(self, path: str, known: Mapping[str, tuple[str, str]], found: Scan) -> None:
        try:
            path.encode()
        except UnicodeEncodeError:
            name = path.encode(errors="backslashreplace").decode()
            found.faults.append(UserError("the name is no UTF-8", where=name, fix="give it another name"))
            return
        try:
            seen = os.lstat(self.root / path)
            if seen.st_size > LARGEST:
                raise UserError(f"the file is larger than {LARGEST:,} bytes", where=path, fix="divide it")
            stamp = f"{seen.st_size}:{seen.st_mtime_ns}:{seen.st_ctime_ns}:{seen.st_ino}"
            old_stamp, old_hash = known.get(path, ("", ""))
            digest = old_hash if stamp == old_stamp else hash_of(self.read(path))
            fresh = time.time() - max(seen.st_mtime, seen.st_ctime) < FRESH_S
            found.files[path] = File(path, seen.st_size, digest, "" if fresh else stamp)
        except UserError as error:
            found.faults.append(error)
            found.closed.append(path)
        except FileNotFoundError:
            return

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises UserError, FileNotFoundError where there is none."""
        try:
            descriptor = os.open(self._inside(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise UserError("this is no file", where=path, fix="leave it out")
                return file.read(LARGEST + 1)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise UserError(f"cannot be read: {error.strerror}", where=path, fix="allow it") from None

    def text(self, file: File) -> str:
        """The text of a file as it was when the folder was looked through. Raises UserError."""
        data = self._unchanged(file.path, file.hash)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = 1 + data.count(b"\n", 0, error.start)
            fix = "convert it to UTF-8"
            raise UserError(f"no UTF-8 at byte {error.start + 1}", where=f"{file.path}:{line}", fix=fix) from None

    def create(self, path: str, data: bytes) -> None:
        """Write a file that is not there yet. Raises FileExistsError where it is, UserError where it cannot be."""
        place = self._inside(path, make=True)
        try:
            create_bytes(place, data)
        except FileExistsError:
            raise
        except OSError as error:
            raise _unwritable(path, error) from None

    def replace(self, path: str, data: bytes, seen: str) -> None:
        """Write another text into a file whose hash is still `seen`. Raises UserError where it is not."""
        self._unchanged(path, seen)
        try:
            replace_bytes(self._inside(path), data)
        except OSError as error:
            raise _unwritable(path, error) from None

    def move(self, path: str, to: str, seen: str) -> None:
        """Give a file whose hash is still `seen` another name. Raises UserError where that one is taken."""
        self._unchanged(path, seen)
        place = self._inside(to, make=True)
        # A name that differs in case only leads to the file itself on some file systems.
        if os.path.lexists(place) and not place.samefile(self._inside(path)):
            raise UserError("there is such a file already", where=to, fix="give it another name")
        try:
            self._inside(path).rename(place)
        except OSError as error:
            raise _unwritable(path, error) from None

    def trash(self, path: str, seen: str) -> None:
        """Put a file whose hash is still `seen` into the folder's trash, where nothing is written over."""
        self._unchanged(path, seen)
        number, to = 2, f"{TRASH}/{path}"
        while os.path.lexists(self.root / to):
            to, number = f"{TRASH}/{numbered(path, number)}", number + 1
        try:
            self._inside(path).rename(self._inside(to, make=True))
        except OSError as error:
            raise _unwritable(path, error) from None

    def _unchanged(self, path: str, seen: str) -> bytes:
        try:
            data = self.read(path)
        except FileNotFoundError:
            raise _moving(path) from None
        if hash_of(data) != seen:
            raise _moving(path)
        return data

    def _inside(self, path: str, *, make: bool = False) -> Path:
        """The place of a file, the folders of which are none of them links. Raises UserError."""
        place = self.root
        parts = path.split("/")
        for part in parts[:-1]:
            place /= part
            try:
                if make:
                    place.mkdir(exist_ok=True)
                mode = os.lstat(place).st_mode
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unwritable(path, error) from None
            if not stat.S_ISDIR(mode):
                raise UserError("the path leads through something that is no folder", where=path, fix="move it")
        return place / parts[-1]


def hash_of(data: bytes) -> str:
    """What tells the bytes of files apart."""
    return hashlib.sha256(data).hexdigest()


def _moving(path: str) -> UserError:
    return UserError("the file was changed meanwhile", where=path, fix="run it again")


def _unwritable(path: str, error: OSError) -> UserError:
    return UserError(f"cannot be written: {error.strerror}", where=path, fix="make room, or allow it")

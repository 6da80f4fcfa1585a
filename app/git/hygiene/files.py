"""The few files of a working tree that fixes write by themselves. Links are never followed: they may lead anywhere."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from app.errors import UserError


def exists(top: Path, path: str) -> bool:
    """Whether anything is there, a broken link included."""
    return os.path.lexists(top / path)


def content(top: Path, path: str) -> str | None:
    """The text of a file, odd bytes as surrogates; None without one. Raises UserError for anything but a file."""
    try:
        number = os.open(top / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", where=str(top)) from None
    with os.fdopen(number, "rb") as file:
        return file.read().decode("utf-8", "surrogateescape")


def write(top: Path, path: str, text: str) -> None:
    """Write a file, keeping its mode where there is one."""
    try:
        number = os.open(top / path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", where=str(top)) from None
    with os.fdopen(number, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))


def write_new(top: Path, path: str, text: str) -> None:
    """Make a file; one that begins with this very text may be there already."""
    if exists(top, path):
        if not (content(top, path) or "").startswith(text):
            raise UserError(f"{path} is there already")
        return
    write(top, path, text)


def add_line(top: Path, path: str, line: str) -> None:
    """Add a line at the end, unless it is in the file already."""
    text = content(top, path) or ""
    if line not in text.split("\n"):
        write(top, path, f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n")


def remove_line(top: Path, path: str, line: str) -> bool:
    """Take the last such line out; whether it was there. A file that has nothing else goes."""
    text = content(top, path)
    lines = (text or "").split("\n")
    if line not in lines:
        return False
    last = len(lines) - 1 - lines[::-1].index(line)
    left = "\n".join(lines[:last] + lines[last + 1 :])
    if left:
        write(top, path, left)
    else:
        remove(top, path)
    return True


def remove(top: Path, path: str) -> None:
    """Delete a file that may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        (top / path).unlink()


def make_folder(top: Path, folder: str) -> None:
    """Make a folder and those above it, inside of the working tree."""
    place = top / folder
    if not place.resolve().is_relative_to(top.resolve()):
        raise UserError(f"{folder} leads out of the working tree")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}", where=str(top)) from None


def remove_empty(top: Path, folder: str) -> None:
    """Delete a folder and those above it as far as they are empty."""
    while folder:
        try:
            (top / folder).rmdir()
        except OSError:
            return
        folder = folder.rpartition("/")[0]

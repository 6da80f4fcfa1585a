"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


def replace_text(path: Path, text: str) -> None:
    """Put a text (as UTF-8) in place of the file in one step, making its folder when there is none.

    Raises OSError when that is impossible; the earlier file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, text.encode("utf-8"), None)


def replace_texts(texts: Mapping[Path, str]) -> None:
    """Put texts in place of files, in this order, once all of them are on the disk.

    New files have the permissions that new files have, those that are replaced keep theirs. Raises OSError when that is
    impossible; where it is for want of room, the earlier files are all as they were.
    """
    ready: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            temporary = path.parent / f"{_prefix(path)}{secrets.token_hex(4)}"
            ready[path] = temporary
            with os.fdopen(os.open(temporary, _NEW, 0o666), "wb") as file:
                file.write(text.encode("utf-8"))
                with contextlib.suppress(FileNotFoundError):
                    os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
        for path, temporary in ready.items():
            temporary.replace(path)
    finally:
        for temporary in ready.values():
            with contextlib.suppress(OSError):
                temporary.unlink()


def replace_bytes(path: Path, data: bytes) -> None:
    """Put other bytes in place of those of a file that is there, in one step; its permissions stay.

    Raises OSError when that is impossible; the earlier file is then as it was.
    """
    _replace(path, data, path.stat().st_mode & 0o7777)


def create_bytes(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, whole or not at all, with the permissions that new files have.

    Raises FileExistsError where there is one, OSError where that is impossible.
    """
    temporary = path.parent / f"{_prefix(path)}{secrets.token_hex(4)}"
    try:
        with os.fdopen(os.open(temporary, _NEW, 0o666), "wb") as file:
            file.write(data)
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError as error:
            # Without hard links nothing there refuses a name that was taken this very moment.
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
            temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _prefix(path: Path) -> str:
    """The beginning of a hidden name beside the file, short enough for any name."""
    return f".{path.name[:40]}-"


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=_prefix(path), dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise

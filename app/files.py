"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Put a text (as UTF-8) in place of the file in one step, making its folder when there is none.

    Raises OSError when that is impossible; the earlier file is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, text.encode("utf-8"), None)


def replace_bytes(path: Path, data: bytes) -> None:
    """Put other bytes in place of those of a file that is there, in one step; its permissions stay.

    Raises OSError when that is impossible; the earlier file is then as it was.
    """
    _replace(path, data, path.stat().st_mode & 0o7777)


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
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

"""One operation at a time on a repository, across all processes; freed by the system when a process dies."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import UserError


@contextmanager
def alone(folder: Path, common_dir: str) -> Iterator[None]:
    """Hold the repository's lock, which is a file in `folder`. Raises UserError when another one has it."""
    handle = _open(folder, common_dir)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                "another operation is under way in this repository", where=common_dir, fix="wait until it has ended"
            ) from None
        yield
    finally:
        os.close(handle)


def is_taken(folder: Path, common_dir: str) -> bool:
    """Whether an operation is under way there now, here or in another process."""
    try:
        with alone(folder, common_dir):
            return False
    except UserError:
        return True


def _open(folder: Path, common_dir: str) -> int:
    name = hashlib.sha256(os.fsencode(common_dir)).hexdigest()[:32]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(folder / f"{name}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UserError(
            f"cannot lock the repository: {error.strerror}", where=str(folder), fix="make this folder writable"
        ) from error

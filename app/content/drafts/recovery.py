"""What was typed since the last version: a file beside each open draft, for when the program or the machine dies.

Every process has a folder of its own, locked while it lives, so that two with one draft do not write over each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.content.model import Draft
from app.files import replace_text
from app.ids import new_id

LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Left:
    """A draft whose text was not kept as a version. `path` is its file."""

    draft: Draft
    typed_at: datetime
    path: Path


class Recovery:
    """Recovery files below `folder`. Nothing here may be called on the event loop: it writes and reads files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / new_id()
        self._lock: int | None = None

    def keep(self, draft: Draft) -> None:
        """Write the draft as it stands. Raises OSError; the earlier file is then as it was."""
        if self._lock is None:
            self._own.mkdir(parents=True, mode=0o700)
            self._lock = _locked(self._own / LOCK)
        replace_text(self._file(draft.id), json.dumps(asdict(draft), default=datetime.isoformat, ensure_ascii=False))

    def forget(self, draft_id: str) -> None:
        """Its text is kept elsewhere now."""
        with contextlib.suppress(FileNotFoundError):
            self._file(draft_id).unlink()

    def left(self) -> tuple[Left, ...]:
        """What processes that have ended did not keep, the last typed first. Files that cannot be read stay."""
        found = [left for folder in self._abandoned() for path in folder.glob("*.json") if (left := _read(path))]
        return tuple(sorted(found, key=lambda left: left.typed_at, reverse=True))

    def settle(self, left: Left) -> None:
        """It was taken up or thrown away: its file goes, and its folder with the last one."""
        with contextlib.suppress(FileNotFoundError):
            left.path.unlink()
        if not any(left.path.parent.glob("*.json")):
            shutil.rmtree(left.path.parent, ignore_errors=True)

    def close(self) -> None:
        """Give the folder up; it goes when nothing is left in it."""
        if self._lock is None:
            return
        os.close(self._lock)
        self._lock = None
        if not any(self._own.glob("*.json")):
            shutil.rmtree(self._own, ignore_errors=True)

    def _file(self, draft_id: str) -> Path:
        return self._own / f"{draft_id}.json"

    def _abandoned(self) -> Iterator[Path]:
        if not self._folder.is_dir():
            return
        for folder in sorted(self._folder.iterdir()):
            lock = _locked(folder / LOCK) if folder != self._own and (folder / LOCK).exists() else None
            if lock is not None:
                os.close(lock)
                yield folder


def _locked(path: Path) -> int | None:
    """The file, locked; None while another process holds it."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _read(path: Path) -> Left | None:
    try:
        given: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for name in ("created_at", "updated_at"):
            given[name] = datetime.fromisoformat(given[name])
        return Left(Draft(**given), datetime.fromtimestamp(path.stat().st_mtime).astimezone(), path)
    except (OSError, ValueError, TypeError, KeyError):
        return None

"""What is typed, on the disk at most a second behind the keys."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from app.content.drafts.recovery import Recovery
from app.content.model import Draft

BEHIND_S = 0.2
"""How long after a key the file is written; the keys that come meanwhile go with it."""

Current = Callable[[], Draft]
"""The draft with the text as it stands now."""


class Autosave:
    """Writes recovery files in a thread. For the event loop's thread."""

    def __init__(self, recovery: Recovery) -> None:
        self._recovery = recovery
        self._waiting: dict[str, Current] = {}
        self._writing: asyncio.Task[None] | None = None
        self.problem = ""
        """Why what was typed last is not on the disk; empty while it is, or soon will be."""

    def touch(self, draft_id: str, current: Current) -> None:
        """A key changed this draft: `current` is asked for it when the file is written."""
        self._waiting[draft_id] = current
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def settled(self, draft_id: str) -> None:
        """The text of this draft is kept as a version: its file goes."""
        self._waiting.pop(draft_id, None)
        if self._writing is not None:
            await asyncio.shield(asyncio.gather(self._writing, return_exceptions=True))
        if draft_id not in self._waiting:
            await asyncio.to_thread(self._recovery.forget, draft_id)

    async def flush(self) -> None:
        """Write at once what waits."""
        while self._waiting:
            await self._write_all()
            if self.problem:
                return

    async def close(self) -> None:
        """Write what waits, and give the folder up."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self.flush()
        await asyncio.to_thread(self._recovery.close)

    async def _write(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(BEHIND_S)
                await self._write_all()
        finally:
            self._writing = None

    async def _write_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for draft_id, current in waiting.items():
            try:
                draft = current()
                # A write that was begun is finished, also when the app ends meanwhile: one file, one writer.
                await _uninterrupted(asyncio.create_task(asyncio.to_thread(self._recovery.keep, draft)))
                self.problem = ""
            except OSError as error:
                self.problem = error.strerror or str(error)
                self._waiting.setdefault(draft_id, current)


async def _uninterrupted(work: asyncio.Task[None]) -> None:
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            await work
        raise

"""Whose turn it is: one request runs at a time, and the newest takes the place of the one that runs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from app.testing.plan import Request, merged

CANCEL_AGAIN_S = 0.05
MOST_IN_A_ROW = 5
"""So many runs in a row may lose their turn to saves of the same files; the next one is let finish."""


class Worker(Protocol):
    """What carries requests out."""

    async def execute(self, request: Request) -> None:
        """Run it to its end."""

    async def cancel(self) -> None:
        """End what runs now, at once."""

    def superseded(self) -> bool:
        """What runs now has lost its turn; True when it had already answered for its saved files."""

    def broke(self, error: Exception) -> None:
        """`execute` raised this."""


class Turns:
    """Serves requests until its task is cancelled. Saved files that nobody has answered for are never forgotten."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._current: Request | None = None
        self._pending: Request | None = None
        self._owed: tuple[Path, ...] = ()
        self._in_a_row = 0
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def busy(self) -> bool:
        """A request is carried out or waits."""
        return self._current is not None or self._pending is not None

    def ask(self, request: Request) -> None:
        """Carry this out as soon as possible."""
        if self._pending is not None and self._pending.kind == request.kind == "save":
            request = merged(self._pending, request)
        elif self._pending is not None and self._pending.kind == "save":
            self._owe(self._pending)
        self._pending = request
        self._idle.clear()
        self._wake.set()

    async def idle(self) -> None:
        """Wait until nothing is carried out and nothing waits."""
        await self._idle.wait()

    def forget(self) -> None:
        """Drop what waits."""
        self._pending = None
        self._owed = ()

    async def serve(self) -> None:
        """Carry out requests, one after the other."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._current, self._pending = self._pending, None
            if self._current is None:
                self._idle.set()
                continue
            if self._current.kind == "save" and self._owed:
                self._current = replace(self._current, changed=_joined(self._current.changed, self._owed))
            if self._current.kind in ("save", "all"):
                self._owed = ()
            await self._serve(self._current)
            self._current = None
            if self._owed and self._pending is None:
                # A key's run has ended the answer to a save: now it gets one.
                self.ask(Request("save", "save", self._owed, at=time.monotonic()))
            if not self.busy:
                self._idle.set()

    async def _serve(self, request: Request) -> None:
        run = asyncio.ensure_future(self._worker.execute(request))
        try:
            while not run.done():
                waiting = asyncio.create_task(self._wake.wait())
                try:
                    await asyncio.wait({run, waiting}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waiting.cancel()
                if run.done():
                    self._in_a_row = 0
                    break
                self._wake.clear()
                if self._pending is not None and self._may_interrupt(request, self._pending):
                    await self._interrupt(request, self._pending, run)
            if self._pending is not None:
                self._wake.set()
            await run
        except asyncio.CancelledError:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
            raise
        except Exception as error:
            self._worker.broke(error)

    def _may_interrupt(self, current: Request, pending: Request) -> bool:
        """Any request may, but not the same files for ever: the run itself may be what changes them."""
        again = current.kind == pending.kind == "save" and set(pending.changed) <= set(current.changed)
        self._in_a_row = self._in_a_row + 1 if again else 0
        return self._in_a_row <= MOST_IN_A_ROW

    async def _interrupt(self, current: Request, pending: Request, run: asyncio.Future[None]) -> None:
        answered = self._worker.superseded()
        if current.kind == "save" and not (answered and pending.kind == "save"):
            self._owe(current)
        while not run.done():
            await self._worker.cancel()
            await asyncio.wait({run}, timeout=CANCEL_AGAIN_S)

    def _owe(self, request: Request) -> None:
        self._owed = _joined(self._owed, request.changed)


def _joined(first: tuple[Path, ...], second: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys([*first, *second]))

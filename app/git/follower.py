"""Keeps the state of one repository up to date: reads it when it changes, and only then."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from app.errors import UserError
from app.git.model import RepositorySpec, RepositoryState
from app.git.repository import Layout, Signature, signature
from app.git.watching import GitFolderWatch, Touched

log = logging.getLogger(__name__)

SAFETY_S = 45.0
"""Even where events arrive, the files' times are compared this often: events can get lost."""
POLL_S = 2.0
"""The same where no events arrive, and where there is no repository at the moment."""


class Reader(Protocol):
    """Reads one repository; `app.git.reader.RepositoryReader` is one."""

    layout: Layout | None
    """Where the repository keeps its things, once it has been read."""

    def read(self, previous: RepositoryState | None, *, status: bool = True) -> AsyncGenerator[RepositoryState, None]:
        """The state, better with each value. Raises UserError where it cannot be read."""


class Follower:
    """One repository. `on_state` is called, on the event loop, with every state that differs from the last."""

    def __init__(
        self,
        spec: RepositorySpec,
        reader: Reader,
        *,
        gate: asyncio.Semaphore,
        on_state: Callable[[RepositoryState], None],
        last_seen: RepositoryState | None = None,
    ) -> None:
        self.spec = spec
        self.state = last_seen or RepositoryState(spec.name, str(spec.path))
        self.reader = reader
        self._gate = gate
        self._on_state = on_state
        self._busy = self._trouble = ""
        self._wanted = asyncio.Event()
        self._status = False
        self._idle = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._table_shown = False
        self._watches: list[GitFolderWatch] = []
        self._watched: tuple[Path, Path] | None = None
        self._signature: Signature | None = None
        self._checked_at = 0.0
        self._serving: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        """Read the repository and follow it."""
        self._serving = asyncio.create_task(self._serve())
        self.ask()

    async def close(self) -> None:
        """Follow no more; no process of git stays."""
        self._closing = True
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        self._unwatch()

    def ask(self, *, status: bool = True) -> None:
        """Read again soon, the working tree too unless `status` is False."""
        self._status |= status
        self._wanted.set()
        self._idle.clear()
        # What is slow in a reading starts over; its parts are remembered.
        if self._reading is not None and self._table_shown:
            self._reading.cancel()

    async def settled(self) -> RepositoryState:
        """Wait until all that was asked for has been read; the state then."""
        await self._idle.wait()
        return self.state

    def set_busy(self, busy: str) -> None:
        """Say what is under way here; empty for nothing."""
        self._busy = busy
        self._publish(self.state)

    def set_trouble(self, trouble: str) -> None:
        """Say what the last fetch ran into; empty when nothing."""
        self._trouble = trouble
        self._publish(self.state)

    @property
    def due(self) -> float:
        """time.monotonic() at which `check` should be called next."""
        return self._checked_at + self._interval()

    async def check(self) -> None:
        """Compare the files' times with those of the last reading, and read again where they differ."""
        self._checked_at = time.monotonic()
        if self._reading is not None:
            return
        if self.state.error:
            # What mends it may lie elsewhere, as the user's own configuration does.
            self.ask()
            return
        layout = self.reader.layout
        if layout is None or self._signature is None:
            return
        now = await asyncio.to_thread(signature, layout)
        if now != self._signature:
            self.ask(status=now.worktree != self._signature.worktree)

    def _interval(self) -> float:
        return POLL_S if self.state.error or self.state.watch_note else SAFETY_S

    async def _serve(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            status, self._status = self._status, False
            self._table_shown = False
            async with self._gate:
                self._reading = asyncio.create_task(self._read(status))
                try:
                    await self._reading
                except asyncio.CancelledError:
                    self._status |= status
                    if self._closing or not self._wanted.is_set():
                        raise
                finally:
                    self._reading.cancel()
                    self._reading = None
            if not self._wanted.is_set():
                self._checked_at = time.monotonic()
                self._idle.set()

    async def _read(self, status: bool) -> None:
        try:
            if self.reader.layout is not None:
                self._signature = await asyncio.to_thread(signature, self.reader.layout)
            async with contextlib.aclosing(self.reader.read(self.state, status=status)) as states:
                async for state in states:
                    if state.error:
                        # What was known of it stays on show until it can be read again.
                        state = replace(self.state, error=state.error, error_fix=state.error_fix)
                    await self._watch(state)
                    self._publish(replace(state, watch_note=self._note()))
                    self._table_shown = True
        except UserError as error:
            self._unwatch()
            self._publish(replace(self.state, error=error.what, error_fix=error.fix))
        except Exception:
            log.exception("reading %s failed", self.spec.path)
            self._publish(
                replace(self.state, error="reading failed inside Quarterdeck", error_fix="the log file says where")
            )

    async def _watch(self, state: RepositoryState) -> None:
        """Follow the folders of the repository as it is now; the first time, and when it has become another."""
        layout = self.reader.layout
        if layout is None or state.error:
            self._unwatch()
            return
        place = (layout.common_dir, layout.git_dir)
        if place == self._watched:
            return
        self._unwatch()
        self._watched = place
        folders = [layout.common_dir]
        if not layout.git_dir.is_relative_to(layout.common_dir):
            folders.append(layout.git_dir)
        for folder in folders:
            watch = GitFolderWatch(folder, self._touched)
            watch.start()
            self._watches.append(watch)
        self._signature = await asyncio.to_thread(signature, layout)
        # What has changed between the first look and now, nothing has told.
        self._wanted.set()

    def _unwatch(self) -> None:
        for watch in self._watches:
            watch.close()
        self._watches.clear()
        self._watched = None

    def _note(self) -> str:
        return next((watch.note for watch in self._watches if watch.note), "")

    def _touched(self, touched: Touched) -> None:
        if touched.gone:
            self._unwatch()
        self.ask()

    def _publish(self, state: RepositoryState) -> None:
        state = replace(state, busy=self._busy, trouble=self._trouble)
        same = replace(state, read_at=self.state.read_at) == self.state
        self.state = state
        if not same:
            self._on_state(state)

"""Watch a project and say which saves changed something.

Three rules make it quick without being nervous. A save that leaves every watched file as it was is no change, so
nothing waits for a save to settle: the first event is answered at once. A file that is missing or empty gets 50 ms,
since editors replace files in several steps. Only where many paths change together, or git holds its index, is there
a wait until that is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from app.fileevents.sources import Source, open_source
from app.testing import mounts
from app.testing.contents import Kind
from app.testing.gathering import Gathering, merge
from app.testing.ignore import DEFAULT_WATCH
from app.testing.scanner import Scanner
from app.testing.written import WrittenByTests

Mode = Literal["starting", "events", "polling", "waiting"]
P = ParamSpec("P")
T = TypeVar("T")

BULK = 100
"""So many changes at once are no longer edits: a branch switch, a generator, an unpacked archive."""
PROBE_S = (1.0, 2.0)
"""How long the first and the second probe may take to be noticed."""
HEARTBEAT_S = 5.0
"""No event tells that a folder above the project was renamed."""
RETURN_S = 1.0
SHARED_POLL = 5
"""Where events tell of this machine's changes only, the rest is looked for this many times less often."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file whose content is not what it was. `relative` is for display; `path` is exact."""

    path: Path
    relative: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that belong together. `changes` may be empty when `bulk` is set: look at everything again."""

    changes: tuple[Change, ...]
    at: float
    """time.monotonic() of the first event."""
    bulk: bool = False
    """Very many changes, or a project that has come back."""


class Watcher:
    """Follows one project, on one event loop. `on_change` is called there when `mode`, `note` or `files` changes."""

    def __init__(
        self,
        root: Path,
        *,
        watch: Sequence[str] = (),
        ignore: Sequence[str] = (),
        polling: Literal["auto", "always", "never"] = "auto",
        poll_s: float = 1.0,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self.root = root.absolute()
        self.polling = polling
        self.poll_s = max(0.05, poll_s)
        self.files = 0
        """Watched files at the moment."""
        self.note = ""
        """What the user should know of the watching; empty when all is as it should be."""
        self.mode: Mode = "starting"
        self._on_change = on_change
        self._scanner = Scanner(self.root, tuple(watch) or DEFAULT_WATCH, ignore)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self._source: Source | None = None
        self._written = WrittenByTests()
        self._task: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._armed = asyncio.Event()
        self._proven = asyncio.Event()
        self._filled = asyncio.Event()
        self._outbox: dict[str, Kind] = {}
        self._outbox_at = 0.0
        self._outbox_bulk = False
        self._stopped = False
        self._poll_every = float("inf")
        self._next_poll = float("inf")

    # What others use

    async def batches(self) -> AsyncIterator[Batch]:
        """Start watching and give what changes, until `stop`. What comes while nobody asks is put together."""
        if self._task is None and not self._stopped:
            self._task = asyncio.create_task(self._follow())
            self._task.add_done_callback(lambda _task: self._filled.set())
        try:
            while True:
                await self._filled.wait()
                if self._stopped or self._task is None:
                    return
                if self._outbox or self._outbox_bulk:
                    yield self._take()
                elif self._task.done():
                    await self._task
                    return
                else:
                    self._filled.clear()
        finally:
            await self.stop()

    async def ready(self) -> None:
        """Wait until changes are noticed. Of a file that has not been read yet, every save counts."""
        await self._armed.wait()

    @property
    def settled(self) -> bool:
        """All files have been read: from here on a save that changes nothing is told from one that does."""
        return self._armed.is_set() and (self._reading is None or self._reading.done())

    async def stop(self) -> None:
        """Stop watching; `batches` ends."""
        self._stopped = True
        self._filled.set()
        self._armed.set()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                # What went wrong was told to the reader of `batches`, if there was one.
                task.exception()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def run_started(self) -> None:
        """Tests begin to run: what changes from now on may be their own doing."""
        self._written.run_started(time.monotonic())

    def run_ended(self, *, superseded: bool = False) -> None:
        """No test runs any more; `superseded` when the run was not let finish."""
        self._written.run_ended(time.monotonic(), superseded=superseded)

    def mark_written_by_tests(self, paths: Iterable[str]) -> None:
        """These files, relative to the root, are written by the tests: what runs do to them sets off nothing."""
        self._written.mark(paths)

    @property
    def written_by_tests(self) -> tuple[str, ...]:
        """Files, and patterns of files, that runs write and that therefore set off nothing while tests run."""
        return tuple(sorted(self._written.marked))

    # Following

    async def _follow(self) -> None:
        returned = opened = False
        while True:
            try:
                opened = await self._open(returned=returned)
                if opened:
                    self._armed.set()
                    await self._notice()
            finally:
                if self._reading is not None:
                    self._reading.cancel()
                if self._source is not None:
                    self._source.close()
                    self._source = None
            returned = True
            await self._return(at_once=opened)

    async def _return(self, *, at_once: bool) -> None:
        """Until the root is there again. Without `at_once` it was tried a moment ago."""
        while True:
            present = await self._run(self._scanner.present)
            if present and at_once:
                return
            self._show("waiting", f"waiting: {self.root} {'cannot be read' if present else 'is gone'}", 0)
            self._armed.set()
            at_once = True
            await asyncio.sleep(RETURN_S)

    async def _open(self, *, returned: bool) -> bool:
        """Look through the tree and follow it; False when it is gone."""
        self._poll_every = self._next_poll = float("inf")
        self._proven.clear()
        reason = ""
        if self.polling == "always":
            reason = "as configured"
        elif self.root.is_dir():
            try:
                self._source = open_source(str(self.root), self._wake.set, self._scanner.wanted)
            except (OSError, RuntimeError) as error:
                reason = f"no file events on this system ({error})"
        found = await self._run(self._scanner.open, self._source)
        if found.gone:
            return False
        self._show("events", "", found.files)
        if reason:
            self._poll(reason)
        elif self._scanner.limit:
            self._poll(self._scanner.limit)
        elif shared := await self._run(mounts.shared_type, str(self.root)):
            self._poll(f"{shared} tells nothing of changes made elsewhere", SHARED_POLL)
        self._read()
        if returned:
            self._put(found.changes, time.monotonic(), bulk=True)
        return True

    async def _notice(self) -> None:
        """Answer events until the root is gone."""
        gathering, wait = Gathering(), 0.0
        proving = asyncio.create_task(self._prove()) if self._source is not None else None
        try:
            while True:
                await self._sleep(wait)
                now = time.monotonic()
                everything = now >= self._next_poll
                found = await self._run(self._scanner.step, everything)
                if found.gone:
                    return
                if found.at:
                    self._proven.set()
                if found.unread:
                    self._read()
                if self._scanner.limit:
                    self._poll(self._scanner.limit)
                if everything:
                    self._next_poll = now + max(self._poll_every, 20 * self._scanner.walk_s)
                gathering.add(found, self._written.keep(found.changes, found.at or now), now)
                now = time.monotonic()
                wait = gathering.wait(now)
                if wait == 0.0:
                    if gathering.changes:
                        self._put(gathering.changes, gathering.first)
                    gathering, wait = Gathering(), float("inf")
                wait = min(wait, HEARTBEAT_S, self._next_poll - now, (found.due or float("inf")) - now)
                self._show(self.mode, self.note, found.files)
        finally:
            if proving is not None:
                proving.cancel()

    async def _sleep(self, seconds: float) -> None:
        """Until something wakes the watcher, or for so long."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
        self._wake.clear()

    async def _prove(self) -> None:
        """See that events arrive, and poll until they do."""
        for patience in PROBE_S:
            if not await self._run(self._scanner.send_probe):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._proven.wait()
                    return
        before = self._poll_every, self._next_poll, self.mode, self.note
        self._poll("no file events arrive here")
        await self._proven.wait()
        self._poll_every, self._next_poll, mode, note = before
        self._show(mode, note, self.files)

    def _poll(self, reason: str, slower: int = 1) -> None:
        """Compare the whole tree again and again from now on."""
        if self.polling == "never":
            self._show(self.mode, f"not polling: {reason}", self.files)
        elif self._poll_every == float("inf") or (slower == 1 and self._poll_every > self.poll_s):
            self._poll_every = self.poll_s * slower
            self._next_poll = time.monotonic() + self._poll_every
            self._show("polling", f"polling: {reason}", self.files)
            self._wake.set()

    def _read(self) -> None:
        """Read the files that have not been read yet, so that a save which changes nothing can be told."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_all())

    async def _read_all(self) -> None:
        # In small steps: a save that comes meanwhile gets its turn between two of them.
        more = True
        while more:
            more = await self._run(self._scanner.read_some, 0.02)

    # Telling

    def _put(self, changes: dict[str, Kind], at: float, *, bulk: bool = False) -> None:
        if not self._outbox:
            self._outbox_at = at
        for path, kind in changes.items():
            merge(self._outbox, path, kind)
        self._outbox_bulk = self._outbox_bulk or bulk or len(self._outbox) >= BULK
        self._filled.set()

    def _take(self) -> Batch:
        changes = tuple(
            Change(self.root / path, path.encode("utf-8", "replace").decode(), kind)
            for path, kind in sorted(self._outbox.items())
        )
        batch = Batch(changes, self._outbox_at, self._outbox_bulk)
        self._outbox.clear()
        self._outbox_bulk = False
        return batch

    def _show(self, mode: Mode, note: str, files: int) -> None:
        if (mode, note, files) != (self.mode, self.note, self.files):
            self.mode, self.note, self.files = mode, note, files
            if self._on_change is not None:
                self._on_change()

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(call, *args, **kwargs))

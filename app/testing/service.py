"""The Tests area's whole public face: what a screen, the command line or a pipeline may ask of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import UserError
from app.events import Badge, Bus, ProjectChanged
from app.testing import lastseen, store
from app.testing.badge import badge_of
from app.testing.engine import EngineOptions, ProjectEngine
from app.testing.model import HistoryPoint, ProjectSnapshot, ProjectSpec, RunSummary, TestDetail, TestState
from app.testing.plan import Request
from app.testing.run import RunLimits
from app.testing.verify import Verifier

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool
    from app.git.model import Provenance
    from app.settings import TestsSettings

log = logging.getLogger(__name__)

UNSAVED_RUNS = 50
"""Finished runs that wait in memory while the journal cannot be written."""


PRUNE_EVERY = 50
"""Finished runs between two looks at what may be deleted."""


class TestingService:
    """Watches every configured project. Asking methods return at once; news comes over the bus."""

    __test__ = False

    def __init__(
        self,
        specs: Sequence[ProjectSpec],
        *,
        bus: Bus,
        cache_dir: Path,
        options: EngineOptions,
        db: Database | None = None,
        spool: Spool | None = None,
        last_seen: Path | None = None,
        keep_runs: int = 0,
        provenance: Callable[[Path], Awaitable[Provenance | None]] | None = None,
    ) -> None:
        """`provenance` tells what a project's folder holds, to be kept with each run."""
        self._bus = bus
        self._db = db
        self._spool = spool
        self._last_seen = last_seen
        self._keep_runs = keep_runs
        self._provenance = provenance
        self._put_runs = 0
        self._unsaved: list[dict[str, Any]] = []
        earlier = {snapshot.name: snapshot for snapshot in lastseen.load(last_seen)} if last_seen else {}
        self._engines = {
            spec.name: ProjectEngine(
                spec,
                bus=bus,
                cache_dir=cache_dir,
                options=options,
                record=self._record if spool is not None else None,
                last_seen=_same_place(earlier.get(spec.name), spec),
            )
            for spec in specs
        }
        self._snapshots = {name: engine.snapshot() for name, engine in self._engines.items()}
        self._badge: Badge | None = None
        self._unfollow = bus.subscribe(ProjectChanged, self._changed)
        self._saving: asyncio.Task[None] | None = None

    # Life

    async def start(self) -> None:
        """Begin to watch every project; returns when each has found its interpreter or said why not."""
        await asyncio.gather(*(engine.start() for engine in self._engines.values()))

    async def close(self) -> None:
        """End every run and watcher, and keep the last snapshots for the next start."""
        self._unfollow()
        await asyncio.gather(*(engine.close() for engine in self._engines.values()), return_exceptions=True)
        if self._saving is not None:
            await asyncio.gather(self._saving, return_exceptions=True)
        await self._keep_last_seen()

    # Reading

    def projects(self) -> tuple[ProjectSnapshot, ...]:
        """Every project's latest snapshot, in the configuration's order."""
        return tuple(self._snapshots.values())

    def snapshot(self, name: str) -> ProjectSnapshot:
        """One project's latest snapshot."""
        self._engine(name)
        return self._snapshots[name]

    def detail(self, name: str, nodeid: str) -> TestDetail | None:
        """What is in memory about a test (or a file that could not be collected); None for an unknown one."""
        return self._engine(name).detail(nodeid)

    async def history(self, name: str, nodeid: str, limit: int = 20) -> tuple[HistoryPoint, ...]:
        """A test's earlier outcomes from the database, oldest first."""
        self._engine(name)
        if self._db is None:
            return ()
        return await store.test_history(self._db, name, nodeid, limit=limit)

    def output_path(self, name: str) -> Path | None:
        """The file with what the last run printed outside pytest's capture."""
        return self._engine(name).output_path

    def verifier(self, name: str) -> Verifier:
        """What compares this project's warm runs with cold ones."""
        return self._engine(name).verifier

    @property
    def busy(self) -> bool:
        """Some run is under way: quitting would end it."""
        return any(engine.busy for engine in self._engines.values())

    # Doing

    def run_all(self, name: str) -> None:
        """Run everything of one project."""
        self._engine(name).request(Request("all", "key", at=time.monotonic()))

    def run_failed(self, name: str | None = None) -> None:
        """Run what failed last time, or everything where nothing did. Without a name: the projects with failures,
        or all of them."""
        engines = [self._engine(name)] if name is not None else list(self._engines.values())
        failing = [engine for engine in engines if engine.board.failed_ids() or engine.board.failed_files()]
        for engine in failing or engines:
            engine.request(Request("failed", "key", at=time.monotonic()))

    def run_tests(self, name: str, nodeids: Sequence[str]) -> None:
        """Run these node ids; a test file's path stands for all of its tests."""
        if nodeids:
            self._engine(name).request(Request("tests", "key", tests=tuple(nodeids), at=time.monotonic()))

    def run_last(self, name: str) -> None:
        """Run again what ran last."""
        self._engine(name).rerun_last()

    def stop(self, name: str) -> None:
        """End the run under way."""
        self._engine(name).stop()

    def set_watching(self, name: str, on: bool) -> None:
        """Switch running on save on or off."""
        self._engine(name).set_watching(on)

    # Inside

    def _engine(self, name: str) -> ProjectEngine:
        engine = self._engines.get(name)
        if engine is None:
            known = ", ".join(self._engines) or "none"
            raise UserError(f"no project named {name!r}", fix=f"configured projects: {known}")
        return engine

    def _changed(self, event: ProjectChanged) -> None:
        self._snapshots[event.snapshot.name] = event.snapshot
        badge = badge_of(self.projects())
        if badge != self._badge:
            self._badge = badge
            self._bus.publish(badge)

    async def _record(self, summary: RunSummary, results: Sequence[TestState], changed: Sequence[str]) -> None:
        assert self._spool is not None
        spec = self._engine(summary.project).spec
        # A save during the run would have ended it: a run that came through is one of what is there now.
        ask = self._provenance if not summary.superseded else None
        found = await ask(spec.path) if ask is not None else None
        payload = store.run_payload(summary, results, changed, args=spec.args, path=str(spec.path), provenance=found)
        self._unsaved.append(payload)
        del self._unsaved[:-UNSAVED_RUNS]
        while self._unsaved:
            try:
                await self._spool.put(store.RUN, self._unsaved[0])
            except UserError as error:
                log.warning("a finished run is not kept yet: %s", error)
                return
            self._unsaved.pop(0)
        self._put_runs += 1
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._after_run())

    async def _after_run(self) -> None:
        await self._keep_last_seen()
        if self._db is not None and self._put_runs % PRUNE_EVERY == 1:
            try:
                await store.prune(self._db, self._keep_runs)
            except UserError as error:
                log.info("old runs are not pruned now: %s", error)

    async def _keep_last_seen(self) -> None:
        if self._last_seen is None:
            return
        try:
            await asyncio.to_thread(lastseen.save, self._last_seen, self.projects())
        except OSError as error:
            log.warning("the last snapshots could not be kept: %s", error)


def testing_options(tests: TestsSettings) -> EngineOptions:
    """The `[tests]` table as the engines take it."""
    return EngineOptions(
        only_affected=tests.run == "affected",
        on_start=tests.on_start,
        warm=tests.warm,
        limits=RunLimits(timeout_s=tests.timeout_s, memory_mb=tests.memory_mb, output_kb=tests.output_kb),
        polling=tests.polling,
        poll_s=tests.poll_s,
        verify=tests.verify,
        verify_every_s=tests.verify_every_s,
        verify_idle_s=tests.verify_idle_s,
    )


def _same_place(snapshot: ProjectSnapshot | None, spec: ProjectSpec) -> ProjectSnapshot | None:
    """A snapshot of another folder under the same name says nothing about this one."""
    return snapshot if snapshot is not None and snapshot.path == str(spec.path) else None

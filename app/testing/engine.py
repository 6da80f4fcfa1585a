"""One watched project: files change, runs follow, snapshots come out.

All of it belongs to the event loop's thread. There is one run at a time; whatever is asked for while it goes on ends
it and takes its place, so that runs never pile up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from app.errors import UserError
from app.events import Bus, ProjectChanged, StreamEvent, TestStream
from app.testing.board import Board
from app.testing.details import Details
from app.testing.execution import Execution
from app.testing.model import Level, ProjectSnapshot, ProjectSpec, ProjectState, RunSummary, TestDetail, TestState
from app.testing.ownwriting import OwnWriting
from app.testing.plan import Request
from app.testing.planner import Planner
from app.testing.run import RunLimits
from app.testing.runner import Runner
from app.testing.turns import Turns
from app.testing.verify import Verifier, state_file
from app.testing.watch import Batch, Watcher

log = logging.getLogger(__name__)

PUBLISH_EVERY_S = 0.05
RECENT_RUNS = 30
RETRY_WATCH_S = 2.0

Record = Callable[[RunSummary, Sequence[TestState], Sequence[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The `[tests]` table, as far as one project's engine needs it."""

    only_affected: bool = False
    on_start: bool = True
    warm: bool = True
    limits: RunLimits = field(default_factory=RunLimits)
    polling: Literal["auto", "always", "never"] = "auto"
    poll_s: float = 1.0
    verify: bool = True
    verify_every_s: float = 3600.0
    verify_idle_s: float = 300.0


class ProjectEngine:
    """Watches one project, runs its tests and keeps what is known of them."""

    def __init__(
        self,
        spec: ProjectSpec,
        *,
        bus: Bus,
        cache_dir: Path,
        options: EngineOptions,
        record: Record | None = None,
        last_seen: ProjectSnapshot | None = None,
    ) -> None:
        self.spec = spec
        self.options = options
        self.board = Board()
        self.details = Details()
        self.runner = Runner(
            spec, cache_dir=cache_dir, limits=options.limits, warm=options.warm, on_level=self._level_changed
        )
        self._planner = Planner(spec.path, self.board, only_affected=options.only_affected)
        self.verifier = Verifier(
            self.runner,
            self.board,
            state_file=state_file(cache_dir, spec),
            every_s=options.verify_every_s if options.verify else 0.0,
            idle_s=options.verify_idle_s,
            ask=self.request,
        )
        self._watcher: Watcher | None = None
        self._watching = True
        self._bus = bus
        self._record = record
        self._state: ProjectState = "starting"
        self._problem = ""
        self._saved_at: float | None = None
        self._execution: Execution | None = None
        self._turns = Turns(self)
        self._closing = False
        self._last_request = Request("all", "key")
        self._last: RunSummary | None = None
        self._recent: tuple[RunSummary, ...] = ()
        self._overhead = 1.0
        self._output: Path | None = None
        self._stopping = False
        self._own_writing = OwnWriting(self.runner.heard)
        self._tasks: set[asyncio.Task[None]] = set()
        self._published = 0.0
        self._publish_handle: asyncio.TimerHandle | None = None
        if last_seen is not None:
            self.board.restore(last_seen)
            self._last, self._recent = last_seen.last, last_seen.recent

    # Life

    async def start(self) -> None:
        """Begin to watch; the first run follows at once unless the options say otherwise."""
        self.verifier.start()
        self._planner.start()
        self._watcher = self._new_watcher()
        self._spawn(self._watch_loop(self._watcher))
        self._spawn(self._turns.serve())
        if await self._prepare() and self.options.on_start and not self.busy:
            self.request(Request("all", "start", at=time.monotonic()))
        self._spawn(self._announce())
        self._publish()

    async def close(self) -> None:
        """Stop watching and running; no process of this project stays."""
        self._closing = True
        self.verifier.close()
        if self._publish_handle is not None:
            self._publish_handle.cancel()
            self._publish_handle = None
        if self._watcher is not None:
            await self._watcher.stop()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await self.runner.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._planner.close()

    async def _announce(self) -> None:
        """Say `ready` once: saves are noticed, the first run is over, and the next one is as warm as it gets."""
        watcher = self._watcher
        assert watcher is not None, "start() begins with watching"
        await watcher.ready()
        await self._turns.idle()
        await self.runner.warmed()
        self._tell(
            "ready",
            {
                "project": self.spec.name,
                "path": str(self.spec.path),
                "files": watcher.files,
                "level": self.runner.level,
                "level_reason": self.runner.level_reason,
            },
        )

    async def _prepare(self) -> bool:
        """Find the interpreter and begin warming; False (with the reason on screen) when nothing can run."""
        try:
            await self.runner.start()
        except UserError as error:
            self._break(error)
            return False
        self._state, self._problem = "idle", ""
        return True

    def _break(self, error: UserError) -> None:
        self._state = "broken" if self.spec.path.is_dir() else "gone"
        self._problem = str(error)
        self._tell("problem", {"state": self._state, "detail": self._problem})
        self._publish()

    # What others ask

    def request(self, request: Request) -> None:
        """Run this as soon as possible, in place of whatever runs now."""
        if request.kind != "verify":
            self.verifier.active()
        self._turns.ask(request)

    def stop(self) -> None:
        """End the run under way and forget what waits."""
        self._turns.forget()
        if self._execution is not None:
            self._stopping = True
            self._spawn(self.runner.cancel())

    async def cancel(self) -> None:
        """End the run under way; `Turns` calls it."""
        await self.runner.cancel()

    def superseded(self) -> bool:
        """The run under way has lost its turn; `Turns` calls it."""
        if self._execution is None:
            return False
        self._execution.live.superseded = True
        return self._execution.live.affected_done_s is not None

    def broke(self, error: Exception) -> None:
        """A run could not be carried out; `Turns` calls it."""
        if isinstance(error, UserError):
            self._break(error)
            return
        log.error("a run of %s failed", self.spec.name, exc_info=error)
        self._state, self._problem = "idle", "the run failed inside Quarterdeck; the log file says where"
        self._publish()

    def set_watching(self, on: bool) -> None:
        """With `on` False saves are noticed but run nothing."""
        self._watching = on
        self._publish()

    def rerun_last(self) -> None:
        """The last request again."""
        self.request(replace(self._last_request, trigger="key", at=time.monotonic()))

    def detail(self, nodeid: str) -> TestDetail | None:
        """What is in memory about a test, or about a file that could not be collected."""
        state = self.board.tests.get(nodeid)
        if state is None and nodeid in self.board.failed_files():
            state = TestState(nodeid, nodeid, outcome="error")
        return self.details.detail(state) if state is not None else None

    @property
    def busy(self) -> bool:
        """A run is under way or waiting."""
        return self._turns.busy

    @property
    def output_path(self) -> Path | None:
        """The file with what the last run printed outside pytest's capture."""
        return self._output

    # Watching

    def _new_watcher(self) -> Watcher:
        return Watcher(
            self.spec.path,
            watch=self.spec.watch,
            ignore=self.spec.ignore,
            polling=self.options.polling,
            poll_s=self.options.poll_s,
            on_change=self._publish_soon,
        )

    async def _watch_loop(self, watcher: Watcher) -> None:
        while True:
            try:
                async for batch in watcher.batches():
                    await self._saved(batch)
                return
            except Exception:
                log.exception("watching %s failed; starting again", self.spec.path)
                await asyncio.sleep(RETRY_WATCH_S)
                self._watcher = watcher = self._new_watcher()

    async def _saved(self, batch: Batch) -> None:
        changes = await self._own_writing.others(batch)
        if not changes and not batch.bulk:
            return
        self._saved_at = time.time()
        changed = tuple(change.path for change in changes)
        self._tell("changed", {"files": [change.relative for change in changes], "bulk": batch.bulk})
        if self._state in ("gone", "broken") and not await self._prepare():
            return
        self.board.stale()
        if not self._watching:
            self.verifier.active()
            self._publish()
            return
        self.request(Request("save", "save", changed, at=batch.at))

    # Running

    async def execute(self, request: Request) -> None:
        """Carry out one request to its end; `Turns` calls it."""
        self._stopping = False
        if self._state in ("broken", "gone") and not await self._prepare():
            return
        await self.runner.refresh(changed=request.changed)
        if request.kind == "verify":
            await self.verifier.verify()
            self._publish()
            return
        self._last_request = request
        self._execution = execution = Execution(
            request,
            project=self.spec.name,
            changed=tuple(_relative(path, self.spec.path) for path in request.changed),
            runner=self.runner,
            planner=self._planner,
            board=self.board,
            details=self.details,
            tell=self._tell,
            touched=self._publish_soon,
            overhead=self._overhead,
        )
        self._own_writing.began(execution.wrote)
        watcher = self._watcher
        if watcher is not None:
            watcher.run_started()
        try:
            plan = await self._planner.plan(request, split=self.runner.level != "cold")
            self._state, self._problem = "running", ""
            self._publish()
            summary = await execution.run(plan)
            await self._finish(execution, summary, whole=plan.whole)
        finally:
            self._own_writing.ended()
            self._execution = None
            if self._state == "running":
                self._state = "idle"
            self.board.settle()
            self._publish()
            if watcher is not None:
                watcher.run_ended(superseded=execution.live.superseded)

    async def _finish(self, execution: Execution, summary: RunSummary, *, whole: bool) -> None:
        live = execution.live
        if self._stopping and not summary.superseded:
            summary = replace(summary, note=summary.note or "stopped")
        if whole and not summary.superseded and summary.exit in (0, 1):
            self.details.forget({*self.board.tests, *self.board.failed_files()})
            work = sum(state.duration_s or 0.0 for state in execution.results)
            self._overhead = min(20.0, max(1.0, summary.duration_s / work)) if work > 0 else 1.0
            self.verifier.ran(summary, execution.results)
        self._output = Path(live.output_paths[-1]) if live.output_paths else None
        self._last = summary
        self._recent = (*self._recent[-(RECENT_RUNS - 1) :], summary)
        self._tell(
            "superseded" if summary.superseded else "finished",
            {
                "run_id": summary.run_id,
                "counts": {name: getattr(summary.counts, name) for name in summary.counts.__slots__},
                "exit": summary.exit,
                "duration_s": round(summary.duration_s, 6),
                "level": summary.level,
                "note": summary.note,
            },
        )
        if self._record is not None:
            await self._record(summary, execution.results, live.changed)

    # Telling

    def snapshot(self) -> ProjectSnapshot:
        """The project as a screen shows it."""
        watcher = self._watcher
        live = self._execution.live if self._execution is not None else None
        return ProjectSnapshot(
            name=self.spec.name,
            path=str(self.spec.path),
            state=self._state,
            problem=self._problem,
            level=live.level if live is not None else self.runner.level,
            level_reason=live.level_reason if live is not None else self.runner.level_reason,
            watching=self._watching,
            watch_note=watcher.note if watcher is not None else "",
            watched_files=watcher.files if watcher is not None else 0,
            saved_at=self._saved_at,
            tests=dict(self.board.tests),
            files=self.board.file_states(),
            counts=self.board.counts(),
            progress=live.progress() if live is not None else None,
            last=self._last,
            recent=self._recent,
        )

    def _publish_soon(self) -> None:
        if self._publish_handle is not None:
            return
        wait = self._published + PUBLISH_EVERY_S - time.monotonic()
        if wait <= 0:
            self._publish()
        else:
            self._publish_handle = asyncio.get_running_loop().call_later(wait, self._publish)

    def _publish(self) -> None:
        if self._publish_handle is not None:
            self._publish_handle.cancel()
            self._publish_handle = None
        self._published = time.monotonic()
        self._bus.publish(ProjectChanged(self.snapshot(), self.board.take_changed()))

    def _level_changed(self, level: Level, reason: str) -> None:
        if not self._closing:
            self._tell("level", {"level": level, "reason": reason})
            self._publish_soon()

    def _tell(self, event: StreamEvent, data: Mapping[str, object]) -> None:
        self._bus.publish(TestStream(self.spec.name, event, time.monotonic(), data))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)

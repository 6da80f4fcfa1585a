"""The retrain trigger as the running app has it: measured when something changed, fired, handed over, shown."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from app.db.types import utc_now
from app.errors import UserError
from app.events import Bus, FeedbackChanged, RetrainChanged, RetrainEnded, StorageChanged
from app.feedback.retrain.contract import RunReport
from app.feedback.retrain.control import Retrain
from app.feedback.retrain.model import Evaluation, Look, RetrainSnapshot, Run, Status

if TYPE_CHECKING:
    from app.db.spool import Spool
    from app.feedback.model import Counts

log = logging.getLogger(__name__)

SETTLE_S = 2.0
"""How long decisions that are on their way to the database are waited for before conditions are measured."""
PAUSE_S = 1.0
"""From one measuring to the next at the least, however fast the decisions come."""
PAUSE_TIMES = 10.0
"""The pause is at least so many times as long as measuring took: it may read many rows, and others read, too."""
LOOK_MOST_S = 60.0
"""What other instances and commands did (fired, reported, held) is looked for at least this often."""


class RetrainService:
    """Follows the review and fires when its time has come. State comes over the bus as RetrainChanged."""

    def __init__(
        self,
        retrain: Retrain,
        *,
        spool: Spool,
        bus: Bus,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._retrain, self._spool, self._bus, self._clock = retrain, spool, bus, clock
        self._statuses: dict[str, Status] = {}
        self._problem = ""
        self._reviewed_to: tuple[Counts | None, int] = (None, 0)
        self._measure = asyncio.Event()
        self._deliver: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._unfollow: list[Callable[[], None]] = []
        self._shown: RetrainSnapshot | None = None

    async def start(self) -> None:
        """Begin to follow; returns at once."""
        if not self._retrain.pipelines:
            return
        if not self._unfollow:
            self._unfollow = [
                self._bus.subscribe(FeedbackChanged, self._reviewed),
                self._bus.subscribe(StorageChanged, self._storage_changed),
            ]
            self._tasks.append(asyncio.create_task(self._measuring()))
        self._deliver = {name: asyncio.Event() for name in self._retrain.pipelines}
        self._tasks += [
            asyncio.create_task(self._delivering(self._retrain, name, event)) for name, event in self._deliver.items()
        ]

    async def replace(self, retrain: Retrain) -> None:
        """Follow other pipelines from now on. A consumer that is busy with a run is not disturbed."""
        leaving, self._retrain = self._deliver, retrain
        self._deliver, self._statuses, self._problem = {}, {}, ""
        for event in leaving.values():
            event.set()
        self._tasks = [task for task in self._tasks if not task.done()]
        await self.start()
        self._measure.set()
        self._publish()

    async def close(self) -> None:
        """Stop. What fired and was not handed over stays in the database, and is handed over at the next start."""
        for unfollow in self._unfollow:
            unfollow()
        self._unfollow = []
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    @property
    def names(self) -> tuple[str, ...]:
        """The pipelines that are configured."""
        return tuple(self._retrain.pipelines)

    def snapshot(self) -> RetrainSnapshot:
        """Every pipeline as it stands now."""
        return RetrainSnapshot(tuple(self._statuses.values()), self._problem)

    async def fire(self, name: str = "", *, force: bool = False) -> tuple[Run | None, Evaluation]:
        """Fire by hand; with `force` whatever the conditions say. None where guards or conditions forbid it."""
        found = await self._retrain.fire(name, forced="fired by hand" if force else "")
        self._wake()
        return found

    async def hold(self, name: str, reason: str | None) -> None:
        """Keep a pipeline from firing, with the reason why; None lets it fire again."""
        await self._retrain.hold(name, reason)
        self._wake()

    async def report(self, report: RunReport) -> Literal["applied", "spooled"]:
        """Keep how a run went."""
        state, _ = await self._retrain.report(report, SETTLE_S)
        self._wake()
        return state

    def look_again(self) -> None:
        """Measure soon: somebody wants to see what is so now."""
        self._measure.set()

    async def history(self, limit: int = 20) -> tuple[list[Run], list[Look]]:
        """Runs, and times when the conditions were met, newest first."""
        return await self._retrain.history(limit=limit)

    def _wake(self) -> None:
        self._measure.set()
        for event in self._deliver.values():
            event.set()

    def _reviewed(self, event: FeedbackChanged) -> None:
        # Counts change with the key; that the decision is kept, and can be measured, is told later.
        now = (event.snapshot.counts, event.snapshot.unsaved)
        if now != self._reviewed_to:
            self._reviewed_to = now
            self._measure.set()

    def _storage_changed(self, event: StorageChanged) -> None:
        if event.up and self._problem:
            self._wake()

    async def _measuring(self) -> None:
        while True:
            self._measure.clear()
            began = time.monotonic()
            try:
                await self._spool.flush(SETTLE_S)
                await self._look(self._retrain)
                self._problem = ""
            except UserError as error:
                self._problem = str(error)
            except Exception as error:
                log.exception("the conditions of the retrain trigger could not be measured")
                self._problem = f"{type(error).__name__}: {error}"
            self._publish()
            await asyncio.sleep(max(PAUSE_S, PAUSE_TIMES * (time.monotonic() - began)))
            await self._wait(self._measure, self._left())

    async def _look(self, retrain: Retrain) -> None:
        """Measure every pipeline, and fire those that are ready."""
        await retrain.ensure()
        for name in retrain.pipelines:
            status = await retrain.status(name, thorough=False)
            self._tell_end(self._statuses.get(name), status)
            if status.evaluation.met and not self._known_held(status):
                run, _ = await retrain.fire(name)
                if run is not None:
                    log.info("retrain %s fired: run %s, %d rows, %s", name, run.id, run.row_count, run.reason)
                status = await retrain.status(name, thorough=False)
            if retrain is not self._retrain:
                return
            if status.last is not None and status.last.state in ("fired", "frozen"):
                self._deliver[name].set()
            self._statuses[name] = status

    def _tell_end(self, before: Status | None, now: Status) -> None:
        """Whoever reported it, and wherever: a run ended since the last look."""
        run = now.last
        if before is None or run is None or run.open:
            return
        if before.last is None or before.last.id != run.id or before.last.open:
            self._bus.publish(RetrainEnded(run.state == "succeeded", f"{run.pipeline}: {run.ended}"))

    def _known_held(self, status: Status) -> bool:
        """The same guards hold it as at the last look: there is nothing new to note."""
        before = self._statuses.get(status.evaluation.pipeline)
        if before is None or status.evaluation.clear:
            return False

        def held(found: Evaluation) -> list[str]:
            return [guard.id for guard in found.guards if not guard.ok]

        return before.evaluation.met and held(before.evaluation) == held(status.evaluation)

    def _left(self) -> float:
        """Seconds until time alone, or somebody else, may have changed something."""
        moments = [status.evaluation.look_at for status in self._statuses.values()]
        known = [(moment - self._clock()).total_seconds() for moment in moments if moment is not None]
        return max(0.0, min([LOOK_MOST_S, *known])) if not self._problem else LOOK_MOST_S

    async def _delivering(self, retrain: Retrain, name: str, woken: asyncio.Event) -> None:
        while retrain is self._retrain:
            woken.clear()
            left = LOOK_MOST_S
            try:
                if await retrain.dispatcher.once(name):
                    self._measure.set()
                following = await retrain.dispatcher.next_at(name)
                if following is not None:
                    left = min(left, max(PAUSE_S, (following - self._clock()).total_seconds()))
            except UserError as error:
                log.info("runs of %s could not be handed over: %s", name, error)
            except Exception:
                log.exception("runs of %s could not be handed over", name)
            if retrain is self._retrain:
                await self._wait(woken, left)

    async def _wait(self, event: asyncio.Event, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass

    def _publish(self) -> None:
        snapshot = self.snapshot()
        if snapshot != self._shown:
            self._shown = snapshot
            self._bus.publish(RetrainChanged(snapshot))

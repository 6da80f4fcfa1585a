"""The dispatcher: freezes what fired and hands it over, at least once, with a lease so that one does it at a time.

A dispatcher that is killed leaves its lease behind; when it is over, the run is handed over again under the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.db.types import utc_now
from app.errors import UserError
from app.feedback.retrain import consumers, manifest, runs, states
from app.feedback.retrain.consumers import Consumer, Outcome
from app.feedback.retrain.model import Frozen, Pipeline, Run, RunState
from app.feedback.retrain_tables import retrain_run
from app.git.provenance import Provenances
from app.ids import new_id
from app.redact import redactor

if TYPE_CHECKING:
    from app.db.engine import Database

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
BACK_OFF_MOST_S = 3600.0
ASKED_MOST_S = states.PAUSE_MOST.total_seconds()
"""Longer than this no consumer keeps us waiting."""
ERROR_LENGTH = 4000

_runs = retrain_run.c


class Dispatcher:
    """Hands over the runs of these pipelines. `folder` holds the frozen files, one folder for each run."""

    def __init__(
        self,
        db: Database,
        pipelines: Sequence[Pipeline],
        folder: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        lease: timedelta = LEASE,
        chance: random.Random | None = None,
        hand_over: Consumer = consumers.hand_over,
    ) -> None:
        """`hand_over` gives a frozen run to its consumer: by default to the pipeline's command or webhook."""
        self._db, self._folder, self._clock, self._lease = db, folder, clock, lease
        self._pipelines = {pipeline.name: pipeline for pipeline in pipelines}
        self._owner = new_id()
        self._chance = chance or random.Random()
        self._hand_over = hand_over
        self._provenances = Provenances()
        self._redact = redactor(pipeline.secret for pipeline in pipelines)

    async def once(self, only: str = "") -> list[Run]:
        """Hand over everything that is due, of one pipeline or of all; the runs as they stand then.

        Pipelines do not wait for each other's consumers. Raises UserError when the database is away.
        """
        now = self._clock()
        names = [name for name in self._pipelines if only in ("", name)]
        for name in names:
            await self._db.run(partial(states.expire, pipeline=self._pipelines[name], now=now), write=True)
        due = await self._db.run(partial(self._due, names=names, now=now))
        taken = await asyncio.gather(*(self._take(*each) for each in due), return_exceptions=True)
        for each in taken:
            if isinstance(each, BaseException):
                raise each
        return [each for each in taken if isinstance(each, Run)]

    async def next_at(self, name: str) -> datetime | None:
        """When there is something to do again for a pipeline, as far as is known now."""
        return await self._db.run(partial(self._next_at, names=[name]))

    def _due(self, conn: Any, names: list[str], now: datetime) -> list[tuple[str, Pipeline]]:
        asked = select(_runs.id, _runs.pipeline).where(states.due(names, now, self._lease)).order_by(_runs.id)
        return [(row.id, self._pipelines[row.pipeline]) for row in conn.execute(asked)]

    def _next_at(self, conn: Any, names: list[str]) -> datetime | None:
        moments: list[datetime] = []
        asked = select(_runs.next_attempt_at, _runs.lease_until).where(
            _runs.state.in_(("fired", "frozen")), _runs.pipeline.in_(names)
        )
        for attempt, lease in conn.execute(asked):
            moments.append(max(moment for moment in (attempt, lease, self._clock()) if moment is not None))
        handed = select(_runs.pipeline, _runs.dispatched_at).where(
            _runs.state == "dispatched", _runs.pipeline.in_(names)
        )
        for name, at in conn.execute(handed):
            moments.append(at + timedelta(seconds=self._pipelines[name].report_within_s))
        return min(moments, default=None)

    async def _take(self, run_id: str, pipeline: Pipeline) -> Run | None:
        now = self._clock()
        claim = partial(states.claim, run_id=run_id, pipeline=pipeline.name, owner=self._owner, now=now)
        if not await self._db.run(partial(claim, lease=self._lease), write=True):
            return None
        run = await self._db.run(partial(runs.find, run_id=run_id))
        assert run is not None
        holding = asyncio.create_task(self._hold(run_id))
        try:
            outcome = await self._attempt(pipeline, run)
        except asyncio.CancelledError:
            # The app closes: whoever runs next may hand it over without waiting for the lease.
            with contextlib.suppress(UserError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._db.run(partial(states.give_back, run_id=run_id, owner=self._owner), write=True)
            raise
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)
        await self._settle(pipeline, run, outcome)
        return await self._db.run(partial(runs.find, run_id=run_id))

    async def _attempt(self, pipeline: Pipeline, run: Run) -> Outcome:
        try:
            frozen = await self._freeze(pipeline, run)
        except UserError as error:
            return Outcome(False, f"the data could not be frozen: {error}")
        except OSError as error:
            place = error.filename or self._folder
            return Outcome(False, f"the data could not be frozen: {error.strerror or error} ({place})")
        output = self._folder / f"{run.id}.log"
        return await self._hand_over(pipeline, run, frozen, output)

    async def _freeze(self, pipeline: Pipeline, run: Run) -> Frozen:
        provenance = await self._provenances.of(pipeline.folder)
        git = None if provenance is None else {"commit": provenance.commit, "dirty": provenance.dirty}
        frozen = await asyncio.to_thread(manifest.freeze, self._db, pipeline, run, self._folder, git)
        if run.state == "fired" or (run.manifest, run.manifest_hash) != (str(frozen.manifest), frozen.sha256):
            values = {
                "manifest": str(frozen.manifest),
                "manifest_hash": frozen.sha256,
                "updated_at": self._clock(),
            }
            await self._db.run(
                lambda conn: states.move(conn, run.id, self._owner, "frozen", **values),
                write=True,
            )
        return frozen

    async def _settle(self, pipeline: Pipeline, run: Run, outcome: Outcome) -> None:
        now = self._clock()
        free: dict[str, Any] = {"lease_owner": None, "lease_until": None, "updated_at": now}
        detail = self._redact(outcome.detail)[:ERROR_LENGTH] or None
        if outcome.taken:
            values: dict[str, Any] = {**free, "dispatched_at": now, "next_attempt_at": None, "error": detail}
            if outcome.done:
                result = {"ok": True, "metrics": {}, "note": None, "reported_at": now.isoformat()}
                values |= {"finished_at": now, "result": result}
            state: RunState = "succeeded" if outcome.done else "dispatched"
        elif outcome.final or run.attempts >= pipeline.attempts:
            state, values = "failed", {**free, "next_attempt_at": None, "finished_at": now, "error": detail}
        else:
            pause = self.pause(pipeline, run.attempts, outcome.retry_after_s)
            state, values = "frozen", {**free, "next_attempt_at": now + pause, "error": detail}
            log.info("run %s is handed over again in %s: %s", run.id, pause, detail)
        if state == "frozen" and not manifest.folder_of(self._folder, run.id).exists():
            state = "fired"
        await self._db.run(lambda conn: states.move(conn, run.id, self._owner, state, **values), write=True)

    def pause(self, pipeline: Pipeline, attempts: int, asked_s: float | None) -> timedelta:
        """How long to wait after so many attempts: twice as long each time, and no shorter than was asked for."""
        seconds = min(BACK_OFF_MOST_S, pipeline.back_off_s * 2 ** min(attempts - 1, 30))
        asked = min(asked_s or 0.0, ASKED_MOST_S)
        return timedelta(seconds=max(seconds * self._chance.uniform(0.75, 1.25), asked))

    async def _hold(self, run_id: str) -> None:
        """Keep the lease for as long as the consumer is busy."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            until = self._clock() + self._lease
            try:
                held = await self._db.run(
                    partial(states.renew, run_id=run_id, owner=self._owner, until=until), write=True
                )
            except UserError as error:
                log.info("the lease of run %s could not be held: %s", run_id, error)
            else:
                if not held:
                    return

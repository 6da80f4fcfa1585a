"""What can be asked of the retrain trigger, for the service and the commands alike."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy.exc import IntegrityError

from app.db.faults import UnavailableError
from app.db.types import utc_now
from app.errors import UserError
from app.feedback.beginnings import whole_id
from app.feedback.retrain import runs, states, trigger, watermarks
from app.feedback.retrain.contract import RunReport
from app.feedback.retrain.dispatch import Dispatcher
from app.feedback.retrain.evaluate import evaluate
from app.feedback.retrain.model import Evaluation, Look, Pipeline, Run, Status
from app.feedback.retrain_tables import retrain_run
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool

FOLDER = "retrain"
"""Within the data folder: what runs were given."""
ATTEMPTS = 2
"""To fire, where another run is in the way though nobody else fired."""


class Retrain:
    """The pipelines of one configuration on one database. Calls raise UserError when the database is away."""

    def __init__(
        self,
        db: Database,
        spool: Spool,
        pipelines: Sequence[Pipeline],
        folder: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`folder` is where the frozen files go, one folder for each run."""
        self._db, self._spool, self._folder, self._clock = db, spool, folder, clock
        self.pipelines = {pipeline.name: pipeline for pipeline in pipelines}
        self.dispatcher = Dispatcher(db, pipelines, folder, clock=clock)

    def pipeline(self, name: str = "") -> Pipeline:
        """The pipeline of this name; without one, the only one there is."""
        if not self.pipelines:
            raise UserError("no pipeline is configured", fix="add a [[feedback.retrain]] to the configuration")
        names = ", ".join(self.pipelines)
        if not name and len(self.pipelines) > 1:
            raise UserError(f"there are several pipelines: {names}", fix="name one of them")
        if name and name not in self.pipelines:
            near = difflib.get_close_matches(name, self.pipelines, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there is: {names}"
            raise UserError(f"no pipeline is called {name}", fix=hint)
        return self.pipelines[name or names]

    async def ensure(self) -> None:
        """Know the pipelines from now on: schedules count from here, and decisions that come late are noticed."""
        names = tuple(self.pipelines)
        await self._db.run(partial(watermarks.ensure, pipelines=names, now=self._clock()), write=True)

    async def status(self, name: str = "", *, thorough: bool = True) -> Status:
        """Why a pipeline would or would not fire now; see `evaluate`."""
        work = partial(evaluate, pipeline=self.pipeline(name), folder=self._folder, now=self._clock())
        return await self._db.run(partial(work, thorough=thorough))

    async def fire(self, name: str = "", *, forced: str = "") -> tuple[Run | None, Evaluation]:
        """Fire where conditions and guards allow it, once whoever else tries; None where they do not.

        `forced` says why the conditions are not asked. The run is handed over by the dispatcher.
        """
        pipeline, now, run_id = self.pipeline(name), self._clock(), new_id()
        work = partial(trigger.fire, pipeline=pipeline, run_id=run_id, folder=self._folder, now=now, forced=forced)
        # In a transaction of its own: decisions that are under way take notice only of a pipeline that is known.
        await self.ensure()
        for _ in range(ATTEMPTS):
            try:
                return await self._db.run(work, write=True)
            except IntegrityError:
                # Somebody else fired with the same rows, and faster; if so, it is not ready any more.
                found = (await self.status(pipeline.name)).evaluation
                if not (found.clear and (found.met or forced)):
                    return None, found
        raise UserError(
            f"{pipeline.name} cannot fire: there is a run of these rows already",
            where="retrain_run",
            fix="see `qd retrain history`, and please report this",
        )

    async def hold(self, name: str, reason: str | None) -> None:
        """Keep a pipeline from firing, with the reason why; None lets it fire again."""
        pipeline, now = self.pipeline(name).name, self._clock()
        await self._db.run(lambda conn: watermarks.set_hold(conn, pipeline, reason, now), write=True)

    async def report(self, report: RunReport, wait_s: float) -> tuple[Literal["applied", "spooled"], Run | None]:
        """Keep how a run went, also while the database is away. Raises UserError where the run cannot be reported."""
        try:
            run = await self._db.run(partial(runs.find, run_id=report.run_id))
        except UnavailableError:
            await states.put_report(self._spool, report)
            return "spooled", None
        problem = states.report_problem(run, report)
        if problem is not None:
            raise problem
        await states.put_report(self._spool, report)
        if not await self._spool.flush(wait_s):
            return "spooled", run
        return "applied", await self._db.run(partial(runs.find, run_id=report.run_id))

    async def whole(self, run_id: str) -> str:
        """The id of the run that is called so, or whose id begins so; as it was given while the database is away.
        Raises UserError where there is none, or more than one."""
        try:
            known, none = "`qd retrain history` shows them", "there is no run"
            return await whole_id(self._db, retrain_run.c.id, run_id, "run", known, none=none)
        except UnavailableError:
            return run_id

    async def retry(self, run_id: str) -> Run:
        """Hand a run that failed or expired over once more. Raises UserError."""
        return await self._db.run(partial(states.retry, run_id=run_id, now=self._clock()), write=True)

    async def find(self, run_id: str) -> Run | None:
        """One run as it stands now."""
        return await self._db.run(partial(runs.find, run_id=run_id))

    async def history(self, names: Sequence[str] = (), limit: int = 20) -> tuple[list[Run], list[Look]]:
        """Runs, and times when the conditions were met, newest first; without names of every pipeline there was."""
        return await self._db.run(lambda conn: (runs.history(conn, names, limit), runs.looks(conn, names, limit)))

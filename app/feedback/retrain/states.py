"""The states of a run, and who may lead it from one to the next. Each step is one conditional statement.

fired → frozen → dispatched → succeeded or failed by the consumer's report; expired where none came in time. A report
counts from the moment in which the consumer can know the run: it may answer before its answer to us arrives. A late
report is better than none, and a success after a failure counts (an attempt that was given up went on and ended well);
what has succeeded stays so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from app.errors import UserError
from app.feedback.retrain import runs, watermarks
from app.feedback.retrain.contract import RunReport
from app.feedback.retrain.model import Pipeline, Run, RunState
from app.feedback.retrain_tables import retrain_run
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.spool import Spool

REPORT = "retrain.report"
"""Kind of the spooled operation that holds a consumer's report: hours of training end with it."""
PAUSE_MOST = timedelta(days=1)
"""Longer than this no run waits for its next attempt."""
REPORTED: Mapping[bool, RunState] = {True: "succeeded", False: "failed"}

_runs = retrain_run.c


async def put_report(spool: Spool, report: RunReport) -> None:
    """Keep a report; returns once it would survive a power loss."""
    await spool.put(REPORT, report.model_dump(mode="json"), new_id())


def apply_report(conn: Connection, payload: dict[str, Any]) -> None:
    """Write how a run went. The same report again changes nothing. Raises UserError where it cannot be."""
    report = RunReport.model_validate_json(json.dumps(payload))
    conn.execute(select(_runs.id).where(_runs.id == report.run_id).with_for_update())
    run = runs.find(conn, report.run_id)
    problem = report_problem(run, report)
    if problem is not None:
        raise problem
    assert run is not None
    before = run.result or {}
    result = {
        "ok": report.ok,
        "metrics": {**before.get("metrics", {}), **report.metrics},
        "note": report.note if report.note is not None else before.get("note"),
        "reported_at": report.at.isoformat(),
    }
    conn.execute(
        update(retrain_run)
        .where(_runs.id == run.id)
        .values(
            state=REPORTED[report.ok],
            result=result,
            finished_at=run.finished_at if run.state == REPORTED[report.ok] else report.at,
            updated_at=report.at,
            lease_owner=None,
            lease_until=None,
            next_attempt_at=None,
            error=None if report.ok else run.error,
        )
    )


def report_problem(run: Run | None, report: RunReport) -> UserError | None:
    """Why a report cannot be taken."""
    if run is None:
        return UserError(f"there is no run {report.run_id}", fix="`qd retrain history` shows them")
    if run.state == "fired" and run.manifest is None:
        return UserError(
            f"run {run.id} was not handed over yet", fix="report it after its consumer got it; see `qd retrain history`"
        )
    if run.state == "succeeded" and not report.ok:
        return UserError(f"run {run.id} was reported as succeeded", fix="fire a new run rather than take it back")
    return None


def expire(conn: Connection, pipeline: Pipeline, now: datetime) -> int:
    """Give up on runs whose consumer took them and did not report in time; how many."""
    late = now - timedelta(seconds=pipeline.report_within_s)
    told = f"its consumer did not report within {pipeline.report_within_s:g} s"
    done = conn.execute(
        update(retrain_run)
        .where(_runs.state == "dispatched", _runs.pipeline == pipeline.name, _runs.dispatched_at <= late)
        .values(state="expired", finished_at=now, updated_at=now, error=told)
    )
    return done.rowcount


def retry(conn: Connection, run_id: str, now: datetime) -> Run:
    """Hand a run that failed or expired to its consumer once more, under the same id. Raises UserError."""
    done = conn.execute(
        update(retrain_run)
        .where(_runs.id == run_id, _runs.state.in_(("failed", "expired")))
        .values(
            state="fired", attempts=0, next_attempt_at=now, updated_at=now, finished_at=None, error=None, result=None
        )
    )
    run = runs.find(conn, run_id)
    if run is None:
        raise UserError(f"there is no run {run_id}", fix="`qd retrain history` shows them")
    if not done.rowcount and run.state != "fired":
        raise UserError(f"run {run.id} is {run.state}", fix="only a run that failed or expired is handed over again")
    return run


def due(pipelines: list[str], now: datetime, lease: timedelta) -> ColumnElement[bool]:
    """Runs that are to be handed over now, and that nobody else is handing over.

    A moment further ahead than it can have been set is of a clock that was put back since, and counts as over.
    """
    return and_(
        _runs.state.in_(("fired", "frozen")),
        _runs.pipeline.in_(pipelines),
        _over(_runs.next_attempt_at, now, PAUSE_MOST),
        _over(_runs.lease_until, now, lease),
    )


def _over(moment: ColumnElement[datetime], now: datetime, most: timedelta) -> ColumnElement[bool]:
    return or_(moment.is_(None), moment <= now, moment > now + most + watermarks.OVERLAP)


def claim(conn: Connection, run_id: str, pipeline: str, owner: str, now: datetime, lease: timedelta) -> bool:
    """Take the lease on a run; False where another dispatcher has it. Each claim counts as an attempt."""
    done = conn.execute(
        update(retrain_run)
        .where(_runs.id == run_id, due([pipeline], now, lease))
        .values(lease_owner=owner, lease_until=now + lease, attempts=_runs.attempts + 1, updated_at=now)
    )
    return done.rowcount == 1


def renew(conn: Connection, run_id: str, owner: str, until: datetime) -> bool:
    """Hold the lease longer; False where it was lost."""
    mine = (_runs.id == run_id, _runs.lease_owner == owner)
    return conn.execute(update(retrain_run).where(*mine).values(lease_until=until)).rowcount == 1


def give_back(conn: Connection, run_id: str, owner: str) -> None:
    """Leave a run whose lease is ours to others, as if it had not been attempted."""
    mine = (_runs.id == run_id, _runs.lease_owner == owner)
    values = {"lease_owner": None, "lease_until": None, "attempts": _runs.attempts - 1}
    conn.execute(update(retrain_run).where(*mine).values(**values))


def move(conn: Connection, run_id: str, owner: str, state: RunState, **values: Any) -> bool:
    """Lead a run whose lease is ours on; False where its consumer has reported already, or the lease was lost."""
    return (
        conn.execute(
            update(retrain_run)
            .where(_runs.id == run_id, _runs.lease_owner == owner, _runs.state.in_(("fired", "frozen")))
            .values(state=state, **values)
        ).rowcount
        == 1
    )

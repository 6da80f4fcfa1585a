"""Runs and looks as they stand in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from app.feedback.retrain.model import OPEN, Look, Run
from app.feedback.retrain_tables import retrain_run, retrain_trigger

_runs = retrain_run.c
_looks = retrain_trigger.c
_RUN = select(
    *(_runs[name] for name in Run.__slots__),
)
_LOOK = select(*(_looks[name] for name in Look.__slots__))


def run_of(row: Row[Any]) -> Run:
    """A row of the query for runs."""
    values = dict(row._mapping)
    for name in ("thresholds", "snapshot"):
        values[name] = values[name] or {}
    return Run(**values)


def find(conn: Connection, run_id: str) -> Run | None:
    """One run."""
    if not run_id.isascii() or not 0 < len(run_id) <= 26:
        return None
    row = conn.execute(_RUN.where(_runs.id == run_id)).first()
    return None if row is None else run_of(row)


def history(conn: Connection, pipelines: Sequence[str] = (), limit: int = 20) -> list[Run]:
    """Runs, newest first; of some pipelines, or of all that there ever were."""
    asked = _RUN.order_by(_runs.id.desc()).limit(limit)
    if pipelines:
        asked = asked.where(_runs.pipeline.in_(pipelines))
    return [run_of(row) for row in conn.execute(asked)]


def last(conn: Connection, pipeline: str) -> Run | None:
    """The newest run of a pipeline."""
    return next(iter(history(conn, (pipeline,), 1)), None)


def open_run(conn: Connection, pipeline: str) -> Run | None:
    """The run of which nobody knows yet how it went."""
    asked = _RUN.where(_runs.pipeline == pipeline, _runs.state.in_(OPEN)).order_by(_runs.id.desc()).limit(1)
    row = conn.execute(asked).first()
    return None if row is None else run_of(row)


def looks(conn: Connection, pipelines: Sequence[str] = (), limit: int = 20) -> list[Look]:
    """When the conditions were met, newest first."""
    asked = _LOOK.order_by(_looks.id.desc()).limit(limit)
    if pipelines:
        asked = asked.where(_looks.pipeline.in_(pipelines))
    return [Look(**row._mapping) for row in conn.execute(asked)]

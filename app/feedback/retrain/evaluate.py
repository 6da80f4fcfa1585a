"""Why a pipeline would or would not fire now. Reads only."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from app.feedback.retrain import conditions, guards, measures, runs, watermarks
from app.feedback.retrain.conditions import Past
from app.feedback.retrain.model import Evaluation, Pipeline, Status


def evaluate(conn: Connection, pipeline: Pipeline, *, folder: Path, now: datetime, lock: bool = False) -> Status:
    """Measure every condition and guard; with `lock` nobody else decides or fires until the transaction ends."""
    mark = watermarks.read(conn, pipeline.name, lock=lock)
    last = runs.last(conn, pipeline.name)
    past = Past(
        watermarks.since(mark.decided_at) if mark is not None else None,
        last.created_at if last is not None else None,
        mark.updated_at if mark is not None else now,
    )
    hold = mark.hold if mark is not None else None
    taking = measures.new_rows(conn, pipeline, past.since, measures.states_of(pipeline))
    corrections = measures.corrections(conn, pipeline.name)
    oldest = measures.oldest_new(conn, pipeline, past.since) if pipeline.max_age_days else None
    cool = guards.cool_at(pipeline, last)
    moments = [
        moment
        for moment in (conditions.look_again(pipeline, past, oldest, now), cool)
        if moment is not None and moment > now
    ]
    return Status(
        Evaluation(
            pipeline.name,
            now,
            mark.revision if mark is not None else 0,
            taking,
            corrections,
            pipeline.combine,
            tuple(conditions.measure(conn, pipeline, past, now)),
            tuple(
                guards.check(
                    conn,
                    pipeline,
                    past,
                    last=last,
                    open_run=runs.open_run(conn, pipeline.name),
                    hold=hold,
                    taking=taking,
                    corrections=corrections,
                    folder=folder,
                    now=now,
                )
            ),
            min(moments, default=None),
        ),
        hold,
        last,
    )

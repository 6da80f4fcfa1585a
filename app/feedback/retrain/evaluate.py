"""Why a pipeline would or would not fire now. Reads only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from app.feedback.retrain import conditions, corrections, guards, measures, runs, watermarks
from app.feedback.retrain.conditions import Past
from app.feedback.retrain.model import Evaluation, Pipeline, Status


def evaluate(
    conn: Connection, pipeline: Pipeline, *, folder: Path, now: datetime, lock: bool = False, thorough: bool = True
) -> Status:
    """Measure every condition and guard; with `lock` nobody else decides or fires until the transaction ends.

    Without `thorough`, the guards that cost most are asked only where nothing else keeps it from firing.
    """
    mark = watermarks.read(conn, pipeline.name, lock=lock)
    # By the watermark rather than by the ids: they follow a clock, which may have been put back since.
    last = runs.find(conn, mark.run_id) if mark is not None and mark.run_id is not None else None
    past = Past(
        watermarks.since(mark.decided_at) if mark is not None else None,
        None if last is None or watermarks.ahead(last.created_at, now) else last.created_at,
        mark.updated_at if mark is not None else now,
    )
    hold = mark.hold if mark is not None else None
    fresh = measures.new_rows(conn, pipeline, past.since)
    taking = sum(fresh.values())
    changed = corrections.waiting(conn, pipeline.name)
    oldest = measures.oldest_new(conn, pipeline, past.since) if pipeline.max_age_days else None
    cool = guards.cool_at(pipeline, last, now)
    moments = [
        moment
        for moment in (conditions.look_again(pipeline, past, oldest, now), cool)
        if moment is not None and moment > now
    ]
    found = Evaluation(
        pipeline.name,
        now,
        mark.revision if mark is not None else 0,
        taking,
        changed,
        pipeline.combine,
        tuple(conditions.measure(conn, pipeline, past, fresh, oldest, now)),
        tuple(
            guards.cheap(
                pipeline,
                last=last,
                open_run=runs.open_run(conn, pipeline.name),
                hold=hold,
                taking=taking,
                corrections=changed,
                folder=folder,
                now=now,
            )
        ),
        min(moments, default=None),
    )
    if thorough or found.ready:
        found = replace(found, guards=(*found.guards, *guards.dear(conn, pipeline, past)))
    return Status(found, hold, last)

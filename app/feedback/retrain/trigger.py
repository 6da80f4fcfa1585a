"""Firing: the run, its rows and the watermark in one transaction, so that it happens once however many try.

The watermark is locked first and everything is measured again behind the lock: of two instances that want to fire, the
second one finds nothing left to fire for. Should a lock ever not hold, the unique key of the trigger and that of each
row in a pipeline refuse the second run as a whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select, update

from app.feedback.retrain import measures, runs, watermarks
from app.feedback.retrain.evaluate import evaluate
from app.feedback.retrain.model import Evaluation, Pipeline, Run
from app.feedback.retrain_tables import (
    retrain_correction,
    retrain_row,
    retrain_run,
    retrain_trigger,
    retrain_watermark,
)
from app.feedback.tables import feedback, feedback_decision
from app.ids import new_id

_HIDDEN = ("secret", "command", "webhook", "folder", "name")


def fire(
    conn: Connection, pipeline: Pipeline, *, run_id: str, folder: Path, now: datetime, forced: str = ""
) -> tuple[Run | None, Evaluation]:
    """Fire where conditions and guards allow it; None where they do not. Call it in a transaction that writes.

    `forced` says why the conditions are not asked; guards always are. With the same `run_id` again it is the same
    run, so that a transaction whose commit was lost can be repeated.
    """
    watermarks.ensure(conn, (pipeline.name,), now)
    done = runs.find(conn, run_id)
    found = evaluate(conn, pipeline, folder=folder, now=now, lock=True).evaluation
    if done is not None:
        return done, found
    if not (found.clear and (found.met or forced)):
        if found.met:
            _note_held(conn, found)
        return None, found
    mark = watermarks.read(conn, pipeline.name)
    assert mark is not None
    reason = found.reason if not forced else f"{forced}; {found.reason}".rstrip("; ")
    snapshot = _snapshot(found)
    run = {
        "id": run_id,
        "trigger_key": trigger_key(pipeline.name, mark.run_id, mark.revision),
        "pipeline": pipeline.name,
        "state": "fired",
        "reason": reason,
        "thresholds": thresholds(pipeline),
        "snapshot": snapshot,
        "row_count": 0,
        "created_at": now,
        "updated_at": now,
        "attempts": 0,
        "next_attempt_at": now,
    }
    conn.execute(insert(retrain_run), [run])
    taken = _attach(conn, pipeline, run_id, watermarks.since(mark.decided_at))
    last = _reached(conn, pipeline, run_id, taken)
    corrections = retrain_correction.c
    conn.execute(
        update(retrain_correction)
        .where(corrections.pipeline == pipeline.name, corrections.taken_by.is_(None))
        .values(taken_by=run_id)
    )
    begin = [None if mark.decided_at is None else mark.decided_at.isoformat(), mark.feedback_id]
    end = begin if last is None else [last[0].isoformat(), last[1]]
    conn.execute(
        update(retrain_run)
        .where(retrain_run.c.id == run_id)
        .values(row_count=taken, snapshot={**snapshot, "watermark": {"from": begin, "to": end}})
    )
    moved = {} if last is None else {"decided_at": last[0], "feedback_id": last[1]}
    conn.execute(
        update(retrain_watermark)
        .where(retrain_watermark.c.pipeline == pipeline.name)
        .values(revision=mark.revision + 1, run_id=run_id, updated_at=now, **moved)
    )
    _note(conn, found, fired=True, reason=reason, run_id=run_id)
    return runs.find(conn, run_id), found


def trigger_key(pipeline: str, after: str | None, revision: int) -> str:
    """Of the range between the watermarks number `revision`, which the run `after` set, and the one after it.

    The number alone would not do: it is counted in each database, and runs of several come together in a merge.
    """
    return hashlib.sha256(f"{pipeline}\0{after or ''}\0{revision}".encode()).hexdigest()


def thresholds(pipeline: Pipeline) -> dict[str, Any]:
    """What a pipeline was set to, without what tells where its consumer is."""
    return {name: value for name, value in asdict(pipeline).items() if name not in _HIDDEN}


def _snapshot(found: Evaluation) -> dict[str, Any]:
    return {
        "new_rows": found.new_rows,
        "corrections": found.corrections,
        "conditions": [asdict(condition) for condition in found.conditions],
        "guards": [asdict(guard) for guard in found.guards],
    }


def _attach(conn: Connection, pipeline: Pipeline, run_id: str, since: datetime | None) -> int:
    """Give the new rows to the run, those decided first first, with the decision that each was taken on."""
    log, row = feedback_decision.c, measures.first(pipeline, since, pipeline.most_rows).c
    decision = (
        select(log.id)
        .where(log.feedback_id == row.id, log.kind == "decide", log.undone_by.is_(None), log.reshow.is_not(True))
        .order_by(log.decided_at.desc(), log.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = select(row.id, literal(pipeline.name), literal(run_id), decision, row.state)
    names = ["feedback_id", "pipeline", "run_id", "decision_id", "state"]
    conn.execute(insert(retrain_row).from_select(names, rows))
    return int(conn.scalar(select(func.count()).where(retrain_row.c.run_id == run_id)) or 0)


def _reached(conn: Connection, pipeline: Pipeline, run_id: str, taken: int) -> tuple[datetime, str] | None:
    """(decided_at, id) of the row behind which new ones are looked for from now on.

    It is the last one taken. Where all were taken, it is the last one there is: the last one taken may have been
    decided long ago, by somebody who had no connection, and all that came since would be read again at each look.
    """
    columns, newest = (feedback.c.decided_at, feedback.c.id), (feedback.c.decided_at.desc(), feedback.c.id.desc())
    if taken < pipeline.most_rows:
        decided = select(*columns).where(feedback.c.decided_at.is_not(None))
        ranges = [decided.where(feedback.c.state == state) for state in measures.states_of(pipeline)]
    else:
        joined = select(*columns).join_from(retrain_row, feedback, feedback.c.id == retrain_row.c.feedback_id)
        ranges = [joined.where(retrain_row.c.run_id == run_id)]
    ends = [conn.execute(each.order_by(*newest).limit(1)).first() for each in ranges]
    return max(((end.decided_at, end.id) for end in ends if end is not None and end.decided_at), default=None)


def _note_held(conn: Connection, found: Evaluation) -> None:
    """Remember what kept it from firing, once for each change."""
    held = next(guard for guard in found.guards if not guard.ok)
    before = next(iter(runs.looks(conn, (found.pipeline,), 1)), None)
    if before is None or before.fired or not before.reason.startswith(f"{held.id}: "):
        _note(conn, found, fired=False, reason=f"{held.id}: {held.detail}", run_id=None)


def _note(conn: Connection, found: Evaluation, *, fired: bool, reason: str, run_id: str | None) -> None:
    conn.execute(
        insert(retrain_trigger),
        [
            {
                "id": new_id(),
                "pipeline": found.pipeline,
                "at": found.at,
                "fired": fired,
                "reason": reason,
                "conditions": [asdict(condition) for condition in found.conditions],
                "guards": [asdict(guard) for guard in found.guards],
                "run_id": run_id,
            }
        ],
    )

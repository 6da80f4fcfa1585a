"""Rows that were decided, and pipelines that want some."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.db.engine import Database
from app.db.types import utc_now
from app.feedback.contract import DecisionRecord, FeedbackIn
from app.feedback.decisions import apply_decision
from app.feedback.retrain import evaluate, trigger, watermarks
from app.feedback.retrain.model import Evaluation, Pipeline, Run
from app.feedback.rows import prepare
from app.feedback.store import insert_rows
from app.ids import new_id

START = utc_now() - timedelta(days=1)


def pipeline(folder: Path, **more: Any) -> Pipeline:
    """A pipeline that fires with three new rows and waits for nothing else."""
    values: dict[str, Any] = {"name": "p", "accepted_rows": 3, "cooldown_s": 0.0, "free_mb": 0, "folder": folder}
    return Pipeline(**{**values, **more})


def rows(db: Database, names: Iterable[str], **more: Any) -> None:
    """Rows that wait, each called by its name."""
    now = more.pop("now", utc_now())
    made = [
        prepare(FeedbackIn(**{"source": "cli", "input": f"in {name}", "output": "x", "id": name, **more}), now=now)
        for name in names
    ]
    db.run_now(lambda conn: insert_rows(conn, made), True)


def decide(db: Database, row: str, at: datetime, **fields: Any) -> str:
    """Apply an entry of the log; its id."""
    values = {"id": new_id(), "feedback_id": row, "kind": "decide", "decided_at": at, "reviewer": "ann", **fields}
    payload = DecisionRecord.model_validate(values).model_dump(mode="json")
    db.run_now(lambda conn: apply_decision(conn, payload), True)
    return str(payload["id"])


def accept(db: Database, names: Iterable[str], start: datetime = START, **more: Any) -> dict[str, str]:
    """Put rows there and accept them, a second apart; their decisions."""
    ordered = list(names)
    rows(db, ordered, **more)
    return {
        name: decide(db, name, start + timedelta(seconds=number), verdict="accept")
        for number, name in enumerate(ordered)
    }


def fire(db: Database, wanted: Pipeline, now: datetime | None = None, forced: str = "") -> Run | None:
    """Fire where that is allowed."""
    identity, at = new_id(), now or utc_now()
    run, _ = db.run_now(
        lambda conn: trigger.fire(conn, wanted, run_id=identity, folder=wanted.folder, now=at, forced=forced), True
    )
    return run


def look(db: Database, wanted: Pipeline, now: datetime | None = None) -> Evaluation:
    """Why it would or would not fire."""
    at = now or utc_now()
    return db.run_now(lambda conn: evaluate.evaluate(conn, wanted, folder=wanted.folder, now=at)).evaluation


def know(db: Database, wanted: Pipeline, now: datetime) -> None:
    """Let a pipeline be known since this moment."""
    db.run_now(lambda conn: watermarks.ensure(conn, (wanted.name,), now), True)

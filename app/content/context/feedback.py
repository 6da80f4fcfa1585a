"""How the feedback stands: rows by state, what came in and was decided since, and which pipelines are ready."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import func, select

from app.content.context.registry import Ask
from app.feedback.model import STATES
from app.feedback.store import counts
from app.feedback.tables import feedback


async def gather(ask: Ask) -> dict[str, Any] | None:
    """Counts of rows; None where no row was ever taken."""
    if ask.db is None:
        return None
    found = await ask.db.run(counts)
    if not found.total:
        return None
    columns = feedback.c
    captured = select(func.count()).where(columns.state.in_(STATES), columns.captured_at >= ask.after)
    decided = select(func.count()).where(columns.state.in_(STATES), columns.decided_at >= ask.after)
    return {
        "total": found.total,
        **{state: getattr(found, state) for state in STATES},
        "captured": await ask.db.run(lambda conn: conn.scalar(captured)),
        "decided": await ask.db.run(lambda conn: conn.scalar(decided)),
        "retrain": await _retrain(ask),
    }


async def _retrain(ask: Ask) -> list[dict[str, Any]]:
    if not ask.pipelines or ask.db is None:
        return []
    from app.feedback.retrain.control import FOLDER
    from app.feedback.retrain.evaluate import evaluate

    folder = ask.data / FOLDER
    found = []
    for pipeline in ask.pipelines:
        work = partial(evaluate, pipeline=pipeline, folder=folder, now=ask.now, thorough=False)
        status = await ask.db.run(work)
        evaluation = status.evaluation
        found.append({"pipeline": pipeline.name, "ready": evaluation.ready, "new_rows": evaluation.new_rows})
    return found

"""What conditions look at, read from the database: each question reads a range of an index, and no more."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, exists, func, select

from app.feedback.model import STATES
from app.feedback.retrain.model import VERDICT_LABELS, Pipeline
from app.feedback.retrain_tables import retrain_correction, retrain_row
from app.feedback.tables import feedback, feedback_tag

COUNTED = 100_000
"""New rows that are counted; more are as many."""
SCORES = 10_000
"""Scores of a sample: the newest ones."""

_rows = feedback.c


def states_of(pipeline: Pipeline) -> tuple[str, ...]:
    """The states whose rows a pipeline takes."""
    return ("accepted",) if pipeline.rows == "accepted" else VERDICT_LABELS


def fresh(pipeline: Pipeline, since: datetime | None, states: tuple[str, ...], *columns: Any) -> Select[Any]:
    """Rows that no run of the pipeline has taken yet, in the order in which they were decided."""
    taken = exists().where(retrain_row.c.feedback_id == _rows.id, retrain_row.c.pipeline == pipeline.name)
    asked = select(*columns).where(_rows.state == states[0] if len(states) == 1 else _rows.state.in_(states))
    if since is not None:
        asked = asked.where(_rows.decided_at >= since)
    return asked.where(~taken).order_by(_rows.decided_at, _rows.id)


def new_rows(conn: Connection, pipeline: Pipeline, since: datetime | None, states: tuple[str, ...]) -> int:
    """How many there are, up to `COUNTED`."""
    found = fresh(pipeline, since, states, _rows.id).limit(COUNTED).subquery()
    return int(conn.scalar(select(func.count()).select_from(found)) or 0)


def oldest_new(conn: Connection, pipeline: Pipeline, since: datetime | None) -> datetime | None:
    """When the one that was decided first was."""
    found: datetime | None = conn.scalar(fresh(pipeline, since, states_of(pipeline), _rows.decided_at).limit(1))
    return found


def labels(conn: Connection, pipeline: Pipeline, since: datetime | None) -> dict[str, int]:
    """New rows by each of the pipeline's labels: verdicts, and tags."""
    counts: Counter[str] = Counter(dict.fromkeys(pipeline.labels, 0))
    for verdict in VERDICT_LABELS:
        if verdict in counts:
            counts[verdict] = new_rows(conn, pipeline, since, (verdict,))
    tags = [label for label in pipeline.labels if label not in VERDICT_LABELS]
    if tags:
        found = fresh(pipeline, since, states_of(pipeline), _rows.id).limit(COUNTED).subquery()
        tag = feedback_tag.c
        asked = (
            select(tag.tag, func.count())
            .join_from(found, feedback_tag, tag.feedback_id == found.c.id)
            .where(tag.tag.in_(tags))
            .group_by(tag.tag)
        )
        counts.update({name: int(number) for name, number in conn.execute(asked)})
    return dict(counts)


def corrections(conn: Connection, pipeline: str) -> int:
    """Decisions that changed rows after a run had taken them, and that no run has taken up yet."""
    columns = retrain_correction.c
    asked = select(func.count()).where(columns.pipeline == pipeline, columns.taken_by.is_(None))
    return int(conn.scalar(asked) or 0)


def rejected(conn: Connection, begin: datetime, end: datetime) -> tuple[int, int]:
    """(rejected, all) of the rows that were accepted or rejected from `begin` until before `end`."""
    counts = [
        int(
            conn.scalar(
                select(func.count()).where(_rows.state == state, _rows.decided_at >= begin, _rows.decided_at < end)
            )
            or 0
        )
        for state in ("rejected", "accepted")
    ]
    return counts[0], sum(counts)


def scores(conn: Connection, begin: datetime, end: datetime) -> list[float]:
    """The scores of the rows captured last from `begin` until before `end`, whatever their state."""
    found: list[tuple[datetime, float]] = []
    for state in STATES:
        asked = (
            select(_rows.captured_at, _rows.score)
            .where(_rows.state == state, _rows.captured_at >= begin, _rows.captured_at < end)
            .order_by(_rows.captured_at.desc(), _rows.id.desc())
            .limit(SCORES)
        )
        found += [(at, score) for at, score in conn.execute(asked) if score is not None]
    found.sort(reverse=True)
    return [score for _, score in found[:SCORES]]

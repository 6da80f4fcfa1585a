"""What conditions look at, read from the database: each question reads a range of an index, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Subquery, exists, func, select, union_all

from app.feedback.indexes import CAPTURED_INDEX, hinted
from app.feedback.model import STATES
from app.feedback.retrain.model import VERDICT_LABELS, Pipeline
from app.feedback.retrain_tables import retrain_row
from app.feedback.tables import SCORE_UNKNOWN, feedback, feedback_tag

COUNTED = 10_000
"""New rows of a state that are counted where no threshold asks for more; more are as many."""
SCORES = 10_000
"""Scores of a sample: the newest ones."""
DECISIONS = 100_000
"""Decisions of each verdict that a rate is taken from: the newest ones."""

_rows = feedback.c


def states_of(pipeline: Pipeline) -> tuple[str, ...]:
    """The states whose rows a pipeline takes."""
    return ("accepted",) if pipeline.rows == "accepted" else VERDICT_LABELS


def counted(pipeline: Pipeline) -> int:
    """Up to how many new rows of a state are counted: as far as a threshold asks."""
    return max(COUNTED, pipeline.accepted_rows, pipeline.label_rows, pipeline.least_rows)


def fresh(pipeline: Pipeline, since: datetime | None, state: str, *columns: Any) -> Select[Any]:
    """Rows of a state that no run of the pipeline has taken yet, in the order in which they were decided."""
    taken = exists().where(retrain_row.c.feedback_id == _rows.id, retrain_row.c.pipeline == pipeline.name)
    # Without a bound, SQLite has to be told that nothing of what waits is wanted, which is not in the index.
    decided = _rows.decided_at.is_not(None) if since is None else _rows.decided_at >= since
    asked = select(*columns).where(_rows.state == state, decided)
    return asked.where(~taken).order_by(_rows.decided_at, _rows.id)


def first(pipeline: Pipeline, since: datetime | None, limit: int) -> Subquery:
    """(id, state, decided_at) of the new rows that were decided first, of all states that the pipeline takes.

    One range of the index for each state: asked for together, all of them would be sorted for a few.
    """
    columns = (_rows.id, _rows.state, _rows.decided_at)
    ranges = [select(fresh(pipeline, since, state, *columns).limit(limit).subquery()) for state in states_of(pipeline)]
    if len(ranges) == 1:
        return ranges[0].subquery()
    found = union_all(*ranges).subquery()
    return select(found).order_by(found.c.decided_at, found.c.id).limit(limit).subquery()


def new_rows(conn: Connection, pipeline: Pipeline, since: datetime | None) -> dict[str, int]:
    """How many there are of each state that the pipeline takes, each up to `counted`."""
    found = {}
    for state in states_of(pipeline):
        some = fresh(pipeline, since, state, _rows.id).limit(counted(pipeline)).subquery()
        found[state] = int(conn.scalar(select(func.count()).select_from(some)) or 0)
    return found


def oldest_new(conn: Connection, pipeline: Pipeline, since: datetime | None) -> datetime | None:
    """When the one that was decided first was."""
    found: datetime | None = conn.scalar(select(first(pipeline, since, 1).c.decided_at))
    return found


def labels(conn: Connection, pipeline: Pipeline, since: datetime | None, found: Mapping[str, int]) -> dict[str, int]:
    """New rows by each of the pipeline's labels: verdicts (counted before), and tags of what a run would take."""
    counts = {label: found.get(label, 0) for label in pipeline.labels}
    tags = [label for label in counts if label not in VERDICT_LABELS]
    if tags:
        some, tag = first(pipeline, since, pipeline.most_rows), feedback_tag.c
        asked = (
            select(tag.tag, func.count())
            .join_from(some, feedback_tag, tag.feedback_id == some.c.id)
            .where(tag.tag.in_(tags))
            .group_by(tag.tag)
        )
        counts |= {name: int(number) for name, number in conn.execute(asked)}
    return counts


def rejected(conn: Connection, begin: datetime, end: datetime) -> tuple[int, int]:
    """(rejected, all) of the rows that were accepted or rejected from `begin` until before `end`; where they are very
    many, of the newest ones."""

    def within(state: str, *columns: Any) -> Select[Any]:
        return select(*columns).where(_rows.state == state, _rows.decided_at >= begin, _rows.decided_at < end)

    newest = (_rows.decided_at.desc(), _rows.id.desc())
    ends = [
        conn.scalar(within(state, _rows.decided_at).order_by(*newest).offset(DECISIONS).limit(1))
        for state in VERDICT_LABELS
    ]
    # The same time for both verdicts, or their share would be that of the limits.
    begin = max((moment for moment in ends if moment is not None), default=begin)
    accepted, bad = (int(conn.scalar(within(state, func.count())) or 0) for state in VERDICT_LABELS)
    return bad, accepted + bad


def scores(conn: Connection, begin: datetime, end: datetime) -> list[float]:
    """The scores of the rows with one captured last from `begin` until before `end`, whatever their state."""
    found: list[tuple[datetime, float]] = []
    for state in STATES:
        # All of it stands in the index, whichever of the rows have a score.
        asked = (
            select(_rows.captured_at, _rows.score_order)
            .where(_rows.state == state, _rows.captured_at >= begin, _rows.captured_at < end)
            .where(_rows.score_order != SCORE_UNKNOWN)
            .order_by(_rows.captured_at.desc(), _rows.id.desc())
            .limit(SCORES)
        )
        found += [(at, score) for at, score in conn.execute(hinted(asked, feedback, CAPTURED_INDEX))]
    found.sort(reverse=True)
    return [score for _, score in found[:SCORES]]

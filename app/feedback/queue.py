"""What to review next: rows that wait, in an order that can be explained, claimed for one reviewer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, select

from app.db.paging import Cursor, Key, beyond
from app.feedback import claims
from app.feedback.model import Order, QueueItem
from app.feedback.reading import decisions_of, rows_of
from app.feedback.tables import (
    SCORE_UNKNOWN,
    UNCERTAINTY_UNKNOWN,
    feedback,
    feedback_cluster,
    feedback_model,
)

LEASE = timedelta(minutes=15)
CANDIDATES = 64
"""Rows looked at in one step, when all that wait are wanted."""
SCANNED = 5_000
"""Rows looked at in one step, when a filter leaves out most."""
RUNS = 200
"""Models or clusters looked up at once."""
BODIES = 10
"""Rows read in one statement; bodies are large."""
BODY_CHARACTERS = 16_000_000
"""Characters of text that one call brings at most: the rest stays for the next one."""

_rows = feedback.c
_OLDEST = (Key(_rows.captured_at), Key(_rows.id))

Narrow = Sequence[ColumnElement[bool]]
"""Conditions on columns of `feedback`."""
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Run:
    """A range of one index, in its order; `why` says of a row of it why it stands there."""

    index: str
    keys: tuple[Key, ...]
    why: Callable[[Row[Any], datetime], str]
    where: tuple[ColumnElement[bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that might be next."""

    id: str
    why: str


def next_items(
    conn: Connection,
    *,
    reviewer: str,
    session: str,
    order: Order,
    limit: int,
    now: datetime,
    lease: timedelta = LEASE,
    narrow: Narrow = (),
    stop: Stop = lambda: False,
) -> list[QueueItem]:
    """Claim and read up to `limit` rows that wait, in this order. Call it in a transaction that writes.

    A `narrow` that hardly any row fulfils makes this look at all of them; `stop` is asked between steps and ends it.
    """
    until = (now + lease).replace(microsecond=0)
    chosen: dict[str, str] = {}
    for batch in candidates(conn, order, now=now, narrow=narrow, step=max(limit + 14, CANDIDATES), stop=stop):
        fresh = {found.id: found.why for found in batch if found.id not in chosen}
        wanted = list(fresh)[: limit - len(chosen)]
        mine = claims.take(conn, wanted, reviewer=reviewer, session=session, now=now, until=until)
        chosen |= {identity: fresh[identity] for identity in mine}
        if len(chosen) >= limit:
            break
    items = _read(conn, chosen, until)
    claims.release(conn, session, [identity for identity in chosen if identity not in {item.row.id for item in items}])
    return items


def candidates(
    conn: Connection, order: Order, *, now: datetime, narrow: Narrow = (), step: int = CANDIDATES, stop: Stop
) -> Iterator[list[Candidate]]:
    """Rows that wait and that nobody has claimed, in this order, some at a time."""
    for run in _runs(conn, order):
        after: Cursor | None = None
        while not stop():
            if narrow:
                rows, after = _scan(conn, run, after, narrow)
            else:
                rows = list(conn.execute(select_waiting(run, after).limit(step)))
                after = _cursor(run, rows[-1]) if len(rows) == step else None
            # A statement of its own: with a join, the servers would rather sort all that waits.
            taken = claims.held(conn, [row.id for row in rows], now)
            if free := [Candidate(row.id, run.why(row, now)) for row in rows if row.id not in taken]:
                yield free
            if after is None:
                break


def select_waiting(run: Run, after: Cursor | None) -> Select[Any]:
    """The rows of a run behind a cursor."""
    return _ordered(select(*_shown()), run, after)


def _shown() -> tuple[ColumnElement[Any], ...]:
    return (_rows.id, _rows.captured_at, _rows.score_order, _rows.uncertainty_order)


def _ordered(statement: Select[Any], run: Run, after: Cursor | None) -> Select[Any]:
    statement = statement.where(_rows.state == "waiting", *run.where)
    if after is not None:
        statement = statement.where(beyond(run.keys, after))
    for key in run.keys:
        statement = statement.order_by(key.column.desc() if key.descending else key.column.asc())
    # The servers guess at once that sorting all is quicker, whenever they guess the sizes wrong.
    return statement.with_hint(feedback, f"FORCE INDEX ({run.index})")


def _scan(conn: Connection, run: Run, after: Cursor | None, narrow: Narrow) -> tuple[list[Row[Any]], Cursor | None]:
    """Look at the next rows of a run; those that fulfil `narrow`, and the cursor behind all that were looked at."""
    keys = [key.column for key in run.keys]
    last = conn.execute(_ordered(select(*keys), run, after).offset(SCANNED - 1).limit(1)).first()
    end = tuple(last) if last is not None else None
    statement = select_waiting(run, after).where(*narrow)
    if end is not None:
        up_to = beyond([Key(key.column, not key.descending) for key in run.keys], end)
        statement = statement.where(up_to | and_(*(key == value for key, value in zip(keys, end, strict=True))))
    return list(conn.execute(statement)), end


def _cursor(run: Run, row: Row[Any]) -> Cursor:
    return tuple(row._mapping[key.column] for key in run.keys)


def _runs(conn: Connection, order: Order) -> Iterator[Run]:
    if order == "newest_model":
        yield from _models(conn)
    elif order == "cluster":
        yield from _clusters(conn)
    else:
        yield RUN_OF[order]


def _models(conn: Connection) -> Iterator[Run]:
    """The models with rows that wait, the newest first; then the rows of which no model is known."""
    columns = feedback_model.c
    keys = (Key(columns.first_at, descending=True), Key(columns.model_key, descending=True))
    waits = exists().where(_rows.state == "waiting", _rows.model_key == columns.model_key)
    after: Cursor | None = None
    while True:
        statement = select(columns.model_key, columns.model, columns.version, columns.first_at).where(waits)
        if after is not None:
            statement = statement.where(beyond(keys, after))
        found = list(conn.execute(statement.order_by(*(key.column.desc() for key in keys)).limit(RUNS)))
        for model in found:
            yield _model_run(model.model_key, " ".join(part for part in (model.model, model.version) if part))
        if len(found) < RUNS:
            break
        after = (found[-1].first_at, found[-1].model_key)
    yield _model_run(0, "")


def _model_run(key: int, name: str) -> Run:
    def why(row: Row[Any], now: datetime) -> str:
        return f"{name}, waits {_age(row, now)}" if name else f"no model known, waits {_age(row, now)}"

    return Run("ix_feedback_state_model_key_captured_at_id", _OLDEST, why, (_rows.model_key == key,))


def _clusters(conn: Connection) -> Iterator[Run]:
    """Clusters of rows that are alike, the largest first; then all rows, oldest first."""
    columns = feedback_cluster.c
    largest = select(columns.cluster, columns.waiting).order_by(columns.waiting.desc(), columns.cluster.desc())
    for cluster, size in conn.execute(largest.limit(RUNS)).all():
        yield _cluster_run(cluster, size)
    yield RUN_OF["oldest"]


def _cluster_run(cluster: int, size: int) -> Run:
    def why(row: Row[Any], now: datetime) -> str:
        return f"one of {size:,} alike"

    return Run("ix_feedback_state_cluster_id", (Key(_rows.id),), why, (_rows.cluster == cluster,))


def _oldest(row: Row[Any], now: datetime) -> str:
    return f"waits {_age(row, now)}"


def _worst(row: Row[Any], now: datetime) -> str:
    if row.score_order == SCORE_UNKNOWN:
        return f"no score, waits {_age(row, now)}"
    return f"score {row.score_order:+.2f}".replace("-", "−")


def _uncertain(row: Row[Any], now: datetime) -> str:
    if row.uncertainty_order == UNCERTAINTY_UNKNOWN:
        return f"uncertainty unknown, waits {_age(row, now)}"
    return f"uncertainty {row.uncertainty_order:.2f}"


def _age(row: Row[Any], now: datetime) -> str:
    seconds = max((now - row.captured_at).total_seconds(), 0.0)
    for limit, step, unit in ((60, 1, "s"), (3600, 60, "m"), (86_400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // step)} {unit}"
    return f"{int(seconds // 86_400)} d"


RUN_OF = {
    "oldest": Run("ix_feedback_state_captured_at_id", _OLDEST, _oldest),
    "worst": Run("ix_feedback_state_score_order_id", (Key(_rows.score_order), Key(_rows.id)), _worst),
    "uncertain": Run(
        "ix_feedback_state_uncertainty_order_id",
        (Key(_rows.uncertainty_order, descending=True), Key(_rows.id, descending=True)),
        _uncertain,
    ),
}


def _read(conn: Connection, chosen: dict[str, str], until: datetime) -> list[QueueItem]:
    """The rows with their decisions, as many as may be held at once."""
    ids = list(chosen)
    decisions = decisions_of(conn, ids)
    items: list[QueueItem] = []
    size = 0
    for start in range(0, len(ids), BODIES):
        rows = rows_of(conn, ids[start : start + BODIES])
        for identity in ids[start : start + BODIES]:
            row = rows.get(identity)
            if row is not None:
                size += len(row.input) + len(row.output) + len(row.comment or "")
                items.append(QueueItem(row, chosen[identity], until, decisions.get(identity, ())))
        if size > BODY_CHARACTERS:
            break
    return items

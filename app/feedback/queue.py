"""What to review next: rows that wait, in an order that can be explained, claimed for one reviewer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, select

from app.db.paging import Cursor, Key, beyond, up_to
from app.feedback import claims, filter_sql, finding, indexes, ordering, planning, pools
from app.feedback.filters import Filter
from app.feedback.model import Order, QueueItem
from app.feedback.reading import decisions_of, rows_of
from app.feedback.stride import Stride
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
ASKED = 500
"""Rows asked for by their ids in one statement."""
RUNS = 200
"""Models or clusters looked up at once."""
BODIES = 10
"""Rows read in one statement; bodies are large."""
BODY_CHARACTERS = 16_000_000
"""Characters of text that one call brings at most: the rest stays for the next one."""

_rows = feedback.c
_OLDEST = (Key(_rows.captured_at), Key(_rows.id))

ALL = Filter()
Narrow = Sequence[ColumnElement[bool]]
"""Conditions on columns of `feedback`."""
Waiting = Any
"""What `_shown` reads of a row."""
Why = Callable[[Waiting, datetime], str]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Run:
    """A range of one index, in its order; `why` says of a row of it why it stands there."""

    index: str
    keys: tuple[Key, ...]
    why: Why
    where: tuple[ColumnElement[bool], ...] = ()
    key: int | None = None
    """Of the model or cluster whose rows these are."""


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
) -> list[QueueItem]:
    """Claim and read up to `limit` rows that wait, in this order. Call it in a transaction that writes."""
    chosen: list[Candidate] = []
    for batch in candidates(conn, order, now=now, step=max(limit + 14, CANDIDATES)):
        known = {found.id for found in chosen}
        fresh = {found.id: found for found in batch if found.id not in known}
        wanted = list(fresh)[: limit - len(chosen)]
        until = (now + lease).replace(microsecond=0)
        mine = claims.take(conn, wanted, reviewer=reviewer, session=session, now=now, until=until)
        chosen += [fresh[identity] for identity in mine]
        if len(chosen) >= limit:
            break
    return claim(conn, chosen, reviewer=reviewer, session=session, now=now, lease=lease)


def search(
    conn: Connection, order: Order, given: Filter, *, limit: int, now: datetime, progress: Progress = lambda count: None
) -> list[Candidate]:
    """The first `limit` rows that wait, that nobody has claimed and that fulfil the filter, in this order.

    Where no index leads to them, this looks at all that wait; `progress` hears at how many.
    """
    found: dict[str, Candidate] = {}
    for batch in candidates(conn, order, now=now, given=given, progress=progress):
        for each in batch:
            found.setdefault(each.id, each)
        if len(found) >= limit:
            break
    return list(found.values())[:limit]


def claim(
    conn: Connection,
    found: Sequence[Candidate],
    *,
    reviewer: str,
    session: str,
    now: datetime,
    lease: timedelta = LEASE,
) -> list[QueueItem]:
    """Claim and read those of these rows that wait still and that nobody else has. Call it in a transaction that
    writes."""
    until = (now + lease).replace(microsecond=0)
    chosen = {each.id: each.why for each in found}
    mine = claims.take(conn, list(chosen), reviewer=reviewer, session=session, now=now, until=until)
    items = _read(conn, {identity: chosen[identity] for identity in mine}, until)
    known = {item.row.id for item in items}
    claims.release(conn, session, [identity for identity in mine if identity not in known])
    return items


def candidates(
    conn: Connection,
    order: Order,
    *,
    now: datetime,
    given: Filter = ALL,
    step: int = CANDIDATES,
    progress: Progress = lambda count: None,
) -> Iterator[list[Candidate]]:
    """Rows that wait and that nobody has claimed, in this order, some at a time."""
    looked_at = 0
    for rows, why, more in _found(conn, order, given, step):
        looked_at += more
        progress(looked_at)
        # A statement of its own: with a join, the servers would rather sort all that waits.
        taken = claims.held(conn, [row.id for row in rows], now)
        if free := [Candidate(row.id, why(row, now)) for row in rows if row.id not in taken]:
            yield free


def _found(conn: Connection, order: Order, given: Filter, step: int) -> Iterator[tuple[Sequence[Waiting], Why, int]]:
    """Rows that wait and fulfil the filter, why they stand there, and how many were looked at for them."""
    narrow = filter_sql.conditions(given)
    stride = Stride()
    if "waiting" not in pools.states_of(given):
        return
    if narrow and (ids := pools.few(conn, given)) is not None:
        yield from _ordered_few(conn, order, ids, narrow)
    elif order == "oldest" and ordering.order_of(given) == "captured" and narrow:
        way = planning.by_order(conn, given)
        stride = Stride(way.by_index, way.passed)
        cursor: Cursor | None = None
        while True:
            began = time.perf_counter()
            piece = finding.step(conn, way, "captured", limit=step, scanned=stride.rows, cursor=cursor, backward=True)
            stride.took(time.perf_counter() - began)
            yield piece.rows, _oldest, piece.looked_at
            cursor = piece.more
            if cursor is None:
                break
    else:
        for run in _runs(conn, order, given):
            after: Cursor | None = None
            while True:
                if narrow:
                    number, began = stride.rows, time.perf_counter()
                    rows, after = _scan(conn, run, after, narrow, number)
                    stride.took(time.perf_counter() - began)
                    yield rows, run.why, number if after is not None else len(rows)
                else:
                    rows = list(conn.execute(select_waiting(run, after).limit(step)))
                    after = _cursor(run, rows[-1]) if len(rows) == step else None
                    yield rows, run.why, len(rows)
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
    return indexes.hinted(ordering.in_order(statement, run.keys), feedback, run.index)


def _scan(
    conn: Connection, run: Run, after: Cursor | None, narrow: Narrow, number: int
) -> tuple[list[Row[Any]], Cursor | None]:
    """Look at the next `number` rows of a run; those that fulfil `narrow`, and the cursor behind all of them."""
    keys = [key.column for key in run.keys]
    last = conn.execute(_ordered(select(*keys), run, after).offset(number - 1).limit(1)).first()
    end = tuple(last) if last is not None else None
    statement = select_waiting(run, after).where(*narrow)
    if end is not None:
        statement = statement.where(up_to(run.keys, end))
    return list(conn.execute(statement)), end


def _cursor(run: Run, row: Row[Any]) -> Cursor:
    return tuple(row._mapping[key.column] for key in run.keys)


def _runs(conn: Connection, order: Order, given: Filter) -> Iterator[Run]:
    if order == "newest_model":
        yield from _models(conn, given)
    elif order == "cluster":
        yield from _clusters(conn)
    else:
        run = RUN_OF[order]
        bounds = ordering.own_terms(given, LISTED[order])
        yield replace(run, where=tuple(map(ordering.bound_condition, bounds)))


def _models(conn: Connection, given: Filter) -> Iterator[Run]:
    """The models with rows that wait, the newest first; then the rows of which no model is known."""
    columns = feedback_model.c
    meant = planning.models_meant(given)
    keys = (Key(columns.first_at, descending=True), Key(columns.model_key, descending=True))
    waits = exists().where(_rows.state == "waiting", _rows.model_key == columns.model_key)
    after: Cursor | None = None
    while True:
        statement = select(columns.model_key, columns.model, columns.version, columns.first_at).where(waits, *meant)
        if after is not None:
            statement = statement.where(beyond(keys, after))
        found = list(conn.execute(statement.order_by(*(key.column.desc() for key in keys)).limit(RUNS)))
        for model in found:
            yield _model_run(model.model_key, " ".join(part for part in (model.model, model.version) if part))
        if len(found) < RUNS:
            break
        after = (found[-1].first_at, found[-1].model_key)
    if not meant:
        yield _model_run(0, "")


def _model_run(key: int, name: str) -> Run:
    def why(row: Row[Any], now: datetime) -> str:
        return f"{name}, waits {_age(row, now)}" if name else f"no model known, waits {_age(row, now)}"

    return Run("ix_feedback_state_model_key_captured_at_known", _OLDEST, why, (_rows.model_key == key,), key)


def _clusters(conn: Connection) -> Iterator[Run]:
    """Clusters of rows that are alike, the largest first; then all rows, oldest first."""
    for each in _largest(conn):
        yield _cluster_run(each.cluster, each.waiting)
    yield RUN_OF["oldest"]


def _largest(conn: Connection) -> Sequence[Any]:
    columns = feedback_cluster.c
    largest = select(columns.cluster, columns.waiting).order_by(columns.waiting.desc(), columns.cluster.desc())
    return conn.execute(largest.limit(RUNS)).all()


def _cluster_run(cluster: int, size: int) -> Run:
    def why(row: Row[Any], now: datetime) -> str:
        return f"one of {size:,} alike"

    return Run("ix_feedback_state_cluster_id", (Key(_rows.id),), why, (_rows.cluster == cluster,), cluster)


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
    "oldest": Run("ix_feedback_state_captured_at_known", _OLDEST, _oldest),
    "worst": Run("ix_feedback_state_score_order_id_known", (Key(_rows.score_order), Key(_rows.id)), _worst),
    "uncertain": Run(
        "ix_feedback_state_uncertainty_order_id_known",
        (Key(_rows.uncertainty_order, descending=True), Key(_rows.id, descending=True)),
        _uncertain,
    ),
}


LISTED = {"oldest": "captured", "worst": "score", "uncertain": "uncertainty"}
"""The list's name of an order."""


def _ordered_few(
    conn: Connection, order: Order, ids: Sequence[str], narrow: Narrow
) -> Iterator[tuple[Sequence[Waiting], Why, int]]:
    """Of few rows, those that wait and fulfil `narrow`, brought into order here."""
    rows: list[Row[Any]] = []
    shown = select(*_shown(), _rows.cluster, _rows.model_key)
    for start in range(0, len(ids), ASKED):
        piece = ids[start : start + ASKED]
        rows += conn.execute(indexes.by_id(shown.where(_rows.id.in_(piece), _rows.state == "waiting", *narrow)))
    run = RUN_OF.get(order, RUN_OF["oldest"])
    rows.sort(key=lambda row: _cursor(run, row), reverse=run.keys[0].descending)
    if order in RUN_OF:
        yield rows, run.why, len(ids)
        return
    grouped: dict[int, list[Row[Any]]] = {}
    for row in rows:
        grouped.setdefault(row.cluster if order == "cluster" else row.model_key, []).append(row)
    for each in _runs(conn, order, ALL):
        # What no run is about comes last.
        fitting = grouped.pop(each.key, []) if each.key is not None else list(chain.from_iterable(grouped.values()))
        fitting.sort(key=lambda row: _cursor(each, row))
        yield fitting, each.why, len(fitting)


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

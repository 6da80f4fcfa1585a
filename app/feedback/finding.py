"""Rows that fulfil a filter, read from the index that its terms name, page by page.

The order is the newest first; where numbers or times of decisions lead, it is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from heapq import merge
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Select, and_, or_, select

from app.db.paging import Cursor, beyond
from app.feedback.filter_sql import Condition
from app.feedback.filters import Filter
from app.feedback.listing import Step
from app.feedback.model import RowHead
from app.feedback.planning import ORDERED, Plan, Range, hinted, in_order, order_of, plan, statement
from app.feedback.tables import SCORE_UNKNOWN, UNCERTAINTY_UNKNOWN, feedback

if TYPE_CHECKING:
    from app.db.engine import Database

SCANNED = 20_000
"""Rows looked at in one step, when terms have to be asked of every row."""
CHUNK = 500
KEYS_FIRST = 4
"""Ranges from which on only their keys are merged, and the rows read that are in the page."""
FIRST_KEYS = 10
"""Keys read at first of each of many ranges."""

_rows = feedback.c
_HEAD = ("id", "source", "captured_at", "state", "score", "model", "model_version", "head", "decided_at")
_SELECT_HEADS: Select[Any] = select(*(_rows[name] for name in _HEAD), _rows.uncertainty_order)

Progress = Callable[[int], None]


def cursor_of(order: str, head: RowHead) -> Cursor:
    """The place of a row in a list of this order."""
    value: Any = head.captured_at
    if order == "score":
        value = SCORE_UNKNOWN if head.score is None else head.score
    elif order == "uncertainty":
        value = UNCERTAINTY_UNKNOWN if head.uncertainty is None else head.uncertainty
    elif order == "decided":
        value = head.decided_at
    return (value, head.id)


def step(
    conn: Connection,
    given: Filter,
    *,
    limit: int,
    cursor: Cursor | None = None,
    backward: bool = False,
    scanned: int = SCANNED,
) -> Step:
    """The next rows behind the cursor (before it, with `backward`; from that end, without a cursor), in the direction
    read.

    Where terms are asked of every row, at most `scanned` of each range are looked at: there may be none although
    there are more.
    """
    order = order_of(given)
    way = plan(conn, given)
    if way.ids is not None:
        return _of_few(conn, way, way.ids, order, limit, cursor, backward)
    if len(way.ranges) > KEYS_FIRST and not way.rest:
        return _by_keys(conn, way.ranges, order, limit, cursor, backward)
    down = ORDERED[order][1] != backward
    merged: dict[Cursor, RowHead] = {}
    ends: list[Cursor] = []
    looked_at = 0
    for each in way.ranges:
        read = _tagged if each.tags else _plain
        found, end, count = read(conn, each, way.rest, order, limit, cursor, backward, scanned)
        merged |= {cursor_of(order, head): head for head in found}
        ends += [end] if end is not None else []
        looked_at += count
    # Each range was read as far as its end: what lies behind the nearest of these is for the next step.
    nearest = (max(ends) if down else min(ends)) if ends else None
    places = sorted(merged, reverse=down)
    if nearest is not None:
        places = [place for place in places if (place >= nearest if down else place <= nearest)]
    if len(places) > limit:
        places = places[:limit]
        nearest = places[-1]
    return Step(tuple(merged[place] for place in places), nearest, looked_at)


async def page(
    db: Database,
    given: Filter,
    *,
    limit: int,
    cursor: Cursor | None = None,
    backward: bool = False,
    progress: Progress = lambda count: None,
) -> tuple[list[RowHead], Cursor | None]:
    """Up to `limit` rows in the direction read, and the cursor to go on from; None at the end.

    `progress` hears how many rows were looked at; cancel the task to end it.
    """
    rows: list[RowHead] = []
    total = 0
    while True:
        found = await db.run(
            partial(step, given=given, limit=limit - len(rows), cursor=cursor, backward=backward, scanned=SCANNED)
        )
        rows += found.rows
        total += found.looked_at
        cursor = found.more
        progress(total)
        if cursor is None or len(rows) >= limit:
            return rows, cursor


def heads(
    each: Range, rest: Sequence[Condition], cursor: Cursor | None, backward: bool, bound: Cursor | None
) -> Select[Any]:
    """The rows of a range of `feedback` behind a cursor, up to `bound`, that fulfil the rest."""
    query = _SELECT_HEADS.where(*each.where, *rest)
    if cursor is not None:
        query = query.where(beyond(each.keys, cursor, backward=backward))
    if bound is not None:
        equal = and_(*(key.column == value for key, value in zip(each.keys, bound, strict=True)))
        query = query.where(or_(beyond(each.keys, bound, backward=not backward), equal))
    return hinted(in_order(query, each.keys, backward), feedback, each.index)


def _of_few(
    conn: Connection,
    way: Plan,
    ids: Sequence[str],
    order: str,
    limit: int,
    cursor: Cursor | None,
    backward: bool,
) -> Step:
    """All rows of the filter among these, brought into order here."""
    down = ORDERED[order][1] != backward
    placed: dict[Cursor, RowHead] = {}
    for start in range(0, len(ids), CHUNK):
        query = _SELECT_HEADS.where(_rows.id.in_(ids[start : start + CHUNK]), *way.rest)
        placed |= {cursor_of(order, head): head for head in map(_head, conn.execute(query))}
    places = sorted(placed, reverse=down)
    if cursor is not None:
        places = [place for place in places if (place < cursor if down else place > cursor)]
    more = places[limit - 1] if len(places) > limit else None
    return Step(tuple(placed[place] for place in places[:limit]), more, len(ids))


def _by_keys(
    conn: Connection, ranges: Sequence[Range], order: str, limit: int, cursor: Cursor | None, backward: bool
) -> Step:
    """The first rows of many ranges, of which an index tells all that puts them in order."""
    down = ORDERED[order][1] != backward
    merged = merge(*(_keys(conn, each, cursor, backward) for each in ranges), reverse=down)
    # A row may lie in two of them.
    places = list(islice((place for place, _ in groupby(merged)), limit + 1))
    ids = [place[-1] for place in places[:limit]]
    known: dict[str, RowHead] = {}
    for start in range(0, len(ids), CHUNK):
        query = _SELECT_HEADS.where(_rows.id.in_(ids[start : start + CHUNK]))
        known |= {row.id: _head(row) for row in conn.execute(query)}
    more = places[limit - 1] if len(places) > limit else None
    return Step(tuple(known[identity] for identity in ids if identity in known), more, len(ids))


def _keys(conn: Connection, each: Range, cursor: Cursor | None, backward: bool) -> Iterator[Cursor]:
    """The keys of a range, as many as are asked for."""
    size = FIRST_KEYS
    while True:
        found = [tuple(row) for row in conn.execute(statement(each, cursor, backward).limit(size))]
        yield from found
        if len(found) < size:
            return
        cursor = found[-1]
        size = min(2 * size, CHUNK)


def _plain(
    conn: Connection,
    each: Range,
    rest: Sequence[Condition],
    order: str,
    limit: int,
    cursor: Cursor | None,
    backward: bool,
    scanned: int,
) -> tuple[list[RowHead], Cursor | None, int]:
    """Rows of a range of `feedback`; where it was left before its end, the place; how many were looked at."""
    bound: Cursor | None = None
    if rest and each.index:
        row = conn.execute(statement(each, cursor, backward).offset(scanned - 1).limit(1)).first()
        bound = None if row is None else tuple(row)
    query = heads(each, rest, cursor, backward, bound)
    found = [_head(row) for row in conn.execute(query.limit(limit))]
    end = cursor_of(order, found[-1]) if len(found) == limit else bound
    return found, end, scanned if bound is not None else len(found)


def _tagged(
    conn: Connection,
    each: Range,
    rest: Sequence[Condition],
    order: str,
    limit: int,
    cursor: Cursor | None,
    backward: bool,
    scanned: int,
) -> tuple[list[RowHead], Cursor | None, int]:
    """The same for a range of tags: some keys out of the index, then those of their rows that fulfil the rest."""
    taken: list[RowHead] = []
    looked_at = 0
    while len(taken) < limit and looked_at < scanned:
        size = max(limit, CHUNK) if rest else limit
        keys = [tuple(row) for row in conn.execute(statement(each, cursor, backward).limit(size))]
        looked_at += len(keys)
        ids = [key[-1] for key in keys]
        known = {row.id: row for row in conn.execute(_SELECT_HEADS.where(_rows.id.in_(ids), *rest))} if ids else {}
        taken += [_head(known[identity]) for identity in ids if identity in known]
        if len(keys) < size:
            return taken, None, looked_at
        cursor = keys[-1]
    return taken, cursor, looked_at


def _head(row: Row[Any]) -> RowHead:
    unsure = None if row.uncertainty_order == UNCERTAINTY_UNKNOWN else row.uncertainty_order
    return RowHead(**{name: row._mapping[name] for name in _HEAD}, uncertainty=unsure)

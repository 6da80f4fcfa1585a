"""Rows that fulfil a filter, read from the index that its terms name, page by page.

The order is the newest first; where numbers or times of decisions lead, it is theirs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from heapq import merge
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Select, func, select

from app.db.paging import Cursor
from app.feedback.filter_sql import Condition
from app.feedback.filters import Filter
from app.feedback.indexes import by_id
from app.feedback.listing import Step
from app.feedback.model import RowHead
from app.feedback.named import Range
from app.feedback.ordering import ORDERED, in_order, order_of
from app.feedback.planning import plan
from app.feedback.plans import Plan, between, keys_found, statement
from app.feedback.stride import Stride
from app.feedback.tables import SCORE_UNKNOWN, UNCERTAINTY_UNKNOWN, feedback, feedback_decision, feedback_tag

if TYPE_CHECKING:
    from app.db.engine import Database

CHUNK = 250
SOME = 60
"""Rows read at first of those whose order is known."""
AT_ONCE = 4
"""Statements for rows of known ids that are under way at the same time: where rows come from the disk, they wait."""
SOON = 4
"""Steps after which the page should be there."""
KEYS_FIRST = 4
"""Ranges from which on only their keys are merged, and the rows read that are in the page."""
KEYS_ASKED = 16
"""The same where something else is asked of the rows: the database scans quicker than keys are handed over."""
FIRST_KEYS = 10
"""Keys read at first of each of many ranges."""

_rows = feedback.c
_HEAD = ("id", "source", "captured_at", "state", "score", "model", "model_version", "head", "decided_at")
_SELECT_HEADS: Select[Any] = select(*(_rows[name] for name in _HEAD), _rows.uncertainty_order)

Progress = Callable[[int], None]
Shown = Callable[[Sequence[RowHead]], None]


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
    way: Plan,
    order: str,
    *,
    limit: int,
    scanned: int,
    cursor: Cursor | None = None,
    backward: bool = False,
) -> Step:
    """The next rows of the plan's ranges behind the cursor (before it, with `backward`; from that end, without a
    cursor), in the direction read.

    Where terms are asked of every row, about `scanned` of each range are looked at: there may be none although there
    are more.
    """
    number = len(way.ranges)
    if way.by_index:
        return _by_index(conn, way, order, limit, cursor, backward, scanned)
    if any(each.table is not feedback for each in way.ranges) or number > (KEYS_ASKED if way.rest else KEYS_FIRST):
        return _by_keys(conn, way, order, limit, cursor, backward, scanned)
    return _by_rows(conn, way, order, limit, cursor, backward, scanned)


async def page(
    db: Database,
    given: Filter,
    *,
    limit: int,
    cursor: Cursor | None = None,
    backward: bool = False,
    progress: Progress = lambda count: None,
    shown: Shown = lambda rows: None,
) -> tuple[list[RowHead], Cursor | None]:
    """Up to `limit` rows in the direction read, and the cursor to go on from; None at the end.

    `progress` hears how many rows were looked at, and `shown` the rows found so far while it goes on; cancel the task
    to end it. Rows may still come before some of these where only a few are looked at, in no order.
    """
    order = order_of(given)
    way = await db.run(lambda conn: plan(conn, given))
    if way.ids is not None or way.places is not None:
        return await _of_few(db, way, order, limit, cursor, backward, progress, shown)
    rows: list[RowHead] = []
    total = 0
    stride = Stride(way.by_index, way.passed)
    steps = 0
    while True:
        began = time.perf_counter()
        wanted = limit - len(rows)
        found = await db.run(
            partial(step, way=way, order=order, limit=wanted, scanned=stride.rows, cursor=cursor, backward=backward)
        )
        stride.took(time.perf_counter() - began)
        rows += found.rows
        total += found.looked_at
        cursor = found.more
        progress(total)
        if cursor is None or len(rows) >= limit:
            return rows, cursor
        if found.rows:
            shown(tuple(rows))
        steps += 1
        if steps == SOON and (way.rest or way.by_index) and not way.at_once:
            # Fewer than an index lets expect.
            again = await db.run(lambda conn: plan(conn, given, thorough=True))
            if again.places is not None:
                rest = partial(_of_few, db, again, order, limit - len(rows), cursor, backward)
                more, cursor = await rest(_beyond(total, progress), _behind(rows, shown))
                return rows + more, cursor
            if again.at_once or len(again.members) > len(way.members):
                way, stride = again, Stride(again.by_index, again.passed)


def _beyond(total: int, progress: Progress) -> Progress:
    return lambda count: progress(total + count)


def _behind(rows: Sequence[RowHead], shown: Shown) -> Shown:
    return lambda part: shown((*rows, *part))


def heads(
    each: Range, rest: Sequence[Condition], cursor: Cursor | None, backward: bool, bound: Cursor | None
) -> Select[Any]:
    """The rows of a range of `feedback` behind a cursor, up to `bound`, that fulfil the rest."""
    query = between(_SELECT_HEADS.where(*rest), each, cursor, backward, bound)
    return in_order(query, each.keys, backward)


async def _of_few(
    db: Database,
    way: Plan,
    order: str,
    limit: int,
    cursor: Cursor | None,
    backward: bool,
    progress: Progress,
    shown: Shown,
) -> tuple[list[RowHead], Cursor | None]:
    """A page of the rows of the filter among these, brought into order here."""
    down = ORDERED[order][1] != backward

    def is_beyond(place: Cursor) -> bool:
        return cursor is None or (place < cursor if down else place > cursor)

    known = way.places or ()
    ids = way.ids or tuple(place[-1] for place in (reversed(known) if backward else known) if is_beyond(place))
    placed: dict[Cursor, RowHead] = {}
    places: list[Cursor] = []
    looked_at, size = 0, SOME if way.places else CHUNK
    while looked_at < len(ids) and not (way.places and len(placed) > limit):
        chunks = [ids[start : start + size] for start in range(looked_at, len(ids), size)][:AT_ONCE]
        parts = await asyncio.gather(*(db.run(partial(_tagged, ids=each, way=way)) for each in chunks))
        for head in chain.from_iterable(part.values() for part in parts):
            place = cursor_of(order, head)
            if is_beyond(place):
                placed[place] = head
        places = sorted(placed, reverse=down)
        looked_at += sum(map(len, chunks))
        # In order, about so many as are missing.
        missing = (limit - len(placed)) * looked_at // max(len(placed), 1)
        size = min(max(missing // AT_ONCE + 1, SOME), CHUNK) if way.places else CHUNK
        progress(looked_at)
        if placed and looked_at < len(ids):
            shown(tuple(placed[place] for place in places[:limit]))
    more = places[limit - 1] if len(places) > limit else None
    return [placed[place] for place in places[:limit]], more


def _tagged(conn: Connection, ids: Sequence[str], way: Plan) -> dict[str, RowHead]:
    """By id, the rows of these that fulfil the plan; rows without its tags are not read."""
    if way.tags and ids:
        tag = feedback_tag.c
        # By the key alone: by the tag, a database would go through all that has it.
        found: dict[str, set[str]] = {}
        for row in conn.execute(select(tag.feedback_id, tag.tag).where(tag.feedback_id.in_(ids))):
            found.setdefault(row.feedback_id, set()).add(row.tag)
        ids = [identity for identity in ids if all(found.get(identity, set()) & each for each in way.tags)]
    return _known(conn, ids, way.rest)


def _by_keys(
    conn: Connection, way: Plan, order: str, limit: int, cursor: Cursor | None, backward: bool, scanned: int
) -> Step:
    """The next rows of ranges whose keys alone tell the order: only those are asked for whose turn it is."""
    down = ORDERED[order][1] != backward
    merged = merge(*(_places(conn, each, cursor, backward) for each in way.ranges), reverse=down)
    # A row may lie in two of them.
    places = (place for place, _ in groupby(merged))
    taken: list[tuple[Cursor, RowHead]] = []
    looked_at = 0
    size = limit + 1
    while True:
        piece = list(islice(places, size))
        looked_at += len(piece)
        known = _known(conn, [place[-1] for place in piece], way.rest)
        for place in piece:
            head = known.get(place[-1])
            # Of the log, the entry that holds.
            if head is not None and (order != "decided" or cursor_of(order, head) == place):
                taken.append((place, head))
        if len(taken) > limit:
            return Step(tuple(head for _, head in taken[:limit]), taken[limit - 1][0], looked_at)
        ended = len(piece) < size
        if ended or looked_at >= scanned:
            return Step(tuple(head for _, head in taken), None if ended else piece[-1], looked_at)
        size = min(2 * size, CHUNK)


def _places(conn: Connection, each: Range, cursor: Cursor | None, backward: bool) -> Iterator[Cursor]:
    """The places of a range's rows in the list."""
    if each.table is not feedback_decision:
        yield from _keys(conn, each, cursor, backward)
        return
    # The log's index knows the time of an entry and its id, not the row's: what was decided at one time is put in
    # order here. No id is beyond these two.
    down = each.keys[0].descending != backward
    start = None if cursor is None else (cursor[0], "~" if down else "0")
    for moment, entries in groupby(_keys(conn, each, start, backward), key=itemgetter(0)):
        for place in sorted({(moment, entry[-1]) for entry in entries}, reverse=down):
            if cursor is None or (place < cursor if down else place > cursor):
                yield place


def _keys(conn: Connection, each: Range, cursor: Cursor | None, backward: bool) -> Iterator[Cursor]:
    """The keys of a range, as many as are asked for."""
    size = FIRST_KEYS
    while True:
        found = [tuple(row) for row in conn.execute(statement(each, cursor, backward).limit(size))]
        yield from found
        if len(found) < size:
            return
        cursor = found[-1][: len(each.keys)]
        size = min(2 * size, CHUNK)


def _by_rows(
    conn: Connection, way: Plan, order: str, limit: int, cursor: Cursor | None, backward: bool, scanned: int
) -> Step:
    """The next rows of ranges of `feedback`; where something is asked of them, no further than `scanned` of one."""
    down = ORDERED[order][1] != backward
    asked = [each for each in way.ranges if way.rest and each.index]
    bound = _end(conn, asked, cursor, backward, scanned)
    stops = [bound] if bound is not None else []
    merged: dict[Cursor, RowHead] = {}
    looked_at = 0
    for each in way.ranges:
        found = [_head(row) for row in conn.execute(heads(each, way.rest, cursor, backward, bound).limit(limit))]
        merged |= {cursor_of(order, head): head for head in found}
        if len(found) == limit:
            # No other range is read further than this one was.
            bound = cursor_of(order, found[-1])
            stops.append(bound)
        counted = between(select(func.count()).select_from(feedback), each, cursor, backward, bound)
        looked_at += (conn.scalar(counted) or 0) if way.rest and each.index else len(found)
    stop = (max(stops) if down else min(stops)) if stops else None
    places = sorted(merged, reverse=down)
    if stop is not None:
        places = [place for place in places if (place >= stop if down else place <= stop)]
    if len(places) > limit:
        places = places[:limit]
        stop = places[-1]
    return Step(tuple(merged[place] for place in places), stop, looked_at)


def _by_index(
    conn: Connection, way: Plan, order: str, limit: int, cursor: Cursor | None, backward: bool, scanned: int
) -> Step:
    """The next rows of ranges whose keys other indexes know, too, no further than `scanned` of one."""
    down = ORDERED[order][1] != backward
    joined = conn.dialect.name != "sqlite"
    bound = None if way.at_once else _end(conn, way.ranges, cursor, backward, scanned)
    size = max(limit, CHUNK) if way.rest else limit
    stops = [bound] if bound is not None else []
    merged: set[Cursor] = set()
    looked_at = 0
    for each in way.ranges:
        query = keys_found(way, each, cursor, backward, bound, joined=joined).limit(size)
        found = [tuple(row) for row in conn.execute(query)]
        merged.update(found)
        if len(found) == size:
            # No other range is read further than this one was.
            bound = found[-1]
            stops.append(bound)
        if way.at_once or len(merged) >= limit:
            # Nobody waits for a word of how far it is.
            looked_at += len(found)
        else:
            counted = between(select(func.count()).select_from(each.table), each, cursor, backward, bound)
            looked_at += conn.scalar(counted) or 0
    stop = (max(stops) if down else min(stops)) if stops else None
    places = [
        place for place in sorted(merged, reverse=down) if stop is None or (place >= stop if down else place <= stop)
    ]
    rows: list[RowHead] = []
    for start in range(0, len(places), max(limit, 1)):
        piece = places[start : start + limit]
        known = _known(conn, [place[-1] for place in piece], way.rest)
        for place in piece:
            if place[-1] in known:
                rows.append(known[place[-1]])
                if len(rows) == limit:
                    more = place if place != places[-1] or stop is not None else None
                    return Step(tuple(rows), more, looked_at)
    return Step(tuple(rows), stop, looked_at)


def _end(
    conn: Connection, ranges: Sequence[Range], cursor: Cursor | None, backward: bool, scanned: int
) -> Cursor | None:
    """The nearest place at which `scanned` rows of a range were passed: what lies behind it is for the next step."""
    end: Cursor | None = None
    for each in ranges:
        last = conn.execute(statement(each, cursor, backward, end).offset(scanned - 1).limit(1)).first()
        end = end if last is None else tuple(last)
    return end


def _known(conn: Connection, ids: Sequence[str], rest: Sequence[Condition]) -> dict[str, RowHead]:
    """By id, the rows of these that fulfil the rest."""
    known: dict[str, RowHead] = {}
    for start in range(0, len(ids), CHUNK):
        query = by_id(_SELECT_HEADS.where(_rows.id.in_(ids[start : start + CHUNK]), *rest))
        known |= {row.id: _head(row) for row in conn.execute(query)}
    return known


def _head(row: Row[Any]) -> RowHead:
    unsure = None if row.uncertainty_order == UNCERTAINTY_UNKNOWN else row.uncertainty_order
    return RowHead(**{name: row._mapping[name] for name in _HEAD}, uncertainty=unsure)

"""Rows that fulfil a filter, read from the index that its terms name, page by page.

Of its terms, one that an index serves leads: its ranges are read in the list's order and merged, and the others are
asked of the rows found. The order is the newest first; where numbers or times of decisions lead, it is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from app.db.paging import Cursor, Key, beyond
from app.feedback import texts
from app.feedback.filter_sql import (
    Condition,
    condition,
    conditions,
    fits,
    number_condition,
    tag_condition,
    time_condition,
    words_condition,
)
from app.feedback.filters import Bounds, Filter, Term, Words
from app.feedback.listing import Step
from app.feedback.model import RowHead, State
from app.feedback.tables import (
    SCORE_UNKNOWN,
    UNCERTAINTY_UNKNOWN,
    feedback,
    feedback_model,
    feedback_tag,
)

if TYPE_CHECKING:
    from app.db.engine import Database

SCANNED = 20_000
"""Rows looked at in one step, when terms have to be asked of every row."""
MODELS = 16
"""Models that are read each from its own range; with more, all rows are looked at."""
PROBED = 2_000
"""Rows counted of a range, to begin with the shortest."""
CHUNK = 500

_rows = feedback.c
_tags = feedback_tag.c
_HEAD = ("id", "source", "captured_at", "state", "score", "model", "model_version", "head", "decided_at")
_SELECT_HEADS: Select[Any] = select(*(_rows[name] for name in _HEAD), _rows.uncertainty_order)
ORDERED = {
    "score": (_rows.score_order, False, "ix_feedback_state_score_order_id"),
    "uncertainty": (_rows.uncertainty_order, True, "ix_feedback_state_uncertainty_order_id"),
    "decided": (_rows.decided_at, True, "ix_feedback_state_decided_at_id"),
    "captured": (_rows.captured_at, True, "ix_feedback_state_captured_at_id"),
}
"""By order: its column, whether it falls, and the index of it within a state."""
TAG_INDEX = "ix_feedback_tag_tag_state_captured_at_feedback_id"
MODEL_INDEX = "ix_feedback_state_model_key_captured_at_id"
SOURCE_INDEX = "ix_feedback_state_source_captured_at_id"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Range:
    """Rows that lie together in an index (of tags, where `tags`), in the order of `keys`."""

    index: str
    keys: tuple[Key, ...]
    where: tuple[Condition, ...]
    tags: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The ranges to merge, and what to ask of each of their rows."""

    ranges: tuple[Range, ...]
    rest: tuple[Condition, ...]


def order_of(given: Filter) -> str:
    """The name of the list's order: what the filter asks for by itself, else `captured`."""
    fields = {term.field for term in given.terms if not term.negated and _leads(term)}
    if fields & {"id", "event", "tag", "model", "version", "source", "before", "after"}:
        return "captured"
    for name in ("score", "uncertainty", "decided"):
        if any(field.startswith(name) for field in fields):
            return name
    return "captured"


def plan(conn: Connection, given: Filter) -> Plan:
    """How to read the rows of a filter."""
    states, order = given.states, order_of(given)
    single = _by_id(given)
    if single is not None:
        keys = _keys("captured")
        wanted = Range("", keys, (single, _rows.state.in_(states)))
        return Plan((wanted,) if states else (), conditions(given))
    if order != "captured":
        own = [term for term in given.terms if not term.negated and term.field.startswith(order)]
        where = tuple(_ordered_condition(term) for term in own)
        return Plan(
            tuple(Range(ORDERED[order][2], _keys(order), (_rows.state == state, *where)) for state in states),
            tuple(each for term in given.terms if term not in own for each in conditions(Filter((term,)))),
        )
    leaders = [
        (ranges, term)
        for term in given.terms
        if not term.negated and (ranges := _ranges(conn, term, states, given)) is not None
    ]
    if not leaders:
        times = tuple(_time(term, _rows.captured_at) for term in _times(given))
        index = ORDERED["captured"][2]
        every = tuple(Range(index, _keys("captured"), (_rows.state == state, *times)) for state in states)
        return Plan(every, conditions(Filter(tuple(t for t in given.terms if t not in _times(given)))))
    best = min(leaders, key=lambda leader: _size(conn, leader[0])) if len(leaders) > 1 else leaders[0]
    done = {id(best[1]), *(id(term) for term in _times(given))}
    return Plan(best[0], conditions(Filter(tuple(term for term in given.terms if id(term) not in done))))


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


def statement(each: Range, cursor: Cursor | None, backward: bool = False) -> Select[Any]:
    """The keys of a range's rows behind a cursor, in order, read from its index."""
    table = feedback_tag if each.tags else feedback
    query = select(*(key.column for key in each.keys)).where(*each.where)
    if cursor is not None:
        query = query.where(beyond(each.keys, cursor, backward=backward))
    return _hinted(_sorted(query, each, backward), table, each)


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
    return _hinted(_sorted(query, each, backward), feedback, each)


def _sorted(query: Select[Any], each: Range, backward: bool) -> Select[Any]:
    for key in each.keys:
        query = query.order_by(key.column.desc() if key.descending != backward else key.column.asc())
    return query


def _hinted(query: Select[Any], table: Any, each: Range) -> Select[Any]:
    # The servers guess at once that sorting all is quicker, whenever they guess the sizes wrong; SQLite takes an index
    # of the times alone where they are bounded on both sides.
    if not each.index:
        return query
    return query.with_hint(table, f"FORCE INDEX ({each.index})").with_hint(table, f"INDEXED BY {each.index}", "sqlite")


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


def _leads(term: Term) -> bool:
    """Whether an index serves the term by itself."""
    if isinstance(term.test, Words):
        return term.field in {"id", "tag", "model", "version", "source", "event"}
    return True


def _keys(order: str) -> tuple[Key, ...]:
    column, falls, _ = ORDERED[order]
    return (Key(column, falls), Key(_rows.id, falls))


def _by_id(given: Filter) -> ColumnElement[bool] | None:
    """Few rows that are found by their own key."""
    named = {term.field: term.test for term in given.terms if not term.negated and isinstance(term.test, Words)}
    if "id" in named and not any(word.open for word in named["id"].words):
        return words_condition(_rows.id, named["id"])
    if {"source", "event"} <= set(named):
        pairs = [(one, other) for one in named["source"].words for other in named["event"].words]
        if not any(word.open for pair in pairs for word in pair):
            digests = [texts.digest(f"e:{source.text}\0{event.text}") for source, event in pairs]
            return _rows.unique_key.in_(digests)
    return None


def _ranges(conn: Connection, term: Term, states: Sequence[State], given: Filter) -> tuple[Range, ...] | None:
    """The ranges that hold the rows of a term; None where no index does."""
    test = term.test
    if not isinstance(test, Words) or (term.field != "model" and any(word.open for word in test.words)):
        return None
    if term.field == "tag":
        keys = (Key(_tags.captured_at, True), Key(_tags.feedback_id, True))
        times = tuple(_time(each, _tags.captured_at) for each in _times(given))
        return tuple(
            Range(TAG_INDEX, keys, (tag_condition(Words((word,))), _tags.state == state, *times), tags=True)
            for word in test.words
            for state in states
        )
    times = tuple(_time(each, _rows.captured_at) for each in _times(given))
    if term.field == "source":
        index, wanted = SOURCE_INDEX, [_rows.source == word.text for word in test.words if fits(_rows.source, word)]
    elif term.field in {"model", "version"}:
        found = _models(conn, term.field, test)
        if found is None:
            return None
        index, wanted = MODEL_INDEX, [_rows.model_key == key for key in found]
    else:
        return None
    return tuple(
        Range(index, _keys("captured"), (_rows.state == state, each, *times)) for each in wanted for state in states
    )


def _models(conn: Connection, field: str, test: Words) -> list[int] | None:
    """The keys of the models meant; None where they are many."""
    columns = feedback_model.c
    meant = words_condition(columns.version, test)
    if field == "model":
        meant = meant | words_condition(columns.model, test)
    found = list(conn.scalars(select(columns.model_key).where(meant).limit(MODELS + 1)))
    return found if len(found) <= MODELS else None


def _size(conn: Connection, ranges: Sequence[Range]) -> int:
    """How many rows lie in the ranges, as far as it matters."""
    total = 0
    for each in ranges:
        total += conn.scalar(select(func.count()).select_from(statement(each, None).limit(PROBED).subquery())) or 0
        if total >= PROBED:
            break
    return total


def _times(given: Filter) -> list[Term]:
    return [term for term in given.terms if not term.negated and term.field in {"before", "after"}]


def _time(term: Term, column: Any) -> Condition:
    assert isinstance(term.test, datetime)
    return time_condition(term.field, column, term.test)


def _ordered_condition(term: Term) -> Condition:
    if isinstance(term.test, Bounds):
        return number_condition(term.field, term.test)
    return condition(term)

"""How rows that fulfil a filter are read: from which index, in which order, and what is asked of each row.

Of its terms, the most selective one that an index serves leads: its ranges are read in the list's order and merged,
and the others are asked of the rows found. Where an index holds but few rows for a term, fewer than lie in the ranges,
these few are looked at, whatever the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, literal, select

from app.db.paging import Cursor, Key, beyond
from app.feedback import texts
from app.feedback.filter_sql import (
    Condition,
    condition,
    conditions,
    number_condition,
    tag_condition,
    time_condition,
    words_condition,
)
from app.feedback.filters import Bounds, Filter, Term, Words
from app.feedback.indexes import (
    LIVE,
    MODEL_INDEX,
    REVIEWER_INDEX,
    SOURCE_INDEX,
    TAG_INDEX,
    hinted,
    model_condition,
    models,
    reviewers,
    sources,
    tags,
)
from app.feedback.model import State
from app.feedback.tables import feedback, feedback_decision, feedback_tag

ASKED = 16
"""Ranges of each state that are read where something else has to be asked of their rows."""
FEW = 3_000
"""Rows of an index that are all looked at, to bring them into any order."""


_rows = feedback.c
_tags = feedback_tag.c
_log = feedback_decision.c
ORDERED = {
    "score": (_rows.score_order, False, "ix_feedback_state_score_order_id"),
    "uncertainty": (_rows.uncertainty_order, True, "ix_feedback_state_uncertainty_order_id"),
    "decided": (_rows.decided_at, True, "ix_feedback_state_decided_at_id"),
    "captured": (_rows.captured_at, True, "ix_feedback_state_captured_at_id"),
}
"""By order: its column, whether it falls, and the index of it within a state."""
OWN = {
    "score": ("score",),
    "uncertainty": ("uncertainty",),
    "decided": ("decided_before", "decided_after"),
    "captured": ("before", "after"),
}
"""By order, the fields that bound it."""


@dataclass(frozen=True, slots=True)
class Range:
    """Rows that lie together in an index, in the order of `keys`: of rows, tags, or the log of decisions."""

    index: str
    keys: tuple[Key, ...]
    where: tuple[Condition, ...]
    table: Table = feedback


@dataclass(frozen=True, slots=True)
class Plan:
    """The ranges to merge, and what to ask of each of their rows; or the `ids` of the few rows it can be at all."""

    ranges: tuple[Range, ...]
    rest: tuple[Condition, ...]
    ids: tuple[str, ...] | None = None


def order_of(given: Filter) -> str:
    """The name of the list's order: what the filter asks for by itself, else `captured`."""
    fields = {term.field for term in given.terms if _leads(term)}
    if fields & {"id", "event", "tag", "model", "version", "source", "before", "after"}:
        return "captured"
    for name in ("score", "uncertainty", "decided"):
        if any(field.startswith(name) for field in fields):
            return name
    return "decided" if "reviewer" in fields else "captured"


def plan(conn: Connection, given: Filter) -> Plan:
    """How to read the rows of a filter."""
    if not given.states:
        return Plan((), ())
    single = _by_id(conn, given)
    if single is not None:
        return Plan((Range("", keys_of("captured"), (single, _rows.state.in_(given.states))),), conditions(given))
    way = by_order(conn, given)
    ids = few(conn, given, _size(conn, way.ranges)) if way.rest else None
    return way if ids is None else Plan((), (_rows.state.in_(given.states), *conditions(given)), ids)


def by_order(conn: Connection, given: Filter) -> Plan:
    """The ranges of the term that leads."""
    states, order = states_of(given), order_of(given)
    bounds = own_terms(given, order)
    others = [term for term in given.terms if term not in bounds]
    leaders = [
        (ranges, rest)
        for term in others
        if _leads(term) and (ranges := _ranges(conn, term, states, order, bounds)) is not None
        for rest in [_rest(term, others, given)]
        if not rest or len(ranges) <= ASKED * len(states)
    ]
    if not leaders:
        where = tuple(map(bound_condition, bounds))
        index = ORDERED[order][2]
        every = tuple(Range(index, keys_of(order), (_rows.state == state, *where)) for state in states)
        return Plan(every, conditions(Filter(tuple(others))))
    best = min(leaders, key=lambda leader: _size(conn, leader[0])) if len(leaders) > 1 else leaders[0]
    return Plan(*best)


def _rest(leader: Term, others: Sequence[Term], given: Filter) -> tuple[Condition, ...]:
    """What is to be asked of the rows in the leader's ranges."""
    if leader.field != "reviewer":
        return conditions(Filter(tuple(term for term in others if term is not leader)))
    # An entry of the log may have been followed by another one, and says nothing of the row's state.
    return (_rows.state.in_(given.states), *conditions(Filter(tuple(others))))


def few(conn: Connection, given: Filter, most: int | None = None) -> tuple[str, ...] | None:
    """The ids of the rows that one of the terms lets through, where an index knows that they are few (fewer than
    `most`); else None."""
    best: tuple[Select[Any], ...] | None = None
    least = FEW + 1 if most is None else min(FEW + 1, most)
    for pools in _pools(conn, given):
        size = 0
        for pool in pools:
            size += _counted(conn, pool, least)
            if size >= least:
                break
        else:
            best, least = pools, size
            if not size:
                return ()
    if best is None:
        return None
    found: dict[str, None] = {}
    for pool in best:
        found |= dict.fromkeys(conn.scalars(pool.limit(FEW + 1)))
    return tuple(found)


def states_of(given: Filter) -> tuple[State, ...]:
    """The states that rows of the filter can be in: what only a decision brings about, rows that wait do not have."""
    decided = any(_is_decided(term) for term in given.terms if not term.negated)
    return tuple(state for state in given.states if state != "waiting" or not decided)


def _is_decided(term: Term) -> bool:
    if term.field == "has" and isinstance(term.test, Words):
        return all(word.text in {"correction", "note", "decision"} for word in term.test.words)
    return term.field in {"reviewer", "decided_before", "decided_after"}


def _pools(conn: Connection, given: Filter) -> Iterator[tuple[Select[Any], ...]]:
    """For each term that an index serves, the ids in it, some statements' worth."""
    states = states_of(given)
    for name, (_, _, index) in ORDERED.items():
        if own := own_terms(given, name):
            where = tuple(map(bound_condition, own))
            yield tuple(_ids(_rows.id, feedback, index, _rows.state == state, *where) for state in states)
    for term in given.terms:
        test = term.test
        if term.negated or not isinstance(test, Words):
            continue
        if term.field == "tag":
            found = tag_condition(test)
            pools = (_ids(_tags.feedback_id, feedback_tag, TAG_INDEX, found, _tags.state == each) for each in states)
            yield tuple(pools)
        elif term.field == "source":
            found = words_condition(_rows.source, test)
            yield tuple(_ids(_rows.id, feedback, SOURCE_INDEX, _rows.state == each, found) for each in states)
        elif term.field == "reviewer":
            meant = words_condition(_log.reviewer, test)
            yield (_ids(_log.feedback_id, feedback_decision, REVIEWER_INDEX, meant, *LIVE),)
        elif term.field in {"model", "version"} and (known := models(conn, term.field, test)) is not None:
            meant = _rows.model_key.in_(known)
            yield tuple(_ids(_rows.id, feedback, MODEL_INDEX, _rows.state == each, meant) for each in states)


def _ids(column: Any, table: Any, index: str, *where: Condition) -> Select[Any]:
    return hinted(select(column).where(*where), table, index)


def statement(each: Range, cursor: Cursor | None, backward: bool = False) -> Select[Any]:
    """The keys of a range's rows behind a cursor, in order, read from its index; of the log, the row's id, too."""
    columns = [key.column for key in each.keys]
    query = select(*columns, *((_log.feedback_id,) if each.table is feedback_decision else ())).where(*each.where)
    if cursor is not None:
        query = query.where(beyond(each.keys, cursor, backward=backward))
    return hinted(in_order(query, each.keys, backward), each.table, each.index)


def in_order(query: Select[Any], keys: Sequence[Key], backward: bool = False) -> Select[Any]:
    """Sorted by these keys."""
    for key in keys:
        query = query.order_by(key.column.desc() if key.descending != backward else key.column.asc())
    return query


def own_terms(given: Filter, order: str) -> list[Term]:
    """The terms that bound the key of an order."""
    return [
        term
        for term in given.terms
        if not term.negated and term.field in OWN[order] and not isinstance(term.test, Words)
    ]


def bound_condition(term: Term) -> Condition:
    """A term that bounds a key, as a range of it."""
    return number_condition(term.field, term.test) if isinstance(term.test, Bounds) else condition(term)


def keys_of(order: str) -> tuple[Key, ...]:
    """The keys of an order."""
    column, falls, _ = ORDERED[order]
    return (Key(column, falls), Key(_rows.id, falls))


def _leads(term: Term) -> bool:
    """Whether an index serves the term by itself."""
    if term.negated:
        return False
    if isinstance(term.test, Words):
        return term.field in {"id", "tag", "model", "version", "source", "event", "reviewer"}
    return True


def _by_id(conn: Connection, given: Filter) -> ColumnElement[bool] | None:
    """Few rows that are found by their own key."""
    named = {term.field: term.test for term in given.terms if not term.negated and isinstance(term.test, Words)}
    if "id" in named and not any(word.open for word in named["id"].words):
        return words_condition(_rows.id, named["id"])
    if "event" not in named or any(word.open for word in named["event"].words):
        return None
    known = sources(conn, named.get("source"))
    if known is None:
        return None
    events = [word.text for word in named["event"].words]
    return _rows.unique_key.in_([texts.digest(f"e:{source}\0{event}") for source in known for event in events])


def _ranges(
    conn: Connection, term: Term, states: Sequence[State], order: str, bounds: Sequence[Term]
) -> tuple[Range, ...] | None:
    """The ranges that hold the rows of a term in this order; None where no index does."""
    test = term.test
    if not isinstance(test, Words):
        return None
    if order == "decided" and term.field == "reviewer" and (names := reviewers(conn, test)) is not None:
        moments = tuple(_time(each, _log.decided_at) for each in bounds)
        keys = (Key(_log.decided_at, True), Key(_log.id, True))
        live = (*LIVE, *moments)
        return tuple(Range(REVIEWER_INDEX, keys, (_log.reviewer == name, *live), feedback_decision) for name in names)
    if order != "captured":
        return None
    if term.field == "tag" and (names := tags(conn, test)) is not None:
        keys = (Key(_tags.captured_at, True), Key(_tags.feedback_id, True))
        moments = tuple(_time(each, _tags.captured_at) for each in bounds)
        return tuple(
            Range(TAG_INDEX, keys, (_tags.tag == tag, _tags.state == state, *moments), feedback_tag)
            for tag in names
            for state in states
        )
    times = tuple(_time(each, _rows.captured_at) for each in bounds)
    wanted: list[Condition]
    if term.field == "source" and (names := sources(conn, test)) is not None:
        index, wanted = SOURCE_INDEX, [_rows.source == source for source in names]
    elif term.field in {"model", "version"} and (known := models(conn, term.field, test)) is not None:
        index, wanted = MODEL_INDEX, [_rows.model_key == key for key in known]
    else:
        return None
    return tuple(
        Range(index, keys_of("captured"), (_rows.state == state, each, *times)) for each in wanted for state in states
    )


def models_meant(given: Filter) -> tuple[Condition, ...]:
    """What the filter asks of models, on columns of `feedback_model`."""
    return tuple(
        model_condition(term.field, term.test)
        for term in given.terms
        if term.field in {"model", "version"} and not term.negated and isinstance(term.test, Words)
    )


def _size(conn: Connection, ranges: Sequence[Range]) -> int:
    """How many rows lie in the ranges, as far as it matters."""
    total = 0
    for each in ranges:
        total += _counted(conn, statement(each, None), FEW)
        if total >= FEW:
            break
    return total


def _counted(conn: Connection, rows: Select[Any], most: int) -> int:
    """How many rows a statement has, up to `most`. No column is asked for: the index alone is read."""
    bare = rows.with_only_columns(literal(1), maintain_column_froms=True).order_by(None)
    return conn.scalar(select(func.count()).select_from(bare.limit(most).subquery())) or 0


def _time(term: Term, column: Any) -> Condition:
    assert isinstance(term.test, datetime)
    return time_condition(term.field, column, term.test)

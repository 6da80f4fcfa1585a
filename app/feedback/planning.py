"""How rows that fulfil a filter are read: from which index, in which order, and what is asked of each row.

Of its terms, one that an index serves leads: its ranges are read in the list's order and merged, and the others are
asked of the rows found. Where an index holds but few rows for a term, these few are looked at, whatever the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unicodedata import normalize

from sqlalchemy import ColumnElement, Connection, Select, func, select

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
from app.feedback.filters import Bounds, Filter, Term, Word, Words
from app.feedback.model import STATES, State
from app.feedback.tables import feedback, feedback_decision, feedback_model, feedback_tag

MODELS = 64
"""Models that are read each from its own range; with more, all rows are looked at."""
MODELS_ASKED = 16
"""The same where something else has to be asked of their rows."""
NAMES = 64
"""Sources or tags that are read each from its own ranges; with more, all rows are looked at."""
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
TAG_INDEX = "ix_feedback_tag_tag_state_captured_at_feedback_id"
MODEL_INDEX = "ix_feedback_state_model_key_captured_at_id"
SOURCE_INDEX = "ix_feedback_state_source_captured_at_id"
ANY = Words((Word("", open=True),))
REVIEWER_INDEX = "ix_feedback_decision_reviewer_kind_undone_by_decided_at_id"


@dataclass(frozen=True, slots=True)
class Range:
    """Rows that lie together in an index (of tags, where `tags`), in the order of `keys`."""

    index: str
    keys: tuple[Key, ...]
    where: tuple[Condition, ...]
    tags: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The ranges to merge, and what to ask of each of their rows; or the `ids` of the few rows it can be at all."""

    ranges: tuple[Range, ...]
    rest: tuple[Condition, ...]
    ids: tuple[str, ...] | None = None


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
    if not given.states:
        return Plan((), ())
    single = _by_id(conn, given)
    if single is not None:
        return Plan((Range("", keys_of("captured"), (single, _rows.state.in_(given.states))),), conditions(given))
    way = _by_order(conn, given)
    ids = few(conn, given) if way.rest else None
    return way if ids is None else Plan((), (_rows.state.in_(given.states), *conditions(given)), ids)


def _by_order(conn: Connection, given: Filter) -> Plan:
    states, order = states_of(given), order_of(given)
    if order != "captured":
        own = own_terms(given, order)
        where = tuple(map(bound_condition, own))
        return Plan(
            tuple(Range(ORDERED[order][2], keys_of(order), (_rows.state == state, *where)) for state in states),
            conditions(Filter(tuple(term for term in given.terms if term not in own))),
        )
    times = own_terms(given, "captured")
    leaders = [
        (ranges, rest)
        for term in given.terms
        if not term.negated and (ranges := _ranges(conn, term, states, times)) is not None
        for rest in [conditions(Filter(tuple(each for each in given.terms if each is not term and each not in times)))]
        if not rest or len(ranges) <= MODELS_ASKED * len(states)
    ]
    if not leaders:
        moments = tuple(map(bound_condition, times))
        index = ORDERED["captured"][2]
        every = tuple(Range(index, keys_of("captured"), (_rows.state == state, *moments)) for state in states)
        return Plan(every, conditions(Filter(tuple(term for term in given.terms if term not in times))))
    best = min(leaders, key=lambda leader: _size(conn, leader[0])) if len(leaders) > 1 else leaders[0]
    return Plan(*best)


def few(conn: Connection, given: Filter) -> tuple[str, ...] | None:
    """The ids of the rows that one of the terms lets through, where an index knows that they are few; else None."""
    best: tuple[Select[Any], ...] | None = None
    least = FEW + 1
    for pools in _pools(conn, given):
        size = 0
        for pool in pools:
            size += conn.scalar(select(func.count()).select_from(pool.limit(least).subquery())) or 0
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
            live = (_log.kind == "decide", _log.undone_by.is_(None))
            reviewers = words_condition(_log.reviewer, test)
            yield (_ids(_log.feedback_id, feedback_decision, REVIEWER_INDEX, reviewers, *live),)
        elif term.field in {"model", "version"} and (known := _models(conn, term.field, test)) is not None:
            meant = _rows.model_key.in_(known)
            yield tuple(_ids(_rows.id, feedback, MODEL_INDEX, _rows.state == each, meant) for each in states)


def _ids(column: Any, table: Any, index: str, *where: Condition) -> Select[Any]:
    return hinted(select(column).where(*where), table, index)


def statement(each: Range, cursor: Cursor | None, backward: bool = False) -> Select[Any]:
    """The keys of a range's rows behind a cursor, in order, read from its index."""
    table = feedback_tag if each.tags else feedback
    query = select(*(key.column for key in each.keys)).where(*each.where)
    if cursor is not None:
        query = query.where(beyond(each.keys, cursor, backward=backward))
    return hinted(in_order(query, each.keys, backward), table, each.index)


def in_order(query: Select[Any], keys: Sequence[Key], backward: bool = False) -> Select[Any]:
    """Sorted by these keys."""
    for key in keys:
        query = query.order_by(key.column.desc() if key.descending != backward else key.column.asc())
    return query


def hinted(query: Select[Any], table: Any, index: str) -> Select[Any]:
    """Read from this index; empty: from whatever the database takes."""
    # The servers guess at once that sorting all is quicker, whenever they guess the sizes wrong; SQLite takes an index
    # of the times alone where they are bounded on both sides.
    if not index:
        return query
    return query.with_hint(table, f"FORCE INDEX ({index})").with_hint(table, f"INDEXED BY {index}", "sqlite")


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
    if isinstance(term.test, Words):
        return term.field in {"id", "tag", "model", "version", "source", "event"}
    return True


def _by_id(conn: Connection, given: Filter) -> ColumnElement[bool] | None:
    """Few rows that are found by their own key."""
    named = {term.field: term.test for term in given.terms if not term.negated and isinstance(term.test, Words)}
    if "id" in named and not any(word.open for word in named["id"].words):
        return words_condition(_rows.id, named["id"])
    if "event" not in named or any(word.open for word in named["event"].words):
        return None
    sources = _sources(conn, named.get("source", ANY))
    if sources is None:
        return None
    events = [word.text for word in named["event"].words]
    return _rows.unique_key.in_([texts.digest(f"e:{source}\0{event}") for source in sources for event in events])


def _sources(conn: Connection, meant: Words) -> list[str] | None:
    """The sources meant, one look into the index for each; None where they are many."""
    if not any(word.open for word in meant.words):
        return [word.text for word in meant.words if fits(_rows.source, word)]
    found: set[str] = set()
    for state in STATES:
        where = (_rows.state == state, *(() if meant is ANY else (words_condition(_rows.source, meant),)))
        found |= set(_distinct(conn, _rows.source, feedback, SOURCE_INDEX, where))
    return sorted(found) if len(found) <= NAMES else None


def _tags_meant(conn: Connection, meant: Words) -> list[str] | None:
    words = [Word(normalize("NFC", word.text), word.open) for word in meant.words]
    exact = [word.text for word in words if not word.open and fits(_tags.tag, word)]
    begun = Words(tuple(word for word in words if word.open))
    if not begun.words:
        return exact
    found = {*exact, *_distinct(conn, _tags.tag, feedback_tag, TAG_INDEX, (words_condition(_tags.tag, begun),))}
    return sorted(found) if len(found) <= NAMES else None


def _distinct(conn: Connection, column: Any, table: Any, index: str, where: tuple[Condition, ...]) -> list[str]:
    """What stands in a column of an index, however many rows it stands in; NAMES of it and one more at most."""
    found: list[str] = []
    first = hinted(select(column).where(*where).order_by(column).limit(1), table, index)
    while len(found) <= NAMES:
        name = conn.scalar(first.where(column > found[-1]) if found else first)
        if name is None:
            break
        found.append(name)
    return found


def _ranges(conn: Connection, term: Term, states: Sequence[State], bounds: Sequence[Term]) -> tuple[Range, ...] | None:
    """The ranges that hold the rows of a term; None where no index does."""
    test = term.test
    if not isinstance(test, Words):
        return None
    if term.field == "tag":
        tags = _tags_meant(conn, test)
        keys = (Key(_tags.captured_at, True), Key(_tags.feedback_id, True))
        moments = tuple(_time(each, _tags.captured_at) for each in bounds)
        if tags is None:
            return None
        return tuple(
            Range(TAG_INDEX, keys, (_tags.tag == tag, _tags.state == state, *moments), tags=True)
            for tag in tags
            for state in states
        )
    times = tuple(_time(each, _rows.captured_at) for each in bounds)
    wanted: list[Condition]
    if term.field == "source" and (sources := _sources(conn, test)) is not None:
        index, wanted = SOURCE_INDEX, [_rows.source == source for source in sources]
    elif term.field in {"model", "version"} and (models := _models(conn, term.field, test)) is not None:
        index, wanted = MODEL_INDEX, [_rows.model_key == key for key in models]
    else:
        return None
    return tuple(
        Range(index, keys_of("captured"), (_rows.state == state, each, *times)) for each in wanted for state in states
    )


def models_meant(given: Filter) -> tuple[Condition, ...]:
    """What the filter asks of models, on columns of `feedback_model`."""
    return tuple(
        _model_condition(term.field, term.test)
        for term in given.terms
        if term.field in {"model", "version"} and not term.negated and isinstance(term.test, Words)
    )


def _model_condition(field: str, test: Words) -> Condition:
    columns = feedback_model.c
    meant = words_condition(columns.version, test)
    return meant | words_condition(columns.model, test) if field == "model" else meant


def _models(conn: Connection, field: str, test: Words) -> list[int] | None:
    """The keys of the models meant; None where they are many."""
    found = list(
        conn.scalars(select(feedback_model.c.model_key).where(_model_condition(field, test)).limit(MODELS + 1))
    )
    return found if len(found) <= MODELS else None


def _size(conn: Connection, ranges: Sequence[Range]) -> int:
    """How many rows lie in the ranges, as far as it matters."""
    total = 0
    for each in ranges:
        total += conn.scalar(select(func.count()).select_from(statement(each, None).limit(FEW).subquery())) or 0
        if total >= FEW:
            break
    return total


def _time(term: Term, column: Any) -> Condition:
    assert isinstance(term.test, datetime)
    return time_condition(term.field, column, term.test)

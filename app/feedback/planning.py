"""How rows that fulfil a filter are read: from which index, in which order, and what is asked of each row.

Of its terms, the most selective one that an index serves leads: its ranges are read in the list's order and merged.
Other terms are looked up in their own indexes by the row's key, so that a row is read only once it fulfils those; what
no index knows is asked of the rows themselves. Where an index holds but few rows for a term, fewer than lie in the
ranges, these few are looked at, whatever the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from app.db.paging import Cursor, Key, beyond, up_to
from app.feedback import pools, texts
from app.feedback.filter_sql import Condition, conditions, words_condition
from app.feedback.filters import Filter, Term, Words
from app.feedback.indexes import (
    LIVE,
    MODEL_INDEX,
    REVIEWER_INDEX,
    SOURCE_INDEX,
    hinted,
    model_condition,
    reviewers,
    sources,
)
from app.feedback.model import State
from app.feedback.named import Named, Range, id_of, named, scored, span
from app.feedback.ordering import (
    ORDERED,
    bound_condition,
    in_order,
    keys_of,
    moment_condition,
    order_of,
    own_terms,
)
from app.feedback.pools import Pool, states_of
from app.feedback.sizes import MANY, counted, guessed
from app.feedback.tables import feedback, feedback_count, feedback_decision

MERGED = 4
"""Names that are looked for one by one, or read each from its own ranges, without a thought."""
ASKED = 16
"""Ranges of each state that are read where something else has to be asked of their rows."""
PAGE = 100
"""Rows that are wanted."""
ENTRY = 3
"""So many ids are collected in the time in which an entry of an index is looked for among them."""
ROW = {"sqlite": 30, "mysql": 100}
"""The same of reading a row; those that are rarely met come from the disk one by one."""
THOROUGH = 1_000_000
"""Ids that are collected at most, each time anew, to pass by the rows of a search that finds little."""
EVER = 2**60
"""A limit that keeps the servers from taking a table apart that is to be made first."""
COLLECTED = frozenset({"score", "uncertainty", "decided_before", "decided_after", "reviewer"})
SINGLE = frozenset({"source", "reviewer"})
"""A row has one source, and the decision that holds one reviewer."""
NUMBERS = frozenset({"score", "uncertainty"})
KNOWING = frozenset({MODEL_INDEX, SOURCE_INDEX, *(ORDERED[name][2] for name in NUMBERS)})
"""Indexes that hold both of them."""

_rows = feedback.c
_log = feedback_decision.c


@dataclass(frozen=True, slots=True)
class Plan:
    """The ranges to merge, and what to ask of each of their rows; or the `ids` of the few rows it can be at all.

    The `looks` and the `members` are asked by the key alone, before a row is read, and `rest` of the row.
    """

    ranges: tuple[Range, ...]
    rest: tuple[Condition, ...]
    ids: tuple[str, ...] | None = None
    looks: tuple[Named, ...] = ()
    members: tuple[Pool, ...] = ()
    collected: int = 0
    """About so many ids are in the members."""
    numbers: tuple[Condition, ...] = ()
    """What of `rest` the index of the ranges knows, so that it need not be asked of the row."""

    @property
    def by_index(self) -> bool:
        """Whether indexes are asked before a row is read."""
        return bool(self.looks or self.members or self.numbers)


@dataclass(frozen=True, slots=True)
class _Draft:
    """Ranges, and the terms that are left to be asked of their rows."""

    ranges: tuple[Range, ...]
    left: tuple[Term, ...]
    looks: tuple[Named, ...] = ()
    of_log: bool = False
    named: bool = False
    """Whether the ranges are those of a name."""


def plan(conn: Connection, given: Filter, thorough: bool = False) -> Plan:
    """How to read the rows of a filter; `thorough`: where so few are met that it is worth much to pass the others by
    quickly."""
    if not states_of(given) or _contradicts(given):
        return Plan((), ())
    single = _by_id(conn, given)
    if single is not None:
        return Plan((Range("", keys_of("captured"), (single, _rows.state.in_(given.states))),), conditions(given))
    draft = _draft(conn, given)
    if (draft.left or draft.looks) and not thorough:
        found = pools.fewest(conn, given, min(size(conn, draft.ranges, pools.FEW), pools.FEW) + 1)
        if found is not None and not (found[1] and _walked(conn, draft, *found)):
            return Plan((), _asked(conn, given), found[0].ids(conn))
    return _whole(conn, draft, given, thorough)


def _contradicts(given: Filter) -> bool:
    """Whether two terms ask for different ones of what a row has but one of."""
    meant: dict[str, frozenset[str]] = {}
    for term in given.terms:
        if term.field in SINGLE and not term.negated and isinstance(term.test, Words):
            if any(word.open for word in term.test.words):
                continue
            words = frozenset(word.text for word in term.test.words)
            meant[term.field] = meant.get(term.field, words) & words
    return not all(meant.values())


def by_order(conn: Connection, given: Filter) -> Plan:
    """The same, by ranges in any case."""
    return _whole(conn, _draft(conn, given), given, False)


def _asked(conn: Connection, given: Filter) -> tuple[Condition, ...]:
    """What is asked of few rows."""
    tags = {term: found for term in given.terms if term.field == "tag" and (found := named(conn, term)) is not None}
    # All looks go into what the index holds of these tags, which may be little.
    looks = tuple(found.has(feedback) for found in tags.values())
    rest = Filter(tuple(term for term in given.terms if term not in tags))
    return (_rows.state.in_(given.states), *looks, *conditions(rest))


def _walked(conn: Connection, draft: _Draft, pool: Pool, number: int) -> bool:
    """Whether it is less work to go through the ranges, looking for the ids of a pool, than to read its rows."""
    if not draft.named or pool.terms[0].field not in COLLECTED or not pool.exact:
        return False
    passed = min(about(conn, draft.ranges), PAGE * _every(conn) // number)
    return ENTRY * passed < ROW[conn.dialect.name] * number


def _draft(conn: Connection, given: Filter) -> _Draft:
    states, order = states_of(given), order_of(given)
    bounds = own_terms(given, order)
    others = [term for term in given.terms if term not in bounds and term.field not in {"state", "verdict"}]
    found: _Draft | None = None
    if order == "captured":
        found = _by_names(conn, states, bounds, others)
    elif order == "decided":
        found = _by_log(conn, bounds, others)
    if found is not None:
        return found
    within = list(map(bound_condition, bounds))
    return _Draft(tuple(_every_row(order, state, within) for state in states), tuple(others))


def _every_row(order: str, state: State, within: Sequence[Condition]) -> Range:
    # What waits is not in SQLite's index, which has to be told that nothing of it is wanted.
    decided = (_rows.decided_at.is_not(None),) if order == "decided" else ()
    return Range(ORDERED[order][2], keys_of(order), (_rows.state == state, *decided, *within), state=state)


def _by_names(
    conn: Connection, states: Sequence[State], bounds: Sequence[Term], others: Sequence[Term]
) -> _Draft | None:
    """Sources, models and tags: the rarest leads, within the time from which all of them have rows."""

    def ranges_of(found: Named) -> tuple[Range, ...]:
        return found.ranges(states, [moment_condition(each, found.table.c.captured_at) for each in bounds])

    known = {term: found for term in others if (found := named(conn, term)) is not None}
    # Many ranges are worth it only where nothing else is asked of their rows.
    alone = len(others) == 1 and not others[0].negated
    known = {term: found for term, found in known.items() if len(found.values) <= ASKED or alone}
    ranges = {term: ranges_of(found) for term, found in known.items()}
    if len(known) > 1:
        spans = [span(conn, found) for found in ranges.values()]
        if None in spans:
            return _Draft((), ())
        first, last = max(each[0] for each in spans if each), min(each[1] for each in spans if each)
        if first > last:
            return _Draft((), ())
        ranges = {term: tuple(_within(each, first, last) for each in found) for term, found in ranges.items()}
    sizes = {} if alone else {term: about(conn, found) for term, found in ranges.items()}
    for term in [term for term in known if term.negated and sizes[term] >= MANY]:
        # What a name leaves that is turned round is seldom rare.
        del ranges[term]
        if len(known[term].values) > MERGED:
            del known[term]
    if not ranges:
        return None
    leader = min(ranges, key=lambda term: sizes.get(term, 0))
    looks = {term: found for term, found in known.items() if term is not leader}
    if len(others) > 1 and len(ranges[leader]) > MERGED * len(states) and sizes[leader] >= MANY:
        # All rows, by time, rather than many ranges in which much lies.
        looks = {term: found for term, found in looks.items() if len(found.values) <= MERGED}
        times = span(conn, ranges[leader])
        if times is None:
            return _Draft((), ())
        within = [moment_condition(each, _rows.captured_at) for each in bounds]
        every = (_within(_every_row("captured", state, within), *times) for state in states)
        return _Draft(tuple(every), tuple(term for term in others if term not in looks), tuple(looks.values()))
    left = tuple(term for term in others if term is not leader and term not in looks)
    return _Draft(ranges[leader], left, tuple(looks.values()), named=True)


def _within(each: Range, first: datetime, last: datetime) -> Range:
    at = each.keys[0].column
    return replace(each, where=(*each.where, at >= first, at <= last))


def _by_log(conn: Connection, bounds: Sequence[Term], others: Sequence[Term]) -> _Draft | None:
    """A reviewer: the log of decisions, the latest first."""
    keys = (Key(_log.decided_at, True), Key(_log.id, True))
    live = (*LIVE, *(moment_condition(each, _log.decided_at) for each in bounds))
    found: list[tuple[Range, ...]] = []
    for term in others:
        if term.field == "reviewer" and not term.negated and isinstance(term.test, Words):
            names = reviewers(conn, term.test)
            wheres = [(_log.reviewer == name, *live) for name in names or ()]
            if names is not None:
                found.append(tuple(Range(REVIEWER_INDEX, keys, where, feedback_decision) for where in wheres))
    if not found:
        return None
    leader = min(found, key=lambda ranges: about(conn, ranges)) if len(found) > 1 else found[0]
    # The reviewer is asked for, too: an entry of the log may have been followed by another one.
    return _Draft(leader, tuple(others), of_log=True)


def _whole(conn: Connection, draft: _Draft, given: Filter, thorough: bool) -> Plan:
    """With ids collected of terms whose indexes go by something else than the list does."""
    left, looks = draft.left, draft.looks
    if draft.of_log:
        # An entry of the log says nothing of the row's state.
        return Plan(draft.ranges, (_rows.state.in_(given.states), *conditions(Filter(left))))
    members: list[Pool] = []
    collected = 0
    meant = Filter((*(term for term in given.terms if term.field in {"state", "verdict"}), *left))
    known = NUMBERS if all(each.index in KNOWING for each in draft.ranges) else frozenset()
    for pool in pools.pools(conn, meant) if draft.ranges else ():
        if pool.terms[0].field not in COLLECTED - known:
            continue
        number = guessed(conn, pool.queries, THOROUGH if thorough else MANY)
        if _collectable(conn, draft, pool, number, thorough):
            members.append(pool)
            collected += number
            if pool.exact:
                left = tuple(term for term in left if term not in pool.terms)
        elif pool.terms[0].field == "score" and (few := scored(conn, pool.terms, states_of(given))) is not None:
            looks = (*looks, few)
            left = tuple(term for term in left if term not in pool.terms)
    numbers = conditions(Filter(tuple(term for term in left if term.field in known)))
    rest = conditions(Filter(left))
    return Plan(draft.ranges, rest, looks=looks, members=tuple(members), collected=collected, numbers=numbers)


def _collectable(conn: Connection, draft: _Draft, pool: Pool, number: int, thorough: bool) -> bool:
    """Whether it is less work to collect a pool's ids than to read the rows that have to be gone through for a page."""
    row, small = ROW[conn.dialect.name], conn.dialect.name == "sqlite"
    # Each range needs them, those of its state at least; an entry of the log has to be read whole.
    work = (
        number * len(draft.ranges) / (1 if None in pool.by_state else len(pool.by_state)) * (1 if pool.exact else row)
    )
    if thorough:
        return work < THOROUGH * (1 if pool.exact else 10)
    passed = min(about(conn, draft.ranges), PAGE * _every(conn) // max(number, 1))
    # Servers guess up to twice as many.
    return number < (MANY if small else 2 * MANY) and work <= row * passed


def _every(conn: Connection) -> int:
    return int(conn.scalar(select(func.sum(feedback_count.c.total))) or 0)


def statement(each: Range, cursor: Cursor | None, backward: bool = False) -> Select[Any]:
    """The keys of a range's rows behind a cursor, in order, read from its index; of the log, the row's id, too."""
    columns = [key.column for key in each.keys]
    query = select(*columns, *((_log.feedback_id,) if each.table is feedback_decision else ()))
    return in_order(between(query, each, cursor, backward, None), each.keys, backward)


def between(
    query: Select[Any], each: Range, cursor: Cursor | None, backward: bool, bound: Cursor | None
) -> Select[Any]:
    """Of a range, what lies behind a cursor, up to `bound`."""
    # SQLite goes by the first bound of a key that it meets, however narrow the others are.
    if cursor is not None:
        query = query.where(beyond(each.keys, cursor, backward=backward))
    if bound is not None:
        query = query.where(up_to(each.keys, bound, backward=backward))
    return hinted(query.where(*each.where), each.table, each.index)


def keys_found(
    way: Plan, each: Range, cursor: Cursor | None, backward: bool, bound: Cursor | None, *, joined: bool
) -> Select[Any]:
    """The keys of a range that the plan's other indexes know, too, in order. `joined`: as the servers take it."""
    query = between(select(*(key.column for key in each.keys)), each, cursor, backward, bound)
    identity: Any = id_of(each.table)
    for pool in way.members:
        ids = pool.query(each.state)
        if joined:
            # A table that is made first and has a key; with IN, they may look for its ids one by one.
            made = (ids.limit(EVER) if pool.exact else ids.distinct()).subquery()
            query = query.join(made, made.c[0] == id_of(each.table)).prefix_with("STRAIGHT_JOIN")
            # What is looked for by this id is looked for in rows that are among them.
            identity = made.c[0]
        else:
            query = query.where(id_of(each.table).in_(ids))
    query = query.where(*way.numbers, *(found.has(each.table, identity) for found in way.looks))
    return in_order(query, each.keys, backward)


def about(conn: Connection, ranges: Sequence[Range]) -> int:
    """About how many rows lie in the ranges, or MANY and more."""
    return guessed(conn, (statement(each, None) for each in ranges))


def size(conn: Connection, ranges: Sequence[Range], most: int) -> int:
    """How many rows lie in the ranges, up to `most`."""
    return counted(conn, (statement(each, None) for each in ranges), most)


def models_meant(given: Filter) -> tuple[Condition, ...]:
    """What the filter asks of models, on columns of `feedback_model`."""
    return tuple(
        model_condition(term.field, term.test)
        for term in given.terms
        if term.field in {"model", "version"} and not term.negated and isinstance(term.test, Words)
    )


def _by_id(conn: Connection, given: Filter) -> ColumnElement[bool] | None:
    """Few rows that are found by their own key."""
    found = {term.field: term.test for term in given.terms if not term.negated and isinstance(term.test, Words)}
    if "id" in found and not any(word.open for word in found["id"].words):
        return words_condition(_rows.id, found["id"])
    if "event" not in found or any(word.open for word in found["event"].words):
        return None
    known = sources(conn, found.get("source"))
    if known is None:
        return None
    events = [word.text for word in found["event"].words]
    return _rows.unique_key.in_([texts.digest(f"e:{source}\0{event}") for source in known for event in events])

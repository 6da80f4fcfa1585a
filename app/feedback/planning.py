"""How rows that fulfil a filter are read: from which index, in which order, and what is asked of each row.

Of its terms, the most selective one that an index serves leads: its ranges are read in the list's order and merged.
What its entries do not tell of the other terms is looked up in other indexes, so that a row is read only once it
fulfils those; what no index knows is asked of the rows themselves. Where an index holds but few rows for a term, fewer
than lie in the ranges, these few are looked at: in the list's order where entries tell it, else all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, select

from app.db.paging import Key
from app.feedback import pools, texts
from app.feedback.filter_sql import STATE_FIELDS, Condition, conditions, words_condition
from app.feedback.filters import Filter, Term, Words
from app.feedback.indexes import (
    CAPTURED_INDEX,
    LIVE,
    MODEL_INDEX,
    REVIEWER_INDEX,
    SOURCE_INDEX,
    TAG_INDEX,
    model_condition,
    reviewers,
    sources,
)
from app.feedback.known import known
from app.feedback.model import State
from app.feedback.named import Named, Range, Seen, named, span
from app.feedback.ordering import (
    ORDERED,
    bound_condition,
    in_order,
    keys_of,
    moment_condition,
    order_of,
    own_terms,
)
from app.feedback.plans import Plan, about, between, size, statement
from app.feedback.pools import Pool, states_of
from app.feedback.sizes import MANY, guessed
from app.feedback.tables import feedback, feedback_count, feedback_decision

MERGED = 4
"""Names that are looked for one by one, or read each from its own ranges, without a thought."""
ASKED = 16
"""Ranges of each state that are read where something else has to be asked of their rows."""
PAGE = 100
"""Rows that are wanted."""
ENTRY = 3
"""So long it takes to look for an entry in an index, where collecting an id takes 1."""
ROW = {"sqlite": 30, "mysql": 100}
"""The same of reading a row; those that are rarely met come from the disk one by one."""
THOROUGH = 1_000_000
"""Ids that are collected at most, each time anew, to pass by the rows of a search that finds little."""
SOME = 200
COMMON = 4
"""All rows are gone through where one in so many of the newest SOME fulfils a term that means many names."""
SINGLE = frozenset({"source", "reviewer"})
"""A row has one source, and the decision that holds one reviewer."""
NUMBERS = ("score", "uncertainty")
BY_TIME = frozenset({CAPTURED_INDEX, MODEL_INDEX, SOURCE_INDEX, TAG_INDEX})
"""Indexes with all that is needed to look for a row's entry in the first of them."""
SORTED = 20_000
"""Entries of an index of numbers that are all looked at and sorted, where they tell all that is asked."""

_rows = feedback.c
_log = feedback_decision.c


@dataclass(frozen=True, slots=True)
class _Draft:
    """Ranges, and the terms that are left to be asked of their rows."""

    ranges: tuple[Range, ...]
    left: tuple[Term, ...]
    looks: tuple[Named | Seen, ...] = ()
    of_log: bool = False
    leader: Term | None = None
    """The term whose ranges they are."""


def plan(conn: Connection, given: Filter, thorough: bool = False) -> Plan:
    """How to read the rows of a filter; `thorough`: where so few are met that it is worth much to pass the others by
    quickly."""
    if not states_of(given) or _contradicts(given):
        return Plan((), ())
    single = _by_id(conn, given)
    if single is not None:
        return Plan((Range("", keys_of("captured"), (single, _rows.state.in_(given.states))),), conditions(given))
    draft = _draft(conn, given)
    whole = _whole(conn, draft, given, thorough)
    if draft.left or draft.looks:
        entries = _entries(conn, given, min(THOROUGH, 2 * about(conn, draft.ranges)) if thorough else SORTED)
        if entries is not None:
            return entries
        if not thorough and (few := _few(conn, draft, whole, given)) is not None:
            return few
    return whole


def _entries(conn: Connection, given: Filter, most: int) -> Plan | None:
    """Of rows with certain numbers, if they are not more than `most`, the entries of their index, which tell the rest;
    but tags are looked up."""
    keys = keys_of(order_of(given))
    tags = tuple(_tags_of(conn, given))
    best: Plan | None = None
    for index, own in ((ORDERED[name][2], own_terms(given, name)) for name in NUMBERS):
        others = [term for term in given.terms if term not in own and term.field not in STATE_FIELDS]
        told = known(conn, index, others)
        if not own or any(term not in told and term not in tags for term in others):
            continue
        bounds = (*map(bound_condition, own), *told.values())
        ranges = tuple(Range(index, keys, (_rows.state == state, *bounds), state=state) for state in states_of(given))
        number = size(conn, (replace(each, where=each.where[: 1 + len(own)]) for each in ranges), most + 1)
        if number <= most:
            most = number
            best = Plan(ranges, (), at_once=True)
    if best is None or not tags:
        return best
    return _in_order(conn, best.ranges, given) if size(conn, best.ranges, pools.FEW + 1) <= pools.FEW else None


def _few(conn: Connection, draft: _Draft, whole: Plan, given: Filter) -> Plan | None:
    """The rows themselves, where they are so few that this is less work than going through the ranges."""
    lie = size(conn, draft.ranges, pools.FEW + 1)
    # Its own term may be the one: an entry of the log says nothing of the list's order.
    found = pools.fewest(conn, given, min(lie + draft.of_log, pools.FEW + 1))
    number = lie if found is None else found[1]
    # Entries of all rows are as far from each other as the rows are.
    near = not any(isinstance(look, Seen) for look in whole.looks)
    sparing = near and (not whole.rest or bool(whole.members))
    if number > pools.FEW or (number and sparing and _walked(conn, draft, given, number)):
        return None
    if found is not None:
        rest, tags = _asked(conn, given)
        return Plan((), rest, ids=found[0].ids(conn), tags=tags)
    return None if draft.of_log else _in_order(conn, draft.ranges, given, draft.leader)


def _in_order(conn: Connection, ranges: Sequence[Range], given: Filter, leader: Term | None = None) -> Plan:
    """The few rows of these ranges, which are those of a leading term, in the list's order."""
    places = {tuple(row) for each in ranges for row in conn.execute(statement(each, None).order_by(None))}
    rest, tags = _asked(conn, Filter(tuple(term for term in given.terms if term is not leader)))
    return Plan((), rest, places=tuple(sorted(places, reverse=ORDERED[order_of(given)][1])), tags=tags)


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


def _asked(conn: Connection, given: Filter) -> tuple[tuple[Condition, ...], tuple[frozenset[str], ...]]:
    """What is asked of few rows, and the tags of each of which they have one."""
    tags = _tags_of(conn, given)
    rest = Filter(tuple(term for term in given.terms if term not in tags))
    return (_rows.state.in_(given.states), *conditions(rest)), tuple(map(frozenset, tags.values()))


def _tags_of(conn: Connection, given: Filter) -> dict[Term, tuple[str, ...]]:
    terms = (term for term in given.terms if term.field == "tag")
    return {term: found.values for term in terms if (found := named(conn, term)) is not None}


def _walked(conn: Connection, draft: _Draft, given: Filter, number: int) -> bool:
    """Whether it is less work to go through entries that tell all than to read so many rows."""
    passed = min(about(conn, draft.ranges), PAGE * _every(conn, given) // number)
    return ENTRY * passed < ROW[conn.dialect.name] * number


def _draft(conn: Connection, given: Filter) -> _Draft:
    states, order = states_of(given), order_of(given)
    bounds = own_terms(given, order)
    others = [term for term in given.terms if term not in bounds and term.field not in STATE_FIELDS]
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

    def within_of(found: Named) -> list[Condition]:
        return [moment_condition(each, found.table.c.captured_at) for each in bounds]

    names = {term: found for term in others if (found := named(conn, term)) is not None}
    # Many ranges are worth it only where nothing else is asked of their rows.
    alone = len(others) == 1 and not others[0].negated
    names = {term: found for term, found in names.items() if len(found.values) <= ASKED or alone}
    ranges = {term: found.ranges(states, within_of(found)) for term, found in names.items()}
    if len(names) > 1:
        spans = [span(conn, found, states, within_of(found)) for found in names.values()]
        if None in spans:
            return _Draft((), ())
        first, last = max(each[0] for each in spans if each), min(each[1] for each in spans if each)
        if first > last:
            return _Draft((), ())
        ranges = {term: tuple(_within(each, first, last) for each in found) for term, found in ranges.items()}
    # Of one that can but lead, nothing has to be known.
    only = len(ranges) == 1 and not any(term.negated or len(found.values) > MERGED for term, found in names.items())
    sizes = {} if alone or only else {term: about(conn, found) for term, found in ranges.items()}
    for term in [term for term in sizes if term.negated and sizes[term] >= MANY]:
        # What a name leaves that is turned round is seldom rare.
        del ranges[term]
        if len(names[term].values) > MERGED:
            del names[term]
    if not ranges:
        return None
    within = [moment_condition(each, _rows.captured_at) for each in bounds]
    if alone and len(names[others[0]].values) > ASKED:
        every = tuple(_every_row("captured", state, within) for state in states)
        if _common(conn, every, others[0]):
            return _Draft(every, tuple(others))
    leader = min(ranges, key=lambda term: sizes.get(term, 0))
    # One look tells of any source or model, but not so near to the one before.
    looks = {
        term: found
        for term, found in names.items()
        if term is not leader and (found.index == TAG_INDEX or len(found.values) <= MERGED)
    }
    if len(others) > 1 and len(ranges[leader]) > MERGED * len(states) and sizes.get(leader, 0) >= MANY:
        # All rows, by time, rather than many ranges in which much lies.
        looks = {term: found for term, found in looks.items() if len(found.values) <= MERGED}
        times = span(conn, names[leader], states, within_of(names[leader]))
        if times is None:
            return _Draft((), ())
        every = tuple(_within(_every_row("captured", state, within), *times) for state in states)
        return _Draft(every, tuple(term for term in others if term not in looks), tuple(looks.values()))
    left = tuple(term for term in others if term is not leader and term not in looks)
    return _Draft(ranges[leader], left, tuple(looks.values()), leader=leader)


def _common(conn: Connection, every: Sequence[Range], term: Term) -> bool:
    """Whether entries of all rows tell of many of the newest ones that they fulfil the term."""
    fulfilled = [
        holds
        for each in every
        for told in known(conn, each.index, (term,)).values()
        for holds in conn.scalars(
            in_order(between(select(case((told, 1), else_=0)), each, None, False, None), each.keys).limit(SOME)
        )
    ]
    return bool(fulfilled) and COMMON * sum(fulfilled) >= len(fulfilled)


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
    """With what indexes tell of the terms that are left, and the ids of a reviewer's rows where that is less work."""
    if draft.of_log:
        # An entry of the log says nothing of the row's state.
        return Plan(draft.ranges, (_rows.state.in_(given.states), *conditions(Filter(draft.left))))
    left, looks = draft.left, draft.looks
    index = draft.ranges[0].index if draft.ranges else ""
    told = known(conn, index, left)
    left = tuple(term for term in left if term not in told)
    if index in BY_TIME and (seen := known(conn, CAPTURED_INDEX, left)):
        looks = (*looks, Seen(tuple(seen.values())))
        left = tuple(term for term in left if term not in seen)
    members: list[Pool] = []
    passed = 0
    for pool in pools.pools(conn, Filter(left)) if draft.ranges else ():
        if pool.terms[0].field == "reviewer":
            number = guessed(conn, pool.queries, THOROUGH if thorough else MANY)
            expected = PAGE * _every(conn, given) // max(number, 1)
            if _collectable(conn, draft, number, expected, thorough):
                members.append(pool)
                passed = max(number, passed, expected)
    rest = conditions(Filter(left))
    return Plan(draft.ranges, rest, looks=looks, members=tuple(members), passed=passed, told=tuple(told.values()))


def _collectable(conn: Connection, draft: _Draft, number: int, expected: int, thorough: bool) -> bool:
    """Whether it is less work to collect so many ids than to read the `expected` rows that are gone through for a
    page."""
    row = ROW[conn.dialect.name]
    work = number * len(draft.ranges)
    if thorough:
        return row * work < THOROUGH * 10
    passed = min(about(conn, draft.ranges), expected)
    # Servers guess up to twice as many.
    return number < (MANY if row == ROW["sqlite"] else 2 * MANY) and work + ENTRY * passed <= row * passed


def _every(conn: Connection, given: Filter) -> int:
    total = select(func.sum(feedback_count.c.total)).where(feedback_count.c.state.in_(states_of(given)))
    return int(conn.scalar(total) or 0)


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

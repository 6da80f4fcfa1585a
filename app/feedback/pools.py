"""Rows of single terms that indexes know, however they go: counted, and collected where they are few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, select

from app.feedback.filter_sql import Condition, words_condition
from app.feedback.filters import Filter, Term, Words
from app.feedback.indexes import (
    LIVE,
    REVIEWER_INDEX,
    by_id,
    hinted,
)
from app.feedback.model import State
from app.feedback.named import id_of, named
from app.feedback.ordering import ORDERED, bound_condition, own_terms
from app.feedback.sizes import counted
from app.feedback.tables import feedback, feedback_decision, feedback_tag

FEW = 6_000
"""Rows of an index that are all looked at, to bring them into any order."""

_rows = feedback.c
_tags = feedback_tag.c
_log = feedback_decision.c


@dataclass(frozen=True, slots=True)
class Pool:
    """Statements, one for each state or one for all, that bring the ids of the rows that fulfil `terms`; a reviewer's
    brings some others, too."""

    terms: tuple[Term, ...]
    by_state: Mapping[State | None, Select[Any]]

    @property
    def queries(self) -> tuple[Select[Any], ...]:
        """All of them."""
        return tuple(self.by_state.values())

    def ids(self, conn: Connection) -> tuple[str, ...]:
        """What they bring."""
        found: dict[str, None] = {}
        for query in self.queries:
            found |= dict.fromkeys(conn.scalars(query))
        return tuple(found)

    def query(self, state: State | None) -> Select[Any]:
        """The one that brings the rows of a state; it has some."""
        return self.by_state[None if None in self.by_state else state]


def pools(conn: Connection, given: Filter) -> Iterator[Pool]:
    """One for each term that an index serves."""
    states = states_of(given)
    for name, (_, _, index) in ORDERED.items():
        if own := own_terms(given, name):
            where = tuple(map(bound_condition, own))
            yield Pool(
                tuple(own), {each: _ids(_rows.id, feedback, index, _rows.state == each, *where) for each in states}
            )
    for term in given.terms:
        test = term.test
        if term.negated or not isinstance(test, Words):
            continue
        if (found := named(conn, term)) is not None:
            table = found.table
            ids = partial(_ids, id_of(table), table, found.index, found.column.in_(found.values))
            yield Pool((term,), {each: ids(table.c.state == each) for each in states})
        elif term.field == "reviewer":
            # What was decided may have been decided again by somebody else.
            meant = words_condition(_log.reviewer, test)
            query = _ids(_log.feedback_id, feedback_decision, REVIEWER_INDEX, meant, *LIVE)
            yield Pool((term,), {None: query})
        elif term.field == "id":
            yield Pool((term,), {None: by_id(select(_rows.id).where(words_condition(_rows.id, test)))})


def fewest(conn: Connection, given: Filter, most: int = FEW + 1) -> tuple[Pool, int] | None:
    """The pool with the fewest rows, and how many, where they are fewer than `most`; else None."""
    best: tuple[Pool, int] | None = None
    for pool in pools(conn, given):
        number = counted(conn, pool.queries, most)
        if number < most:
            best, most = (pool, number), number
        if not number:
            break
    return best


def few(conn: Connection, given: Filter) -> tuple[str, ...] | None:
    """The ids of the rows that one of the terms lets through, where an index knows that they are few; else None."""
    found = fewest(conn, given)
    return None if found is None else found[0].ids(conn)


def states_of(given: Filter) -> tuple[State, ...]:
    """The states that rows of the filter can be in: what only a decision brings about, rows that wait do not have."""
    decided = any(_is_decided(term) for term in given.terms if not term.negated)
    return tuple(state for state in given.states if state != "waiting" or not decided)


def _is_decided(term: Term) -> bool:
    if term.field == "has" and isinstance(term.test, Words):
        return all(word.text in {"correction", "note", "decision"} for word in term.test.words)
    return term.field in {"reviewer", "decided_before", "decided_after"}


def _ids(column: Any, table: Any, index: str, *where: Condition) -> Select[Any]:
    return hinted(select(column).where(*where), table, index)

"""Sources, models and tags: indexes that go by time and id within each name, as the list does.

Rows of a name lie together in the list's order, and one look tells whether a row stands among those of another name:
no row is read for it, and where few rows have the name, all of the looks go into few pages of its index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from sqlalchemy import Column, Connection, Table, false, func, or_, select
from sqlalchemy.sql.util import ClauseAdapter

from app.db.paging import Key
from app.feedback.filter_sql import Condition
from app.feedback.filters import Term, Word, Words
from app.feedback.indexes import CAPTURED_INDEX, MODEL_INDEX, SOURCE_INDEX, TAG_INDEX, hinted, models, sources, tags
from app.feedback.model import State
from app.feedback.tables import feedback, feedback_tag


@dataclass(frozen=True, slots=True)
class Range:
    """Rows that lie together in an index, in the order of `keys`: of rows, tags, or the log of decisions."""

    index: str
    keys: tuple[Key, ...]
    where: tuple[Condition, ...]
    table: Table = feedback
    state: State | None = None
    """Of all its rows; None for the log."""


@dataclass(frozen=True, slots=True)
class Named:
    """The rows that have one of some values in a column of `feedback` or of its tags."""

    index: str
    column: Column[Any]
    values: tuple[Any, ...]

    @property
    def table(self) -> Table:
        """Where the column stands."""
        table = self.column.table
        assert isinstance(table, Table)
        return table

    def ranges(self, states: Sequence[State], where: Sequence[Condition] = ()) -> tuple[Range, ...]:
        """The newest first; `where` on columns of `table` narrows all of them."""
        table = self.table
        keys = (Key(table.c.captured_at, True), Key(id_of(table), True))
        return tuple(
            Range(self.index, keys, (table.c.state == state, self.column == value, *where), table, state)
            for value in self.values
            for state in states
        )

    def has(self, table: Table, identity: Any = None) -> Condition:
        """Whether a row of `feedback`, or one of its tags, is one of these, by looks into the index alone."""
        # A look for each: with IN, the servers would go through all rows of the state.
        mine = id_of(table) if identity is None else identity
        return reduce(or_, (self._stands(table, mine, value) for value in self.values), false())

    def _stands(self, table: Table, identity: Any, value: Any) -> Condition:
        other = self.table.alias()
        # As a number: from EXISTS the servers would make a join that begins here, and sort.
        found = select(func.count()).where(
            other.c[self.column.name] == value,
            other.c.state == table.c.state,
            other.c.captured_at == table.c.captured_at,
            id_of(other) == identity,
        )
        return hinted(found, other, self.index).correlate(table, identity.table).scalar_subquery() > 0


@dataclass(frozen=True, slots=True)
class Seen:
    """The rows whose entries in the index of all rows by time fulfil some conditions on columns that it knows."""

    where: tuple[Condition, ...]
    index: str = CAPTURED_INDEX

    def has(self, table: Table, identity: Any = None) -> Condition:
        """Whether a row of `feedback`, or one of its tags, is one of these, by one look into the index alone."""
        mine = id_of(table) if identity is None else identity
        other = feedback.alias()
        found = select(func.count()).where(
            other.c.state == table.c.state,
            other.c.captured_at == table.c.captured_at,
            other.c.id == mine,
            *map(ClauseAdapter(other).traverse, self.where),
        )
        return hinted(found, other, self.index).correlate(table, mine.table).scalar_subquery() > 0


def id_of(table: Any) -> Column[Any]:
    """The column of a table, or of its alias, that holds the id of the row of `feedback`."""
    found: Column[Any] = table.c.id if "captured_at" in table.c and "head" in table.c else table.c.feedback_id
    return found


def named(conn: Connection, term: Term) -> Named | None:
    """What a term means, where an index knows the names and they are not too many; None for tags turned round."""
    test = term.test
    if not isinstance(test, Words):
        return None
    if term.field == "tag" and not term.negated:
        found = tags(conn, test)
        return None if found is None else Named(TAG_INDEX, feedback_tag.c.tag, tuple(found))
    if term.field == "source":
        known = sources(conn, None if term.negated else test)
        if known is not None and term.negated:
            known = [name for name in known if not any(_means(word, name) for word in test.words)]
        return None if known is None else Named(SOURCE_INDEX, feedback.c.source, tuple(known))
    if term.field in {"model", "version"}:
        keys = models(conn, term.field, test, others=term.negated)
        return None if keys is None else Named(MODEL_INDEX, feedback.c.model_key, tuple(keys))
    return None


def _means(word: Word, name: str) -> bool:
    return name.startswith(word.text) if word.open else name == word.text


def span(
    conn: Connection, found: Named, states: Sequence[State], where: Sequence[Condition]
) -> tuple[datetime, datetime] | None:
    """When the first and the last of its rows within `where` were captured; None where there is none."""
    at = found.table.c.captured_at
    # A look for each end: asked for both, or for groups, a database may go through all that lies between them.
    ends = [
        hinted(select(at).where(*each.where).order_by(end).limit(1), found.table, found.index).scalar_subquery()
        for each in found.ranges(states, where)
        for end in (at.asc(), at.desc())
    ]
    moments = [moment for moment in conn.execute(select(*ends)).one() if moment is not None] if ends else []
    return (min(moments), max(moments)) if moments else None

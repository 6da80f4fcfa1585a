"""Pages of a list by key: as quick on the millionth row as on the first, and steady while rows are added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, Row, Select, and_, or_, tuple_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

Cursor = tuple[Any, ...]


class _Compared(FunctionElement[bool]):
    """One condition in two forms: written out, and as a comparison of rows."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:
        """As it is: compared with 1, no index would be used."""
        return self


@compiles(_Compared)
def _written_out(element: _Compared, compiler: Any, **options: Any) -> str:
    # The servers do not read a comparison of rows from an index.
    return f"({compiler.process(next(iter(element.clauses)), **options)})"


@compiles(_Compared, "sqlite")
def _of_rows(element: _Compared, compiler: Any, **options: Any) -> str:
    # Written out, SQLite would begin at the first row with the leading key, and end behind the last one.
    return f"{compiler.process(list(element.clauses)[1], **options)}"


@dataclass(frozen=True, slots=True)
class Key:
    """A column of the order. Together the keys of a list must tell any two rows apart, and be never NULL."""

    column: ColumnElement[Any]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the list's order, with the cursors that lead on from both ends."""

    rows: tuple[Row[Any], ...]
    first: Cursor | None
    last: Cursor | None
    more_before: bool
    """In the direction that was not read, True means that the page began at a cursor."""
    more_after: bool


def page(
    conn: Connection,
    select: Select[Any],
    keys: Sequence[Key],
    *,
    limit: int,
    after: Cursor | None = None,
    before: Cursor | None = None,
) -> Page:
    """Read up to `limit` rows that follow the cursor `after`, or that precede `before`, or the first ones.

    `select` has no order of its own and contains the key columns.
    """
    if after is not None and before is not None:
        raise ValueError("a page lies after one cursor or before another, not both")
    backward = before is not None
    cursor = before if backward else after
    statement = select
    if cursor is not None:
        statement = statement.where(beyond(keys, cursor, backward=backward))
    for key in keys:
        statement = statement.order_by(key.column.desc() if key.descending != backward else key.column.asc())
    rows = list(conn.execute(statement.limit(limit + 1)))
    more = len(rows) > limit
    rows = rows[:limit]
    if backward:
        rows.reverse()
    return Page(
        rows=tuple(rows),
        first=_cursor(keys, rows[0]) if rows else None,
        last=_cursor(keys, rows[-1]) if rows else None,
        more_before=more if backward else cursor is not None,
        more_after=cursor is not None if backward else more,
    )


def beyond(keys: Sequence[Key], cursor: Cursor, *, backward: bool = False) -> ColumnElement[bool]:
    """The condition that a row lies past `cursor`."""
    plain = _written_beyond(keys, cursor, backward)
    rows = _as_rows(keys, cursor)
    if rows is None:
        return plain
    row, place = rows
    return _Compared(plain, row < place if keys[0].descending != backward else row > place)


def up_to(keys: Sequence[Key], cursor: Cursor, *, backward: bool = False) -> ColumnElement[bool]:
    """The condition that a row lies before `cursor` or at it."""
    lead = keys[0]
    down = lead.descending != backward
    bound = lead.column >= cursor[0] if down else lead.column <= cursor[0]
    equal = and_(*(key.column == value for key, value in zip(keys, cursor, strict=True)))
    plain = and_(bound, or_(_written_beyond(keys, cursor, not backward), equal))
    rows = _as_rows(keys, cursor)
    if rows is None:
        return plain
    row, place = rows
    return _Compared(plain, row >= place if down else row <= place)


def _written_beyond(keys: Sequence[Key], cursor: Cursor, backward: bool) -> ColumnElement[bool]:
    """Written out; the leading bound on the first key is implied by the rest and gives a range to start from."""
    if len(keys) != len(cursor) or any(value is None for value in cursor):
        raise ValueError(f"the cursor {cursor!r} does not fit the {len(keys)} keys of this list")
    lead = keys[0]
    down = lead.descending != backward
    bound = lead.column <= cursor[0] if down else lead.column >= cursor[0]
    cases: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for key, value in zip(keys, cursor, strict=True):
        further = key.column < value if key.descending != backward else key.column > value
        cases.append(and_(*equal, further))
        equal.append(key.column == value)
    return and_(bound, or_(*cases)) if len(cases) > 1 else cases[0]


def _as_rows(keys: Sequence[Key], cursor: Cursor) -> tuple[ColumnElement[Any], ColumnElement[Any]] | None:
    """Keys and cursor as rows that can be compared; None for a single key, and for keys of both directions."""
    if len(keys) == 1 or any(key.descending != keys[0].descending for key in keys):
        return None
    return tuple_(*(key.column for key in keys)), tuple_(*cursor, types=[key.column.type for key in keys])


def _cursor(keys: Sequence[Key], row: Row[Any]) -> Cursor:
    return tuple(row._mapping[key.column] for key in keys)

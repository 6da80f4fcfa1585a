"""Writing rows into a database in batches, each whole or not at all, with what it would not take put aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, or_, select, text, tuple_, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from app.db import faults
from app.db.copying.ahead import one_ahead
from app.db.copying.rows import Key, Line, Shape, line, literals
from app.db.engine import Database
from app.db.types import on_server
from app.errors import UserError

Look = Callable[[Connection, Sequence[dict[str, Any]]], dict[int, str]]
"""See `app.db.tables.ON_MERGE`."""

BATCH_ROWS = 5000
BATCH_BYTES = 4_000_000
"""Of one transaction: a server's commit takes as long for a thousand rows as for one."""
STATEMENT_BYTES = 900_000
LOOK_UP = 200
"""Keys in one question: SQLite and the servers' planners have limits on its length."""
SPARE = 4096
"""Bytes of a statement beside the rows."""
MOST_NOTES = 1000
"""Rows that may be refused or changed before the copy as a whole is taken to be impossible."""


@dataclass(slots=True)
class Batch:
    """What became of some rows."""

    inserted: list[Line] = field(default_factory=list)
    updated: list[Line] = field(default_factory=list)
    kept: int = 0
    notes: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    """Notes about rows that the database would take, but that have no place there. However many, all else is well."""

    def refuse(self, shape: Shape, row: Line, why: str) -> None:
        """Put a row aside."""
        self.notes.append(note(shape, row, "refused", why))


def note(shape: Shape, row: Line, kind: str, why: str) -> dict[str, Any]:
    """A row that is not in the target as it was in the source."""
    return {"table": shape.name, "key": shape.encode_key(shape.key(row.values)), "kind": kind, "why": why}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of the server's packets, 0 where there is no bound, and of the rows that one statement carries."""

    packet: int
    statement: int

    @classmethod
    def of(cls, conn: Connection) -> Limits:
        """Ask the database."""
        if not on_server(conn.dialect):
            return cls(0, STATEMENT_BYTES)
        packet = int(conn.execute(text("SELECT @@max_allowed_packet")).scalar_one())
        return cls(packet, min(STATEMENT_BYTES, packet // 4))

    def too_large(self, shape: Shape, row: Line) -> str:
        """Why the row cannot be sent at all; empty when it can."""
        if not self.packet or 3 * len(row.text) + SPARE < self.packet:
            return ""
        size = len(literals(shape, row.values).encode()) + SPARE
        if size < self.packet:
            return ""
        return f"it takes {size:,} bytes and the server accepts {self.packet:,}; raise its max_allowed_packet"


def write(conn: Connection, shape: Shape, rows: Sequence[Line], limits: Limits, batch: Batch | None = None) -> Batch:
    """Insert rows that the target does not have; those it refuses are put aside with the reason."""
    batch = Batch() if batch is None else batch
    sendable: list[Line] = []
    for row in rows:
        if why := limits.too_large(shape, row):
            batch.refuse(shape, row, why)
        else:
            sendable.append(row)
    if on_server(conn.dialect):
        made = ((some, _ready(conn, shape, some)) for some in _runs(sendable, limits.statement))
        for _ in one_ahead(made, lambda each: _insert(conn, shape, *each, batch)):
            pass
    else:
        for some in _runs(sendable, limits.statement):
            _insert(conn, shape, some, "", batch)
    return batch


def _runs(rows: Sequence[Line], size: int) -> Iterator[list[Line]]:
    """The rows of one statement after the other."""
    run: list[Line] = []
    left = size
    for row in rows:
        if run and len(row.text) > left:
            yield run
            run, left = [], size
        run.append(row)
        left -= len(row.text)
    if run:
        yield run


def merge(
    conn: Connection, shape: Shape, given: Sequence[Line], limits: Limits, *, keep: bool, look: Look | None = None
) -> Batch:
    """Insert what the target lacks and, unless `keep`, give rows of the same key the source's values.

    `look` sees the rows before. What was written is read back and compared in the same transaction, while nobody else
    can change it.
    """
    batch = Batch()
    rows = given if look is None else _looked_at(conn, shape, given, look, batch)
    found = {} if not rows else _look_up(conn, shape, [shape.key(row.values) for row in rows])
    missing = [row for row in rows if shape.key(row.values) not in found]
    write(conn, shape, missing, limits, batch)
    for row in rows:
        there = found.get(shape.key(row.values))
        if there is None:
            continue
        if keep or there == row.text:
            batch.kept += 1
        elif why := limits.too_large(shape, row):
            batch.refuse(shape, row, why)
        else:
            _update(conn, shape, row, batch)
    _read_back(conn, shape, [*batch.inserted, *batch.updated])
    return batch


def _looked_at(conn: Connection, shape: Shape, rows: Sequence[Line], look: Look, batch: Batch) -> list[Line]:
    """The rows that come, as they come."""
    values = [dict(zip(shape.names, row.values, strict=True)) for row in rows]
    left = look(conn, values)
    coming: list[Line] = []
    for place, (row, now) in enumerate(zip(rows, values, strict=True)):
        why = left.get(place)
        if why:
            batch.left.append(note(shape, row, "refused", why))
        elif why is not None:
            batch.kept += 1
        else:
            same = tuple(now.values()) == row.values
            coming.append(row if same else replace(line(shape, tuple(now.values())), changed=row.changed))
    return coming


def remove(conn: Connection, shape: Shape, conditions: Sequence[ColumnElement[bool]]) -> None:
    """Delete the rows of a range."""
    conn.execute(delete(shape.table).where(*conditions))


def _insert(conn: Connection, shape: Shape, rows: Sequence[Line], statement: str, batch: Batch) -> None:
    """All in one go; where that fails, in halves, until the rows that are at fault stand alone."""
    try:
        with conn.begin_nested():
            _send(conn, shape, rows, statement)
    except SQLAlchemyError as error:
        if "no such savepoint" in str(error):
            # SQLite that found no room has taken back the whole transaction, and the savepoint with it.
            raise _first(error) from None
        if not _of_the_row(error):
            raise
        if len(rows) > 1:
            middle = len(rows) // 2
            _insert(conn, shape, rows[:middle], "", batch)
            _insert(conn, shape, rows[middle:], "", batch)
        elif _look_up(conn, shape, [shape.key(rows[0].values)]).get(shape.key(rows[0].values)) == rows[0].text:
            batch.kept += 1
        else:
            batch.refuse(shape, rows[0], _words(error))
    except (ValueError, TypeError, OverflowError) as error:
        if len(rows) > 1:
            for row in rows:
                _insert(conn, shape, [row], "", batch)
        else:
            batch.refuse(shape, rows[0], str(error)[:300])
    else:
        batch.inserted.extend(rows)


def _send(conn: Connection, shape: Shape, rows: Sequence[Line], statement: str) -> None:
    """`statement` is what `_ready` made of the rows, if it made any."""
    if not on_server(conn.dialect):
        conn.execute(insert(shape.table), [dict(zip(shape.names, row.values, strict=True)) for row in rows])
        return
    # Without parameters a % in the text is nothing but a %.
    conn.exec_driver_sql(statement or _statement(conn, shape, rows), execution_options={"no_parameters": True})


def _ready(conn: Connection, shape: Shape, rows: Sequence[Line]) -> str:
    """The rows as a statement; nothing where there is a row among them that no server stores: `_insert` finds it."""
    try:
        return _statement(conn, shape, rows)
    except (ValueError, TypeError, OverflowError):
        return ""


def _statement(conn: Connection, shape: Shape, rows: Sequence[Line]) -> str:
    quote = conn.dialect.identifier_preparer.quote_identifier
    columns = ",".join(map(quote, shape.names))
    values = ",".join([literals(shape, row.values) for row in rows])
    return f"INSERT INTO {quote(shape.name)} ({columns}) VALUES {values}"


def _update(conn: Connection, shape: Shape, row: Line, batch: Batch) -> None:
    values = dict(zip(shape.names, row.values, strict=True))
    keys = {column.name for column in shape.keys}
    where = [column == bindparam(f"key_{column.name}", type_=column.type) for column in shape.keys]
    changed = {name: value for name, value in values.items() if name not in keys}
    try:
        with conn.begin_nested():
            statement = update(shape.table).where(*where).values(changed)
            conn.execute(statement, {f"key_{name}": values[name] for name in keys})
    except SQLAlchemyError as error:
        if not _of_the_row(error):
            raise
        batch.refuse(shape, row, _words(error))
    else:
        batch.updated.append(row)


def _look_up(conn: Connection, shape: Shape, keys: Sequence[Key]) -> dict[Key, bytes]:
    """The rows of these keys as the target has them."""
    found: dict[Key, bytes] = {}
    for start in range(0, len(keys), LOOK_UP):
        where = _among(conn, shape, keys[start : start + LOOK_UP])
        for values in conn.execute(select(*shape.table.columns).where(where)):
            plain = shape.plain(values)
            found[shape.key(plain)] = line(shape, plain).text
    return found


def _among(conn: Connection, shape: Shape, keys: Sequence[Key]) -> ColumnElement[bool]:
    if len(shape.keys) == 1:
        return shape.keys[0].in_([key[0] for key in keys])
    if not on_server(conn.dialect):
        return tuple_(*shape.keys).in_(keys)
    # The servers find rows of several key columns by their index only where the conditions are written out.
    return or_(*(and_(*(column == value for column, value in zip(shape.keys, key, strict=True))) for key in keys))


def _read_back(conn: Connection, shape: Shape, rows: Sequence[Line]) -> None:
    there = _look_up(conn, shape, [shape.key(row.values) for row in rows])
    for row in rows:
        if there.get(shape.key(row.values)) != row.text:
            raise UserError(
                f"the row {shape.encode_key(shape.key(row.values))} of {shape.name} did not arrive as it was",
                fix="the batch was taken back; the row holds a value that this database keeps in another way",
            )


def _of_the_row(error: SQLAlchemyError) -> bool:
    """The values of a row are at fault, and not the database."""
    if isinstance(error, DBAPIError):
        return faults.classify(error) == "other" and not error.connection_invalidated
    return isinstance(error, StatementError)


def _first(error: SQLAlchemyError) -> SQLAlchemyError:
    """The error that led to this one."""
    found, each = error, error.__context__
    while each is not None:
        found, each = (each if isinstance(each, SQLAlchemyError) else found), each.__context__
    return found


def _words(error: SQLAlchemyError) -> str:
    said = getattr(error, "orig", None) or error
    arguments = getattr(said, "args", ())
    return str(arguments[-1] if arguments else said)[:300]


def fits(db: Database, notes: int) -> None:
    """Raise when so many rows are at fault that something else is."""
    if notes > MOST_NOTES:
        raise UserError(
            f"more than {MOST_NOTES} rows cannot be stored there",
            where=db.masked_url,
            fix="the report of a copy of a few rows, or the log, says why; nothing in the source was changed",
        )

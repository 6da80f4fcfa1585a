"""What a target remembers of a copy into it until the copy is complete: from where, and which parts have arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, delete, insert, inspect, select, update

from app.db.tables import SERVER_OPTIONS
from app.db.types import Identifier, Json, LongText, Ulid, UtcDateTime, Word, utc_now
from app.db.upsert import upsert
from app.ids import new_id

Mode = Literal["fresh", "replace", "keep"]
"""`fresh`: into empty tables. Otherwise what to do where both have a row of one key: take the source's, or keep."""

_own = MetaData()

copy_state = Table(
    "quarterdeck_copy",
    _own,
    Column("id", Ulid, primary_key=True),
    Column("source", LongText, nullable=False),
    Column("source_key", Word(64), nullable=False),
    Column("mode", Word(8), nullable=False),
    Column("state", Word(8), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    **SERVER_OPTIONS,
)
copy_part = Table(
    "quarterdeck_copy_part",
    _own,
    Column("table_name", Identifier(64), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("last_key", LongText, nullable=False),
    Column("read_rows", BigInteger, nullable=False),
    Column("read_sum", Word(32), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("sum", Word(32), nullable=False),
    Column("notes", Json, nullable=False),
    **SERVER_OPTIONS,
)
copy_twin = Table(
    "quarterdeck_copy_twin",
    _own,
    Column("table_name", Identifier(64), primary_key=True),
    Column("source_key", Identifier(64), primary_key=True),
    Column("target_key", Identifier(64)),
    **SERVER_OPTIONS,
)
TABLES = frozenset(_own.tables)
"""They exist only while a copy is incomplete; the migrations know nothing of them."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A copy that has begun."""

    id: str
    source: str
    source_key: str
    mode: Mode
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Part:
    """A run of rows that arrived in one transaction: how many were read and how many the target took."""

    seq: int
    last_key: str
    read_rows: int
    read_sum: int
    rows: int
    sum: int
    notes: tuple[dict[str, Any], ...] = ()


def begin(conn: Connection, source: str, source_key: str, mode: Mode) -> Unfinished:
    """Note that a copy begins."""
    made = Unfinished(new_id(), source, source_key, mode, utc_now())
    row = {"id": made.id, "source": source, "source_key": source_key, "mode": mode, "started_at": made.started_at}
    conn.execute(insert(copy_state), [{**row, "state": "running"}])
    return made


def make(conn: Connection) -> None:
    """Make the two tables."""
    _own.create_all(conn, checkfirst=True)


def find(conn: Connection) -> Unfinished | None:
    """The copy that has not come to its end, if there is one."""
    if not inspect(conn).has_table(copy_state.name):
        return None
    row = conn.execute(select(copy_state).where(copy_state.c.state == "running").limit(1)).first()
    return None if row is None else Unfinished(row.id, row.source, row.source_key, row.mode, row.started_at)


def finish(conn: Connection) -> None:
    """The copy is complete; the tables may go."""
    conn.execute(update(copy_state).values(state="done"))


def drop(conn: Connection) -> None:
    """Take the tables away. Those of a running copy never are: see `finish`."""
    _own.drop_all(conn, tables=[copy_twin], checkfirst=True)
    _own.drop_all(conn, tables=[copy_part], checkfirst=True)
    _own.drop_all(conn, tables=[copy_state], checkfirst=True)


def parts(conn: Connection, table: str) -> list[Part]:
    """What has arrived of a table, in order."""
    statement = select(copy_part).where(copy_part.c.table_name == table).order_by(copy_part.c.seq)
    return [
        Part(row.seq, row.last_key, row.read_rows, int(row.read_sum, 16), row.rows, int(row.sum, 16), tuple(row.notes))
        for row in conn.execute(statement)
    ]


def has_part(conn: Connection, table: str, seq: int) -> bool:
    """A part arrived; asked when the answer to its commit was lost."""
    where = (copy_part.c.table_name == table, copy_part.c.seq == seq)
    return conn.execute(select(copy_part.c.seq).where(*where)).first() is not None


def add_part(conn: Connection, table: str, part: Part) -> None:
    """Note a part, in the transaction that brings its rows; one of the same number is replaced."""
    conn.execute(delete(copy_part).where(copy_part.c.table_name == table, copy_part.c.seq == part.seq))
    row = {
        "table_name": table,
        "seq": part.seq,
        "last_key": part.last_key,
        "read_rows": part.read_rows,
        "read_sum": f"{part.read_sum:032x}",
        "rows": part.rows,
        "sum": f"{part.sum:032x}",
        "notes": list(part.notes),
    }
    conn.execute(insert(copy_part), [row])


def note_twins(conn: Connection, table: str, twins: Mapping[str, str | None]) -> None:
    """Rows of the source, by their keys, that a merge left out for rows of the target; None for no row at all."""
    rows = [{"table_name": table, "source_key": source, "target_key": target} for source, target in twins.items()]
    upsert(conn, copy_twin, rows, keys=("table_name", "source_key"))


def twins(conn: Connection, table: str, keys: Sequence[str]) -> dict[str, str | None]:
    """Those of these rows of the source that were left out, with what stands for them."""
    twin = copy_twin.c
    asked = select(twin.source_key, twin.target_key).where(twin.table_name == table, twin.source_key.in_(keys))
    return {row.source_key: row.target_key for row in conn.execute(asked)}

"""Insert, or update what is there: the same call on SQLite, MariaDB and MySQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.sql.dml import Insert

from app.db.types import on_server


def upsert(
    conn: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keys: Collection[str],
    update: Collection[str] | None = None,
) -> None:
    """Insert `rows`; where a row with the same `keys` exists, set its `update` columns (None: all others given).

    Every row must have the same columns. With the same keys twice in `rows`, the later one wins. An empty `update`
    keeps what is there. The rows travel by executemany, which the driver turns into few large statements.
    """
    if not rows:
        return
    columns = tuple(rows[0])
    changed = [name for name in columns if name not in keys] if update is None else list(update)
    statement = _for_servers(table, keys, changed) if on_server(conn.dialect) else _for_sqlite(table, keys, changed)
    conn.execute(statement, [dict(row) for row in rows])


def _for_servers(table: Table, keys: Collection[str], changed: list[str]) -> Insert:
    insert = mysql.insert(table)
    if changed:
        return insert.on_duplicate_key_update({name: insert.inserted[name] for name in changed})
    # INSERT IGNORE would hide every other error too; a key set to itself changes nothing.
    key = next(iter(keys))
    return insert.on_duplicate_key_update({key: table.c[key]})


def _for_sqlite(table: Table, keys: Collection[str], changed: list[str]) -> Insert:
    insert = sqlite.insert(table)
    if not changed:
        return insert.on_conflict_do_nothing(index_elements=list(keys))
    return insert.on_conflict_do_update(
        index_elements=list(keys), set_={name: insert.excluded[name] for name in changed}
    )

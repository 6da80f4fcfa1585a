"""New rows in the table, each once: what is there already is counted, never written over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import mysql, sqlite

from app.db.types import on_server
from app.feedback.ahead import Ahead
from app.feedback.folding import CHUNK, First, Folded, flat, models, statement
from app.feedback.model import STATES, Counts
from app.feedback.rows import COLUMNS, Prepared
from app.feedback.tables import feedback_count, feedback_model

SHARDS = 32
STATEMENT_LENGTH = 900_000
"""Characters of one statement to a server, unless it takes even less."""
_ID, _UNIQUE_KEY, _CAPTURED_AT = map(COLUMNS.index, ("id", "unique_key", "captured_at"))
_LONG = tuple(map(COLUMNS.index, ("input", "output", "comment", "context", "score_raw")))
_MANY = 500
"""Rows that hardly fit into one statement."""
_OTHERS_BYTES = 40_000
"""More than all other columns of a row take in a statement."""
CONTENT_TAKEN = "another row has this source_event_id and other content; the first one was kept"
TOO_LARGE = (
    "takes {size} bytes on the way to the server, whose max_allowed_packet is {packet}: raise that and give it again"
)
_MARGIN = 1024
"""More than the head of a statement takes."""
ID_TAKEN = "another row has this id; the first one was kept"


@dataclass(slots=True)
class Inserted:
    """What became of some rows: each is created, a duplicate, in conflict with a row kept before, or refused, which is
    larger than the server takes at once."""

    created: int = 0
    duplicate: int = 0
    conflicts: list[tuple[Prepared, str]] = field(default_factory=list)
    refused: list[tuple[Prepared, str]] = field(default_factory=list)


def insert_rows(conn: Connection, rows: Sequence[Prepared]) -> Inserted:
    """Insert what is new. A row that another writer adds meanwhile raises an IntegrityError: do the unit again."""
    done = Inserted()
    known = _known(conn, "unique_key", [row.unique_key for row in rows])
    taken = set(_known(conn, "id", [row.id for row in rows if row.own_id]))
    fresh: list[Prepared] = []
    packet = packet_of(conn)
    for row in rows:
        key = row.values[_UNIQUE_KEY]
        before = known.get(key)
        if before is not None:
            if row.by_event and before[1] != row.body_hash:
                done.conflicts.append((row, CONTENT_TAKEN))
            else:
                done.duplicate += 1
        elif row.own_id and row.id in taken:
            done.conflicts.append((row, ID_TAKEN))
        elif packet is not None and (why := _too_large(row, packet)):
            done.refused.append((row, why))
        else:
            known[key] = (row.id, row.body_hash)
            if row.own_id:
                taken.add(row.id)
            fresh.append(row)
    done.created = len(fresh)
    if fresh:
        _send(conn, "feedback", COLUMNS, [row.values for row in fresh])
        tags = [
            (row.values[_ID], tag, "waiting", row.values[_CAPTURED_AT]) for row in fresh if row.tags for tag in row.tags
        ]
        if tags:
            names = ("feedback_id", "tag", "state", "captured_at")
            _send(conn, "feedback_tag", names, tags)
        _models(conn, models(row.values for row in fresh))
        count(conn, {"waiting": len(fresh)})
    return done


def insert_new(conn: Connection, rows: Folded) -> bool:
    """Insert rows into SQLite as they lie there, where all of them are new; False: nothing was written."""
    if on_server(conn.dialect) or rows.own:
        return False
    keys = rows.column("unique_key")
    if len(set(keys)) < rows.count or _known(conn, "unique_key", keys):
        return False
    if not rows.count:
        return True
    same = {COLUMNS[at]: value for at, value in rows.same.items()}
    _fill(conn, "feedback", same, tuple(COLUMNS[at] for at in rows.others()), rows.chunks)
    if rows.tags:
        ids, captured = rows.column("id"), rows.column("captured_at")
        tags = [(ids[number], tag, captured[number]) for number, tag in rows.tags]
        _fill(conn, "feedback_tag", {"state": "waiting"}, ("feedback_id", "tag", "captured_at"), flat(tags))
    _models(conn, rows.models)
    count(conn, {"waiting": rows.count})
    return True


def count(conn: Connection, change: Mapping[str, int]) -> None:
    """Add to the counts of states, which nobody has to compute from the rows."""
    shard = os.getpid() % SHARDS
    for state in sorted(change):
        if not change[state]:
            continue
        row = {"state": state, "shard": shard, "total": change[state]}
        if on_server(conn.dialect):
            added = mysql.insert(feedback_count)
            conn.execute(added.on_duplicate_key_update(total=feedback_count.c.total + added.inserted.total), [row])
        else:
            put = sqlite.insert(feedback_count)
            conn.execute(
                put.on_conflict_do_update(
                    index_elements=["state", "shard"], set_={"total": feedback_count.c.total + put.excluded.total}
                ),
                [row],
            )


def counts(conn: Connection) -> Counts:
    """Rows by state, from the counts kept."""
    found: Counter[str] = Counter()
    for state, total in conn.execute(
        select(feedback_count.c.state, func.sum(feedback_count.c.total)).group_by(feedback_count.c.state)
    ):
        found[state] = int(total)
    return Counts(**{state: found[state] for state in STATES})


def _known(conn: Connection, column: str, values: Sequence[Any]) -> dict[Any, tuple[str, bytes]]:
    if not values:
        return {}
    mark = "%s" if on_server(conn.dialect) else "?"
    marks = ",".join([mark] * len(values))
    sql = f"SELECT {column}, id, body_hash FROM feedback WHERE {column} IN ({marks})"
    return {key: (identity, body) for key, identity, body in conn.exec_driver_sql(sql, tuple(values))}


def packet_of(conn: Connection) -> int | None:
    """Bytes that the server takes at once; None for SQLite, which takes all that the contract allows."""
    if not on_server(conn.dialect):
        return None
    # It cannot change while the connection lives.
    if "max_allowed_packet" not in conn.info:
        conn.info["max_allowed_packet"] = int(conn.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one())
    packet: int = conn.info["max_allowed_packet"]
    return packet


def _too_large(row: Prepared, packet: int) -> str:
    """Why the server would hang up on a statement with this row alone; empty where it would not."""
    values = row.values
    if 4 * sum(len(values[at]) for at in _LONG if values[at]) + _OTHERS_BYTES < packet:
        return ""
    size = len(_tuple(values).encode()) + sum(map(len, COLUMNS)) + _MARGIN
    return "" if size < packet else TOO_LARGE.format(size=size, packet=packet)


def _send(conn: Connection, table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    if not on_server(conn.dialect):
        names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        conn.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(rows))
        return
    most = min(STATEMENT_LENGTH, ((packet_of(conn) or 0) - _MARGIN) // 4)
    texts = _statements(table, columns, rows, most)
    # While the server works at one statement the next one is written; not worth a thread where there is one.
    ahead = Ahead(texts, 1) if len(rows) > _MANY else None
    try:
        for text in ahead or texts:
            # Without parameters a % in the text is nothing but a %.
            conn.exec_driver_sql(text, execution_options={"no_parameters": True})
    finally:
        if ahead is not None:
            ahead.close()


def _statements(table: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], most: int) -> Iterator[str]:
    """Statements for a server, each of about `most` characters at most."""
    head = f"INSERT INTO {table} ({', '.join(f'`{name}`' for name in columns)}) VALUES "
    texts: list[str] = []
    size = 0
    for row in rows:
        text = _tuple(row)
        if texts and size + len(text) > most:
            yield head + ",".join(texts)
            texts, size = [], 0
        texts.append(text)
        size += len(text) + 1
    yield head + ",".join(texts)


def _fill(
    conn: Connection, table: str, same: Mapping[str, Any], others: tuple[str, ...], chunks: Sequence[tuple[Any, ...]]
) -> None:
    """Insert into a table of SQLite what lies flat."""
    names, head, width = tuple(same), tuple(same.values()), len(others)
    for values in chunks:
        if len(values) == CHUNK * width:
            conn.exec_driver_sql(statement(table, names, others, CHUNK), head + values)
        else:
            # Statements of other lengths would have to be read anew each time.
            rows = [head + values[at : at + width] for at in range(0, len(values), width)]
            conn.exec_driver_sql(statement(table, names, others, 1), rows)


def _tuple(row: tuple[Any, ...]) -> str:
    # Quicker than the driver, which asks each value anew what it is.
    return "(" + ",".join(map(_literal, row)) + ")"


def _literal(value: Any) -> str:
    """A value as a server reads it; the session's mode lets a backslash escape."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    # An exponent makes a float of what would be a decimal.
    return f"{value!r}" if isinstance(value, int) or "e" in repr(value) else f"{value!r}e0"


def _models(conn: Connection, first: Mapping[int, First]) -> None:
    """Keep when the first row of each model was captured."""
    if not first:
        return
    columns = feedback_model.c
    at_first = select(columns.model_key, columns.first_at).where(columns.model_key.in_(list(first)))
    known: dict[int, datetime] = {row.model_key: row.first_at for row in conn.execute(at_first)}
    late = [
        {"model_key": key, "model": model, "version": version, "first_at": moment}
        for key, (at, model, version) in sorted(first.items())
        if (moment := datetime.fromisoformat(at).replace(tzinfo=UTC)) < known.get(key, datetime.max.replace(tzinfo=UTC))
    ]
    if not late:
        return
    if on_server(conn.dialect):
        added = mysql.insert(feedback_model)
        conn.execute(
            added.on_duplicate_key_update(first_at=func.least(columns.first_at, added.inserted.first_at)), late
        )
    else:
        put = sqlite.insert(feedback_model)
        conn.execute(
            put.on_conflict_do_update(
                index_elements=["model_key"], set_={"first_at": func.min(columns.first_at, put.excluded.first_at)}
            ),
            late,
        )

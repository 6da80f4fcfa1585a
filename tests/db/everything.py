"""Rows for every table of every area, with values that are hard to carry; and a program that copies, to be killed.

As a program: `python -m tests.db.everything SOURCE TARGET` copies and prints the rows done so far, line by line.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Column, Connection, Float, Integer, SmallInteger, Table, insert, select

from app.db.copying import target as writing
from app.db.copying.job import copy
from app.db.copying.report import Progress
from app.db.copying.rows import kind_of
from app.db.engine import Database
from app.db.tables import all_tables
from app.db.types import Digest, Identifier, Json, Money, Ulid, UtcDateTime

HARD_TEXT = (
    "emoji 🦊👩‍👧, NUL \x00, quotes ' \" ` \\ \\', % %s {} :name, lines \r\n\t\x1a\x7f, é≠é, ｆｕｌｌ, ß≠ss, end "
)
HARD_JSON = {
    "one": 1,
    "one point zero": 1.0,
    "tenth": 0.1,
    "third": 1 / 3,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "minus zero": -0.0,
    "64 bits": 2**64 - 1,
    "least": -(2**63),
    "text": HARD_TEXT,
    "none": None,
    "yes": True,
    "nested": [[], {}, [{"ключ": "値"}], ""],
}
DERIVED = {"feedback_count", "feedback_tag", "note_tag", "retrain_watermark"}
"""Tables of which a merge makes something anew by what is in the others."""
BEGIN = datetime(2026, 3, 29, 0, 59, 59, 999_990, tzinfo=UTC)
"""Minutes before many clocks are put forward."""


def value(column: Column[Any], n: int, allowed: Mapping[str, str]) -> Any:
    """A value for row number `n` that differs from those of all other rows wherever it can."""
    kind = column.type
    if column.name in allowed:
        return allowed[column.name]
    if isinstance(kind, UtcDateTime):
        return BEGIN + timedelta(microseconds=n)
    if isinstance(kind, Ulid):
        return f"{n:026d}"
    if isinstance(kind, Digest):
        return hashlib.blake2b(str(n).encode(), digest_size=16).digest()
    if isinstance(kind, Money):
        return Decimal(n) + Decimal("0.00000001")
    if isinstance(kind, Json):
        return {**HARD_JSON, "n": n}
    if isinstance(kind, Boolean):
        return n % 2 == 0
    if isinstance(kind, Float):
        return n / 3
    if isinstance(kind, Integer):
        return n % 30_000 if isinstance(kind, SmallInteger) else n
    ascii_only = type(kind).__name__ == "Word"
    length = getattr(kind, "length", None)
    if isinstance(kind, Identifier) or length is not None:
        text = f"{n:x}" if ascii_only else f"{n:x} 🦊é{HARD_TEXT.strip()}"
        return text[:length].rstrip()
    if kind_of(column) == "bytes":
        return bytes(range(256)) + str(n).encode()
    if type(kind).__name__ == "JsonText":
        return {"z": 1.0, "a": 10**30, "n": n, "text": HARD_TEXT}
    return f"{n} {HARD_TEXT}"


def row(table: Table, n: int) -> dict[str, Any]:
    """A row of a table; columns with a list of allowed words get the first of them."""
    allowed = {}
    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            found = re.match(r"(\w+) in \('(\w+)'", str(constraint.sqltext))
            if found:
                allowed[found[1]] = found[2]
    return {
        column.name: None if column.nullable and n % 7 == 3 else value(column, n, allowed) for column in table.columns
    }


def fill(db: Database, rows: int, *, only: str = "", begin: int = 0) -> None:
    """Put rows into every table, or into one."""
    for table in all_tables().sorted_tables:
        if only in {"", table.name}:
            for start in range(begin, begin + rows, 1000):
                made = [row(table, n) for n in range(start, min(begin + rows, start + 1000))]
                db.run_now(partial(_put, table=table, rows=made), True)


def _put(conn: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    conn.execute(insert(table), rows)


def exact(found: Any) -> str:
    """A value as text that tells 1 from 1.0 and knows no order of an object's keys."""
    return json.dumps(found, sort_keys=True) if isinstance(found, dict | list) else repr(found)


def content(db: Database) -> dict[str, list[tuple[str, ...]]]:
    """Every row of every table, as the app reads them."""

    def read(conn: Any) -> dict[str, list[tuple[str, ...]]]:
        return {
            table.name: sorted(tuple(map(exact, each)) for each in conn.execute(select(table)))
            for table in all_tables().sorted_tables
        }

    found: dict[str, list[tuple[str, ...]]] = db.run_now(read)
    return found


def merged(db: Database) -> dict[str, list[tuple[str, ...]]]:
    """The same but for what a merge makes anew."""
    return {name: rows for name, rows in content(db).items() if name not in DERIVED}


def main(source: str, target: str) -> None:
    def watch(progress: Progress) -> None:
        print(progress.phase, progress.rows, flush=True)

    # Small parts, so that there is something to kill.
    writing.BATCH_ROWS = 300
    one, other = Database(source), Database(target)
    copy(one, other, watch=watch)
    print("done", flush=True)
    one.close()
    other.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

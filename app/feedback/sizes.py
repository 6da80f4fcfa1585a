"""How many rows lie in ranges of an index: counted where it matters, else as the database guesses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ClauseElement, Connection, Executable, Select, func, literal, select
from sqlalchemy.ext.compiler import compiles

MANY = 150_000
"""As far rows are counted where the database has no guess."""
PLENTY = 10
"""So many times what was asked for, and nobody wants to know by how much it is more."""


class _Explained(Executable, ClauseElement):
    """What the servers would do for a statement."""

    inherit_cache = False

    def __init__(self, query: Select[Any]) -> None:
        self.query = query


@compiles(_Explained)
def _explained(element: _Explained, compiler: Any, **more: Any) -> str:
    return f"EXPLAIN FORMAT=TRADITIONAL {compiler.process(element.query, **more)}"


def counted(conn: Connection, queries: Iterable[Select[Any]], most: int) -> int:
    """How many rows these statements have, up to `most`. No column is asked for: the index alone is read."""
    total = 0
    for query in queries:
        bare = query.with_only_columns(literal(1), maintain_column_froms=True).order_by(None)
        total += conn.scalar(select(func.count()).select_from(bare.limit(most - total).subquery())) or 0
        if total >= most:
            break
    return total


def guessed(conn: Connection, queries: Iterable[Select[Any]], most: int = MANY) -> int:
    """About how many rows these statements have, each a range of one index; on SQLite, up to `most`."""
    if conn.dialect.name == "sqlite":
        return counted(conn, queries, most)
    total = 0
    for query in queries:
        # In no order, or in that of the index that it has to take, MySQL would not look into it.
        ordered = query.order_by(None).order_by(list(query.selected_columns)[-1])
        for row in conn.execute(_Explained(ordered)).mappings():
            # No number where it is clear that there is none.
            total += int(row["rows"] or 0)
        if total > PLENTY * most:
            break
    return total

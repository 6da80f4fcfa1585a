"""Steps of a revision that do nothing where they were done before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alembic import op
from sqlalchemy import Column, Constraint, inspect, text

from app.db.tables import SERVER_OPTIONS


def create_table(name: str, *parts: Column[Any] | Constraint, **options: Any) -> None:
    """Create a table with the options that all our tables have."""
    if not inspect(op.get_bind()).has_table(name):
        op.create_table(name, *parts, **SERVER_OPTIONS, **options)


def create_index(table: str, *columns: str, unique: bool = False, name: str = "", sqlite_where: str = "") -> None:
    """Create an index, where nothing else is said under the name that the metadata's convention gives it."""
    name = name or _named(table, columns)
    if name not in _indexes(table):
        where = text(sqlite_where) if sqlite_where else None
        op.create_index(name, table, list(columns), unique=unique, sqlite_where=where)


def drop_index(table: str, *columns: str, name: str = "") -> None:
    """Drop an index, where nothing else is said the one that the convention names so."""
    name = name or _named(table, columns)
    if name in _indexes(table):
        op.drop_index(name, table)


def _named(table: str, columns: Sequence[str]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"


def _indexes(table: str) -> set[str | None]:
    return {index["name"] for index in inspect(op.get_bind()).get_indexes(table)}

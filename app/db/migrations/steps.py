"""Steps of a revision that do nothing where they were done before."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import Column, Constraint, inspect

from app.db.tables import SERVER_OPTIONS


def create_table(name: str, *parts: Column[Any] | Constraint, **options: Any) -> None:
    """Create a table with the options that all our tables have."""
    if not inspect(op.get_bind()).has_table(name):
        op.create_table(name, *parts, **SERVER_OPTIONS, **options)


def create_index(table: str, *columns: str, unique: bool = False) -> None:
    """Create an index under the name that the metadata's convention gives it."""
    name = f"ix_{table}_{'_'.join(columns)}"
    if name not in {index["name"] for index in inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, list(columns), unique=unique)

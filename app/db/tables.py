"""The one MetaData that every area's tables hang on, and the table that makes spooled writes happen once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, MetaData, Table

from app.db.types import Identifier, UtcDateTime

SERVER_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_unicode_ci",
    "mysql_row_format": "DYNAMIC",
}
"""Given to every table, since servers differ in their defaults."""

AFTER_MERGE = "after_merge"
"""In the `info` of a table: the function, as `module:name`, that puts the table right when rows were merged in past the
code that keeps it. It is given the database, over a connection that may take its time."""

ON_MERGE = "on_merge"
"""In the `info` of a table: the function, as `module:name`, that looks at rows before they are merged in. It is given
the connection and the rows, whose values it may change, and answers with those that do not come, by their places: why,
or an empty text where the target has the row under another key."""

OWN_STAYS = "own_stays"
"""In the `info` of a table: of rows that both have, a merge leaves the target's as it is, whatever was asked for."""

AREAS = (
    "app.testing.tables",
    "app.git.tables",
    "app.feedback.tables",
    "app.feedback.retrain_tables",
    "app.content.tables",
)
"""Modules that add their tables to `metadata`; an area with tables adds its own here."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

applied_operation = Table(
    "applied_operation",
    metadata,
    Column("id", Identifier(64), primary_key=True),
    Column("applied_at", UtcDateTime, nullable=False),
    Index("ix_applied_operation_applied_at", "applied_at"),
    **SERVER_OPTIONS,
)


def all_tables() -> MetaData:
    """The metadata with the tables of every area."""
    from importlib import import_module

    for module in AREAS:
        import_module(module)
    return metadata

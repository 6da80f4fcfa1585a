"""Runs the revisions on the connection that `app.db.migrate` hands over."""

from __future__ import annotations

from alembic import context

from app.db.tables import all_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=all_tables(),
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()

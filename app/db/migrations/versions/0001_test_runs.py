"""Applied operations, projects, test runs and their results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db import types
from app.db.migrations import steps

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    steps.create_table(
        "applied_operation",
        sa.Column("id", types.Identifier(64), primary_key=True),
        sa.Column("applied_at", types.UtcDateTime(), nullable=False),
    )
    steps.create_index("applied_operation", "applied_at")
    steps.create_table(
        "project",
        sa.Column("name", types.Identifier(128), primary_key=True),
        sa.Column("path", types.LongText(), nullable=False),
        sa.Column("first_run_at", types.UtcDateTime(), nullable=False),
        sa.Column("last_run_at", types.UtcDateTime(), nullable=False),
    )
    steps.create_table(
        "test_case",
        sa.Column("id", types.Digest(), primary_key=True),
        sa.Column("project", types.Identifier(128), nullable=False),
        sa.Column("nodeid", types.LongText(), nullable=False),
        sa.Column("file", types.LongText(), nullable=False),
        sa.Column("last_run_id", types.Ulid(), nullable=False),
        sa.Column("last_outcome", types.Word(8), nullable=False),
        sa.Column("last_duration_s", sa.Double(), nullable=False),
    )
    steps.create_index("test_case", "project", "last_run_id")
    steps.create_table(
        "test_run",
        sa.Column("id", types.Ulid(), primary_key=True),
        sa.Column("project", types.Identifier(128), nullable=False),
        sa.Column("triggered_by", types.Word(16), nullable=False),
        sa.Column("level", types.Word(8), nullable=False),
        sa.Column("level_reason", sa.String(500), nullable=False),
        sa.Column("git_commit", types.Word(64)),
        sa.Column("dirty_hash", types.Word(64)),
        sa.Column("started_at", types.UtcDateTime(), nullable=False),
        sa.Column("first_result_s", sa.Double()),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("exit_code", sa.SmallInteger(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("error", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("xfailed", sa.Integer(), nullable=False),
        sa.Column("xpassed", sa.Integer(), nullable=False),
        sa.Column("deselected", sa.Integer(), nullable=False),
        sa.Column("affected_done_s", sa.Double()),
        sa.Column("affected_bad", sa.Integer(), nullable=False),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.Column("note", types.LongText(), nullable=False),
        sa.Column("args", types.Json(), nullable=False),
        sa.Column("changed", types.Json(), nullable=False),
    )
    steps.create_index("test_run", "project", "started_at", "id")
    steps.create_table(
        "test_result",
        sa.Column("run_id", types.Ulid(), primary_key=True),
        sa.Column("case_id", types.Digest(), primary_key=True),
        sa.Column("started_at", types.UtcDateTime(), nullable=False),
        sa.Column("outcome", types.Word(8), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("error_class", types.Identifier(64)),
        sa.Column("message", sa.String(500)),
        sa.CheckConstraint(
            "outcome in ('passed', 'failed', 'error', 'skipped', 'xfailed', 'xpassed')",
            name=op.f("ck_test_result_outcome"),
        ),
        sqlite_with_rowid=False,
    )
    steps.create_index("test_result", "case_id", "started_at", "run_id")

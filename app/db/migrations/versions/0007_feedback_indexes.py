"""Feedback: what waits is not in SQLite's index of decisions, and more is known from indexes alone: a reviewer's rows,
and the numbers of rows in order of one of them, of a model or of a source."""

from __future__ import annotations

from alembic import op

from app.db.migrations import steps
from app.db.types import on_server

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the indexes anew, the new ones first, so that there is always one."""
    steps.create_index(
        "feedback_decision",
        *("reviewer", "kind", "undone_by", "decided_at", "id", "feedback_id"),
        name="ix_feedback_decision_reviewer_kind_undone_by_feedback",
    )
    steps.drop_index("feedback_decision", "reviewer", "kind", "undone_by", "decided_at", "id")
    for column in ("model_key", "source"):
        keys = ("state", column, "captured_at", "id")
        name = f"ix_feedback_state_{column}_captured_at_numbers"
        steps.create_index("feedback", *keys, "score_order", "uncertainty_order", name=name)
        steps.drop_index("feedback", *keys)
    for first, second in (("score_order", "uncertainty_order"), ("uncertainty_order", "score_order")):
        steps.create_index("feedback", "state", first, "id", second)
        steps.drop_index("feedback", "state", first, "id")
    if not on_server(op.get_bind().dialect):
        # All of it happens in one transaction.
        steps.drop_index("feedback", "state", "decided_at", "id")
        steps.create_index("feedback", "state", "decided_at", "id", sqlite_where="decided_at IS NOT NULL")

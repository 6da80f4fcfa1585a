"""Feedback: what was refused before is found by what it is, so that the same file given twice refuses it once."""

from __future__ import annotations

from app.db.migrations import steps

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the index."""
    steps.create_index("feedback_quarantine", "raw_hash")

"""Feedback: entries of the rows' indexes tell more of their rows, so that few have to be read to find a page."""

from __future__ import annotations

from app.db.migrations import steps

revision = "0008"
down_revision = "0007"


NAMES = ("source", "model_key")
NUMBERS = ("score_order", "uncertainty_order")


def upgrade() -> None:
    """Make the indexes anew, the new ones first, so that there is always one."""
    _replace(("captured_at", "id"), (*NAMES, *NUMBERS, "decided_at"))
    for name in NAMES:
        old = f"ix_feedback_state_{name}_captured_at_numbers"
        _replace((name, "captured_at", "id"), (*NUMBERS, "decided_at"), old)
    for first, second in (NUMBERS, NUMBERS[::-1]):
        _replace((first, "id"), (second, *NAMES, "captured_at", "decided_at"), f"ix_feedback_state_{first}_id_{second}")


def _replace(keys: tuple[str, ...], known: tuple[str, ...], old: str = "") -> None:
    name = f"ix_feedback_state_{'_'.join(keys).replace('captured_at_id', 'captured_at')}_known"
    steps.create_index("feedback", "state", *keys, *known, name=name)
    steps.drop_index("feedback", "state", *keys, name=old)

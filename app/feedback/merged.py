"""What is kept beside the rows of feedback, put right after a merge brought rows past the code that keeps it."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, insert, select, update

from app.feedback.retrain_tables import retrain_watermark
from app.feedback.tables import feedback, feedback_count, feedback_tag


def count_again(conn: Connection) -> None:
    """Count the rows of each state. Writers wait meanwhile; what they have not committed yet they add themselves."""
    conn.execute(select(feedback_count.c.total).with_for_update()).all()
    found = conn.execute(select(feedback.c.state, func.count()).group_by(feedback.c.state)).all()
    conn.execute(delete(feedback_count))
    if found:
        conn.execute(insert(feedback_count), [{"state": state, "shard": 0, "total": total} for state, total in found])


def match_tags(conn: Connection) -> None:
    """Give tags the state of their row."""
    state = select(feedback.c.state).where(feedback.c.id == feedback_tag.c.feedback_id).scalar_subquery()
    conn.execute(update(feedback_tag).where(feedback_tag.c.state != state).values(state=state))


def search_again(conn: Connection) -> None:
    """Let pipelines look for new rows from the beginning: decisions may have arrived that are older than the last row
    they took. What they took is known row by row."""
    conn.execute(update(retrain_watermark).values(decided_at=None, feedback_id=None))

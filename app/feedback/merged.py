"""What is kept beside the rows of feedback, put right after a merge brought rows past the code that keeps it.

Others may write meanwhile. Rows are looked at in pages, and where something is wrong once more behind their lock, so
that nobody waits for long and nothing that was decided in between is written over.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, select, union_all, update

from app.feedback.retrain_tables import retrain_watermark
from app.feedback.settling import settle_again
from app.feedback.store import count
from app.feedback.tables import feedback, feedback_count, feedback_tag

if TYPE_CHECKING:
    from app.db.engine import Database

PAGE = 1000


def put_right(db: Database) -> None:
    """All of it, in an order in which what comes first is what the rest goes by."""
    settle_again(db)
    match_tags(db)
    db.run_now(count_again, True)
    db.run_now(search_again, True)


def count_again(conn: Connection) -> None:
    """Count the rows of each state, and add what is missing. What is counted and what is known are read in one
    statement, as they are at one moment: whoever writes meanwhile adds to both."""
    total = func.count().label("total")
    counted = select(feedback.c.state, total).group_by(feedback.c.state)
    known = select(feedback_count.c.state, -func.sum(feedback_count.c.total)).group_by(feedback_count.c.state)
    both = union_all(counted, known).subquery()
    found = conn.execute(select(both.c.state, func.sum(both.c.total)).group_by(both.c.state)).all()
    count(conn, {state: int(missing) for state, missing in found})


def match_tags(db: Database) -> None:
    """Give tags the state of their row."""
    after = ""
    while ids := db.run_now(partial(_unlike, after=after)):
        db.run_now(partial(_match, ids=ids), True)
        after = ids[-1]


def _unlike(conn: Connection, after: str) -> list[str]:
    """The next rows whose tags have another state."""
    tag, row = feedback_tag.c, feedback.c
    asked = select(tag.feedback_id).join_from(feedback_tag, feedback, row.id == tag.feedback_id).distinct()
    asked = asked.where(tag.state != row.state, tag.feedback_id > after)
    return list(conn.scalars(asked.order_by(tag.feedback_id).limit(PAGE)))


def _match(conn: Connection, ids: list[str]) -> None:
    row, tag = feedback.c, feedback_tag.c
    locked = select(row.id, row.state).where(row.id.in_(ids)).order_by(row.id).with_for_update()
    for identity, state in conn.execute(locked).all():
        conn.execute(update(feedback_tag).where(tag.feedback_id == identity, tag.state != state).values(state=state))


def search_again(conn: Connection) -> None:
    """Let pipelines look for new rows from the beginning: decisions may have arrived that are older than the last row
    they took. What they took is known row by row."""
    conn.execute(update(retrain_watermark).values(decided_at=None, feedback_id=None))

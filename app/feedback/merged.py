"""What is kept beside the rows of feedback, put right after a merge brought rows past the code that keeps it.

Others may write meanwhile. Rows are looked at in pages, and where something is wrong once more behind their lock, so
that nobody waits for long and nothing that was decided in between is written over.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, exists, func, select, union_all, update

from app.feedback.retrain.trigger import trigger_key
from app.feedback.retrain_tables import retrain_row, retrain_run, retrain_watermark
from app.feedback.settling import settle_again
from app.feedback.store import count
from app.feedback.tables import feedback, feedback_count, feedback_tag

if TYPE_CHECKING:
    from app.db.engine import Database

PAGE = 1000


def put_right(db: Database) -> None:
    """All of it, in an order in which what comes first is what the rest goes by."""
    free_rows(db)
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
    of_state: dict[str, list[str]] = {}
    for identity, state in conn.execute(locked).all():
        of_state.setdefault(state, []).append(identity)
    for state, some in of_state.items():
        conn.execute(update(feedback_tag).where(tag.feedback_id.in_(some), tag.state != state).values(state=state))


def free_rows(db: Database) -> None:
    """Rows that were taken by a run that is not here are new: no consumer would ever get them."""
    for run in db.run_now(_absent):
        while db.run_now(partial(_free, run=run), True):
            pass


def _absent(conn: Connection) -> list[str]:
    there = exists().where(retrain_run.c.id == retrain_row.c.run_id)
    return list(conn.scalars(select(retrain_row.c.run_id).where(~there).distinct()))


def _free(conn: Connection, run: str) -> int:
    """Some of its rows; how many."""
    row = retrain_row.c
    some = list(conn.scalars(select(row.feedback_id).where(row.run_id == run).limit(PAGE)))
    conn.execute(delete(retrain_row).where(row.run_id == run, row.feedback_id.in_(some)))
    return len(some)


def search_again(conn: Connection) -> None:
    """Let pipelines look for new rows from the beginning: decisions may have arrived that are older than the last row
    they took. What they took is known row by row. Runs that arrived may have the key of the firing that comes next."""
    mark, run = retrain_watermark.c, retrain_run.c
    runs = select(func.count()).where(run.pipeline == mark.pipeline).scalar_subquery()
    known = select(mark.pipeline, mark.run_id, mark.revision, runs.label("runs")).with_for_update()
    for pipeline, last, counted, there in conn.execute(known).all():
        revision = max(counted, there)
        while conn.scalar(select(run.id).where(run.trigger_key == trigger_key(pipeline, last, revision))) is not None:
            revision += 1
        conn.execute(
            update(retrain_watermark)
            .where(mark.pipeline == pipeline)
            .values(decided_at=None, feedback_id=None, revision=revision)
        )

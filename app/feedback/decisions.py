"""Decisions on rows: kept through the spool, each applied once, never changed; undo and redo are entries, too.

The row's state follows from its last decision that is not undone, in the transaction that writes the entry.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from app.errors import UserError
from app.feedback import texts
from app.feedback.contract import DecisionRecord
from app.feedback.model import STATE_OF, State
from app.feedback.retrain import corrections, watermarks
from app.feedback.store import count
from app.feedback.tables import feedback, feedback_claim, feedback_decision, feedback_tag

if TYPE_CHECKING:
    from app.db.spool import Spool

DECISION = "feedback.decision"
"""Kind of the spooled operation that holds a decision, an undo or a redo."""

_rows = feedback.c
_log = feedback_decision.c


async def put(spool: Spool, record: DecisionRecord) -> None:
    """Keep a decision, an undo or a redo; returns once it would survive a power loss."""
    await spool.put(DECISION, record.model_dump(mode="json"), record.id)


def apply_decision(conn: Connection, payload: dict[str, Any]) -> None:
    """Write an entry and what follows from it. Writing it again changes nothing."""
    record = DecisionRecord.model_validate_json(json.dumps(payload))
    if conn.scalar(select(_log.id).where(_log.id == record.id)) is not None:
        return
    row = conn.execute(
        select(_rows.id, _rows.state, _rows.dedupe_hash, _rows.decided_at, _rows.captured_at, _rows.tags)
        .where(_rows.id == record.feedback_id)
        .with_for_update()
    ).first()
    if row is None:
        raise UserError(f"no row of feedback has the id {record.feedback_id}", fix="`qd feedback list` shows them")
    entry = record.model_dump(exclude={"schema_version"})
    entry["tags"] = None if record.tags is None else list(record.tags)
    conn.execute(
        insert(feedback_decision), [{**entry, "task_hash": texts.task_hash(row.dedupe_hash, record.rubric_version)}]
    )
    if record.kind != "decide":
        undone_by = record.id if record.kind == "undo" else None
        concerned = (_log.id == record.supersedes) & (_log.feedback_id == record.feedback_id) & (_log.kind == "decide")
        conn.execute(update(feedback_decision).where(concerned).values(undone_by=undone_by))
    _settle(conn, record, row)
    _set_tags(conn, row)
    conn.execute(feedback_claim.delete().where(feedback_claim.c.feedback_id == record.feedback_id))


def undo_target(conn: Connection, reviewer: str) -> tuple[str, str] | None:
    """(decision id, feedback id) of the reviewer's last decision that is not undone; None where there is none."""
    found = conn.execute(
        select(_log.id, _log.feedback_id)
        .where(_log.reviewer == reviewer, _log.kind == "decide", _log.undone_by.is_(None))
        .order_by(_log.decided_at.desc(), _log.id.desc())
        .limit(1)
    ).first()
    return None if found is None else (found.id, found.feedback_id)


def redo_target(conn: Connection, reviewer: str) -> tuple[str, str] | None:
    """The same of what the reviewer undid last and has not done again; a new decision ends what can be redone."""
    last = conn.execute(
        select(_log.decided_at, _log.id)
        .where(_log.reviewer == reviewer, _log.kind == "decide")
        .order_by(_log.decided_at.desc(), _log.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    undo, decision = feedback_decision.alias("undo"), feedback_decision.alias("decision")
    found = conn.execute(
        select(decision.c.id, decision.c.feedback_id)
        .join_from(undo, decision, (decision.c.id == undo.c.supersedes) & (decision.c.undone_by == undo.c.id))
        .where(undo.c.reviewer == reviewer, undo.c.kind == "undo", undo.c.decided_at >= last.decided_at)
        .order_by(undo.c.decided_at.desc(), undo.c.id.desc())
        .limit(1)
    ).first()
    return None if found is None else (found.id, found.feedback_id)


def _settle(conn: Connection, record: DecisionRecord, row: Any) -> None:
    """Write the state that the row's decisions now say, and tell those who counted on the one before."""
    now = conn.execute(
        select(_log.verdict, _log.decided_at)
        .where(
            _log.feedback_id == record.feedback_id,
            _log.kind == "decide",
            _log.undone_by.is_(None),
            _log.reshow.is_not(True),
        )
        .order_by(_log.decided_at.desc(), _log.id.desc())
        .limit(1)
    ).first()
    state: State = "waiting" if now is None else STATE_OF[now.verdict]
    decided_at = None if now is None else now.decided_at
    if (state, decided_at) == (row.state, row.decided_at):
        return
    conn.execute(update(feedback).where(_rows.id == row.id).values(state=state, decided_at=decided_at))
    watermarks.note_decision(conn, decided_at)
    if state != row.state:
        conn.execute(update(feedback_tag).where(feedback_tag.c.feedback_id == row.id).values(state=state))
        count(conn, {row.state: -1, state: 1})
    # Also where the verdict stays: another decision may correct the output or give other tags.
    corrections.note(conn, row.id, record.id, row.state, state, record.decided_at)


def _set_tags(conn: Connection, row: Any) -> None:
    """Let the row be found by the tags of its last decision that has some, else by those it came with."""
    live = (_log.feedback_id == row.id, _log.kind == "decide", _log.undone_by.is_(None), _log.reshow.is_not(True))
    decided = conn.execute(
        select(_log.tags).where(*live, _log.tags.is_not(None)).order_by(_log.decided_at.desc(), _log.id.desc()).limit(1)
    ).first()
    wanted = set(row.tags or () if decided is None else decided.tags)
    tag = feedback_tag.c
    known = set(conn.scalars(select(tag.tag).where(tag.feedback_id == row.id)))
    if known - wanted:
        conn.execute(feedback_tag.delete().where(tag.feedback_id == row.id, tag.tag.in_(known - wanted)))
    if wanted - known:
        state = conn.scalar(select(_rows.state).where(_rows.id == row.id))
        values = {"feedback_id": row.id, "state": state, "captured_at": row.captured_at}
        conn.execute(insert(feedback_tag), [{**values, "tag": each} for each in sorted(wanted - known)])

"""What became of rows that earlier runs had taken, as the run that comes next has to know it.

Each later decision on such a row is an entry; what counts is the row, once: as it is now, beside what was told of it
last. A row that is back on that very decision has not changed. Entries of a row are in the order in which they were
written, whatever the reviewers' clocks say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select

from app.feedback.retrain_tables import retrain_correction, retrain_row, retrain_run
from app.feedback.tables import feedback, feedback_decision

PAGE = 500
"""Rows that are looked at in one go."""

_entries, _taken, _log = retrain_correction.c, retrain_row.c, feedback_decision.c
_UNKNOWN = "?"
"""A decision that nobody can tell any more: it may be any."""


Standing = tuple[str, str | None]
"""A state, and the decision that it rests on."""


@dataclass(slots=True)
class _Known:
    """A row that a run took: as what, as what it stands now, and its entries since."""

    run_id: str
    taken: Standing
    live: Standing
    entries: list[Row[Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Change:
    """A row that is other than was told, and since when."""

    feedback_id: str
    run_id: str
    was: str
    now: str
    decision_id: str | None
    at: datetime


def note(conn: Connection, row: str, entry: str, before: str, now: str, at: datetime) -> None:
    """Let every pipeline that took a row know of an entry of its log that changes it. Call it behind the row's lock."""
    taken = conn.execute(select(_taken.pipeline, _taken.run_id).where(_taken.feedback_id == row)).all()
    if not taken:
        return
    latest = select(_entries.pipeline, func.max(_entries.at).label("at")).group_by(_entries.pipeline)
    last = {each.pipeline: each.at for each in conn.execute(_of_rows(latest, [row]))}
    values = {"id": entry, "feedback_id": row, "state_before": before, "state_now": now}
    conn.execute(
        insert(retrain_correction),
        [
            {
                **values,
                "pipeline": each.pipeline,
                "run_id": each.run_id,
                # Another machine's clock may be behind.
                "at": max(at, last[each.pipeline] + timedelta(microseconds=1)) if each.pipeline in last else at,
            }
            for each in taken
        ],
    )


def waiting(conn: Connection, pipeline: str) -> int:
    """Rows that changed after a run had taken them, and whose change no run has taken up yet."""
    return sum(1 for _ in _changed(conn, pipeline, None))


def of_run(conn: Connection, run_id: str) -> list[dict[str, Any]]:
    """The changes that a run takes up, by the ids of rows: `was` is what was told of the row before, `decision_id` the
    decision that holds, None where none does (or, where an undo of more was written since, nobody can tell)."""
    pipeline = conn.scalar(select(retrain_run.c.pipeline).where(retrain_run.c.id == run_id))
    found = () if pipeline is None else _changed(conn, pipeline, run_id)
    return [
        {
            "id": change.feedback_id,
            "run_id": change.run_id,
            "was": change.was,
            "now": change.now,
            "decision_id": change.decision_id,
            "at": change.at.isoformat(),
        }
        for change in found
    ]


def _changed(conn: Connection, pipeline: str, run_id: str | None) -> Iterator[_Change]:
    """Rows that are other than was told last, by the entries that this run takes up; None: that none did yet."""
    own = select(_entries.feedback_id).where(_entries.pipeline == pipeline, _entries.taken_by == run_id)
    ids = sorted(set(conn.scalars(own)))
    for first in range(0, len(ids), PAGE):
        page = ids[first : first + PAGE]
        for identity, known in _read(conn, pipeline, page).items():
            mine = [place for place, entry in enumerate(known.entries) if entry.taken_by == run_id]
            if not mine:
                continue
            before, last = known.entries[: mine[0]], known.entries[mine[-1]]
            was = _standing(before[-1]) if before else known.taken
            # What was written since is the next run's to tell.
            now = known.live if run_id is None or last is known.entries[-1] else _standing(last)
            if was != now or was[1] == _UNKNOWN:
                decision = None if now[1] == _UNKNOWN else now[1]
                yield _Change(identity, known.run_id, was[0], now[0], decision, last.at)


def _read(conn: Connection, pipeline: str, ids: Sequence[str]) -> dict[str, _Known]:
    holds: dict[str, str] = {}
    decided = select(_log.feedback_id, _log.id).where(
        _log.feedback_id.in_(ids), _log.kind == "decide", _log.undone_by.is_(None), _log.reshow.is_not(True)
    )
    for decision in conn.execute(decided.order_by(_log.feedback_id, _log.decided_at, _log.id)):
        holds[decision.feedback_id] = decision.id
    taken = (
        select(retrain_row, feedback.c.state.label("live"))
        .join_from(retrain_row, feedback, feedback.c.id == _taken.feedback_id)
        .where(_taken.pipeline == pipeline, _taken.feedback_id.in_(ids))
        .order_by(_taken.feedback_id)
    )
    found = {
        row.feedback_id: _Known(row.run_id, (row.state, row.decision_id), (row.live, holds.get(row.feedback_id)))
        for row in conn.execute(taken)
    }
    entries = _of_rows(select(retrain_correction, _log.kind, _log.supersedes), ids).where(_entries.pipeline == pipeline)
    for entry in conn.execute(entries.order_by(_entries.at, _entries.id)):
        if entry.feedback_id in found:
            found[entry.feedback_id].entries.append(entry)
    return found


def _of_rows(asked: Select[Any], ids: Sequence[str]) -> Select[Any]:
    """The entries of these rows: found by the ids of the log's, for there is no index by row."""
    return asked.join_from(feedback_decision, retrain_correction, _entries.id == _log.id).where(
        _log.feedback_id.in_(ids), _entries.feedback_id == _log.feedback_id
    )


def _standing(entry: Row[Any]) -> Standing:
    """As what an entry left its row."""
    if entry.state_now == "waiting":
        return entry.state_now, None
    return entry.state_now, {"decide": entry.id, "redo": entry.supersedes}.get(entry.kind, _UNKNOWN)

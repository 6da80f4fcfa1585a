"""What the log of decisions says of rows, written beside them where it is something else.

A merge brings entries of the log past the code that acts on them: the row may still wait that was rejected elsewhere.
Undone is a decision of whose undos and redos the last one is an undo; for the rest it is as `decisions` has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Row, delete, select, update

from app.db.upsert import upsert
from app.feedback.model import STATE_OF
from app.feedback.retrain import watermarks
from app.feedback.retrain_tables import retrain_correction, retrain_row
from app.feedback.tables import feedback, feedback_decision, feedback_tag

if TYPE_CHECKING:
    from app.db.engine import Database

PAGE = 500
"""Rows that are looked at in one go."""
TICK = timedelta(microseconds=1)

_rows, _log, _tags = feedback.c, feedback_decision.c, feedback_tag.c
_taken, _changes = retrain_row.c, retrain_correction.c
_ENTRY = select(
    _log.feedback_id,
    *(_log[name] for name in ("id", "kind", "decided_at", "verdict", "reshow", "supersedes", "undone_by", "tags")),
)

Entry = Row[Any]


class Astray(NamedTuple):
    """What has to be written so that a row is as its log says."""

    row: dict[str, Any] | None
    """New values of the row."""
    undone: dict[str, str | None]
    """Decisions that are undone, or not, unlike what is written with them."""
    tags: set[str] | None
    """All that the row has from now on."""
    changes: list[dict[str, Any]]
    """What pipelines that took the row have not been told."""

    def __bool__(self) -> bool:
        return bool(self.row or self.undone or self.changes) or self.tags is not None


def settle_again(db: Database) -> None:
    """Go through all rows that have decisions. Others may decide meanwhile: what they write is as it should be."""
    after = ""
    while True:
        last, astray = db.run_now(partial(_look, after=after))
        if last is None:
            return
        if astray:
            db.run_now(partial(_mend, ids=astray), True)
        after = last


def _look(conn: Connection, after: str) -> tuple[str | None, list[str]]:
    """The id up to which this was, and the rows until there that are not as they should be."""
    page = select(_log.feedback_id).where(_log.feedback_id > after).distinct().order_by(_log.feedback_id).limit(PAGE)
    ids = list(conn.scalars(page))
    return (ids[-1] if ids else None), [row for row, found in _compare(conn, ids) if found]


def _mend(conn: Connection, ids: Sequence[str]) -> None:
    """Write what is missing. Behind the lock of the rows, as decisions have it, everything is looked at again."""
    conn.execute(select(_rows.id).where(_rows.id.in_(ids)).order_by(_rows.id).with_for_update()).all()
    # Who fires at this moment either sees what is written here, or is seen.
    watermarks.note_decision(conn, None)
    for identity, found in _compare(conn, ids):
        if found.row:
            conn.execute(update(feedback).where(_rows.id == identity).values(**found.row))
        for decision, undone_by in found.undone.items():
            conn.execute(update(feedback_decision).where(_log.id == decision).values(undone_by=undone_by))
        if found.tags is not None:
            _set_tags(conn, identity, found.tags)
        upsert(conn, retrain_correction, found.changes, keys=("id", "pipeline"), update=())


def _set_tags(conn: Connection, identity: str, wanted: set[str]) -> None:
    row = conn.execute(select(_rows.state, _rows.captured_at).where(_rows.id == identity)).one()
    conn.execute(delete(feedback_tag).where(_tags.feedback_id == identity, _tags.tag.not_in(wanted)))
    values = {"feedback_id": identity, "state": row.state, "captured_at": row.captured_at}
    upsert(conn, feedback_tag, [{**values, "tag": tag} for tag in sorted(wanted)], keys=("feedback_id", "tag"))


@dataclass(slots=True)
class _Beside:
    """What is kept beside a row."""

    tags: set[str]
    taken: list[Row[Any]]
    changes: list[Row[Any]]


def _compare(conn: Connection, ids: Sequence[str]) -> Iterator[tuple[str, Astray]]:
    """Each of these rows that is there and was decided, with what is wrong about it."""
    if not ids:
        return
    rows = {
        row.id: row
        for row in conn.execute(select(_rows.id, _rows.state, _rows.decided_at, _rows.tags).where(_rows.id.in_(ids)))
    }
    beside = {identity: _Beside(set(), [], []) for identity in rows}
    for tag in conn.execute(select(_tags.feedback_id, _tags.tag).where(_tags.feedback_id.in_(rows))):
        beside[tag.feedback_id].tags.add(tag.tag)
    for taken in conn.execute(select(retrain_row).where(_taken.feedback_id.in_(rows))):
        beside[taken.feedback_id].taken.append(taken)
    runs = {taken.run_id for each in beside.values() for taken in each.taken}
    for change in _changes_of(conn, rows) if runs else ():
        beside[change.feedback_id].changes.append(change)
    log: Iterable[Entry] = conn.execute(
        _ENTRY.where(_log.feedback_id.in_(rows)).order_by(_log.feedback_id, _log.decided_at, _log.id)
    )
    for identity, entries in groupby(log, key=lambda entry: str(entry.feedback_id)):
        known = list(entries)
        if any(entry.kind == "decide" for entry in known):
            yield identity, _astray(rows[identity], known, beside[identity])


def _changes_of(conn: Connection, ids: Iterable[str]) -> Sequence[Row[Any]]:
    # Found by their ids, which are those of the entries: there is no index by row.
    asked = (
        select(retrain_correction)
        .join_from(feedback_decision, retrain_correction, _changes.id == _log.id)
        .where(_log.feedback_id.in_(ids), _changes.feedback_id == _log.feedback_id)
        .order_by(_changes.at, _changes.id)
    )
    return conn.execute(asked).all()


def _astray(row: Any, entries: Sequence[Entry], beside: _Beside) -> Astray:
    """`entries` in the order in which they were decided."""
    last: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind != "decide" and entry.supersedes is not None:
            last[entry.supersedes] = entry
    decided = [entry for entry in entries if entry.kind == "decide"]
    # Where no undo is known, what is written with the decision stays: its undo may not have been carried.
    undone_by = {entry.id: entry.undone_by for entry in decided} | {
        entry.id: (mark.id if mark.kind == "undo" else None)
        for entry in decided
        if (mark := last.get(entry.id)) is not None
    }
    live = [entry for entry in decided if undone_by[entry.id] is None and not entry.reshow]
    holds = live[-1] if live else None
    state = "waiting" if holds is None else STATE_OF[holds.verdict]
    decided_at = None if holds is None else holds.decided_at
    tagged = next((entry.tags for entry in reversed(live) if entry.tags is not None), row.tags or ())
    return Astray(
        None if (state, decided_at) == (row.state, row.decided_at) else {"state": state, "decided_at": decided_at},
        {entry.id: undone_by[entry.id] for entry in decided if entry.undone_by != undone_by[entry.id]},
        None if set(tagged) == beside.tags else set(tagged),
        list(_untold(beside, state, holds, entries)),
    )


def _untold(beside: _Beside, state: str, holds: Entry | None, entries: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """An entry for each pipeline that took the row, or was told of it last, as something else than it is now. Where
    one waits to be told already there is no need: the row is told as it is then."""
    log = {entry.id: entry for entry in entries}
    now = (state, None if holds is None else holds.id)
    for taken in beside.taken:
        known = [change for change in beside.changes if change.pipeline == taken.pipeline]
        last = known[-1] if known else None
        if last is not None and last.taken_by is None:
            continue
        told = (taken.state, taken.decision_id) if last is None else _told(last, log[last.id])
        used = {taken.decision_id, *(change.id for change in known)}
        marks = [entry for entry in entries if entry.kind != "decide" and entry.id not in used]
        cause = holds if holds is not None and holds.id not in used else marks[-1] if marks else None
        if told == now or cause is None:
            continue
        # Entries of a row are in the order in which they were written: another machine's clock may be behind.
        at = cause.decided_at if last is None else max(cause.decided_at, last.at + TICK)
        yield {
            "id": cause.id,
            "pipeline": taken.pipeline,
            "feedback_id": taken.feedback_id,
            "run_id": taken.run_id,
            "state_before": told[0],
            "state_now": state,
            "at": at,
            "taken_by": None,
        }


def _told(change: Row[Any], entry: Entry) -> tuple[str, str | None]:
    """The state that a pipeline was told, and the decision that it rests on."""
    if change.state_now == "waiting":
        return "waiting", None
    return change.state_now, entry.supersedes if entry.kind == "redo" else entry.id

"""Rows of feedback and of the retrain trigger on their way into a database that has others: see `ON_MERGE`.

Two databases may have taken in the same event, each under an id of its own. The target's row stays, and what belongs to
the source's goes to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from app.db.copying import state
from app.feedback.retrain.trigger import trigger_key
from app.feedback.retrain_tables import retrain_run
from app.feedback.store import CONTENT_TAKEN
from app.feedback.tables import feedback

LOOK_UP = 200
"""Keys in one question."""
NO_ROW = "its row of feedback, {id}, is not there"

Rows = Sequence[dict[str, Any]]
Each = TypeVar("Each")


def known_events(conn: Connection, rows: Rows) -> dict[int, str]:
    """Rows of feedback that the target has under other ids, and those whose event is there with other content."""
    known = feedback.c
    found: dict[bytes, tuple[str, bytes]] = {}
    for keys in _parts([row["unique_key"] for row in rows]):
        asked = select(known.unique_key, known.id, known.body_hash).where(known.unique_key.in_(keys))
        found |= {row.unique_key: (row.id, row.body_hash) for row in conn.execute(asked)}
    left: dict[int, str] = {}
    twins: dict[str, str | None] = {}
    for place, row in enumerate(rows):
        identity, body_hash = found.get(row["unique_key"], (row["id"], b""))
        if identity == row["id"]:
            continue
        # A row without an event is the same as one of the same content, whatever else came with it.
        same = row["source_event_id"] is None or body_hash == row["body_hash"]
        twins[row["id"]] = identity if same else None
        left[place] = "" if same else CONTENT_TAKEN
    state.note_twins(conn, feedback.name, twins)
    return left


def follow_rows(conn: Connection, rows: Rows) -> dict[int, str]:
    """What belongs to rows of feedback, by its `feedback_id`: it goes to the row that stands for its own here."""
    ids = sorted({row["feedback_id"] for row in rows})
    twins: dict[str, str | None] = {}
    for some in _parts(ids):
        twins |= state.twins(conn, feedback.name, some)
    there: set[str] = set()
    for some in _parts(sorted({twin for twin in (twins.get(each, each) for each in ids) if twin is not None})):
        there |= set(conn.scalars(select(feedback.c.id).where(feedback.c.id.in_(some))))
    left: dict[int, str] = {}
    for place, row in enumerate(rows):
        twin = twins.get(row["feedback_id"], row["feedback_id"])
        if twin in there:
            row["feedback_id"] = twin
        else:
            left[place] = NO_ROW.format(id=row["feedback_id"])
    return left


def own_keys(conn: Connection, rows: Sequence[dict[str, Any]]) -> dict[int, str]:
    """Give runs another key whose own is that of another run here: both databases fired after the same run. A key only
    keeps two from firing at once, and these have fired."""
    run = retrain_run.c
    taken = select(run.trigger_key, run.id).where(run.trigger_key.in_([row["trigger_key"] for row in rows]))
    owner = {row.trigger_key: row.id for row in conn.execute(taken)}
    for row in rows:
        if owner.get(row["trigger_key"], row["id"]) != row["id"]:
            row["trigger_key"] = trigger_key(row["pipeline"], f"merged {row['id']}", 0)
    return {}


def _parts(keys: Sequence[Each]) -> Iterator[Sequence[Each]]:
    for start in range(0, len(keys), LOOK_UP):
        yield keys[start : start + LOOK_UP]

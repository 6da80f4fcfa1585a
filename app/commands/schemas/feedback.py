"""What `qd feedback` prints."""

from __future__ import annotations

from typing import Any

from app.commands.schemas.build import COUNT, FLAG, TEXT, TIME, choice, document, many, maybe, record

NUMBER = {"type": "number", "minimum": -1, "maximum": 1}
ANY: dict[str, Any] = {}
STATE = choice("waiting", "accepted", "rejected", "skipped")
VERDICT = choice("accept", "reject", "skip")
KEPT = choice("applied", "spooled")
ROW = {
    "id": TEXT,
    "source": TEXT,
    "input": TEXT,
    "output": TEXT,
    "source_event_id": maybe(TEXT),
    "captured_at": TIME,
    "author": maybe(TEXT),
    "model": maybe(TEXT),
    "model_version": maybe(TEXT),
    "prompt_version": maybe(TEXT),
    "score": maybe(NUMBER),
    "score_raw": ANY,
    "comment": maybe(TEXT),
    "tags": many(TEXT),
    "context": {"type": "object"},
}
DECISION = record(
    id=TEXT,
    kind=choice("decide", "undo", "redo"),
    verdict=maybe(VERDICT),
    score=maybe(NUMBER),
    tags=maybe(many(TEXT)),
    correction=maybe(TEXT),
    note=maybe(TEXT),
    reviewer=TEXT,
    decided_at=TIME,
    duration_ms=maybe(COUNT),
    rubric_version=TEXT,
    reshow=FLAG,
    supersedes=maybe(TEXT),
    undone_by=maybe(TEXT),
)
LINE = record(line=COUNT, why=TEXT)
ENTRY = {
    "id": TEXT,
    "batch": TEXT,
    "source": TEXT,
    "line": COUNT,
    "field": TEXT,
    "why": TEXT,
    "size": COUNT,
    "sha256": TEXT,
    "at": TIME,
    "state": choice("open", "mended", "dropped"),
}

ADD = document(
    "qd feedback add",
    id=TEXT,
    state=choice("created", "duplicate", "quarantined", "spooled"),
    why=maybe(TEXT),
)
IMPORT = document(
    "qd feedback import",
    batch=TEXT,
    rows=COUNT,
    created=COUNT,
    duplicate=COUNT,
    quarantined=many(LINE),
    quarantined_total=COUNT,
    conflicts=many(LINE),
    resumed_at=COUNT,
    decisions=maybe(COUNT),
    decisions_new=maybe(COUNT),
    decisions_refused=many(LINE),
)
EXPORT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "qd feedback export: one line",
    **record(schema={"const": 1}, **ROW),
}
EXPORT["properties"] = {**EXPORT["properties"], "decisions": many(DECISION)}
LIST = document(
    "qd feedback list",
    filter=TEXT,
    order=choice("captured", "score", "uncertainty", "decided"),
    rows=many(record(**ROW, state=STATE, received_at=TIME, decided_at=maybe(TIME))),
    next=maybe(TEXT),
)
DECIDE = document("qd feedback decide", feedback_id=TEXT, decision_id=TEXT, verdict=VERDICT, state=KEPT)
_BACK = {
    "feedback_id": maybe(TEXT),
    "decision_id": maybe(TEXT),
    "entry_id": maybe(TEXT),
    "verdict": maybe(VERDICT),
    "state": maybe(KEPT),
}
UNDO = document("qd feedback undo", **_BACK)
REDO = document("qd feedback redo", **_BACK)
QUARANTINE_LIST = document("qd feedback quarantine list", entries=many(record(**ENTRY)), next=maybe(TEXT))
QUARANTINE_SHOW = document("qd feedback quarantine show", **ENTRY, raw=TEXT, complete=FLAG)
QUARANTINE_MEND = document("qd feedback quarantine mend", created=COUNT, duplicate=COUNT, left=many(record(**ENTRY)))
QUARANTINE_RETRY = document("qd feedback quarantine retry", created=COUNT, duplicate=COUNT, left=many(record(**ENTRY)))
QUARANTINE_DROP = document("qd feedback quarantine drop", dropped=many(TEXT))

SERVE = document("qd feedback serve", url=TEXT, signed=FLAG, interactions=FLAG, channels=many(TEXT))
POLL = document(
    "qd feedback poll",
    channels=many(record(channel=TEXT, messages=COUNT, reactions=COUNT, quarantined=COUNT, problem=maybe(TEXT))),
)
CLIENT = document("qd feedback client", path=maybe(TEXT), text=TEXT)

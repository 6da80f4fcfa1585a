"""What `qd feedback next` and `stats` print."""

from __future__ import annotations

from app.commands.schemas.build import COUNT, FLAG, TEXT, TIME, Schema, document, many, maybe, record
from app.commands.schemas.feedback import ROW
from app.commands.schemas.retrain import CONDITION, GUARD

_NUMBER: Schema = {"type": "number"}
_RETRAIN = record(
    ready=FLAG, conditions=many(record(pipeline=TEXT, **CONDITION)), guards=many(record(pipeline=TEXT, **GUARD))
)
NEXT = document(
    "qd feedback next",
    row=maybe(record(**ROW)),
    why=maybe(TEXT),
    claimed_until=maybe(TIME),
    claimed=COUNT,
    free_at=maybe(TIME),
)
STATS = document(
    "qd feedback stats",
    total=COUNT,
    waiting=COUNT,
    accepted=COUNT,
    rejected=COUNT,
    skipped=COUNT,
    per_minute=maybe(_NUMBER),
    agreement=maybe(_NUMBER),
    kappa=maybe(_NUMBER),
    retrain=maybe(_RETRAIN),
)

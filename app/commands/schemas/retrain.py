"""What `qd retrain` prints."""

from __future__ import annotations

from app.commands.schemas.build import COUNT, FLAG, TEXT, TIME, Schema, choice, document, many, maybe, record

_NUMBER: Schema = {"type": "number"}
_RUN = record(
    id=TEXT,
    pipeline=TEXT,
    state=choice("fired", "frozen", "dispatched", "succeeded", "failed", "expired"),
    reason=TEXT,
    row_count=COUNT,
    created_at=TIME,
    dispatched_at=maybe(TIME),
    finished_at=maybe(TIME),
    attempts=COUNT,
    next_attempt_at=maybe(TIME),
    manifest=maybe(TEXT),
    manifest_hash=maybe(TEXT),
    trigger_key=TEXT,
    result=maybe(record(ok=FLAG, metrics={"type": "object"}, note=maybe(TEXT), reported_at=TIME)),
    error=maybe(TEXT),
)
_LOOK = record(id=TEXT, pipeline=TEXT, at=TIME, fired=FLAG, reason=TEXT, run_id=maybe(TEXT))
CONDITION: dict[str, Schema] = {
    "id": TEXT,
    "met": FLAG,
    "value": maybe(_NUMBER),
    "threshold": _NUMBER,
    "detail": TEXT,
    "missing": TEXT,
}
GUARD: dict[str, Schema] = {"id": TEXT, "ok": FLAG, "detail": TEXT}
_EVALUATION: dict[str, Schema] = {
    "pipeline": TEXT,
    "at": TIME,
    "ready": FLAG,
    "combine": choice("any", "all"),
    "new_rows": COUNT,
    "corrections": COUNT,
    "conditions": many(record(**CONDITION)),
    "guards": many(record(**GUARD)),
    "missing": many(TEXT),
    "progress": TEXT,
    "look_at": maybe(TIME),
}
_STATUS: dict[str, Schema] = {**_EVALUATION, "hold": maybe(TEXT), "last": maybe(_RUN)}

STATUS = document("qd retrain status", pipelines=many(record(**_STATUS)))
FIRE = document("qd retrain fire", dry_run=FLAG, fired=FLAG, would_fire=FLAG, **_EVALUATION, run=maybe(_RUN))
HISTORY = document("qd retrain history", runs=many(_RUN), looks=many(_LOOK))
REPORT = document("qd retrain report", run_id=TEXT, state=choice("applied", "spooled"), run=maybe(_RUN))
HOLD = document("qd retrain hold", **_STATUS)
RESUME = document("qd retrain resume", **_STATUS)
DISPATCH = document("qd retrain dispatch", runs=many(_RUN))
RETRY = document("qd retrain retry", runs=many(_RUN))

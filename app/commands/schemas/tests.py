"""What `qd test` prints. `watch` prints a stream: its schema is that of one line."""

from __future__ import annotations

from app.commands.schemas.build import (
    COUNT,
    FLAG,
    SECONDS,
    TEXT,
    TIME,
    WHOLE,
    Schema,
    choice,
    document,
    many,
    maybe,
    record,
)
from app.testing.model import COUNTED, OUTCOMES

_OUTCOME = choice(*OUTCOMES)
_COUNTS = record(**dict.fromkeys(COUNTED, COUNT))
_LEVEL = choice("cold", "L1", "L2")
_TRIGGER = choice("cli", "save", "key", "start", "verify")
_EXIT: Schema = {"type": "integer", "minimum": 0, "maximum": 5, "description": "pytest's exit code"}

RUN = document(
    "qd test run",
    run_id=TEXT,
    project=TEXT,
    trigger=_TRIGGER,
    level=_LEVEL,
    level_reason=TEXT,
    started_at=TIME,
    first_result_s=maybe(SECONDS),
    duration_s=SECONDS,
    exit=_EXIT,
    note=TEXT,
    counts=_COUNTS,
    tests=many(
        record(nodeid=TEXT, outcome=_OUTCOME, duration_s=maybe(SECONDS), error_class=maybe(TEXT), message=TEXT),
    ),
    collection_errors=many(record(nodeid=TEXT, message=TEXT)),
)

_COMMIT: dict[str, Schema] = {
    "git_commit": {**maybe(TEXT), "description": "what was checked out; null where that is unknown"},
    "dirty": {**maybe(FLAG), "description": "whether the files differed from the commit"},
}
_RUN = record(
    run_id=TEXT,
    project=TEXT,
    trigger=_TRIGGER,
    level=_LEVEL,
    level_reason=TEXT,
    started_at=TIME,
    first_result_s=maybe(SECONDS),
    duration_s=SECONDS,
    exit=_EXIT,
    note=TEXT,
    counts=_COUNTS,
    **_COMMIT,
)
_RESULT = record(run_id=TEXT, started_at=TIME, outcome=_OUTCOME, duration_s=SECONDS, **_COMMIT)

HISTORY: Schema = document("qd test history", project=TEXT)
HISTORY["properties"] |= {"runs": many(_RUN), "nodeid": TEXT, "results": many(_RESULT)}
HISTORY["oneOf"] = [{"required": ["runs"]}, {"required": ["nodeid", "results"]}]


def _line(event: str, **fields: Schema) -> Schema:
    clock: Schema = {"type": "number", "description": "seconds on the machine's monotonic clock"}
    return record(event={"const": event}, t=clock, **fields)


_ENDED = {"run_id": TEXT, "level": _LEVEL, "counts": _COUNTS, "exit": WHOLE, "duration_s": SECONDS, "note": TEXT}

WATCH: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "qd test watch, one line",
    "oneOf": [
        _line("ready", path=TEXT, level=_LEVEL, files=COUNT),
        _line("changed", files=many(TEXT)),
        _line("started", run_id=TEXT, level=_LEVEL, selected=COUNT, order=many(TEXT)),
        _line("result", nodeid=TEXT, outcome=_OUTCOME, duration_s=SECONDS),
        _line("affected_done", bad=COUNT, after_s=SECONDS),
        _line("finished", **_ENDED),
        _line("superseded", **_ENDED),
        _line("level", level=_LEVEL, reason=TEXT),
        _line("problem", state=TEXT, detail=TEXT),
    ],
}

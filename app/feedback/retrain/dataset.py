"""The rows of a run as its consumer gets them: the exported form, held against the contract."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, select

from app.feedback.contract import FeedbackIn
from app.feedback.model import Decision, FeedbackRow
from app.feedback.reading import SELECT_DECISIONS, SELECT_ROWS, decision_from, row_from, row_of
from app.feedback.retrain.contract import TrainingRow
from app.feedback.retrain_tables import retrain_row
from app.feedback.tables import feedback, feedback_decision

BATCH = 500
BATCH_BYTES = 8 * 1024 * 1024
"""A batch ends with the row that fills this: a row may hold megabytes."""
STREAMED = 8
"""Rows that are fetched at once."""
_DECISION_FIELDS = tuple(name for name in Decision.__slots__ if name != "feedback_id")
_FIELDS = tuple(FeedbackIn.model_fields)
_PREFIX = "decision_"
_NAMES = [str(column.key) for column in SELECT_DECISIONS.selected_columns]
_ENTRIES = [feedback_decision.c[name].label(_PREFIX + name) for name in _NAMES]


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a run: its line of JSON, or why it breaks the contract."""

    feedback_id: str
    text: str = ""
    problem: str = ""
    row: TrainingRow | None = None
    input_hash: str = ""


def broken(conn: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Those of these rows that break the contract, and why."""
    found: dict[str, str] = {}
    asked = SELECT_ROWS.where(feedback.c.id.in_(ids)).execution_options(yield_per=STREAMED)
    for row in conn.execute(asked):
        line = _line(row_of(row), None, "accepted", "train")
        if line.problem:
            found[row.id] = line.problem
    return found


def lines(conn: Connection, run_id: str, *, after: str, seed: int, test_share: float) -> Iterator[Line]:
    """The next rows of a run behind `after`, in the order of their ids: the same at any time, and at most `BATCH`."""
    columns = retrain_row.c
    asked = (
        select(columns.feedback_id, columns.state.label("taken_as"), *SELECT_ROWS.selected_columns, *_ENTRIES)
        .join_from(retrain_row, feedback, feedback.c.id == columns.feedback_id, isouter=True)
        .join(feedback_decision, feedback_decision.c.id == columns.decision_id, isouter=True)
        .where(columns.run_id == run_id, columns.feedback_id > after)
        .order_by(columns.feedback_id)
        .limit(BATCH)
        .execution_options(yield_per=STREAMED)
    )
    size = 0
    with conn.execute(asked) as found:
        for each in found:
            values = dict(each._mapping)
            identity, state = values.pop("feedback_id"), values.pop("taken_as")
            entry = {name: values.pop(_PREFIX + name) for name in _NAMES}
            line = Line(identity, problem="the row is gone")
            if values["id"] is not None:
                row = row_from(values)
                decision = None if entry["id"] is None else decision_from(entry)
                line = _line(row, decision, state, split_of(row.input_hash, seed, test_share))
            yield line
            size += len(line.text)
            if size > BATCH_BYTES:
                return


def split_of(input_hash: str, seed: int, test_share: float) -> str:
    """`test` for about this share of all inputs, always the same ones for one seed; else `train`."""
    number = int.from_bytes(hashlib.sha256(f"{seed}:{input_hash}".encode()).digest()[:8], "big")
    return "test" if number < test_share * 2**64 else "train"


def _line(row: FeedbackRow, decision: Decision | None, state: str, split: str) -> Line:
    # What is undone later is a correction of the next run; this one tells what it was fired on.
    entry = None if decision is None else {name: getattr(decision, name) for name in _DECISION_FIELDS}
    if entry is not None:
        entry["undone_by"] = None
    tags = row.tags if decision is None or decision.tags is None else decision.tags
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    values |= {"context": dict(row.context), "tags": tags, "state": state, "split": split}
    values["decisions"] = None if entry is None else (entry,)
    try:
        checked = TrainingRow(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return Line(row.id, problem=f"{place}: {first['msg']}")
    return Line(row.id, checked.model_dump_json(), row=checked, input_hash=row.input_hash)

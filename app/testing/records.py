"""The contract of a finished run as it waits in the journal: what any version of the app may find there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from app.contract import Clean, Record, RecordId, shortened
from app.testing.model import Level, Outcome, Trigger
from app.testing.tables import MESSAGE_LENGTH, NAME_LENGTH

Short = Annotated[str, shortened(MESSAGE_LENGTH), Field(max_length=MESSAGE_LENGTH)]
Name = Annotated[Clean, Field(min_length=1, max_length=NAME_LENGTH)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(allow_inf_nan=False)]


class ResultRecord(Record):
    """One test's outcome in one run."""

    nodeid: Clean
    file: Clean
    outcome: Outcome
    duration_s: Seconds
    error_class: Annotated[Clean, Field(max_length=64)] | None = None
    message: Short | None = None


class CountsRecord(Record):
    """Outcomes as pytest counts them."""

    passed: Count = 0
    failed: Count = 0
    error: Count = 0
    skipped: Count = 0
    xfailed: Count = 0
    xpassed: Count = 0
    deselected: Count = 0


class RunRecord(Record):
    """A finished run with the outcome of each test."""

    schema_version: Literal[1] = 1
    run_id: RecordId
    project: Name
    path: Clean = ""
    trigger: Trigger
    level: Level
    level_reason: Short = ""
    git_commit: Annotated[str, Field(max_length=64)] | None = None
    dirty_hash: Annotated[str, Field(max_length=64)] | None = None
    started_at: AwareDatetime
    first_result_s: Seconds | None = None
    duration_s: Seconds
    exit: int
    counts: CountsRecord
    affected_done_s: Seconds | None = None
    affected_bad: Count = 0
    superseded: bool = False
    note: Clean = ""
    args: tuple[Clean, ...] = ()
    changed: tuple[Clean, ...] = ()
    results: tuple[ResultRecord, ...] = ()

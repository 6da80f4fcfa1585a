"""The contract of a finished run as it waits in the journal: what any version of the app may find there."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from app.db.types import storable
from app.testing.model import Level, Outcome, Trigger
from app.testing.tables import MESSAGE_LENGTH, NAME_LENGTH


def _clean(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _short(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = storable(value)
    return text if len(text) <= MESSAGE_LENGTH else text[: MESSAGE_LENGTH - 1] + "…"


Clean = Annotated[str, BeforeValidator(_clean)]
Short = Annotated[str, BeforeValidator(_short), Field(max_length=MESSAGE_LENGTH)]
Name = Annotated[str, BeforeValidator(_clean), Field(min_length=1, max_length=NAME_LENGTH)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(allow_inf_nan=False)]
RunId = Annotated[str, Field(min_length=1, max_length=26, pattern=r"^[0-9A-Za-z_-]+$")]


class Contract(BaseModel):
    """Nothing but the fields named, and none of them changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ResultRecord(Contract):
    """One test's outcome in one run."""

    nodeid: Clean
    file: Clean
    outcome: Outcome
    duration_s: Seconds
    error_class: Annotated[str, BeforeValidator(_clean), Field(max_length=64)] | None = None
    message: Short | None = None


class CountsRecord(Contract):
    """Outcomes as pytest counts them."""

    passed: Count = 0
    failed: Count = 0
    error: Count = 0
    skipped: Count = 0
    xfailed: Count = 0
    xpassed: Count = 0
    deselected: Count = 0


class RunRecord(Contract):
    """A finished run with the outcome of each test."""

    schema_version: Literal[1] = 1
    run_id: RunId
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

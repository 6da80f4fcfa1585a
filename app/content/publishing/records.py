"""The contracts of a publication on its way to the database."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from app.content.drafts.records import Title
from app.content.model import TargetKind
from app.content.tables import TARGET_LENGTH, TEMPLATE_LENGTH
from app.contract import RecordId, StrictRecord

Channel = Annotated[str, Field(min_length=1, max_length=TARGET_LENGTH)]


class OverrideRecord(StrictRecord):
    """Who let a text through although something was wrong with it, and why."""

    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    by: Annotated[str, Field(max_length=200)]
    problems: list[str]


class PartRecord(StrictRecord):
    """One message of it."""

    text: str
    data: dict[str, Any]


class PublicationRecord(StrictRecord):
    """What is to be sent to one target, and when. What becomes of it is written by who sends it."""

    schema_version: Literal[1] = 1
    id: RecordId
    draft_id: RecordId | None = None
    version_id: RecordId | None = None
    template: Annotated[str, Field(max_length=TEMPLATE_LENGTH)]
    target: Channel
    kind: TargetKind
    queue: Channel
    title: Title
    payload: Annotated[list[PartRecord], Field(min_length=1, max_length=1000)]
    override: OverrideRecord | None = None
    replaces: RecordId | None = None
    due_at: AwareDatetime
    zone: Annotated[str, Field(max_length=64)]
    again: bool = True
    """It goes out although the draft stands at the target already. What an earlier version ordered did not say."""
    created_at: AwareDatetime


class OutcomeRecord(StrictRecord):
    """What became of an attempt whose outcome the database could not take at once."""

    schema_version: Literal[1] = 1
    attempt_id: RecordId
    kind: Literal["accepted", "retry", "permanent", "disabled", "unknown"]
    error: str
    status: int | None
    remote_id: str
    url: str
    pause_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    at: AwareDatetime


def payload_hash(payload: list[dict[str, Any]]) -> str:
    """The SHA-256 of parts, in hex: equal for equal parts."""
    text = json.dumps(payload, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

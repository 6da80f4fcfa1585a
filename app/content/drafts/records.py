"""The contract of a draft on its way to the database."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from app.content.model import DraftState, VersionReason
from app.content.tables import TEMPLATE_LENGTH, TITLE_LENGTH
from app.contract import RecordId, StrictRecord

BODY_LENGTH = 8 * 1024 * 1024
"""Characters that a draft may have."""

Title = Annotated[str, Field(max_length=TITLE_LENGTH)]
Name = Annotated[str, Field(min_length=1, max_length=TEMPLATE_LENGTH)]
Body = Annotated[str, Field(max_length=BODY_LENGTH)]


class VersionRecord(StrictRecord):
    """A version of a draft; `number` runs from 1."""

    id: RecordId
    number: Annotated[int, Field(ge=1)]
    reason: VersionReason
    words: Annotated[int, Field(ge=0)]
    at: AwareDatetime


class DraftRecord(StrictRecord):
    """A draft in one of its states: a later `revision` replaces an earlier one. `version` is kept for good."""

    schema_version: Literal[1] = 1
    id: RecordId
    template: Name
    template_hash: Annotated[str, Field(max_length=64)]
    kind: Name
    number: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    title: Title
    fields: dict[str, Any]
    context: dict[str, Any]
    body: Body
    state: DraftState
    version: Annotated[int, Field(ge=0)]
    revision: Annotated[int, Field(ge=1)]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    kept: VersionRecord | None = None
    beside: DraftRecord | None = None
    """Another draft that changes in the same step."""

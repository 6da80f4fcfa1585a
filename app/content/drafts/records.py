"""The contract of a draft on its way to the database."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.content.model import DraftState, VersionReason
from app.content.tables import TEMPLATE_LENGTH, TITLE_LENGTH

BODY_LENGTH = 8 * 1024 * 1024
"""Characters that a draft may have."""

Id = Annotated[str, Field(min_length=1, max_length=26, pattern=r"^[0-9A-Za-z_-]+$")]
Title = Annotated[str, Field(max_length=TITLE_LENGTH)]
Name = Annotated[str, Field(min_length=1, max_length=TEMPLATE_LENGTH)]
Body = Annotated[str, Field(max_length=BODY_LENGTH)]


class Contract(BaseModel):
    """Nothing but the fields named, each of its own type, and none of them changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class VersionRecord(Contract):
    """A version of a draft; `number` runs from 1."""

    id: Id
    number: Annotated[int, Field(ge=1)]
    reason: VersionReason
    words: Annotated[int, Field(ge=0)]
    at: AwareDatetime


class DraftRecord(Contract):
    """A draft in one of its states: a later `revision` replaces an earlier one. `version` is kept for good."""

    schema_version: Literal[1] = 1
    id: Id
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

"""The contract of notes on their way to the database."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.content.model import NoteReason, NoteState
from app.content.tables import SLUG_LENGTH, TAG_LENGTH, TITLE_LENGTH

BODY_LENGTH = 4 * 1024 * 1024
"""Characters that a note may have, and its front matter."""
MOST_TAGS = 200

Id = Annotated[str, Field(min_length=1, max_length=26, pattern=r"^[0-9A-Za-z_-]+$")]
Text = Annotated[str, Field(max_length=BODY_LENGTH)]
Tag = Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)]


class Contract(BaseModel):
    """Nothing but the fields named, each of its own type, and none of them changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class KeptRecord(Contract):
    """A version of a note; `number` runs from 1."""

    id: Id
    number: Annotated[int, Field(ge=1)]
    reason: NoteReason
    at: AwareDatetime


class NoteRecord(Contract):
    """A note in one of its states: a later `revision` replaces an earlier one. The version is kept for good."""

    id: Id
    slug: Annotated[str, Field(min_length=1, max_length=SLUG_LENGTH)]
    title: Annotated[str, Field(min_length=1, max_length=TITLE_LENGTH)]
    tags: Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS)]
    path: Annotated[str, Field(max_length=4096)]
    front: Text
    body: Text
    hash: Annotated[str, Field(min_length=64, max_length=64)]
    state: NoteState
    version: Annotated[int, Field(ge=0)]
    revision: Annotated[int, Field(ge=1)]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    kept: KeptRecord | None = None


class NotesRecord(Contract):
    """Notes that change together, such as one that is renamed and those that link to it."""

    schema_version: Literal[1] = 1
    notes: Annotated[tuple[NoteRecord, ...], Field(min_length=1)]

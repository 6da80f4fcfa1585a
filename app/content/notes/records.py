"""The contract of notes on their way to the database."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from app.content.model import NoteReason, NoteState
from app.content.tables import SLUG_LENGTH, TAG_LENGTH, TITLE_LENGTH
from app.contract import RecordId, StrictRecord

BODY_LENGTH = 4 * 1024 * 1024
"""Characters that a note may have, and its front matter."""
MOST_TAGS = 200

Text = Annotated[str, Field(max_length=BODY_LENGTH)]
Tag = Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)]


class KeptRecord(StrictRecord):
    """A version of a note; `number` runs from 1."""

    id: RecordId
    number: Annotated[int, Field(ge=1)]
    reason: NoteReason
    at: AwareDatetime


class NoteRecord(StrictRecord):
    """A note in one of its states: a later `revision` replaces an earlier one. The version is kept for good."""

    id: RecordId
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


class NotesRecord(StrictRecord):
    """Notes that change together, such as one that is renamed and those that link to it."""

    schema_version: Literal[1] = 1
    notes: Annotated[tuple[NoteRecord, ...], Field(min_length=1)]

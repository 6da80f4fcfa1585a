"""The contract of feedback: what may come in, what waits in the journal, and what goes out.

Text is kept as it came, but for control characters: NUL and all others except line feed and tab are taken out, and
line ends become line feeds. The hashes ignore more: they are the same for texts that differ in white space or in the
form of their accents only.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from app.contract import RecordId, StrictRecord
from app.feedback.model import DecisionKind, Verdict
from app.feedback.tables import EVENT_LENGTH, ID_LENGTH, NAME_LENGTH, SOURCE_LENGTH, TAG_LENGTH

SCHEMA_VERSION = 1
FIELD_BYTES = 1024 * 1024
"""Bytes of UTF-8 that one text may have."""
ROW_BYTES = 4 * 1024 * 1024
"""Bytes that a row may have as it comes in."""
RAW_BYTES = ROW_BYTES
"""Bytes kept of what breaks the contract: all that could be mended into a row."""
DEPTH = 32
"""Levels of lists and objects within `context` and `score_raw`."""
TAGS = 64

Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH, pattern=r"^[0-9A-Za-z._:-]+$")]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)]
LongName = Annotated[str, Field(min_length=1, max_length=EVENT_LENGTH)]
Text = Annotated[str, Field(max_length=FIELD_BYTES)]
Tag = Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=TAGS)]
Score = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]


class FeedbackIn(StrictRecord):
    """A row as it comes from outside: one JSON object.

    `score` runs from -1 (bad) to 1 (good); `score_raw` is the same in the scale of its source. `captured_at` has a
    time zone and lies at most a day ahead. Two rows with the same `source` and `source_event_id` are one; without an
    event id, two rows with the same content.
    """

    source: Annotated[str, Field(min_length=1, max_length=SOURCE_LENGTH)]
    input: Text
    output: Text
    id: Id | None = None
    source_event_id: LongName | None = None
    captured_at: AwareDatetime | None = None
    author: LongName | None = None
    model: Name | None = None
    model_version: Name | None = None
    prompt_version: Name | None = None
    score: Score | None = None
    score_raw: Any = None
    comment: Text | None = None
    tags: Tags | None = None
    context: dict[str, Any] | None = None


class DecisionOut(StrictRecord):
    """A decision as it goes out; `undone_by` names the undo that holds now."""

    id: RecordId
    kind: DecisionKind
    verdict: Verdict | None
    score: Score | None
    tags: Tags | None
    correction: str | None
    note: str | None
    reviewer: str
    decided_at: AwareDatetime
    duration_ms: int | None
    rubric_version: str
    reshow: bool
    supersedes: RecordId | None
    undone_by: RecordId | None


class FeedbackOut(FeedbackIn):
    """A row as it goes out: as it came in, with its decisions, oldest first."""

    id: Id
    captured_at: AwareDatetime
    tags: Tags
    context: dict[str, Any]
    decisions: tuple[DecisionOut, ...] | None = None


class IdempotencyRecord(StrictRecord):
    """The key under which a sender gave a row, the hash of the body, and what the sender was answered."""

    key: LongName
    body_hash: Annotated[str, Field(max_length=64)]
    answer: dict[str, Any]


class FeedbackRecord(StrictRecord):
    """A row on its way to the database: the id it is to have, when it came, and the key of its sender."""

    schema_version: Literal[1] = 1
    id: RecordId
    received_at: AwareDatetime
    row: FeedbackIn
    idempotency: IdempotencyRecord | None = None


class DecisionRecord(StrictRecord):
    """A decision, or the undo or redo of one, on its way to the database.

    `tags` None leaves the row's tags alone. A `reshow` measures agreement and changes nothing of the row.
    """

    schema_version: Literal[1] = 1
    id: RecordId
    feedback_id: Id
    kind: DecisionKind
    decided_at: AwareDatetime
    reviewer: Name
    verdict: Verdict | None = None
    score: Score | None = None
    tags: Tags | None = None
    correction: Text | None = None
    note: Text | None = None
    duration_ms: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    rubric_version: Annotated[str, Field(max_length=NAME_LENGTH)] = ""
    reshow: bool = False
    supersedes: RecordId | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "decide" and (self.verdict is None or self.supersedes is not None):
            raise ValueError("a decision needs a verdict and supersedes nothing")
        if self.kind != "decide" and (self.supersedes is None or self.verdict is not None):
            raise ValueError(f"an {self.kind} needs the decision that it concerns, and no verdict")
        return self

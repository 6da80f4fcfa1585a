"""Decisions as they are kept: texts without control characters, tags in their canonical form, all of it as the contract
allows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from app.db.types import utc_now
from app.errors import UserError
from app.feedback import texts
from app.feedback.contract import FIELD_BYTES, TAGS, DecisionRecord
from app.feedback.review import Given
from app.feedback.rows import ViolationError, canonical_tags
from app.feedback.tables import TAG_LENGTH
from app.ids import new_id

_SAID = {
    ("tags", "string_too_short"): "one is blank",
    ("tags", "too_long"): f"more than {TAGS} tags",
    ("tags", "string_too_long"): f"one has more than {TAG_LENGTH} characters",
    ("note", "string_too_long"): f"more than {FIELD_BYTES:,} characters",
    ("correction", "string_too_long"): f"more than {FIELD_BYTES:,} characters",
}


def canonical(record: DecisionRecord) -> DecisionRecord:
    """The same as it is kept. Raises ViolationError."""
    texts_of = {"note": record.note, "correction": record.correction}
    cleaned: dict[str, Any] = {name: texts.clean(text) for name, text in texts_of.items() if text is not None}
    if record.tags is not None:
        cleaned["tags"] = canonical_tags(record.tags)
    return record.model_copy(update=cleaned)


def decision(**values: Any) -> DecisionRecord:
    """A decision of these fields, as it is kept. Raises UserError, whose `where` is the field that is wrong."""
    try:
        return canonical(DecisionRecord(**values))
    except ViolationError as error:
        raise UserError(error.violation.reason, where=error.violation.field) from None
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = str(problem["loc"][0]) if problem["loc"] else ""
        raise UserError(_SAID.get((field, problem["type"]), problem["msg"]), where=field) from None


def checked(given: Given) -> Given:
    """What is to go with a verdict, as it will be kept. Raises UserError where that cannot be."""
    kept = decision(
        id=new_id(),
        feedback_id="none",
        kind="decide",
        decided_at=utc_now(),
        reviewer="nobody",
        verdict="accept",
        score=given.score,
        tags=given.tags,
        correction=given.correction,
        note=given.note,
    )
    return replace(given, tags=kept.tags, correction=kept.correction, note=kept.note)

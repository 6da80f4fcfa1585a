"""What the contracts of all areas have in common: records as they come in, wait in the journal and go out."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.db.types import storable

RecordId = Annotated[str, Field(min_length=1, max_length=26, pattern=r"^[0-9A-Za-z_-]+$")]


class Record(BaseModel):
    """Nothing but the fields named, and none of them changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StrictRecord(Record):
    """A record whose fields are each of their own type: nothing is made to fit. Its errors do not repeat the input."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


def _clean(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def shortened(length: int) -> BeforeValidator:
    """Makes text storable, and cuts what is longer than `length` characters, with an ellipsis."""

    def short(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = storable(value)
        return text if len(text) <= length else text[: length - 1] + "…"

    return BeforeValidator(short)


Clean = Annotated[str, BeforeValidator(_clean)]
"""Text without what a database refuses."""

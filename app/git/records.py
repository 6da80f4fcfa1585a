"""The contract of a git operation as it waits in the journal: what any version of the app may find there."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from app.db.types import storable
from app.git.model import OperationKind, OperationState, Side
from app.git.tables import NAME_LENGTH, TITLE_LENGTH


def _clean(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _short(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = storable(value)
    return text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 1] + "…"


Clean = Annotated[str, BeforeValidator(_clean)]
Short = Annotated[str, BeforeValidator(_short), Field(max_length=TITLE_LENGTH)]
Name = Annotated[str, BeforeValidator(_clean), Field(min_length=1, max_length=NAME_LENGTH)]
OperationId = Annotated[str, Field(min_length=1, max_length=26, pattern=r"^[0-9A-Za-z_-]+$")]


class Contract(BaseModel):
    """Nothing but the fields named, and none of them changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RefRecord(Contract):
    """One ref: `old` and `new` are object ids, or `ref: NAME` for symbolic refs; empty means that it is not there."""

    ref: Clean
    side: Side
    remote: Clean = ""
    old: Clean
    new: Clean
    reason: Clean = ""


class ConfigRecord(Contract):
    """One value of the repository's configuration; None means that the key is not there."""

    key: Clean
    old: Clean | None
    new: Clean | None


class RefusalRecord(Contract):
    """A ref that was left alone, and why."""

    ref: Clean
    why: Clean
    fix: Clean = ""


class OperationRecord(Contract):
    """An operation on one repository in its state at one moment; a higher `revision` is a later moment.

    `done` holds the keys (`side:remote:ref`) of the changes that were carried out, `remotes` the addresses of the
    remotes concerned, without credentials.
    """

    schema_version: Literal[1] = 1
    op_id: OperationId
    revision: Annotated[int, Field(ge=0)]
    repository: Name
    path: Clean
    kind: OperationKind
    state: OperationState
    at: AwareDatetime
    updated_at: AwareDatetime
    title: Short
    message: Clean = ""
    undoes: OperationId | None = None
    undone_by: OperationId | None = None
    changes: tuple[RefRecord, ...] = ()
    config: tuple[ConfigRecord, ...] = ()
    commands: tuple[tuple[Clean, ...], ...] = ()
    done: tuple[Clean, ...] = ()
    refused: tuple[RefusalRecord, ...] = ()
    remotes: dict[Clean, Clean] = Field(default_factory=dict)

"""The contract of a git operation as it waits in the journal: what any version of the app may find there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from app.contract import Clean, Record, RecordId, shortened
from app.git.model import OperationKind, OperationState, Side
from app.git.tables import NAME_LENGTH, TITLE_LENGTH

Short = Annotated[str, shortened(TITLE_LENGTH), Field(max_length=TITLE_LENGTH)]
Name = Annotated[Clean, Field(min_length=1, max_length=NAME_LENGTH)]


class RefRecord(Record):
    """One ref: `old` and `new` are object ids, or `ref: NAME` for symbolic refs; empty means that it is not there."""

    ref: Clean
    side: Side
    remote: Clean = ""
    old: Clean
    new: Clean
    reason: Clean = ""


class ConfigRecord(Record):
    """One value of the repository's configuration; None means that the key is not there."""

    key: Clean
    old: Clean | None
    new: Clean | None


class RefusalRecord(Record):
    """A ref that was left alone, and why."""

    ref: Clean
    why: Clean
    fix: Clean = ""


class OperationRecord(Record):
    """An operation on one repository in its state at one moment; a higher `revision` is a later moment.

    `done` holds the keys (`side:remote:ref`) of the changes that were carried out, `remotes` the addresses of the
    remotes concerned, without credentials.
    """

    schema_version: Literal[1] = 1
    op_id: RecordId
    revision: Annotated[int, Field(ge=0)]
    repository: Name
    path: Clean
    kind: OperationKind
    state: OperationState
    at: AwareDatetime
    updated_at: AwareDatetime
    title: Short
    message: Clean = ""
    undoes: RecordId | None = None
    undone_by: RecordId | None = None
    changes: tuple[RefRecord, ...] = ()
    config: tuple[ConfigRecord, ...] = ()
    commands: tuple[tuple[Clean, ...], ...] = ()
    done: tuple[Clean, ...] = ()
    refused: tuple[RefusalRecord, ...] = ()
    remotes: dict[Clean, Clean] = Field(default_factory=dict)

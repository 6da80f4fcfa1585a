"""Rows on their way out: lines of JSON that keep the contract, oldest first, a few in memory at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from app.feedback import finding
from app.feedback.contract import SCHEMA_VERSION, DecisionOut, FeedbackIn, FeedbackOut
from app.feedback.filters import Filter
from app.feedback.model import Decision, FeedbackRow
from app.feedback.reading import decisions_of, rows_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.db.engine import Database
    from app.db.paging import Cursor

PAGE = 1000
BODIES = 50
"""Rows read in one statement; bodies are large."""

_ROW = tuple(name for name in FeedbackIn.model_fields)
_DECISION = tuple(DecisionOut.model_fields)


@dataclass(frozen=True, slots=True)
class Exported:
    """A row as a document; or, where it breaks the contract, why."""

    id: str
    document: dict[str, Any]
    violation: str = ""


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def row_document(row: FeedbackRow) -> dict[str, Any]:
    """The fields of the contract; what is unknown is None."""
    values = {name: getattr(row, name) for name in _ROW}
    return {
        **values,
        "captured_at": time_text(row.captured_at),
        "tags": list(row.tags),
        "context": dict(row.context),
    }


def decision_document(decision: Decision) -> dict[str, Any]:
    """An entry of the log, as exports and commands print it."""
    values = {name: value for name, value in asdict(decision).items() if name in _DECISION}
    tags = None if decision.tags is None else list(decision.tags)
    return {**values, "decided_at": time_text(decision.decided_at), "tags": tags}


async def exported(db: Database, given: Filter, *, decisions: bool = True) -> AsyncIterator[Exported]:
    """Every row that fulfils the filter, once; those that come meanwhile may be among them."""
    cursor: Cursor | None = None
    while True:
        heads, cursor = await finding.page(db, given, limit=PAGE, cursor=cursor, backward=True)
        ids = [head.id for head in heads]
        for start in range(0, len(ids), BODIES):
            piece = ids[start : start + BODIES]
            rows, logs = await db.run(lambda conn, piece=piece: _read(conn, piece))  # type: ignore[misc]
            for identity in piece:
                if identity in rows:
                    yield _checked(rows[identity], logs.get(identity, ()), decisions)
        if cursor is None:
            return


def _read(conn: Connection, ids: list[str]) -> tuple[dict[str, FeedbackRow], dict[str, tuple[Decision, ...]]]:
    return rows_of(conn, ids), decisions_of(conn, ids)


def _checked(row: FeedbackRow, log: tuple[Decision, ...], decisions: bool) -> Exported:
    document = {"schema": SCHEMA_VERSION, **row_document(row)}
    if decisions:
        document["decisions"] = [decision_document(each) for each in log]
    try:
        FeedbackOut.model_validate(
            {
                **{name: getattr(row, name) for name in _ROW},
                "context": dict(row.context),
                "decisions": tuple({name: getattr(each, name) for name in _DECISION} for each in log),
            }
        )
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        return Exported(row.id, document, f"{field}: {problem['msg']}")
    return Exported(row.id, document)

"""The journal of operations in the database: written through the spool, read a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Select, select

from app.db.paging import Cursor, Key, Page, page
from app.db.upsert import upsert
from app.git.entries import Entry, payload
from app.git.model import ConfigChange, RefChange, Refusal, Report
from app.git.records import OperationRecord
from app.git.tables import git_operation

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool

OPERATION = "git.operation"
"""Kind of the spooled operation that holds a git operation in one of its states."""

_columns = git_operation.c
OPERATION_KEYS = (Key(_columns.id, descending=True),)
"""Ids sort by the time of the operations' beginning."""


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Operations, newest first; `after` leads to the older ones and is None at the end."""

    operations: tuple[Report, ...]
    after: Cursor | None


async def put(spool: Spool, entry: Entry) -> None:
    """Keep the entry's present state for the database."""
    await spool.put(OPERATION, payload(entry), f"{entry.op_id}-{entry.revision}")


def apply_operation(conn: Connection, given: dict[str, Any]) -> None:
    """Write an operation in one of its states. Writing it again changes nothing; an earlier state that comes late
    leaves the later one alone."""
    record = OperationRecord.model_validate(given)
    known = conn.scalar(select(_columns.revision).where(_columns.id == record.op_id))
    if known is not None and known > record.revision:
        return
    row = record.model_dump(mode="json", exclude={"schema_version", "op_id", "at", "updated_at"})
    upsert(
        conn,
        git_operation,
        [{"id": record.op_id, "at": record.at, "updated_at": record.updated_at, **row}],
        keys=["id"],
    )


async def operations(
    db: Database, repository: str = "", *, limit: int = 100, after: Cursor | None = None
) -> ReportPage:
    """Operations of one repository (or of all), newest first."""
    found = await db.run(lambda conn: operations_page(conn, repository, limit, after))
    return ReportPage(tuple(_report(row) for row in found.rows), found.last if found.more_after else None)


def operations_page(conn: Connection, repository: str, limit: int, after: Cursor | None) -> Page:
    """Rows of `git_operation`, newest first."""
    return page(conn, select_operations(repository), OPERATION_KEYS, limit=limit, after=after)


def select_operations(repository: str) -> Select[Any]:
    """All operations of a repository, or of all when it is empty, without an order."""
    statement = select(git_operation)
    return statement.where(_columns.repository == repository) if repository else statement


def _report(row: Row[Any]) -> Report:
    changes = tuple(RefChange(**change) for change in row.changes)
    done = set(row.done)
    return Report(
        op_id=row.id,
        kind=row.kind,
        repository=row.repository,
        dry_run=False,
        state=row.state,
        plan=changes,
        config=tuple(ConfigChange(**change) for change in row.config),
        commands=tuple(tuple(command) for command in row.commands),
        done=tuple(change for change in changes if change.key in done),
        refused=tuple(Refusal(**refusal) for refusal in row.refused),
        message=row.message,
        at=row.at.timestamp(),
        undone_by=row.undone_by,
        undoes=row.undoes,
        title=row.title,
    )

"""Runs and results in the database: written through the spool, read a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, Row, Select, delete, insert, select

from app.db.paging import Cursor, Key, Page, page
from app.db.upsert import upsert
from app.testing.model import COUNTED, Counts, HistoryPoint, Outcome, RunSummary
from app.testing.records import RunRecord
from app.testing.tables import case_id, project, test_case, test_result, test_run

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.git.model import Provenance

RUN = "testing.run"
"""Kind of the spooled operation that holds a finished run."""

CHANGED_FILES = 200
"""Saved files kept with a run; a branch switch may touch thousands."""

PRUNE_RUNS = 20
"""Runs deleted in one transaction: with thousands of tests each, more would hold locks for seconds."""

RUN_KEYS = (Key(test_run.c.started_at, descending=True), Key(test_run.c.id, descending=True))
HISTORY_KEYS = (Key(test_result.c.started_at, descending=True), Key(test_result.c.run_id, descending=True))


class Result(Protocol):
    """What a run says of one test; `model.TestState` is one."""

    @property
    def nodeid(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def outcome(self) -> Outcome | None: ...
    @property
    def duration_s(self) -> float | None: ...
    @property
    def error_class(self) -> str | None: ...
    @property
    def message(self) -> str: ...


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs, newest first; `after` leads to the older ones and is None at the end."""

    runs: tuple[RunSummary, ...]
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class LastOutcome:
    """The latest finished outcome of a test."""

    run_id: str
    outcome: Outcome
    duration_s: float


@dataclass(frozen=True, slots=True)
class RunCommit:
    """What git had checked out when a run ended; `dirty` tells that the files differed from that commit."""

    commit: str
    dirty: bool


def run_payload(
    summary: RunSummary,
    results: Iterable[Result],
    changed: Sequence[str] = (),
    *,
    args: Sequence[str] = (),
    path: str = "",
    provenance: Provenance | None = None,
) -> dict[str, Any]:
    """The payload to put for a finished run. Tests without an outcome are left out.

    `provenance` is what the project held: its commit, and the tree of its content where that differs from the commit.
    """
    return {
        **asdict(summary),
        "path": path,
        "args": list(args),
        "changed": list(changed[:CHANGED_FILES]),
        "git_commit": provenance.commit if provenance else None,
        "dirty_hash": provenance.tree if provenance and provenance.dirty else None,
        "results": [
            {
                "nodeid": result.nodeid,
                "file": result.file,
                "outcome": result.outcome,
                "duration_s": result.duration_s or 0.0,
                "error_class": result.error_class,
                "message": result.message or None,
            }
            for result in results
            if result.outcome is not None
        ],
    }


def apply_run(conn: Connection, payload: dict[str, Any]) -> None:
    """Write a finished run. Writing it again changes nothing; a run that comes late leaves newer outcomes alone."""
    record = RunRecord.model_validate(payload)
    conn.execute(delete(test_result).where(test_result.c.run_id == record.run_id))
    conn.execute(delete(test_run).where(test_run.c.id == record.run_id))
    conn.execute(
        insert(test_run),
        [
            {
                "id": record.run_id,
                "project": record.project,
                "triggered_by": record.trigger,
                "level": record.level,
                "level_reason": record.level_reason,
                "git_commit": record.git_commit,
                "dirty_hash": record.dirty_hash,
                "started_at": record.started_at,
                "first_result_s": record.first_result_s,
                "duration_s": record.duration_s,
                "exit_code": record.exit,
                **record.counts.model_dump(),
                "affected_done_s": record.affected_done_s,
                "affected_bad": record.affected_bad,
                "superseded": record.superseded,
                "note": record.note,
                "args": list(record.args),
                "changed": list(record.changed),
            }
        ],
    )
    _write_project(conn, record)
    _write_results(conn, record)


def _write_project(conn: Connection, record: RunRecord) -> None:
    row = {
        "name": record.project,
        "path": record.path,
        "first_run_at": record.started_at,
        "last_run_at": record.started_at,
    }
    upsert(conn, project, [row], keys=["name"], update=["last_run_at", "path"] if record.path else ["last_run_at"])


def _write_results(conn: Connection, record: RunRecord) -> None:
    # By key: a test that pytest ran more than once in this run counts with its last outcome.
    results = {case_id(record.project, result.nodeid): result for result in record.results}
    if not results:
        return
    conn.execute(
        insert(test_result),
        [
            {
                "run_id": record.run_id,
                "case_id": key,
                "started_at": record.started_at,
                "outcome": result.outcome,
                "duration_s": result.duration_s,
                "error_class": result.error_class,
                "message": result.message,
            }
            for key, result in results.items()
        ],
    )
    newer = set(
        conn.scalars(
            select(test_case.c.id).where(test_case.c.project == record.project, test_case.c.last_run_id > record.run_id)
        )
    )
    rows = [
        {
            "id": key,
            "project": record.project,
            "nodeid": result.nodeid,
            "file": result.file,
            "last_run_id": record.run_id,
            "last_outcome": result.outcome,
            "last_duration_s": result.duration_s,
        }
        for key, result in results.items()
    ]
    upsert(
        conn,
        test_case,
        [row for row in rows if row["id"] not in newer],
        keys=["id"],
        update=["last_run_id", "last_outcome", "last_duration_s"],
    )


async def recent_runs(db: Database, project_name: str, *, limit: int = 30, after: Cursor | None = None) -> RunPage:
    """A project's latest runs, newest first."""
    found = await db.run(lambda conn: runs_page(conn, project_name, limit, after))
    return RunPage(tuple(_summary(row) for row in found.rows), found.last if found.more_after else None)


async def test_history(db: Database, project_name: str, nodeid: str, *, limit: int) -> tuple[HistoryPoint, ...]:
    """The latest outcomes of a test, oldest first."""
    found = await db.run(lambda conn: history_page(conn, project_name, nodeid, limit))
    return tuple(
        HistoryPoint(row.run_id, _stamp(row.started_at), row.outcome, row.duration_s) for row in reversed(found.rows)
    )


async def run_commits(db: Database, run_ids: Sequence[str]) -> dict[str, RunCommit]:
    """By run, the commit it ran on; those of which none is known are left out."""
    known = select(test_run.c.id, test_run.c.git_commit, test_run.c.dirty_hash).where(
        test_run.c.id.in_(run_ids), test_run.c.git_commit.is_not(None)
    )

    def read(conn: Connection) -> dict[str, RunCommit]:
        return {row.id: RunCommit(row.git_commit, row.dirty_hash is not None) for row in conn.execute(known)}

    return await db.run(read)


async def last_outcomes(db: Database, project_name: str) -> dict[str, LastOutcome]:
    """By node id, the latest outcome and duration of every test that has run lately."""

    def read(conn: Connection) -> dict[str, LastOutcome]:
        cases = test_case.c
        rows = conn.execute(
            select(cases.nodeid, cases.last_run_id, cases.last_outcome, cases.last_duration_s).where(
                cases.project == project_name
            )
        )
        return {nodeid: LastOutcome(run_id, outcome, duration) for nodeid, run_id, outcome, duration in rows}

    return await db.run(read)


async def run_outcomes(db: Database, run_id: str) -> dict[str, Outcome]:
    """By node id, the outcome of every test of one run."""

    def read(conn: Connection) -> dict[str, Outcome]:
        rows = conn.execute(
            select(test_case.c.nodeid, test_result.c.outcome)
            .join_from(test_result, test_case, test_case.c.id == test_result.c.case_id)
            .where(test_result.c.run_id == run_id)
        )
        return {row.nodeid: row.outcome for row in rows}

    return await db.run(read)


async def prune(db: Database, keep_runs: int) -> int:
    """Delete all but the latest `keep_runs` runs of each project (0 keeps all); returns how many went."""
    if keep_runs <= 0:
        return 0
    names = await db.run(lambda conn: list(conn.scalars(select(project.c.name))))
    return sum([await _prune_project(db, name, keep_runs) for name in names])


async def _prune_project(db: Database, name: str, keep_runs: int) -> int:
    oldest = await db.run(lambda conn: _oldest_kept(conn, name, keep_runs))
    gone = 0
    while oldest is not None and (removed := await db.run(partial(_prune_some, name, oldest), write=True)):
        gone += removed
    return gone


def runs_page(conn: Connection, project_name: str, limit: int, after: Cursor | None) -> Page:
    """Rows of `test_run`, newest first."""
    return page(conn, select_runs(project_name), RUN_KEYS, limit=limit, after=after)


def history_page(conn: Connection, project_name: str, nodeid: str, limit: int, after: Cursor | None = None) -> Page:
    """Rows of `test_result` of one test, newest first."""
    return page(conn, select_history(project_name, nodeid), HISTORY_KEYS, limit=limit, after=after)


def select_runs(project_name: str) -> Select[Any]:
    """All runs of a project, without an order."""
    return select(test_run).where(test_run.c.project == project_name)


def select_history(project_name: str, nodeid: str) -> Select[Any]:
    """All results of a test, without an order."""
    return select(test_result).where(test_result.c.case_id == case_id(project_name, nodeid))


def _oldest_kept(conn: Connection, name: str, keep_runs: int) -> Cursor | None:
    keys = select(test_run.c.started_at, test_run.c.id).where(test_run.c.project == name)
    found = page(conn, keys, RUN_KEYS, limit=keep_runs)
    return found.last if found.more_after else None


def _prune_some(name: str, oldest_kept: Cursor, conn: Connection) -> int:
    keys = select(test_run.c.started_at, test_run.c.id).where(test_run.c.project == name)
    ids = [row.id for row in page(conn, keys, RUN_KEYS, limit=PRUNE_RUNS, after=oldest_kept).rows]
    if ids:
        conn.execute(delete(test_result).where(test_result.c.run_id.in_(ids)))
        conn.execute(delete(test_run).where(test_run.c.id.in_(ids)))
        conn.execute(delete(test_case).where(test_case.c.project == name, test_case.c.last_run_id < oldest_kept[1]))
    return len(ids)


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _summary(row: Row[Any]) -> RunSummary:
    return RunSummary(
        run_id=row.id,
        project=row.project,
        trigger=row.triggered_by,
        level=row.level,
        level_reason=row.level_reason,
        started_at=_stamp(row.started_at),
        first_result_s=row.first_result_s,
        duration_s=row.duration_s,
        exit=row.exit_code,
        counts=Counts(**{name: getattr(row, name) for name in COUNTED}),
        affected_done_s=row.affected_done_s,
        affected_bad=row.affected_bad,
        superseded=row.superseded,
        note=row.note,
    )

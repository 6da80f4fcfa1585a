"""How the tests stand: of each project its last run, and what failed or was mended in it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, select

from app.content.context.registry import Ask
from app.testing.model import COUNTED
from app.testing.tables import project, test_case, test_result, test_run

BEFORE = 20
"""Runs before the last in which a test's earlier outcome is looked for."""
MOST = 100
"""Tests that are told by name."""
BAD = ("failed", "error")


async def gather(ask: Ask) -> dict[str, Any] | None:
    """The last runs, with new failures and fixed tests; None where no run is kept."""
    if ask.db is None:
        return None
    projects = tuple(ask.projects)
    found = await ask.db.run(lambda conn: [one for name in _names(conn, projects) if (one := _one(conn, name))])
    if not found:
        return None
    together = ("failing", "new_failures", "fixed", "classes")
    return {
        "projects": found,
        **{name: sum(one["counts"][name] for one in found) for name in COUNTED},
        **{name: [each for one in found for each in one[name]] for name in together},
    }


async def coverage(ask: Ask) -> None:
    """No project's coverage is measured yet."""


def _names(conn: Connection, wanted: tuple[str, ...]) -> list[str]:
    return list(wanted) or list(conn.scalars(select(project.c.name).order_by(project.c.name)))


def _one(conn: Connection, name: str) -> dict[str, Any] | None:
    runs = conn.execute(
        select(test_run)
        .where(test_run.c.project == name)
        .order_by(test_run.c.started_at.desc(), test_run.c.id.desc())
        .limit(BEFORE + 1)
    ).all()
    if not runs:
        return None
    last, earlier = runs[0], [run.id for run in runs[1:]]
    joined = test_result.join(test_case, test_case.c.id == test_result.c.case_id)
    bad = conn.execute(
        select(
            test_result.c.case_id,
            test_case.c.nodeid,
            test_case.c.file,
            test_result.c.message,
            test_result.c.error_class,
        )
        .select_from(joined)
        .where(test_result.c.run_id == last.id, test_result.c.outcome.in_(BAD))
        .order_by(test_case.c.nodeid)
    ).all()
    before = _latest(conn, earlier, [row.case_id for row in bad])
    failing = [_failure(row, name) for row in bad]
    new = [failure for row, failure in zip(bad, failing, strict=True) if before.get(row.case_id) not in BAD]
    fixed = _fixed(conn, last.id, earlier)
    classes = Counter(row.error_class for row in bad if row.error_class)
    return {
        "name": name,
        "run_id": last.id,
        "at": last.started_at,
        "duration_s": last.duration_s,
        "exit": last.exit_code,
        "counts": {counted: getattr(last, counted) for counted in COUNTED},
        "failing": failing[:MOST],
        "new_failures": new[:MOST],
        "fixed": [{"nodeid": nodeid, "project": name} for nodeid in fixed[:MOST]],
        "classes": [{"error_class": each, "count": count, "project": name} for each, count in classes.most_common()],
    }


def _latest(conn: Connection, runs: list[str], cases: list[bytes]) -> dict[bytes, str]:
    """The last outcome of each of these tests in these runs."""
    if not runs or not cases:
        return {}
    columns = test_result.c
    rows = conn.execute(
        select(columns.case_id, columns.outcome)
        .where(columns.run_id.in_(runs), columns.case_id.in_(cases[: MOST * BEFORE]))
        .order_by(columns.started_at, columns.run_id)
    )
    return {row.case_id: row.outcome for row in rows}


def _fixed(conn: Connection, last: str, earlier: list[str]) -> list[str]:
    """Names of the tests that passed in the last run and had failed when they ran before."""
    if not earlier:
        return []
    columns = test_result.c
    once = select(columns.case_id).where(columns.run_id.in_(earlier), columns.outcome.in_(BAD)).distinct()
    failed = list(conn.scalars(once.limit(MOST * BEFORE)))
    before = _latest(conn, earlier, failed)
    bad = [case for case in failed if before.get(case) in BAD]
    if not bad:
        return []
    joined = test_result.join(test_case, test_case.c.id == columns.case_id)
    passed = (
        select(test_case.c.nodeid)
        .select_from(joined)
        .where(columns.run_id == last, columns.outcome == "passed", columns.case_id.in_(bad))
    )
    return sorted(conn.scalars(passed))


def _failure(row: Any, name: str) -> dict[str, Any]:
    return {
        "nodeid": row.nodeid,
        "file": row.file,
        "message": row.message or "",
        "error_class": row.error_class,
        "project": name,
    }

"""`qd test history`: the latest runs of a project, or the earlier outcomes of one test."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.test_project import choose, project_option
from app.commands.text import clean, columns, duration, moment, tally
from app.storage import Storage
from app.testing import store
from app.testing.model import HistoryPoint, RunSummary


@click.command()
@project_option
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many to show.")
@config_option
@json_option
@click.argument("nodeid", required=False)
def history(name: str | None, limit: int, config: Path | None, as_json: bool, nodeid: str | None) -> int:
    """Show the latest runs, newest first; with a node id, that test's outcomes. A * behind the commit: there were
    changes besides it.

    \b
    qd test history --project trading
    qd test history "tests/test_orders.py::test_fill" --json
    """
    loaded = load_settings(config)
    spec, _ = choose(loaded, name, None, "", any_folder=False)

    async def read() -> tuple[Sequence[RunSummary], Sequence[HistoryPoint], Mapping[str, store.RunCommit]]:
        async with Storage.opened(loaded.settings) as storage:
            runs: Sequence[RunSummary] = ()
            points: Sequence[HistoryPoint] = ()
            if nodeid is not None:
                points = (await store.test_history(storage.db, spec.name, nodeid, limit=limit))[::-1]
            else:
                runs = (await store.recent_runs(storage.db, spec.name, limit=limit)).runs
            ids = [run.run_id for run in runs] + [point.run_id for point in points]
            return runs, points, await store.run_commits(storage.db, ids)

    runs, points, commits = asyncio.run(read())
    if as_json:
        document: dict[str, Any] = {"project": spec.name}
        if nodeid is None:
            document["runs"] = [_document(run, commits) for run in runs]
        else:
            document |= {"nodeid": nodeid, "results": [_document(point, commits) for point in points]}
        emit(document)
        return 0
    if not runs and not points:
        click.echo("nothing is kept yet" if nodeid is None else "no outcome of this test is kept")
        return 0
    if nodeid is None:
        head: tuple[str, ...] = ("started", "trigger", "level", "took", "commit", "result")
        rows: list[tuple[str, ...]] = [
            (
                *(moment(run.started_at), run.trigger, run.level, duration(run.duration_s)),
                *(_commit(run, commits), _result(run)),
            )
            for run in runs
        ]
    else:
        head = ("started", "outcome", "took", "commit")
        rows = [
            (moment(point.started_at), point.outcome, duration(point.duration_s), _commit(point, commits))
            for point in points
        ]
    for line in columns(head, rows, right=("took",)):
        click.echo(line)
    return 0


def _document(kept: RunSummary | HistoryPoint, commits: Mapping[str, store.RunCommit]) -> dict[str, Any]:
    found = commits.get(kept.run_id)
    return {
        **asdict(kept),
        "git_commit": found.commit if found is not None else None,
        "dirty": found.dirty if found is not None else None,
    }


def _commit(kept: RunSummary | HistoryPoint, commits: Mapping[str, store.RunCommit]) -> str:
    found = commits.get(kept.run_id)
    return f"{found.commit[:7]}{'*' if found.dirty else ''}" if found is not None else ""


def _result(run: RunSummary) -> str:
    parts = [tally(run.counts), "superseded" if run.superseded else "", " ".join(clean(run.note).split())]
    return "  ".join(dict.fromkeys(part for part in parts if part))

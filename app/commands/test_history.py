"""`qd test history`: the latest runs of a project, or the earlier outcomes of one test."""

from __future__ import annotations

import asyncio
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
    """Show the latest runs, newest first; with a node id, that test's outcomes.

    \b
    qd test history --project trading
    qd test history "tests/test_orders.py::test_fill" --json
    """
    loaded = load_settings(config)
    spec, _ = choose(loaded, name, None, "")

    async def read() -> tuple[tuple[RunSummary, ...], tuple[HistoryPoint, ...]]:
        async with Storage.opened(loaded.settings) as storage:
            if nodeid is not None:
                return (), await store.test_history(storage.db, spec.name, nodeid, limit=limit)
            return (await store.recent_runs(storage.db, spec.name, limit=limit)).runs, ()

    runs, points = asyncio.run(read())
    if as_json:
        document: dict[str, Any] = {"project": spec.name}
        if nodeid is None:
            document["runs"] = [asdict(run) for run in runs]
        else:
            document |= {"nodeid": nodeid, "results": [asdict(point) for point in points]}
        emit(document)
        return 0
    if not runs and not points:
        click.echo("nothing is kept yet" if nodeid is None else "no outcome of this test is kept")
        return 0
    if nodeid is None:
        head: tuple[str, ...] = ("started", "trigger", "level", "took", "result")
        rows: list[tuple[str, ...]] = [
            (moment(run.started_at), run.trigger, run.level, duration(run.duration_s), _result(run)) for run in runs
        ]
    else:
        head = ("started", "outcome", "took")
        rows = [(moment(point.started_at), point.outcome, duration(point.duration_s)) for point in points]
    for line in columns(head, rows, right=("took",)):
        click.echo(line)
    return 0


def _result(run: RunSummary) -> str:
    parts = [tally(run.counts), "superseded" if run.superseded else "", " ".join(clean(run.note).split())]
    return "  ".join(part for part in parts if part)

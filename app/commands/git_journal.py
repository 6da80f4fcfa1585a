"""`qd git undo|redo|finish|journal`: taking operations back, doing them again or to their end, and looking back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.git_operations import Given, operation_options
from app.commands.git_reports import agree, answer, carried_through, carry_out, document
from app.commands.git_repository import choose, opened, repository_options
from app.commands.text import columns, one_line
from app.errors import UserError
from app.git.model import Plan, Report, RepositorySpec

STATES = {
    "planned": "interrupted",
    "pinned": "interrupted",
    "remote-done": "interrupted",
    "local-done": "interrupted",
}
LOOK_BACK = 200
"""Operations that one that was interrupted is looked for among."""


@click.command(epilog="\b\nExamples:\n  qd git undo\n  qd git undo --dry-run")
@click.argument("op_id", default="", metavar="[OPERATION]")
@operation_options
def undo(given: Given, op_id: str) -> int:
    """Take back the last operation, or the one named."""
    return _back(given, op_id, "undo")


@click.command(epilog="\b\nExample:\n  qd git redo")
@click.argument("op_id", default="", metavar="[OPERATION]")
@operation_options
def redo(given: Given, op_id: str) -> int:
    """Do again what was undone last, or the operation named."""
    return _back(given, op_id, "redo")


def _back(given: Given, op_id: str, way: Literal["undo", "redo"]) -> int:
    async def work() -> tuple[Report, Plan]:
        loaded = load_settings(given.config)
        spec = choose(loaded, given.repo, given.path)
        async with opened(loaded, (spec,), keeps=not given.dry_run) as service:
            planned = service.plan_undo if way == "undo" else service.plan_redo
            plan = await planned(spec.name, op_id)
            report = await carry_out(
                service,
                plan,
                dry_run=given.dry_run,
                yes=given.yes,
                asks=True,
                as_json=given.as_json,
                ticked=None,
            )
            return report, plan

    report, plan = asyncio.run(work())
    return answer(report, plan, as_json=given.as_json, shown=not given.yes, where=given.where)


@click.command(epilog="\b\nExamples:\n  qd git finish\n  qd git finish --dry-run")
@click.argument("op_id", default="", metavar="[OPERATION]")
@operation_options
def finish(given: Given, op_id: str) -> int:
    """Carry on with an operation that was interrupted (the last one, or the one named) from wherever it stopped.

    What others have changed meanwhile stays as it is. qd git undo takes such an operation back instead.
    """

    async def work() -> tuple[Report, Plan]:
        loaded = load_settings(given.config)
        spec = choose(loaded, given.repo, given.path)
        async with opened(loaded, (spec,), keeps=not given.dry_run) as service:
            report = _stopped(await service.journal(spec.name, limit=LOOK_BACK), op_id, spec)
            plan = Plan(report.kind, report.repository, report.title, report.plan, report.config, report.commands)
            if given.dry_run:
                return replace(report, dry_run=True), plan
            if not given.yes:
                agree(plan, as_json=given.as_json)
            return await carried_through(service.settle(report.op_id, "finish")), plan

    report, plan = asyncio.run(work())
    return answer(report, plan, as_json=given.as_json, shown=not given.yes, where=given.where)


def _stopped(reports: Sequence[Report], op_id: str, spec: RepositorySpec) -> Report:
    for report in reports:
        if report.state in STATES and op_id in ("", report.op_id):
            return report
    what = f"operation {op_id} was not interrupted" if op_id else "no operation was interrupted"
    raise UserError(what, where=str(spec.path), fix="see qd git journal")


@click.command(epilog="\b\nExamples:\n  qd git journal\n  qd git journal --path . --limit 5 --json")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Operations to print.")
@repository_options
@json_option
@config_option
def journal(limit: int, repo: str | None, path: Path | None, as_json: bool, config: Path | None) -> int:
    """Print the operations done on a repository, newest first."""
    loaded = load_settings(config)
    spec = choose(loaded, repo, path)

    async def read() -> tuple[Report, ...]:
        async with opened(loaded, (spec,), keeps=False) as service:
            return await service.journal(spec.name, limit=limit)

    reports = asyncio.run(read())
    if as_json:
        emit({"repository": spec.name, "operations": [document(report) for report in reports]})
    elif not reports:
        click.echo("no operation was done here yet")
    else:
        rows = [_row(report) for report in reports]
        click.echo("\n".join(one_line(line) for line in columns(("when", "operation", "state", "what"), rows)))
    return 0


def _row(report: Report) -> tuple[str, str, str, str]:
    when = datetime.fromtimestamp(report.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    state = "undone" if report.undone_by else STATES.get(report.state, report.state)
    return when, report.op_id, state, report.title or report.kind

"""`qd test run`: one run, plain pytest's outcomes, as text or as one JSON document."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from app import paths
from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.test_project import absence, choose, project_options
from app.commands.text import clean, duration, location, tally
from app.errors import UserError
from app.events import Bus, StreamEvent
from app.git.provenance import Provenances
from app.settings import Settings
from app.storage import Storage
from app.testing import store
from app.testing.once import OnceResult, affected_files, run_once
from app.testing.run import RunLimits

KEEP_S = 5.0
"""How long a finished command waits for the database; the journal keeps what it could not take."""
USAGE_ERROR = 4
"""pytest's exit code for arguments or a configuration that it cannot use."""
MARKS = {"passed": "✓", "failed": "✗", "error": "⚠", "skipped": "○", "xfailed": "x", "xpassed": "X"}


@click.command(context_settings={"ignore_unknown_options": False})
@project_options
@click.option("--failed", is_flag=True, help="Only what failed last time (everything where nothing did).")
@click.option("--affected", is_flag=True, help="Only what git's uncommitted changes most likely affect.")
@click.option("--cold", is_flag=True, help="Always a fresh interpreter: the default of a single run.")
@click.option("--warm", is_flag=True, help="Through a warm server, as the app runs it; to compare the two.")
@config_option
@json_option
@click.argument("nodeids", nargs=-1)
def run(
    name: str | None,
    path: Path | None,
    python: str,
    failed: bool,
    affected: bool,
    cold: bool,
    warm: bool,
    config: Path | None,
    as_json: bool,
    nodeids: tuple[str, ...],
) -> int:
    """Run tests once. Arguments after -- go to pytest.

    Exit code 0 when all is well, 1 when a test fails or none was found, 2 when pytest cannot run as it is asked to.

    \b
    qd test run --path . --json
    qd test run --project trading --failed
    qd test run --path . tests/test_orders.py -- -k limit -x
    """
    loaded = load_settings(config)
    spec, configured = choose(loaded, name, path, python)
    if cold and warm:
        raise click.UsageError("--cold and --warm exclude each other")
    if configured and (gone := absence(loaded, spec)):
        raise gone
    args = list(nodeids)
    if failed:
        args += ["--last-failed"]
    if affected:
        files = affected_files(spec.path)
        if not files:
            click.echo("nothing that git calls changed affects a test", err=True)
            return 0
        args += files
    tests = loaded.settings.tests
    limits = RunLimits(timeout_s=tests.timeout_s, memory_mb=tests.memory_mb, output_kb=tests.output_kb)

    result = asyncio.run(
        run_once(
            spec,
            cache_dir=paths.cache_dir() / "tests",
            limits=limits,
            args=args,
            warm=warm,
            tell=None if as_json else _show,
        )
    )
    if as_json:
        emit(result.document())
    else:
        _print(result)
    sys.stdout.flush()
    if configured:
        found = asyncio.run(Provenances().of(spec.path))
        payload = store.run_payload(result.summary, result.results, args=args, path=str(spec.path), provenance=found)
        try:
            asyncio.run(_keep(payload, loaded.settings))
        except (UserError, OSError) as error:
            # The tests have run and been answered for: what they say is not the disk's to decide.
            click.echo(f"quarterdeck: this run is not kept: {error}", err=True)
    if result.summary.exit == USAGE_ERROR:
        click.echo(f"quarterdeck: pytest could not run: {clean(result.summary.note)}", err=True)
        return 2
    return 0 if result.summary.exit == 0 else 1


async def _keep(payload: Mapping[str, object], settings: Settings) -> None:
    async with Storage.opened(settings) as storage:
        await storage.spool.put(store.RUN, payload)
        storage.spool.start(storage.db, Bus())
        await storage.spool.flush(KEEP_S)


def _show(event: StreamEvent, data: Mapping[str, object]) -> None:
    """Failures as they come; everything else is in the last line."""
    outcome = data.get("outcome")
    if event == "result" and outcome in ("failed", "error"):
        click.echo(f"{MARKS[str(outcome)]} {clean(str(data['nodeid']))}")
        sys.stdout.flush()


def _print(result: OnceResult) -> None:
    for nodeid, detail in result.details.items():
        click.echo(f"\n── {clean(nodeid)} {'─' * max(3, 76 - len(nodeid))}")
        for failure in detail.failures:
            click.echo(clean(failure.text.rstrip()) if failure.text else clean(detail.state.message))
        where = location(detail)
        if where:
            click.echo(f"at {clean(where)}")
        for section in detail.sections:
            if section.text.strip():
                click.echo(f"-- {clean(section.title)}")
                click.echo(clean(section.text.rstrip()))
    summary = result.summary
    told = tally(summary.counts)
    if summary.note and summary.exit != USAGE_ERROR and summary.note != told:
        click.echo(f"\n{clean(summary.note)}")
    if summary.exit not in (0, 1) and result.output:
        click.echo(f"what pytest printed: {result.output}")
    level = f"{summary.level}: {summary.level_reason}" if summary.level_reason else summary.level
    click.echo(f"{told} in {duration(summary.duration_s)}  ({level})")

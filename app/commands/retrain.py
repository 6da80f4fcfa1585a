"""`qd retrain`: decided rows on their way to those who train on them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app import paths
from app.commands import retrain_text as text
from app.commands.common import config_option, emit, json_option, load_settings
from app.errors import UserError

if TYPE_CHECKING:
    from app.feedback.retrain.control import Retrain
    from app.feedback.retrain.model import Evaluation, Look, Run, Status
    from app.settings import Loaded

SETTLE_S = 10.0
NAME_LONGEST = 128
METRICS_MOST = 200


@click.group()
def retrain() -> None:
    """Hand decided rows to those who train on them."""


def _metric(_ctx: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    found: dict[str, float] = {}
    for each in given:
        name, separator, value = each.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not separator or not 0 < len(name) <= NAME_LONGEST or not math.isfinite(number):
            raise click.BadParameter(f"expected NAME=NUMBER, such as f1=0.91, got {each!r}")
        found[name] = number
    if len(found) > METRICS_MOST:
        raise click.BadParameter(f"at most {METRICS_MOST} are kept")
    return found


pipeline_argument = click.argument("pipeline", default="")


@retrain.command(epilog="\b\nExamples:\n  qd retrain status\n  qd retrain status support-model --json")
@pipeline_argument
@json_option
@config_option
def status(pipeline: str, as_json: bool, config: Path | None) -> int:
    """Say why each pipeline, or PIPELINE, would or would not fire now, and what is missing until it does."""
    found = asyncio.run(_status(load_settings(config), pipeline))
    if as_json:
        emit({"pipelines": [text.status_document(each) for each in found]})
    else:
        click.echo("\n\n".join("\n".join(text.status_lines(each)) for each in found))
    return 0


async def _status(loaded: Loaded, name: str) -> list[Status]:
    async with _retrain(loaded) as control:
        if name or not control.pipelines:
            return [await control.status(name)]
        return [await control.status(each) for each in control.pipelines]


@retrain.command(
    epilog="\b\nExamples:\n  qd retrain fire --dry-run\n  qd retrain fire support-model --json\n"
    "  qd retrain fire --force         whatever the conditions say"
)
@pipeline_argument
@click.option("--dry-run", is_flag=True, help="Say what would happen, and why; change nothing.")
@click.option("--force", is_flag=True, help="Do not ask the conditions. The guards are always asked.")
@json_option
@config_option
def fire(pipeline: str, dry_run: bool, force: bool, as_json: bool, config: Path | None) -> int:
    """Fire PIPELINE where its conditions and guards allow it, and hand the run to its consumer.

    Exits with 1 where it does not fire, or with --dry-run would not.
    """
    run, found = asyncio.run(_fire(load_settings(config), pipeline, dry_run, force))
    would = found.clear and (found.met or force)
    fired = run is not None
    if as_json:
        emit(
            {
                "dry_run": dry_run,
                "fired": fired,
                "would_fire": fired or would,
                **text.evaluation_document(found),
                "run": None if run is None else text.run_document(run),
            }
        )
    else:
        click.echo("\n".join(text.fire_lines(run, found, dry_run=dry_run, would=would)))
    return 0 if fired or (dry_run and would) else 1


async def _fire(loaded: Loaded, name: str, dry_run: bool, force: bool) -> tuple[Run | None, Evaluation]:
    async with _retrain(loaded) as control:
        if dry_run:
            return None, (await control.status(name)).evaluation
        run, found = await control.fire(name, forced="fired by hand" if force else "")
        if run is not None:
            await control.dispatcher.once()
            run = await control.find(run.id)
        return run, found


@retrain.command(epilog="\b\nExamples:\n  qd retrain history\n  qd retrain history support-model --limit 5 --json")
@pipeline_argument
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@json_option
@config_option
def history(pipeline: str, limit: int, as_json: bool, config: Path | None) -> int:
    """Show the runs of all pipelines, or of PIPELINE, newest first, and what kept them from firing."""
    found, looks = asyncio.run(_history(load_settings(config), pipeline, limit))
    if as_json:
        emit({"runs": [text.run_document(run) for run in found], "looks": [text.look_document(each) for each in looks]})
    else:
        click.echo("\n".join(text.history_lines(found, looks)))
    return 0


async def _history(loaded: Loaded, name: str, limit: int) -> tuple[list[Run], list[Look]]:
    async with _retrain(loaded) as control:
        return await control.history((name,) if name else (), limit)


@retrain.command(
    epilog="\b\nExamples:\n  qd retrain report RUN --ok --metric f1=0.91 --metric loss=0.2\n"
    "  qd retrain report RUN --failed --note 'out of memory'"
)
@click.argument("run")
@click.option("--ok/--failed", "ok", default=None, help="How it went.")
@click.option("--metric", "metrics", multiple=True, callback=_metric, metavar="NAME=NUMBER", help="What it reached.")
@click.option("--note", metavar="TEXT", help="What else there is to say.")
@json_option
@config_option
def report(
    run: str, ok: bool | None, metrics: dict[str, float], note: str | None, as_json: bool, config: Path | None
) -> int:
    """Tell how RUN went, as its consumer does; as much of the beginning of its id as no other has is enough. Kept also
    while the database is down."""
    if ok is None:
        raise click.UsageError("say how it went: --ok or --failed")
    run, state, found = asyncio.run(_report(load_settings(config), run, ok, metrics, note))
    if as_json:
        emit({"run_id": run, "state": state, "run": None if found is None else text.run_document(found)})
    else:
        click.echo(f"{run}: {found.state}" if found is not None and state == "applied" else f"{run}: {state}")
    return 0


async def _report(
    loaded: Loaded, run_id: str, ok: bool, metrics: dict[str, float], note: str | None
) -> tuple[str, str, Run | None]:
    """The run's whole id, where the report is, and the run as it stands then."""
    from pydantic import ValidationError

    from app.db.types import utc_now
    from app.feedback import texts
    from app.feedback.retrain.contract import RunReport

    said = None if note is None else texts.clean(note)
    try:
        given = RunReport(run_id=run_id, ok=ok, metrics=metrics, note=said, at=utc_now())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UserError(f"{first['loc'][0]}: {first['msg']}", fix="`qd retrain history` shows the runs") from None
    async with _retrain(loaded) as control:
        given = given.model_copy(update={"run_id": await control.whole(run_id)})
        return given.run_id, *await control.report(given, SETTLE_S)


@retrain.command(epilog="\b\nExample:\n  qd retrain hold support-model --reason 'labels are being mended'")
@pipeline_argument
@click.option("--reason", default="by hand", show_default=True, help="Why, for whoever asks.")
@json_option
@config_option
def hold(pipeline: str, reason: str, as_json: bool, config: Path | None) -> int:
    """Keep PIPELINE from firing until it is resumed."""
    return _held(config, pipeline, reason, as_json)


@retrain.command(epilog="\b\nExample:\n  qd retrain resume support-model")
@pipeline_argument
@json_option
@config_option
def resume(pipeline: str, as_json: bool, config: Path | None) -> int:
    """Let PIPELINE fire again."""
    return _held(config, pipeline, None, as_json)


def _held(config: Path | None, name: str, reason: str | None, as_json: bool) -> int:
    found = asyncio.run(_hold(load_settings(config), name, reason))
    if as_json:
        emit(text.status_document(found))
    else:
        click.echo("\n".join(text.status_lines(found)))
    return 0


async def _hold(loaded: Loaded, name: str, reason: str | None) -> Status:
    from app.feedback import texts

    async with _retrain(loaded) as control:
        await control.hold(name, None if reason is None else texts.clean(reason)[:500])
        return await control.status(name)


@retrain.command(epilog="\b\nExample:\n  qd retrain dispatch")
@json_option
@config_option
def dispatch(as_json: bool, config: Path | None) -> int:
    """Hand over the runs that wait for it, once each, as the running app does by itself.

    Exits with 1 where one of them could not be.
    """
    return _handed(asyncio.run(_dispatch(load_settings(config), "")), as_json)


@retrain.command(epilog="\b\nExample:\n  qd retrain retry RUN")
@click.argument("run")
@json_option
@config_option
def retry(run: str, as_json: bool, config: Path | None) -> int:
    """Hand RUN, which failed or expired, to its consumer once more, under the same id."""
    return _handed(asyncio.run(_dispatch(load_settings(config), run)), as_json)


def _handed(found: list[Run], as_json: bool) -> int:
    if as_json:
        emit({"runs": [text.run_document(run) for run in found]})
    else:
        click.echo("\n".join(text.run_line(run) for run in found) or "nothing waits")
    return 1 if any(run.state not in ("dispatched", "succeeded") for run in found) else 0


async def _dispatch(loaded: Loaded, run_id: str) -> list[Run]:
    async with _retrain(loaded) as control:
        if run_id:
            await control.retry(await control.whole(run_id))
        return await control.dispatcher.once()


@asynccontextmanager
async def _retrain(loaded: Loaded) -> AsyncIterator[Retrain]:
    """The pipelines of the configuration, with the journal drained in the background."""
    from app.events import Bus
    from app.feedback.retrain.control import FOLDER, Retrain
    from app.settings import retrain_pipelines
    from app.storage import Storage

    async with Storage.opened(loaded.settings) as storage:
        storage.spool.start(storage.db, Bus())
        # Decisions that wait in the journal are decisions.
        await storage.spool.flush(SETTLE_S)
        pipelines = retrain_pipelines(loaded.settings, loaded.base)
        yield Retrain(storage.db, storage.spool, pipelines, paths.data_dir() / FOLDER)

"""`qd feedback next`, `review` and `stats`: what to review, where, and how it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app import paths
from app.commands import retrain_text
from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.feedback_storage import opened, reviewer_of, reviewer_option
from app.commands.text import clean
from app.db.types import utc_now
from app.feedback import claims, queue
from app.feedback.export import row_document, time_text
from app.feedback.model import ORDERS, Order, QueueItem, Stats
from app.feedback.retrain.control import FOLDER, Retrain
from app.feedback.stats import read_stats
from app.ids import new_id
from app.settings import Loaded, retrain_pipelines

if TYPE_CHECKING:
    from app.feedback.retrain.model import Evaluation

SETTLE_S = 5.0


@click.command(
    "next", epilog="\b\nExamples:\n  qd feedback next --json\n  qd feedback next --order worst --reviewer mara"
)
@click.option("--order", type=click.Choice(ORDERS), help="What comes first [default: as configured].")
@reviewer_option
@json_option
@config_option
def next_(order: Order | None, reviewer: str, as_json: bool, config: Path | None) -> int:
    """Claim the next row to review, and print it. Nobody else gets it while the claim lasts."""
    loaded = load_settings(config)
    item, claimed_now = asyncio.run(
        _next(loaded, reviewer_of(loaded, reviewer), order or loaded.settings.feedback.order)
    )
    number, free_at, names = claimed_now
    if as_json:
        claimed = time_text(item.claimed_until) if item is not None else None
        row = row_document(item.row) if item is not None else None
        others = {"claimed": number, "free_at": None if free_at is None else time_text(free_at)}
        emit({"row": row, "why": item.why if item is not None else None, "claimed_until": claimed, **others})
    elif item is None and free_at is not None:
        rows = "1 row waits and is" if number == 1 else f"{number:,} rows wait, all of them"
        click.echo(clean(f"{rows} claimed by {', '.join(names)}; the first until {free_at.astimezone():%H:%M:%S}"))
    elif item is None:
        click.echo("nothing waits for review")
    else:
        click.echo("\n".join(_lines(item)))
    return 0


Claimed = tuple[int, datetime | None, tuple[str, ...]]
"""What is claimed where nothing is left: how many rows, the first until when, and by whom."""


async def _next(loaded: Loaded, reviewer: str, order: Order) -> tuple[QueueItem | None, Claimed]:
    async with opened(loaded) as storage:
        # What was decided before, and waits in the journal, must not come again.
        await storage.spool.flush(SETTLE_S)
        session = new_id()
        items = await storage.db.run(
            lambda conn: queue.next_items(
                conn, reviewer=reviewer, session=session, order=order, limit=1, now=utc_now()
            ),
            write=True,
        )
        if items:
            return items[0], (0, None, ())
        return None, await storage.db.run(lambda conn: claims.under_review(conn, utc_now()))


def _lines(item: QueueItem) -> list[str]:
    row = item.row
    model = " ".join(part for part in (row.model, row.model_version) if part)
    facts: Mapping[str, str] = {
        "id": row.id,
        "why": item.why,
        "from": " ".join(part for part in (row.source, model, row.author) if part),
        "claimed": f"until {item.claimed_until.astimezone():%H:%M:%S}",
    }
    said = [f"{label:9}{clean(text)}" for label, text in facts.items()]
    for label, text in (("input", row.input), ("output", row.output), ("comment", row.comment or "")):
        if text:
            said += ["", label, *(f"  {line}" for line in clean(text).split("\n"))]
    return said


@click.command(epilog="\b\nExample:\n  qd feedback review")
@click.pass_context
@config_option
def review(ctx: click.Context, config: Path | None) -> None:
    """Open the app on the Feedback area."""
    ctx.exit(ctx.obj.open_app(config, "feedback"))


@click.command(epilog="\b\nExamples:\n  qd feedback stats\n  qd feedback stats --reviewer mara --json")
@click.option("--reviewer", metavar="NAME", default=None, help="Rate and agreement of one reviewer; of all by default.")
@json_option
@config_option
def stats(reviewer: str | None, as_json: bool, config: Path | None) -> int:
    """Print how much waits, what was decided, how fast, and whether reviewers agree with themselves."""
    loaded = load_settings(config)
    whose = None if reviewer is None else reviewer_of(loaded, reviewer)
    found, pipelines = asyncio.run(_stats(loaded, whose))
    if as_json:
        emit(_figures(found, pipelines))
        return 0
    counts = found.counts
    click.echo(f"waiting   {counts.waiting:,}")
    click.echo(f"accepted  {counts.accepted:,}")
    click.echo(f"rejected  {counts.rejected:,}")
    click.echo(f"skipped   {counts.skipped:,}")
    if found.per_minute is not None:
        click.echo(f"rate      {found.per_minute:.1f} /min in the last hour of work")
    if found.agreement is not None:
        kappa = "" if found.kappa is None else f", Cohen's kappa {found.kappa:.2f}"
        click.echo(f"the same  {found.agreement:.0%} of what was shown twice{kappa}")
    for each in pipelines:
        click.echo(clean(f"retrain   {each.pipeline}: {each.progress}"))
    return 0


async def _stats(loaded: Loaded, reviewer: str | None) -> tuple[Stats, list[Evaluation]]:
    async with opened(loaded) as storage:
        # Decisions that wait in the journal are decisions.
        await storage.spool.flush(SETTLE_S)
        pipelines = retrain_pipelines(loaded.settings, loaded.base)
        retrain = Retrain(storage.db, storage.spool, pipelines, paths.data_dir() / FOLDER)
        found = await storage.db.run(lambda conn: read_stats(conn, reviewer))
        return found, [(await retrain.status(name)).evaluation for name in retrain.pipelines]


def _figures(found: Stats, pipelines: Sequence[Evaluation]) -> dict[str, Any]:
    counts = found.counts
    return {
        "total": counts.total,
        **{name: getattr(counts, name) for name in ("waiting", "accepted", "rejected", "skipped")},
        "per_minute": found.per_minute,
        "agreement": found.agreement,
        "kappa": found.kappa,
        "retrain": retrain_text.summary_document(pipelines) if pipelines else None,
    }

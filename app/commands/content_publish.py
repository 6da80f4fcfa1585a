"""`qd content publish`, `deliveries`, `dispatch`, `resolve`, `unpublish` and `targets`: drafts on their way out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.text import clean, columns, one_line
from app.content.model import PUBLICATION_STATES, Publication, PublicationState
from app.errors import UserError

if TYPE_CHECKING:
    from app.commands.content_storage import Opened
    from app.content.publishing.decisions import Decision
    from app.content.publishing.model import Target, When
    from app.content.publishing.publisher import Preview, Publisher
    from app.settings import Loaded

FINE: frozenset[str] = frozenset({"sent", "scheduled", "deleted", "cancelled"})


@click.command(
    epilog="\b\nExamples:\n  qd content publish 01JD… --to discord --dry-run\n  qd content publish 01JD… --to discord "
    "--to site\n  qd content publish 01JD… --to discord --at 'tomorrow 9:00'"
)
@click.argument("draft_id", metavar="ID")
@click.option("--to", "names", multiple=True, metavar="TARGET", help="A [[content.targets]] by its name; may repeat.")
@click.option("--at", metavar="TIME", help="Later: 'tomorrow 9:00', '2026-12-24 18:30', 'in 90m'.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and why not; send nothing.")
@click.option("--override", metavar="REASON", default="", help="Publish in spite of style errors or secrets; kept.")
@click.option("--edit", metavar="DELIVERY", help="In place of this delivery, which was sent before.")
@click.option("--again", is_flag=True, help="Once more, although it stands there already: a second post.")
@json_option
@config_option
def publish(
    draft_id: str,
    names: tuple[str, ...],
    at: str | None,
    dry_run: bool,
    override: str,
    edit: str | None,
    again: bool,
    as_json: bool,
    config: Path | None,
) -> int:
    """Publish a draft: now, or when a dispatcher runs at the time given. Nothing is ever sent twice by itself.

    Without --to it goes where its template says. Where it stands already it is refused: --edit puts the text in the
    place of what was sent, --again makes a second post. The exit code is 1 when a target may not have it, or did not
    take it.
    """
    loaded = load_settings(config)
    if edit is not None and again:
        raise click.UsageError("--edit puts the text in place of what stands there, --again beside it: say one of them")
    work = _publish(loaded, draft_id, names, at, dry_run, override.strip(), edit, again)
    previews, found, when = asyncio.run(work)
    stopped = {preview.target.name: preview.stopped(override.strip(), again=again) for preview in previews}
    if as_json:
        documents = [_document(each) for each in found]
        emit({"dry_run": dry_run, "deliveries": documents, "previews": [_preview(each) for each in previews]})
    else:
        _tell(previews, found, when, dry_run=dry_run)
    # What somebody else had ordered a moment before keeps this from being sent.
    fine = FINE - {"cancelled"}
    return 1 if any(stopped.values()) or any(each.state not in fine for each in found) else 0


async def _publish(
    loaded: Loaded,
    draft_id: str,
    names: Sequence[str],
    at: str | None,
    dry_run: bool,
    override: str,
    edit: str | None,
    again: bool,
) -> tuple[list[Preview], list[Publication], When | None]:
    from app.content.asking import zone_of
    from app.content.publishing.configured import text_of
    from app.content.publishing.moments import moment
    from app.db.types import utc_now

    async with _opened(loaded) as (opened, publisher):
        draft = await opened.drafts.find(draft_id)
        zone = zone_of(loaded.settings)
        when = None if at is None else moment(at, zone, utc_now())
        replaced = None if edit is None else (await publisher.find(edit)).publication
        text = text_of(draft, loaded)
        targets = _chosen(opened, publisher, draft.template, names)
        if replaced is not None:
            for target in targets:
                await publisher.editable(replaced, target)
        beside = draft.id if replaced is None else ""
        previews = [await publisher.preview(text, target, draft.template, beside=beside) for target in targets]
        # All or nothing: half of the targets would leave the user with the other half.
        if dry_run or any(preview.stopped(override, again=again) for preview in previews):
            return previews, [], when
        # A preview takes its time: what was ahead may have passed.
        when = None if at is None else moment(at, zone, utc_now())
        versions = await opened.drafts.versions(draft.id)
        version = versions[0].id if versions else None
        ids = [
            await publisher.order(
                preview, draft, when, version_id=version, override=override, replaces=replaced, again=again
            )
            for preview in previews
        ]
        if not await opened.settled():
            fix = "they go out when it is back and `qd content dispatch` or the app runs"
            raise UserError("the orders are kept, but the database is away", fix=fix)
        if when is None:
            await publisher.dispatcher.once()
        return previews, [(await publisher.find(each)).publication for each in ids], when


def _chosen(opened: Opened, publisher: Publisher, template: str, names: Sequence[str]) -> list[Target]:
    """The targets that are named, else those of the template, which may name kinds of them."""
    if names:
        return [publisher.target(name) for name in dict.fromkeys(names)]
    there = [f"`--to {target.name}`" for target in publisher.targets.values()]
    known = f"name one or more: {', '.join(there)}"
    if not there:
        raise UserError("no target is configured", where="--to", fix="add a [[content.targets]] to the configuration")
    try:
        wanted = opened.maker.catalogue.find(template).targets
    except UserError:
        wanted = ()
    if not wanted:
        raise UserError("no target is named, and the draft's template names none", where="--to", fix=known)
    found: dict[str, Target] = {}
    for name in wanted:
        fits = [each for each in publisher.targets.values() if each.name == name]
        fits = fits or [each for each in publisher.targets.values() if each.kind == name]
        if len(fits) != 1:
            what = (
                f"several targets are of the kind `{name}`" if fits else f"no target is called `{name}` or of that kind"
            )
            raise UserError(f"{what}, and that is where the draft's template says", where="--to", fix=known)
        found[fits[0].name] = fits[0]
    return list(found.values())


@click.command(epilog="\b\nExamples:\n  qd content deliveries\n  qd content deliveries --state unknown --json")
@click.option("--draft", "draft_id", metavar="ID", help="Of this draft.")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(PUBLICATION_STATES), help="In this state; may repeat."
)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many to show.")
@json_option
@config_option
def deliveries(
    draft_id: str | None, states: tuple[PublicationState, ...], limit: int, as_json: bool, config: Path | None
) -> int:
    """List what was and will be published, the last ordered first."""

    async def read() -> list[Publication]:
        async with _opened(load_settings(config)) as (opened, publisher):
            if draft_id is None:
                return await publisher.listed(states, limit)
            found = await publisher.of_draft((await opened.drafts.find(draft_id)).id)
            return [each for each in found if not states or each.state in states][:limit]

    _show(asyncio.run(read()), as_json)
    return 0


@click.command(epilog="\b\nExamples:\n  qd content dispatch\n  qd content dispatch --follow")
@click.option("--follow", is_flag=True, help="Go on until interrupted.")
@json_option
@config_option
def dispatch(follow: bool, as_json: bool, config: Path | None) -> int:
    """Send everything that is due. Several may run at once; each text goes out once."""
    loaded = load_settings(config)

    async def send() -> list[Publication]:
        async with _opened(loaded) as (_, publisher):
            if follow:
                await publisher.dispatcher.follow()
            return [(await publisher.find(each)).publication for each in await publisher.dispatcher.once()]

    found = asyncio.run(send())
    _show(found, as_json, none="nothing is due")
    return 1 if any(each.state not in FINE for each in found) else 0


@click.command(epilog="\b\nExamples:\n  qd content resolve 01JD… --sent\n  qd content resolve 01JD… --resend")
@click.argument("delivery", metavar="DELIVERY")
@click.option("--sent", "decision", flag_value="sent", help="Its part did arrive; what is left of it follows.")
@click.option("--resend", "decision", flag_value="resend", help="Send it (again) now.")
@click.option("--drop", "decision", flag_value="drop", help="Do not send it.")
@json_option
@config_option
def resolve(delivery: str, decision: Decision | None, as_json: bool, config: Path | None) -> int:
    """Decide about a delivery that is unknown, was missed, failed, or waits."""
    if decision is None:
        raise click.UsageError("say what is to be done: --sent, --resend or --drop")

    async def decide() -> Publication:
        async with _opened(load_settings(config)) as (_, publisher):
            found = (await publisher.find(delivery)).publication
            await publisher.decide(found, decision)
            if decision != "drop":
                await publisher.dispatcher.once()
            return (await publisher.find(found.id)).publication

    found = asyncio.run(decide())
    _show([found], as_json)
    return 0 if found.state in FINE else 1


@click.command(epilog="\b\nExamples:\n  qd content unpublish 01JD…")
@click.argument("delivery", metavar="DELIVERY")
@json_option
@config_option
def unpublish(delivery: str, as_json: bool, config: Path | None) -> int:
    """Take back what a delivery sent, where its target can: Discord, Notion and folders."""

    async def delete() -> Publication:
        async with _opened(load_settings(config)) as (_, publisher):
            found = (await publisher.find(delivery)).publication
            await publisher.delete(found)
            return (await publisher.find(found.id)).publication

    _show([asyncio.run(delete())], as_json)
    return 0


@click.command(epilog="\b\nExamples:\n  qd content targets\n  qd content targets --enable discord")
@click.option("--enable", metavar="TARGET", help="Use a target again that had been disabled by what it answered.")
@json_option
@config_option
def targets(enable: str | None, as_json: bool, config: Path | None) -> int:
    """List the targets of the configuration, and which were disabled."""

    async def read() -> list[dict[str, Any]]:
        async with _opened(load_settings(config)) as (_, publisher):
            if enable is not None:
                await publisher.enable(publisher.target(enable))
            gone = await publisher.disabled()
            return [
                {"name": each.name, "kind": each.kind, "disabled": gone.get(each.name)}
                for each in publisher.targets.values()
            ]

    found = asyncio.run(read())
    if as_json:
        emit({"targets": found})
        return 0
    rows = [(each["name"], each["kind"], one_line(each["disabled"] or "ready")) for each in found]
    click.echo("\n".join(columns(("target", "kind", "state"), rows)) if rows else "no target is configured")
    return 0


@asynccontextmanager
async def _opened(loaded: Loaded) -> AsyncIterator[tuple[Opened, Publisher]]:
    from app.commands.content_storage import drafting
    from app.content.publishing.configured import publisher

    async with drafting(loaded) as opened:
        yield opened, publisher(loaded, opened.storage.db, opened.storage.spool)


def _document(each: Publication) -> dict[str, Any]:
    from app.commands.retrain_text import time

    return {
        "id": each.id,
        "draft_id": each.draft_id,
        "target": each.target,
        "kind": each.kind,
        "title": each.title,
        "state": each.state,
        "remote_id": each.remote[0] if each.remote else None,
        "remote_ids": list(each.remote),
        "url": each.url or None,
        "parts": each.parts,
        "parts_sent": each.parts_sent,
        "attempts": each.attempts,
        "due_at": time(each.due_at),
        "zone": each.zone or None,
        "sent_at": None if each.sent_at is None else time(each.sent_at),
        "error": each.error or None,
        "override": each.override or None,
        "replaces": each.replaces,
    }


def _preview(preview: Preview) -> dict[str, Any]:
    return {
        "target": preview.target.name,
        "kind": preview.target.kind,
        "title": preview.final.title,
        "parts": [{"text": part.text, "data": dict(part.data)} for part in preview.final.parts],
        "problems": [
            {"kind": problem.kind, "what": problem.what, "overridable": problem.overridable}
            for problem in preview.problems
        ],
    }


def _tell(previews: Sequence[Preview], found: Sequence[Publication], when: When | None, *, dry_run: bool) -> None:
    for preview in previews:
        if dry_run:
            for number, part in enumerate(preview.final.parts, 1):
                click.echo(f"--- {preview.target.name}, part {number} of {len(preview.final.parts)}")
                embeds = "\n".join(str(embed["description"]) for embed in part.data.get("embeds", ()))
                click.echo(clean(part.text or embeds or f"{len(part.data.get('blocks', ()))} blocks"))
        for problem in preview.problems:
            click.echo(f"{preview.target.name}: {problem.kind}: {one_line(problem.what)}", err=True)
    if when is not None and when.told:
        click.echo(when.told)
    if found:
        _show(found, as_json=False)
    elif not dry_run:
        click.echo(f"nothing was published; {_possible(previews)}", err=True)


def _possible(previews: Sequence[Preview]) -> str:
    """What the user can do about what keeps these back."""
    problems = [(preview.target.name, problem) for preview in previews for problem in preview.problems]
    ways = [
        f"`--to {target} --edit {problem.delivery}` puts this text in its place, `--again` makes a second post"
        for target, problem in problems
        if problem.kind == "published"
    ]
    if any(problem.overridable for _, problem in problems):
        ways.append("correct the text, or give the reason with --override")
    elif any(problem.kind not in ("published", "taken") for _, problem in problems):
        ways.append("correct the text")
    return "; ".join(ways) or "see above"


def _show(found: Sequence[Publication], as_json: bool, none: str = "there are no such deliveries") -> None:
    if as_json:
        emit({"deliveries": [_document(each) for each in found]})
        return
    rows = [
        (
            each.id,
            each.target,
            each.state,
            f"{each.parts_sent}/{each.parts}",
            each.due_at.astimezone().strftime("%Y-%m-%d %H:%M"),
            one_line(each.title),
            one_line("; ".join(filter(None, (each.error, each.url)))),
        )
        for each in found
    ]
    names = ("id", "target", "state", "parts", "due", "title", "")
    click.echo("\n".join(columns(names, rows)) if rows else none)

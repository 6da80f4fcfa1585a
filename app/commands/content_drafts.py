"""`qd content list`, `show`, `render` and `diff`: drafts that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.text import clean, columns, one_line
from app.content.model import DraftState

if TYPE_CHECKING:
    from app.content.model import Draft, DraftVersion
    from app.settings import Loaded

STATES: tuple[str, ...] = get_args(DraftState)
FORMS = ("markdown", "html", "discord", "text")


@click.command("list", epilog="\b\nExamples:\n  qd content list\n  qd content list --template adr --json")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    help="In this state; may repeat.",
)
@click.option("--template", metavar="NAME", default="", help="Of this template.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many to show.")
@click.option("--after", metavar="PLACE", default="", help="Go on from the `next` of the list before.")
@json_option
@config_option
def list_(states: tuple[str, ...], template: str, limit: int, after: str, as_json: bool, config: Path | None) -> int:
    """List drafts, the last changed first; without --state those in work (draft and scheduled)."""
    from app.commands.content_storage import drafting, head_document, place, read_place
    from app.content.drafts.drafts import OPEN

    wanted: tuple[DraftState, ...] = tuple(each for each in get_args(DraftState) if each in states) or OPEN
    loaded, begin = load_settings(config), read_place(after)

    async def read() -> Any:
        async with drafting(loaded) as opened:
            page = await opened.drafts.page(wanted, template, limit=limit, after=begin)
            return page, {} if page.drafts else await opened.drafts.counts()

    found, others = asyncio.run(read())
    following = place(found.after)
    if as_json:
        emit({"drafts": [head_document(head) for head in found.drafts], "next": following})
        return 0
    rows = [
        (
            head.id,
            head.updated_at.astimezone().strftime("%Y-%m-%d %H:%M"),
            head.state,
            head.template,
            "" if head.number is None else f"{head.number:04d}",
            str(head.version),
            head.title,
        )
        for head in found.drafts
    ]
    names = ("id", "changed", "state", "template", "number", "version", "title")
    click.echo("\n".join(columns(names, rows, right=("version",))) if rows else _none(others))
    if following is not None:
        click.echo(f"there are more: --after {following}")
    return 0


def _none(others: Mapping[str, int]) -> str:
    """What an empty list says: where drafts are that it does not show."""
    elsewhere = ", ".join(f"{number} with `--state {state}`" for state, number in sorted(others.items()))
    return (
        f"none of these; there are {elsewhere}" if elsewhere else "there are no drafts yet; `qd content new` makes one"
    )


@click.command(epilog="\b\nExamples:\n  qd content show 01JD…\n  qd content show 01JD… --json")
@click.argument("draft_id", metavar="ID")
@click.option("--version", "number", type=click.IntRange(1), help="The text of this version.")
@json_option
@config_option
def show(draft_id: str, number: int | None, as_json: bool, config: Path | None) -> int:
    """Print a draft, by its id or the end of it: its text, or with --json everything that is kept of it."""
    from app.commands.content_storage import draft_document, version_document, version_of

    draft, versions = asyncio.run(_find(load_settings(config), draft_id))
    body = draft.body if number is None else version_of(versions, number, draft.id).body
    if as_json:
        document = {**draft_document(draft), "body": body}
        emit({"draft": document, "versions": [version_document(version) for version in versions]})
    else:
        click.echo(clean(body), nl=not body.endswith("\n"))
    return 0


@click.command(
    epilog="\b\nExamples:\n  qd content render 01JD… --as discord\n  qd content render 01JD… --as html -o page.html"
)
@click.argument("draft_id", metavar="ID")
@click.option("--as", "form", type=click.Choice(FORMS), default="markdown", show_default=True, help="As what.")
@click.option("--version", "number", type=click.IntRange(1), help="The text of this version.")
@click.option("--columns", "width", type=click.IntRange(0, 1000), default=0, help="Wrap plain text there; 0: do not.")
@click.option("--output", "-o", "path", type=click.Path(path_type=Path), metavar="FILE", help="Into this file.")
@json_option
@config_option
def render(
    draft_id: str,
    form: str,
    number: int | None,
    width: int,
    path: Path | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Print a draft as it is published: as Markdown, a whole HTML page, Discord's messages, or plain text."""
    from app.commands.content_storage import version_of

    loaded = load_settings(config)
    draft, versions = asyncio.run(_find(loaded, draft_id))
    body = draft.body if number is None else version_of(versions, number, draft.id).body
    parts = _rendered(loaded, draft, body, form, width)
    text = ("\n" + "-" * 40 + "\n").join(part.rstrip("\n") for part in parts) + "\n" if len(parts) > 1 else parts[0]
    if path is not None:
        _write(path.expanduser(), text)
    if as_json:
        emit({"id": draft.id, "as": form, "text": text, "parts": parts, "path": None if path is None else str(path)})
    elif path is None:
        click.echo(clean(text), nl=not text.endswith("\n"))
    else:
        click.echo(f"written: {one_line(str(path))}")
    return 0


@click.command(epilog="\b\nExamples:\n  qd content diff 01JD…\n  qd content diff 01JD… --from 1 --to 3 --json")
@click.argument("draft_id", metavar="ID")
@click.option("--from", "old", type=click.IntRange(1), help="The earlier version [default: the last but one].")
@click.option("--to", "new", type=click.IntRange(1), help="The later version [default: the last].")
@json_option
@config_option
def diff(draft_id: str, old: int | None, new: int | None, as_json: bool, config: Path | None) -> int:
    """Show by words what changed between two versions of a draft: [-what went-] and {+what came+}."""
    from app.commands.content_storage import version_of
    from app.word_diff import by_words, marked

    draft, versions = asyncio.run(_find(load_settings(config), draft_id))
    later = version_of(versions, new or draft.version, draft.id)
    earlier = version_of(versions, old or max(1, later.number - 1), draft.id)
    pieces = by_words(earlier.body, later.body)
    if as_json:
        changes = [{"kind": piece.kind, "text": piece.text} for piece in pieces]
        emit({"id": draft.id, "from": earlier.number, "to": later.number, "pieces": changes})
        return 0
    if earlier.number == later.number:
        click.echo(
            f"there is no version before {later.number}" if later.number == 1 else "that is one and the same version"
        )
    elif earlier.body == later.body:
        click.echo(f"the texts of the versions {earlier.number} and {later.number} are the same")
    else:
        click.echo(clean(marked(pieces)))
    return 0


async def _find(loaded: Loaded, draft_id: str) -> tuple[Draft, tuple[DraftVersion, ...]]:
    from app.commands.content_storage import drafting

    async with drafting(loaded) as opened:
        draft = await opened.drafts.find(draft_id)
        return draft, await opened.drafts.versions(draft.id)


def _rendered(loaded: Loaded, draft: Draft, body: str, form: str, width: int) -> list[str]:
    if form == "discord":
        from app.content.render.discord import to_discord
        from app.content.render.split import split

        return split(to_discord(body)) or [""]
    if form == "text":
        from app.content.render.text import to_text

        return [to_text(body, width)]
    if form == "html":
        from app.content.asking import templates_folder
        from app.content.templates.drafted import page_of

        return [page_of(draft, body, templates_folder(loaded.settings, loaded.base))]
    return [body]


def _write(path: Path, text: str) -> None:
    from app.errors import UserError
    from app.files import replace_text

    try:
        replace_text(path, text)
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", where=str(path), fix="name another file") from None

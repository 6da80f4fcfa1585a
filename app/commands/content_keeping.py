"""`qd content edit`, `rename`, `restore`, `archive` and `trash`: drafts that are kept, changed and put away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.editing import LARGEST, body_option, edited
from app.commands.given import text_of, utf8
from app.commands.text import one_line
from app.errors import UserError

if TYPE_CHECKING:
    from app.content.drafts.drafts import Drafts
    from app.content.model import Draft, DraftState

PLACES: dict[DraftState, str] = {"archived": "the archive", "trashed": "the trash"}
_draft = click.argument("draft_id", metavar="ID")
_restore = click.option("--restore", is_flag=True, help="Take it out again.")


@click.command(epilog="\b\nExamples:\n  qd content edit 01JD…\n  qd content edit 01JD… --body - < draft.md")
@_draft
@body_option
@json_option
@config_option
def edit(draft_id: str, body: str | None, as_json: bool, config: Path | None) -> int:
    """Change a draft's text in $VISUAL or $EDITOR; the earlier one stays in its versions.

    A text that cannot be kept stays in a file, which the error names.
    """
    text = None if body is None else text_of(body, LARGEST)

    async def change(drafts: Drafts) -> Draft:
        draft = await drafts.find(draft_id)
        if text is not None:
            return await drafts.save(draft, text)
        with edited(draft.body, draft.title, "give the text with --body") as written:
            return await drafts.save(draft, written)

    return _changed(config, as_json, change)


@click.command(epilog="\b\nExample:\n  qd content rename 01JD… 'The journal waits'")
@_draft
@click.argument("title", callback=utf8)
@json_option
@config_option
def rename(draft_id: str, title: str, as_json: bool, config: Path | None) -> int:
    """Give a draft another title. A title that stands in its text, too, stays there."""
    if not title.strip():
        raise UserError("a title has at least one character", where="TITLE", fix="write one")

    async def change(drafts: Drafts) -> Draft:
        draft = await drafts.find(draft_id)
        return await drafts.save(draft, draft.body, title=title)

    return _changed(config, as_json, change)


@click.command(epilog="\b\nExample:\n  qd content restore 01JD… 2")
@_draft
@click.argument("version", type=click.IntRange(1))
@json_option
@config_option
def restore(draft_id: str, version: int, as_json: bool, config: Path | None) -> int:
    """Bring title, text and answers of an earlier version back, as the next version."""
    from app.commands.content_storage import version_of

    async def change(drafts: Drafts) -> Draft:
        draft = await drafts.find(draft_id)
        return await drafts.restore(draft, version_of(await drafts.versions(draft.id), version, draft.id))

    return _changed(config, as_json, change)


@click.command(epilog="\b\nExamples:\n  qd content archive 01JD…\n  qd content archive 01JD… --restore")
@_draft
@_restore
@json_option
@config_option
def archive(draft_id: str, restore: bool, as_json: bool, config: Path | None) -> int:
    """Put a draft that is done with into the archive, or take it out again; what was sent of it stays sent."""
    return _put(draft_id, "archived", restore, as_json, config)


@click.command(epilog="\b\nExamples:\n  qd content trash 01JD…\n  qd content trash 01JD… --restore")
@_draft
@_restore
@json_option
@config_option
def trash(draft_id: str, restore: bool, as_json: bool, config: Path | None) -> int:
    """Put a draft into the trash, where it keeps its versions, or take it out again."""
    return _put(draft_id, "trashed", restore, as_json, config)


def _put(draft_id: str, state: DraftState, back: bool, as_json: bool, config: Path | None) -> int:
    async def change(drafts: Drafts) -> Draft:
        draft = await drafts.find(draft_id)
        if not back:
            return await drafts.set_state(draft, state)
        if draft.state != state:
            where = f"it is in {PLACES[draft.state]}" if draft.state in PLACES else f"its state is {draft.state}"
            raise UserError(f"the draft is not in {PLACES[state]}", where=draft.id, fix=where)
        return await drafts.bring_back(draft)

    return _changed(config, as_json, change)


def _changed(config: Path | None, as_json: bool, change: Callable[[Drafts], Awaitable[Draft]]) -> int:
    from app.commands.content_storage import draft_document, drafting

    async def write() -> tuple[Draft, bool]:
        async with drafting(load_settings(config)) as opened:
            return await change(opened.drafts), await opened.settled()

    draft, settled = asyncio.run(write())
    if as_json:
        emit({"draft": draft_document(draft), "state": "applied" if settled else "spooled"})
    else:
        waiting = "" if settled else "; kept in the journal until the database takes it"
        about = f"in {PLACES[draft.state]}" if draft.state in PLACES else f"version {draft.version}, {draft.state}"
        click.echo(f"{draft.id}: {one_line(draft.title)}; {about}{waiting}")
    return 0

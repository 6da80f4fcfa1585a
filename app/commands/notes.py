"""`qd notes`: the knowledge base."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.editing import LARGEST, body_option, edited
from app.commands.given import text_of, utf8
from app.commands.notes_folder import export, import_, sync
from app.commands.text import clean, columns, moment, one_line

if TYPE_CHECKING:
    from app.content.model import Note, NoteHead, NoteState
    from app.content.notes.notes import Notes

_name = click.argument("name", metavar="NOTE")


@click.group()
def notes() -> None:
    """Notes with tags, versions, [[links]] and a search. NOTE is a slug, a title, an id or the end of one."""


@notes.command(
    epilog="\b\nExamples:\n  qd notes add 'How it starts' --tag code --body 'See [[Engine]].'\n"
    "  qd notes add Plans --body - < plans.md"
)
@click.argument("title", callback=utf8)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="With this tag; may repeat.", callback=utf8)
@click.option("--body", default="", metavar="TEXT", help="The text; - reads standard input.", callback=utf8)
@json_option
@config_option
def add(title: str, tags: tuple[str, ...], body: str, as_json: bool, config: Path | None) -> int:
    """Make a note."""
    text = text_of(body, LARGEST)
    return _written(config, as_json, lambda notes: notes.add(title, text, tags))


@notes.command("list", epilog="\b\nExamples:\n  qd notes list --tag code\n  qd notes list --trashed --json")
@click.option("--tag", metavar="TAG", default="", help="With this tag.")
@click.option("--trashed", is_flag=True, help="Those in the trash.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many to show.")
@click.option("--after", metavar="PLACE", default="", help="Go on from the `next` of the list before.")
@json_option
@config_option
def list_(tag: str, trashed: bool, limit: int, after: str, as_json: bool, config: Path | None) -> int:
    """List notes, the last changed first."""
    from app.commands.content_storage import place, read_place
    from app.commands.notes_storage import head_document, reading

    begin = read_place(after)
    state: NoteState = "trashed" if trashed else "active"
    loaded = load_settings(config)
    found = asyncio.run(reading(loaded, lambda notes: notes.page(state, tag, limit=limit, after=begin)))
    following = place(found.after)
    if as_json:
        emit({"notes": [head_document(head) for head in found.notes], "next": following})
        return 0
    click.echo("\n".join(_lines(found.notes)) or "there are no such notes")
    if following is not None:
        click.echo(f"there are more: --after {following}")
    return 0


@notes.command(epilog="\b\nExamples:\n  qd notes search 'journal wait'\n  qd notes search 'tag:code C++' --json")
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many to show.")
@json_option
@config_option
def search(query: tuple[str, ...], limit: int, as_json: bool, config: Path | None) -> int:
    """Find notes that have all the words of QUERY, the last of which may be unfinished; tag:x asks for a tag."""
    from app.commands.notes_storage import hit_document, reading

    asked = " ".join(query)
    found = asyncio.run(reading(load_settings(config), lambda notes: notes.search(asked, limit=limit)))
    if as_json:
        emit({"notes": [hit_document(head) for head in found]})
        return 0
    for head in found:
        click.echo(f"{one_line(head.title)}  ({one_line(head.slug)})\n    {one_line(head.snippet)}")
    if not found:
        click.echo("nothing found")
    return 0


@notes.command(epilog="\b\nExamples:\n  qd notes show engine\n  qd notes show engine --version 2 --json")
@_name
@click.option("--version", type=click.IntRange(1), help="As it was in this version.")
@json_option
@config_option
def show(name: str, version: int | None, as_json: bool, config: Path | None) -> int:
    """Print a note."""
    from app.commands.notes_storage import note_document, reading

    async def read(notes: Notes) -> Note:
        note = await notes.find(name)
        return note if version is None else await notes.at(note, version)

    note = asyncio.run(reading(load_settings(config), read))
    if as_json:
        emit({"note": note_document(note)})
    else:
        click.echo(f"# {one_line(note.title)}{' (in the trash)' if note.state == 'trashed' else ''}")
        if note.tags:
            click.echo(" ".join(f"#{one_line(tag)}" for tag in note.tags))
        click.echo(f"\n{clean(note.body)}", nl=not note.body.endswith("\n"))
    return 0


@notes.command(epilog="\b\nExamples:\n  qd notes edit engine\n  qd notes edit engine --body - < engine.md")
@_name
@body_option
@json_option
@config_option
def edit(name: str, body: str | None, as_json: bool, config: Path | None) -> int:
    """Change a note's text in $VISUAL or $EDITOR; the earlier one stays in its history.

    A text that cannot be kept stays in a file, which the error names.
    """
    text = None if body is None else text_of(body, LARGEST)

    async def change(notes: Notes) -> Note:
        note = await notes.find(name)
        if text is not None:
            return await notes.save(note, body=text)
        with edited(note.body, note.slug, "give the text with --body") as written:
            return await notes.save(note, body=written)

    return _written(config, as_json, change)


@notes.command(epilog="\b\nExamples:\n  qd notes tag engine code c++\n  qd notes tag engine --remove code")
@_name
@click.argument("tags", nargs=-1, callback=utf8)
@click.option("--remove", multiple=True, metavar="TAG", help="Take this tag away; may repeat.", callback=utf8)
@json_option
@config_option
def tag(name: str, tags: tuple[str, ...], remove: tuple[str, ...], as_json: bool, config: Path | None) -> int:
    """Give a note tags, or take some away."""
    from app.content.notes import words

    gone = {words.tag(each) for each in remove}

    async def change(notes: Notes) -> Note:
        note = await notes.find(name)
        return await notes.save(note, tags=[each for each in (*note.tags, *tags) if words.tag(each) not in gone])

    return _written(config, as_json, change)


@notes.command(epilog="\b\nExamples:\n  qd notes history engine\n  qd notes history engine --json")
@_name
@json_option
@config_option
def history(name: str, as_json: bool, config: Path | None) -> int:
    """Tell a note's versions, the latest first; with --json their texts, too."""
    from app.commands.notes_storage import noting, version_document

    async def read() -> tuple[str, list[dict[str, Any]]]:
        async with noting(load_settings(config)) as opened:
            note = await opened.find(name)
            return note.id, [version_document(each) for each in await opened.versions(note.id)]

    note_id, versions = asyncio.run(read())
    if as_json:
        emit({"id": note_id, "versions": versions})
    else:
        rows = [(str(each["number"]), moment(each["at"]), each["reason"], each["title"]) for each in versions]
        click.echo("\n".join(columns(("version", "saved", "why", "title"), rows, right=("version",))))
    return 0


@notes.command(epilog="\b\nExample:\n  qd notes restore engine 2")
@_name
@click.argument("version", type=click.IntRange(1))
@json_option
@config_option
def restore(name: str, version: int, as_json: bool, config: Path | None) -> int:
    """Bring the text and the tags of an earlier version back, as the next version; the title stays."""

    async def change(notes: Notes) -> Note:
        note = await notes.find(name)
        was = await notes.at(note, version)
        return await notes.save(note, body=was.body, tags=was.tags, front=was.front)

    return _written(config, as_json, change)


@notes.command(epilog="\b\nExamples:\n  qd notes links engine\n  qd notes links engine --json")
@_name
@json_option
@config_option
def links(name: str, as_json: bool, config: Path | None) -> int:
    """Tell what a note links to, and which notes link to it."""
    from app.commands.notes_storage import head_document, noting

    async def read() -> tuple[Note, dict[str, NoteHead | None], tuple[NoteHead, ...]]:
        async with noting(load_settings(config)) as opened:
            note = await opened.find(name)
            return note, dict(await opened.linked(note)), await opened.backlinks(note)

    note, linked, back = asyncio.run(read())
    if as_json:
        there = [{"slug": slug, "note": head and head_document(head)} for slug, head in linked.items()]
        emit({"id": note.id, "links": there, "backlinks": [head_document(head) for head in back]})
        return 0
    for slug, head in linked.items():
        click.echo(f"→ {one_line(slug)}  {one_line(head.title) if head else '(no such note yet)'}")
    for head in back:
        click.echo(f"← {one_line(head.slug)}  {one_line(head.title)}")
    if not linked and not back:
        click.echo("there are no links")
    return 0


@notes.command(epilog="\b\nExamples:\n  qd notes rename engine 'The new engine'")
@_name
@click.argument("title", callback=utf8)
@json_option
@config_option
def rename(name: str, title: str, as_json: bool, config: Path | None) -> int:
    """Give a note another title; links to it follow in the same step."""
    from app.commands.notes_storage import note_document, writing

    async def change(notes: Notes) -> tuple[Note, tuple[Note, ...]]:
        return await notes.rename(await notes.find(name), title)

    (note, others), state = asyncio.run(writing(load_settings(config), change))
    if as_json:
        mended = [{"id": each.id, "slug": each.slug, "title": each.title} for each in others]
        emit({"note": note_document(note), "state": state, "mended": mended})
    else:
        click.echo(f"{one_line(note.slug)}: {one_line(note.title)}; notes whose links were mended: {len(others)}")
    return 0


@notes.command(epilog="\b\nExamples:\n  qd notes trash engine\n  qd notes trash engine --restore")
@_name
@click.option("--restore", is_flag=True, help="Take it out of the trash.")
@json_option
@config_option
def trash(name: str, restore: bool, as_json: bool, config: Path | None) -> int:
    """Put a note into the trash, where it keeps its history, or take it out again."""

    async def change(notes: Notes) -> Note:
        return await notes.place(await notes.find(name), state="active" if restore else "trashed")

    return _written(config, as_json, change)


for command in (import_, export, sync):
    notes.add_command(command)


def _written(config: Path | None, as_json: bool, change: Callable[[Notes], Awaitable[Note]]) -> int:
    from app.commands.notes_storage import note_document, writing

    note, state = asyncio.run(writing(load_settings(config), change))
    if as_json:
        emit({"note": note_document(note), "state": state})
    else:
        waiting = "" if state == "applied" else "; kept in the journal until the database takes it"
        tags = f", tagged {one_line(' '.join(note.tags))}" if note.tags else ""
        about = "in the trash" if note.state == "trashed" else f"version {note.version}{tags}"
        click.echo(f"{one_line(note.slug)}: {about}{waiting}")
    return 0


def _lines(heads: tuple[NoteHead, ...]) -> list[str]:
    rows = [
        (head.slug, head.updated_at.astimezone().strftime("%Y-%m-%d %H:%M"), " ".join(head.tags), head.title)
        for head in heads
    ]
    return columns(("slug", "changed", "tags", "title"), rows) if rows else []

"""`qd notes import`, `export` and `sync`: notes and a folder of Markdown."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.text import one_line
from app.errors import UserError

if TYPE_CHECKING:
    from app.content.notes.folder_pairs import Mode
    from app.settings import Loaded

_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
_dry = click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
TOLD = {
    "imported": "new note",
    "taken": "note takes the file's text",
    "exported": "new file",
    "written": "file takes the note's text",
    "moved": "has another place",
    "trashed": "into the trash",
    "restored": "out of the trash, with the file's text",
    "conflict": "changed on both sides; both texts are kept",
    "left": "left as it is",
}


@click.command("import", epilog="\b\nExamples:\n  qd notes import ~/vault --dry-run\n  qd notes import ~/vault --json")
@_folder
@_dry
@json_option
@config_option
def import_(folder: Path, dry_run: bool, as_json: bool, config: Path | None) -> int:
    """Take the Markdown files of a folder in as notes; the folder stays as it is."""
    return _run(load_settings(config), folder.expanduser(), "in", dry=dry_run, as_json=as_json)


@click.command(epilog="\b\nExamples:\n  qd notes export ~/vault\n  qd notes export backup --json")
@_folder
@_dry
@json_option
@config_option
def export(folder: Path, dry_run: bool, as_json: bool, config: Path | None) -> int:
    """Write the notes into a folder as Markdown files; files that are not of this making are not written over."""
    loaded = load_settings(config)
    place = folder.expanduser()
    if not dry_run:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fix = "name another folder"
            raise UserError(f"cannot make the folder: {error.strerror}", where=str(folder), fix=fix) from None
    return _run(loaded, place, "out", dry=dry_run, as_json=as_json)


@click.command(epilog="\b\nExamples:\n  qd notes sync --dry-run\n  qd notes sync ~/vault --json")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@_dry
@json_option
@config_option
def sync(folder: Path | None, dry_run: bool, as_json: bool, config: Path | None) -> int:
    """Keep the notes and a folder in step, both ways; DIR is the `folder` of [content.notes] unless given."""
    from app.settings import absolute

    loaded = load_settings(config)
    given = loaded.settings.content.notes.folder
    if folder is None and not given:
        raise UserError("no folder is configured", where="[content.notes] folder", fix="set it, or name one")
    place = folder.expanduser() if folder is not None else absolute(given, loaded.base)
    return _run(loaded, place, "both", dry=dry_run, as_json=as_json)


def _run(loaded: Loaded, folder: Path, mode: Mode, *, dry: bool, as_json: bool) -> int:
    """The exit code is 1 where something was left as it was because of a fault."""
    from app.commands.feedback_storage import opened
    from app.content.notes.folder import FolderSync, Report

    async def run() -> Report:
        async with opened(loaded) as storage:
            return await FolderSync(storage.db, storage.spool, folder).run(mode, dry=dry, told=_tell)

    report = asyncio.run(run())
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[K")
    if as_json:
        changes = [
            {"what": each.what, "path": each.path, "note": each.note, "title": each.title} for each in report.changes
        ]
        faults = [{"what": each.what, "where": each.where, "fix": each.fix} for each in report.faults]
        emit({"folder": str(report.root), "dry_run": dry, "changes": changes, "faults": faults, "same": report.same})
    else:
        for each in report.changes:
            click.echo(f"{one_line(each.path)}: {TOLD[each.what]}")
        for fault in report.faults:
            print(f"{one_line(str(fault))}", file=sys.stderr)
        would = "would change" if dry else "changed"
        click.echo(f"{would}: {len(report.changes):,}, in step: {report.same:,}, with faults: {len(report.faults):,}")
    return 1 if report.faults else 0


def _tell(done: int, all_: int) -> None:
    """How far it is, on standard error where that is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done:,} of {all_:,}\x1b[K\r")
        sys.stderr.flush()

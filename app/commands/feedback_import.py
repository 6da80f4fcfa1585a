"""`qd feedback import`: files of rows, with every row accounted for."""

from __future__ import annotations

import asyncio
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from app import standard_input
from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.feedback_quarantine import extra_option
from app.commands.text import clean
from app.errors import UserError

if TYPE_CHECKING:
    from app.feedback.imports.files import Format
    from app.feedback.model import Extra, ImportReport
    from app.feedback.restoring import Restored
    from app.settings import Loaded

SHOWN = 20
STANDARD_INPUT = "standard input"
EXPECTED = (
    "expected are rows with source, input and output: JSON lines, JSON, CSV with a header line, or Parquet; "
    "--map takes what other tools export, `qd db schema feedback.row` prints all fields"
)


def _maps(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from app.feedback.imports.tools import TOOLS

    return [name for name in TOOLS if name.startswith(incomplete)]


@click.command(
    "import",
    epilog="\b\nExamples:\n  qd feedback import rows.jsonl\n  qd feedback import scores.csv --extra context --json\n"
    "  qd feedback import project.json --map label-studio\n  bot --dump | qd feedback import -",
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--format", "form", type=click.Choice(("jsonl", "json", "csv", "parquet")), help="[default: looked up]")
@click.option(
    "--map", "using", metavar="TOOL|FILE", default="", shell_complete=_maps, help="Export of this tool, or your map."
)
@extra_option
@json_option
@config_option
def import_(file: Path, form: Format | None, using: str, extra: Extra, as_json: bool, config: Path | None) -> int:
    """Take in the rows of FILE (-: standard input): JSON lines, JSON, CSV, Parquet, what `qd feedback export` wrote.

    Each row is created, a duplicate, or in quarantine with its line and the reason; the exit code is 1 where one is in
    quarantine, as is one in conflict with a row kept before. An import that was interrupted goes on when it is given
    again; a file given again adds nothing, neither to the rows nor to the quarantine.
    """
    loaded = load_settings(config)
    with _opened(file) as (path, name):
        try:
            report, restored = asyncio.run(_import(loaded, path, name, form, using, extra))
        except KeyboardInterrupt:
            told = "stopped; what was taken in stays, the same import given again goes on from there"
            click.echo(f"\nquarterdeck: {told}", err=True)
            raise
    if as_json:
        emit(_document(report, restored))
    else:
        _print(report, restored)
    return 1 if report.quarantined or (restored and restored.refused) else 0


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Path, str]]:
    """The file to read, and what it is called where its path does not say so.

    An import looks at its rows more than once, so that what can be read only once is kept in a file meanwhile.
    """
    if str(file) == "-":
        with _kept(standard_input.stream(), STANDARD_INPUT) as path:
            yield path, STANDARD_INPUT
        return
    path = file.expanduser().absolute()
    try:
        mode = path.stat().st_mode
    except OSError:
        mode = stat.S_IFREG  # Whoever opens it tells what is wrong.
    if stat.S_ISDIR(mode):
        raise UserError("this is a folder", where=str(path), fix="name a file")
    if stat.S_ISREG(mode):
        yield path, ""
        return
    try:
        given = path.open("rb")
    except OSError as error:
        raise UserError(f"cannot be opened: {error.strerror}", where=str(path)) from None
    with given, _kept(given, str(path)) as copy:
        yield copy, str(path)


@contextmanager
def _kept(given: BinaryIO, name: str) -> Iterator[Path]:
    """A file with all that comes."""
    with tempfile.TemporaryDirectory(prefix="quarterdeck-") as folder:
        path = Path(folder) / "rows"
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(given, copy)
        except OSError as error:
            what = f"cannot be kept in {path} meanwhile ({error.strerror})"
            raise UserError(what, where=name, fix="see that there is room, or set TMPDIR") from None
        yield path


async def _import(
    loaded: Loaded, path: Path, name: str, form: Format | None, using: str, extra: Extra
) -> tuple[ImportReport, Restored | None]:
    from app.feedback.imports.files import import_file
    from app.feedback.restoring import import_export, is_export
    from app.storage import Storage

    async with Storage.opened(loaded.settings) as storage:
        if form in (None, "jsonl") and not using and is_export(path):
            return await import_export(storage.db, path, name=name, extra=extra, progress=_tell)
        report = await import_file(storage.db, path, name=name, form=form, using=using, extra=extra, progress=_tell)
        return report, None


def _tell(report: ImportReport) -> None:
    """How far it is, on standard error where that is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{report.rows:,} rows, {report.quarantined:,} in quarantine\x1b[K\r")
        sys.stderr.flush()


def _document(report: ImportReport, restored: Restored | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "batch": report.batch,
        "rows": report.rows,
        "created": report.created,
        "duplicate": report.duplicate,
        "quarantined": [{"line": each.line, "why": each.why} for each in report.refused],
        "quarantined_total": report.quarantined,
        "conflicts": [{"line": each.line, "why": each.why} for each in report.conflicts],
        "resumed_at": report.resumed_at,
        "decisions": restored.decisions if restored is not None else None,
        "decisions_new": restored.new if restored is not None else None,
        "decisions_refused": [{"line": each.line, "why": each.why} for each in restored.refused] if restored else [],
    }
    return document


def _print(report: ImportReport, restored: Restored | None) -> None:
    counted = f"{report.rows:,} rows: {report.created:,} created, {report.duplicate:,} there already"
    if report.quarantined:
        counted += f", {report.quarantined:,} in quarantine"
    if report.conflicts:
        counted += f" ({len(report.conflicts):,} in conflict with rows kept before)"
    if restored is not None:
        known = restored.decisions - restored.new
        counted += f"; {restored.decisions:,} decisions: {restored.new:,} new, {known:,} there already"
    if report.resumed_at:
        counted += f" (gone on after line {report.resumed_at:,})"
    click.echo(counted)
    if report.created + report.duplicate == 0:
        click.echo(f"  {'none of them keeps the contract' if report.rows else 'there are none'}: {EXPECTED}", err=True)
    problems = [*report.refused, *(restored.refused if restored else ())]
    for each in problems[:SHOWN]:
        click.echo(clean(f"  line {each.line}: {each.why}"), err=True)
    if len(problems) > SHOWN:
        click.echo(
            f"  and {len(problems) - SHOWN:,} more: qd feedback quarantine list --batch {report.batch}", err=True
        )

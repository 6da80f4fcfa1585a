"""`qd db copy|backup|restore`: everything that is stored, carried elsewhere and compared there."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.text import clean, columns, duration
from app.db.copying import job
from app.db.copying.report import Progress, Report
from app.db.copying.state import Mode
from app.db.engine import Database
from app.events import Bus
from app.storage import Storage

DRAIN_S = 10.0
BAR = 24
MOST_NOTES = 20
EMBEDDED = "embedded"

Function = TypeVar("Function", bound=Callable[..., Any])


def merge_options(function: Function) -> Function:
    """What to do about rows that are there already, and about a database that is not."""
    for option in (
        click.option("--progress", "as_lines", is_flag=True, help="Progress on standard error as lines of JSON."),
        click.option("--create", is_flag=True, help="Make the database on the server if it has none of that name."),
        click.option("--keep", is_flag=True, help="With --merge: where both have a row of one key, keep the target's."),
        click.option("--merge", is_flag=True, help="Into a target with rows: those of the same key take new values."),
    ):
        function = option(function)
    return function


@click.command(
    epilog="\b\nExamples:\n  qd db copy --to mysql://me@127.0.0.1/quarterdeck --create\n"
    "  qd db copy --from embedded           into the configured database\n  qd db copy --to sqlite:///copy.db --merge"
)
@click.option("--to", "to", metavar="URL", help="Database to copy into [default: the configured one, with --from].")
@click.option("--from", "from_", metavar="URL", help="Database to copy, or `embedded` [default: the configured one].")
@merge_options
@config_option
@json_option
def copy(
    to: str | None,
    from_: str | None,
    merge: bool,
    keep: bool,
    create: bool,
    as_lines: bool,
    config: Path | None,
    as_json: bool,
) -> int:
    """Copy everything from one database into another: SQLite, MariaDB and MySQL, in any direction.

    Every table is compared by count and checksum at the end. A copy that was cut short goes on when the command is
    given again. Exit code 1 when rows could not be stored as they were.
    """
    if to is None and from_ is None:
        raise click.UsageError("--to URL says where to copy to")
    mode = _mode(merge, keep)
    with _storage(config) as storage:
        waiting = 0
        if from_ is None:
            waiting = _drain(storage)
        source, target = _database(from_, storage), _database(to, storage)
        with _shown(as_lines) as watch:
            report = job.copy(source, target, merge=mode, create=create, watch=watch)
    return _answer(report, waiting, as_json)


@click.command(epilog="\b\nExamples:\n  qd db backup ~/quarterdeck.backup\n  qd db backup all.backup --force --json")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file of that name.")
@click.option("--progress", "as_lines", is_flag=True, help="Progress on standard error as lines of JSON.")
@config_option
@json_option
def backup(file: Path, force: bool, as_lines: bool, config: Path | None, as_json: bool) -> int:
    """Write everything that is stored into FILE, from which `qd db restore` brings it back on any database."""
    with _storage(config) as storage:
        waiting = _drain(storage)
        with _shown(as_lines) as watch:
            report = job.backup(storage.db, file.expanduser().absolute(), force=force, watch=watch)
    return _answer(report, waiting, as_json)


@click.command(
    epilog="\b\nExamples:\n  qd db restore ~/quarterdeck.backup\n  qd db restore all.backup --to sqlite:///other.db"
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--to", "to", metavar="URL", help="Database to restore into [default: the configured one].")
@merge_options
@config_option
@json_option
def restore(
    file: Path,
    to: str | None,
    merge: bool,
    keep: bool,
    create: bool,
    as_lines: bool,
    config: Path | None,
    as_json: bool,
) -> int:
    """Bring back what is in the backup FILE. The file is read to its end and checked before anything is written."""
    mode = _mode(merge, keep)
    with _storage(config) as storage:
        target = _database(to, storage)
        with _shown(as_lines) as watch:
            report = job.restore(file.expanduser().absolute(), target, merge=mode, create=create, watch=watch)
    return _answer(report, 0, as_json)


def _mode(merge: bool, keep: bool) -> Mode:
    if keep and not merge:
        raise click.UsageError("--keep goes with --merge")
    return "keep" if keep else "replace" if merge else "fresh"


@contextmanager
def _storage(config: Path | None) -> Iterator[Storage]:
    storage = Storage.open(load_settings(config).settings)
    try:
        yield storage
    finally:
        storage.db.close()


def _database(url: str | None, storage: Storage) -> Database:
    if url is None:
        return storage.db
    return Database("" if url == EMBEDDED else url)


def _drain(storage: Storage) -> int:
    """Let the database take what waits for it; answers with how many writes wait on."""
    if not storage.spool.path.exists():
        return 0

    async def drain() -> int:
        storage.spool.start(storage.db, Bus())
        try:
            await storage.spool.flush(DRAIN_S)
            return (await storage.spool.counts()).waiting
        finally:
            await storage.spool.close()

    waiting = asyncio.run(drain())
    if waiting:
        click.echo(f"{waiting} writes wait for the database and are not in this copy: `qd db status`", err=True)
    return waiting


@contextmanager
def _shown(as_lines: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar on standard error where that is a terminal, lines of JSON where they are asked for."""
    if as_lines:
        yield _line
        return
    if not sys.stderr.isatty():
        yield job.quiet
        return
    try:
        yield _bar
    finally:
        with suppress(OSError):
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _line(progress: Progress) -> None:
    document = {
        "phase": progress.phase,
        "table": progress.table,
        "rows": progress.rows,
        "total": progress.total,
        "left_s": progress.left_s,
    }
    sys.stderr.write(json.dumps(document) + "\n")
    sys.stderr.flush()


def _bar(progress: Progress) -> None:
    share = progress.rows / progress.total if progress.total else 1.0
    filled = round(share * BAR)
    left = "" if progress.left_s is None else f"  {duration(progress.left_s)} left"
    words = {"check": "checking", "copy": "copying", "verify": "comparing"}[progress.phase]
    text = f"{words} {'━' * filled}{'─' * (BAR - filled)} {share:4.0%}  {progress.rows:,} of {progress.total:,}{left}"
    sys.stderr.write(f"\r{text}\x1b[K")
    sys.stderr.flush()


def _answer(report: Report, waiting: int, as_json: bool) -> int:
    if as_json:
        emit(_document(report, waiting))
    else:
        _print(report)
    return 1 if report.notes else 0


def _document(report: Report, waiting: int) -> dict[str, Any]:
    return {
        "source": report.source,
        "target": report.target,
        "revision": report.revision,
        "merge": None if report.mode == "fresh" else report.mode,
        "resumed": report.resumed,
        "rows": report.rows,
        "duration_s": report.seconds,
        "waiting": waiting,
        "tables": [
            {
                "name": table.name,
                "rows": table.rows,
                "inserted": table.inserted,
                "updated": table.updated,
                "kept": table.kept,
                "refused": table.refused,
                "checksum": table.checksum,
                "verified": table.verified,
            }
            for table in report.tables
        ],
        "notes": [{**note, "key": json.loads(note["key"])} for note in report.notes],
    }


def _print(report: Report) -> None:
    used = [table for table in report.tables if table.rows]
    names = ("inserted", "updated", "kept", "refused")
    shown = [name for name in names if name == "inserted" or any(getattr(table, name) for table in used)]
    rows = [
        (table.name, f"{table.rows:,}", *(f"{getattr(table, name):,}" for name in shown), table.checksum[:12])
        for table in used
    ]
    if rows:
        for each in columns(("table", "rows", *shown, "checksum"), rows, right=("rows", *shown)):
            click.echo(each)
    for note in report.notes[:MOST_NOTES]:
        click.echo(clean(f"⚠ {note['kind']}: {note['table']} {note['key']}: {note['why']}"))
    if len(report.notes) > MOST_NOTES:
        click.echo(f"⚠ and {len(report.notes) - MOST_NOTES} more rows; --json lists them all")
    speed = f", {report.rows / report.seconds:,.0f} rows a second" if report.seconds > 1 else ""
    mark = "⚠" if report.notes else "✓"
    again = " (taken up where it had stopped)" if report.resumed else ""
    click.echo(
        f"{mark} {report.rows:,} rows from {clean(report.source)} to {clean(report.target)} in"
        f" {duration(report.seconds)}{speed}{again}"
    )

"""`qd feedback list` and `export`: rows that fulfil a filter, for people and for programs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from app.commands.common import config_option, emit, emit_line, json_option, load_settings
from app.commands.feedback_storage import FLUSH_S, complete_filter, filter_of, filter_options, opened
from app.commands.text import clean, columns
from app.errors import UserError

if TYPE_CHECKING:
    from app.db.paging import Cursor
    from app.feedback.filters import Filter
    from app.feedback.model import RowHead
    from app.settings import Loaded

HEAD = 60
TELL_AFTER_S = 1.0
NONE_SUCH = "no row fulfils this"
NONE = (
    "there is no row yet: `qd feedback import FILE` and `qd feedback add` bring some, "
    "`qd feedback serve` takes them from other programs"
)
LIST_EPILOG = """\b
Examples:
  qd feedback list model:v3 'score:<0' tag:tone
  qd feedback list --where '-tag:tone text:"late fill" before:2026-11-01' --limit 20
  qd feedback list state:accepted has:correction --json

\b
A filter is a list of terms that must all hold; `-` before one turns it round; a,b is a or b; name* is a beginning.
"""


@click.command("list", epilog=LIST_EPILOG)
@click.argument("terms", nargs=-1, metavar="[TERM]…", shell_complete=complete_filter)
@filter_options
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many to print.")
@click.option("--after", metavar="PLACE", help="Go on from the `next` of an earlier list of the same filter.")
@json_option
@config_option
def list_(
    terms: tuple[str, ...],
    where: str,
    states: tuple[str, ...],
    since: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Print rows that fulfil a filter, newest first.

    Where a score, an uncertainty, a reviewer or the time of decision is all that is asked for, it is the order, too:
    worst score first, most uncertain first, latest decision first.
    """
    asked = filter_of(" ".join((*terms, where)), states, since)
    return asyncio.run(_list(load_settings(config), asked, limit, after, as_json))


async def _list(loaded: Loaded, asked: Filter, limit: int, after: str | None, as_json: bool) -> int:
    from app.feedback import finding, ordering
    from app.feedback.export import row_document, time_text
    from app.feedback.reading import rows_of

    order = ordering.order_of(asked)
    place = None if after is None else _read_place(after, order)
    async with opened(loaded) as storage:
        await storage.spool.flush(FLUSH_S)
        search = _Search()
        try:
            heads, more = await finding.page(
                storage.db, asked, limit=limit, cursor=place, progress=search.looked, shown=search.found
            )
        except asyncio.CancelledError:
            search.erase()
            if search.rows and not as_json:
                _print(search.rows, _place(finding.cursor_of(order, search.rows[-1])))
            raise
        search.erase()
        following = None if more is None else _place(more)
        if not as_json:
            _print(heads, following, NONE if not asked and place is None else NONE_SUCH)
            return 0
        ids = [head.id for head in heads]
        rows = await storage.db.run(lambda conn: rows_of(conn, ids))
        documents = [
            {
                **row_document(row),
                "state": row.state,
                "received_at": time_text(row.received_at),
                "decided_at": time_text(row.decided_at) if row.decided_at else None,
            }
            for identity in ids
            if (row := rows.get(identity)) is not None
        ]
    emit({"filter": str(asked), "order": order, "rows": documents, "next": following})
    return 0


class _Search:
    """How far a search is, on standard error where that is a terminal, and what it has found when it is ended."""

    def __init__(self) -> None:
        self.rows: list[RowHead] = []
        self._at = time.monotonic() + TELL_AFTER_S
        self._told = False

    def looked(self, count: int) -> None:
        """So many rows were looked at."""
        if sys.stderr.isatty() and time.monotonic() > self._at:
            self._told = True
            self._say(f"{count:,} rows looked at, {len(self.rows):,} found; ctrl+c ends it and prints those")

    def found(self, rows: Sequence[RowHead]) -> None:
        """These so far."""
        self.rows = list(rows)

    def erase(self) -> None:
        """Say no more."""
        if self._told:
            self._say("")

    def _say(self, text: str) -> None:
        sys.stderr.write(f"\r{text}\x1b[K\r")
        sys.stderr.flush()


def _print(heads: list[RowHead], following: str | None, none: str = NONE_SUCH) -> None:
    if not heads:
        click.echo(none)
        return
    lines = [
        (
            head.id,
            head.captured_at.astimezone().strftime("%Y-%m-%d %H:%M"),
            head.state,
            "" if head.score is None else f"{head.score:+.2f}",
            clean(" ".join(part for part in (head.model, head.model_version) if part)),
            clean(head.source),
            clean(" ".join(head.head.split()))[:HEAD],
        )
        for head in heads
    ]
    for line in columns(("id", "captured", "state", "score", "model", "source", "output"), lines, right=("score",)):
        click.echo(line)
    if following is not None:
        click.echo(f"there are more: --after {following}")


def _place(cursor: Cursor) -> str:
    first = cursor[0].isoformat() if isinstance(cursor[0], datetime) else cursor[0]
    return base64.urlsafe_b64encode(json.dumps([first, cursor[1]]).encode()).decode().rstrip("=")


def _read_place(text: str, order: str) -> Cursor:
    try:
        first, identity = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        place = float(first) if order in {"score", "uncertainty"} else datetime.fromisoformat(first)
        if not isinstance(identity, str) or (isinstance(place, datetime) and place.tzinfo is None):
            raise ValueError
    except (ValueError, TypeError):
        raise UserError(
            f"`{text}` is no place in this list", where="--after", fix="give the `next` of a list of the same filter"
        ) from None
    return (place, identity)


@click.command(
    epilog="\b\nExamples:\n  qd feedback export > rows.jsonl\n"
    "  qd feedback export --where 'model:v3 tag:tone' --state accepted --since 30d --output tone.jsonl"
)
@filter_options
@click.option("--decisions/--no-decisions", default=True, help="Each row with its decisions (the default).")
@click.option(
    "--output", "-o", "path", type=click.Path(path_type=Path), metavar="FILE", help="Into this file, when complete."
)
@json_option
@config_option
def export(
    where: str,
    states: tuple[str, ...],
    since: str | None,
    decisions: bool,
    path: Path | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Print rows as lines of JSON, oldest first, each with its decisions: what `qd feedback import` takes.

    Rows that break the contract are left out and named on standard error; the exit code is then 1. With --output and
    --json, a document says how many rows were written.
    """
    asked = filter_of(where, states, since)
    loaded = load_settings(config)
    if path is None:
        return 1 if asyncio.run(_export(loaded, asked, decisions, sys.stdout))[1] else 0
    path = path.expanduser().absolute()
    rows, left_out = _into(path, loaded, asked, decisions)
    if as_json:
        emit({"path": str(path), "rows": rows, "left_out": left_out})
    else:
        click.echo(f"{rows:,} rows in {clean(str(path))}")
    return 1 if left_out else 0


def _into(path: Path, loaded: Loaded, asked: Filter, decisions: bool) -> tuple[int, int]:
    """The file appears when it is complete, in the place of an earlier one."""
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise UserError(f"cannot be written ({error.strerror})", where=str(path), fix="name another file") from None
    try:
        with open(number, "w", encoding="utf-8") as stream:  # noqa: PTH123 - it is open already
            counted = asyncio.run(_export(loaded, asked, decisions, stream))
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()
    return counted


async def _export(loaded: Loaded, asked: Filter, decisions: bool, stream: TextIO) -> tuple[int, int]:
    """Rows written, and rows left out."""
    from app.feedback.export import exported

    rows = left_out = 0
    async with opened(loaded) as storage:
        await storage.spool.flush(FLUSH_S)
        async for each in exported(storage.db, asked, decisions=decisions):
            if each.violation:
                left_out += 1
                click.echo(f"quarterdeck: {each.id} is left out: {clean(each.violation)}", err=True)
                continue
            rows += 1
            _write(stream, each.document)
    stream.flush()
    return rows, left_out


def _write(stream: TextIO, document: dict[str, Any]) -> None:
    if stream is sys.stdout:
        emit_line(document)
    else:
        stream.write(json.dumps(document, allow_nan=False) + "\n")

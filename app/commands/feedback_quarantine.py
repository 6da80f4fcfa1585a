"""`qd feedback quarantine`: what broke the contract, to be looked at, mended, tried again, or let go."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.text import clean, columns
from app.feedback.model import Quarantined

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.feedback.model import Extra
    from app.feedback.quarantine import Retried

MENDED_BYTES = 4 * 1024 * 1024
REASON = 70
Result = TypeVar("Result")

extra_option = click.option(
    "--extra",
    type=click.Choice(("forbid", "context")),
    default="forbid",
    show_default=True,
    help="Fields that the contract does not know: a violation, or parts of the context.",
)


@click.group()
def quarantine() -> None:
    """What came in and broke the contract: complete, with the line and the reason."""


@quarantine.command("list", epilog="\b\nExample:\n  qd feedback quarantine list --json")
@click.option("--batch", metavar="ID", default="", help="Of this import.")
@click.option("--state", type=click.Choice(("open", "mended", "dropped")), default="open", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many to print.")
@click.option("--after", metavar="ID", help="Those behind this one.")
@json_option
@config_option
def list_(batch: str, state: Any, limit: int, after: str | None, as_json: bool, config: Path | None) -> int:
    """Print what is in quarantine, oldest first."""
    from app.feedback import quarantine as store

    place = None if after is None else (after,)
    found = _run(config, lambda db: store.entries(db, state=state, batch=batch, limit=limit, after=place))
    following = found.after[0] if found.after is not None else None
    if as_json:
        emit({"entries": [_document(entry) for entry in found.entries], "next": following})
    elif not found.entries:
        click.echo("nothing is in quarantine" if state == "open" else f"nothing was {state}")
    else:
        rows = [
            (each.id, clean(Path(each.source).name), f"{each.line:,}" if each.line else "", _short(_reason(each)))
            for each in found.entries
        ]
        click.echo("\n".join(columns(("id", "from", "line", "why"), rows, right=("line",))))
        if following is not None:
            click.echo(f"there are more: --after {following}")
    return 0


@quarantine.command(epilog="\b\nExample:\n  qd feedback quarantine show 01J8Z3… > row.json")
@click.argument("identity", metavar="ID")
@json_option
@config_option
def show(identity: str, as_json: bool, config: Path | None) -> int:
    """Print one entry as it came in; why it is here goes to standard error."""
    from app.feedback import quarantine as store

    entry = _run(config, lambda db: store.one(db, identity))
    if as_json:
        emit({**_document(entry), "raw": entry.raw.decode(errors="backslashreplace"), "complete": entry.complete})
        return 0
    cut = "" if entry.complete else f"; of {entry.raw_size:,} bytes the first {len(entry.raw):,} are kept"
    click.echo(clean(f"{entry.origin}: {_reason(entry)}") + cut, err=True)
    if sys.stdout.isatty():
        click.echo(clean(entry.raw.decode(errors="backslashreplace")))
    else:
        sys.stdout.buffer.write(entry.raw + b"\n")
    return 0


@quarantine.command(epilog="\b\nExample:\n  qd feedback quarantine mend 01J8Z3… < row.json")
@click.argument("identity", metavar="ID")
@click.argument("file", type=click.File("rb"), default="-")
@extra_option
@json_option
@config_option
def mend(identity: str, file: Any, extra: Extra, as_json: bool, config: Path | None) -> int:
    """Take the mended row from FILE (standard input by default) in the place of entry ID."""
    from app.feedback import quarantine as store

    raw = file.read(MENDED_BYTES + 1)
    return _answer(_run(config, lambda db: store.mend(db, identity, raw, extra)), as_json)


@quarantine.command(
    epilog="\b\nExamples:\n  qd feedback quarantine retry --all\n  qd feedback quarantine retry 01J8Z3… --extra context"
)
@click.argument("ids", nargs=-1, metavar="[ID]…")
@click.option("--all", "everything", is_flag=True, help="All that is open.")
@click.option("--batch", metavar="ID", default="", help="All that is open of this import.")
@extra_option
@json_option
@config_option
def retry(ids: tuple[str, ...], everything: bool, batch: str, extra: Extra, as_json: bool, config: Path | None) -> int:
    """Try entries again as they are. Exits with 1 where one still breaks the contract."""
    from app.feedback import quarantine as store

    _one_way(ids, everything, batch)
    return _answer(_run(config, lambda db: store.retry(db, ids, batch=batch, extra=extra)), as_json)


@quarantine.command(
    epilog="\b\nExamples:\n  qd feedback quarantine drop 01J8Z3…\n  qd feedback quarantine drop --batch 01J8Z3…"
)
@click.argument("ids", nargs=-1, metavar="[ID]…")
@click.option("--all", "everything", is_flag=True, help="All that is open.")
@click.option("--batch", metavar="ID", default="", help="All that is open of this import.")
@json_option
@config_option
def drop(ids: tuple[str, ...], everything: bool, batch: str, as_json: bool, config: Path | None) -> int:
    """Let entries go. They stay in the database as dropped."""
    from app.feedback import quarantine as store

    _one_way(ids, everything, batch)

    async def work(db: Database) -> list[str]:
        if not ids:
            return list(await store.drop_open(db, batch))
        return [(await store.drop(db, identity)).id for identity in dict.fromkeys(ids)]

    dropped = _run(config, work)
    if as_json:
        emit({"dropped": dropped})
    else:
        click.echo(f"{len(dropped):,} dropped")
    return 0


def _one_way(ids: tuple[str, ...], everything: bool, batch: str) -> None:
    if bool(ids) + everything + bool(batch) != 1:
        raise click.UsageError("name entries, or --batch, or --all")


def _run(config: Path | None, work: Callable[[Database], Awaitable[Result]]) -> Result:
    from app.storage import Storage

    loaded = load_settings(config)

    async def opened() -> Result:
        async with Storage.opened(loaded.settings) as storage:
            return await work(storage.db)

    return asyncio.run(opened())


def _answer(done: Retried, as_json: bool) -> int:
    if as_json:
        left = [_document(entry) for entry in done.left]
        emit({"created": done.created, "duplicate": done.duplicate, "left": left})
    else:
        click.echo(f"{done.created} created, {done.duplicate} duplicate, {len(done.left)} still in quarantine")
    return 1 if done.left else 0


def _short(text: str) -> str:
    """On one line of a list; `show` prints all of it."""
    said = clean(text)
    return said if len(said) <= REASON else said[: REASON - 1] + "…"


def _reason(entry: Quarantined) -> str:
    return f"{entry.field}: {entry.reason}" if entry.field else entry.reason


def _document(entry: Quarantined) -> dict[str, Any]:
    from app.feedback.export import time_text

    return {
        "id": entry.id,
        "batch": entry.batch,
        "source": entry.source,
        "line": entry.line,
        "field": entry.field,
        "why": entry.reason,
        "size": entry.raw_size,
        "sha256": entry.raw_hash,
        "at": time_text(entry.at),
        "state": entry.state,
    }

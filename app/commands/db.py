"""`qd db`: the state of the database and of the writes that wait for it, its tables and its contracts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.db_copy import backup, copy, restore
from app.db import contracts
from app.db import status as database
from app.db.journal import Journal, Refused
from app.errors import UserError
from app.storage import Storage


def _contracts(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of contracts."""
    return [name for name in contracts.CONTRACTS if name.startswith(incomplete)]


@click.group()
def db() -> None:
    """State and structure of the database."""


@db.command("status", epilog="\b\nExamples:\n  qd db status\n  qd db status --json | jq .waiting")
@config_option
@json_option
def status_(config: Path | None, as_json: bool) -> int:
    """Whether the database answers, how old its tables are, and what waits for it.

    Changes nothing. Exit code 1 when the database cannot be used or has refused a write.
    """
    with opened(config) as storage:
        found = database.status(storage.db, storage.spool.path, storage.spool.kinds)
    if as_json:
        emit(_document(found))
    else:
        _print(found)
    return 0 if found.ok else 1


@db.command(epilog="\b\nExamples:\n  qd db upgrade\n  qd db upgrade --config config.toml --json")
@config_option
@json_option
def upgrade(config: Path | None, as_json: bool) -> int:
    """Bring the tables up to date, making the database itself if the server has none of that name.

    The app does the former by itself when it starts.
    """
    with opened(config) as storage:
        before, after = database.upgrade(storage.db)
        url = storage.db.masked_url
    if as_json:
        emit({"url": url, "before": before, "revision": after, "changed": before != after})
    elif before == after:
        click.echo(f"{url} is up to date (revision {after})")
    else:
        click.echo(f"{url} was brought from {f'revision {before}' if before else 'nothing'} to revision {after}")
    return 0


@db.command(
    epilog="\b\nExamples:\n  qd db schema feedback.row\n  qd db schema --json\n"
    "  qd db schema --sql --dialect mariadb > quarterdeck.sql"
)
@click.argument("name", metavar="[CONTRACT]", required=False, shell_complete=_contracts)
@click.option("--sql", "as_sql", is_flag=True, help="Print the statements that make the tables (without --json).")
@click.option(
    "--dialect",
    type=click.Choice(["sqlite", "mariadb", "mysql"]),
    help="For which database [default: the configured one].",
)
@config_option
@json_option
def schema(
    name: str | None, as_sql: bool, dialect: contracts.Dialect | None, config: Path | None, as_json: bool
) -> int:
    """Print the JSON Schema of one contract, those of all (--json), or the SQL of the tables."""
    if as_sql + as_json + (name is not None and not as_json) > 1:
        raise click.UsageError("--sql, --json and a contract are different outputs")
    if as_json or name is not None:
        schemas = contracts.json_schemas(name)
        if name is None or as_json:
            emit({"contracts": schemas})
        else:
            click.echo(json.dumps(schemas[name], indent=2))
        return 0
    click.echo(contracts.ddl(dialect or _configured_dialect(config)), nl=False)
    return 0


@db.command(epilog="\b\nExamples:\n  qd db refused\n  qd db refused --retry\n  qd db refused --discard ID > lost.json")
@click.option("--retry", is_flag=True, help="Let them all wait again, for instance after an update.")
@click.option("--discard", metavar="ID", help="Delete one for good, printing what it held.")
@config_option
@json_option
def refused(retry: bool, discard: str | None, config: Path | None, as_json: bool) -> int:
    """Writes that the database would not take: list them, try them again, or let one go."""
    with opened(config) as storage:
        path = storage.spool.path
        found = database.status(storage.db, path, storage.spool.kinds, refused=1000).refused if path.exists() else ()
    if discard is not None:
        return _discard(path, discard)
    again = 0
    if retry and found:
        journal = Journal(path)
        again = journal.retry()
        journal.close()
    if as_json:
        emit({"refused": [_refused(each) for each in found], "retried": again})
        return 0
    for each in found:
        click.echo(f"{each.id}  {_moment(each.refused_at)}  {each.kind}: {each.reason}")
    click.echo(f"{again} wait again" if retry else f"{len(found) or 'none'} refused")
    return 0


for _command in (copy, backup, restore):
    db.add_command(_command)


@contextmanager
def opened(config: Path | None) -> Iterator[Storage]:
    """The configured storage, for a command that asks the database itself and not through the loop."""
    storage = Storage.open(load_settings(config).settings)
    try:
        yield storage
    finally:
        storage.db.close()


def _discard(path: Path, identity: str) -> int:
    payload = None
    if path.exists():
        journal = Journal(path)
        payload = journal.discard(identity)
        journal.close()
    if payload is None:
        raise UserError(f"no refused write has the id {identity}", fix="`qd db refused` lists them")
    click.echo(json.dumps(json.loads(payload)))
    return 0


def _configured_dialect(config: Path | None) -> contracts.Dialect:
    url = load_settings(config).settings.database.url.get_secret_value()
    scheme = url.partition(":")[0].partition("+")[0]
    return "mariadb" if scheme == "mariadb" else "mysql" if scheme == "mysql" else "sqlite"


def _document(found: database.Status) -> dict[str, Any]:
    return {
        "backend": found.backend,
        "url": found.url,
        "state": found.state,
        "problem": found.problem or found.journal_problem or None,
        "server_version": found.server_version,
        "revision": found.revision,
        "head": found.head,
        "journal": found.journal,
        "waiting": found.counts.waiting,
        "parked": found.counts.parked,
        "refused_count": found.counts.refused,
        "refused": [_refused(each) for each in found.refused],
        "unfinished_copy": None
        if found.unfinished is None
        else {
            "source": found.unfinished.source,
            "started_at": _moment(found.unfinished.started_at.timestamp()),
        },
    }


def _refused(each: Refused) -> dict[str, Any]:
    return {
        "id": each.id,
        "kind": each.kind,
        "put_at": _moment(each.put_at),
        "refused_at": _moment(each.refused_at),
        "reason": each.reason,
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _print(found: database.Status) -> None:
    version = f" {found.server_version}" if found.server_version else ""
    tables = {
        "current": f"up to date (revision {found.revision})",
        "behind": f"revision {found.revision}, the next start of the app brings them to {found.head}",
        "empty": "none yet, the next start of the app makes them",
        "newer": found.problem,
        "down": "unknown",
    }[found.state]
    click.echo(f"database  {found.backend}{version}  {found.url}")
    if found.state == "down":
        click.echo(f"problem   {found.problem}")
    click.echo(f"tables    {tables}")
    if found.unfinished is not None:
        click.echo(
            f"problem   the copy from {found.unfinished.source} into it is not complete; the same command ends it"
        )
    click.echo(f"waiting   {found.counts.waiting} in {found.journal}")
    if found.journal_problem:
        click.echo(f"problem   {found.journal_problem}")
    if found.counts.parked:
        click.echo(f"kept      {found.counts.parked} for a newer Quarterdeck")
    for each in found.refused:
        click.echo(f"refused   {each.id} {each.kind}: {each.reason}")
    if found.counts.refused:
        click.echo("          after mending the cause: `qd db refused --retry`")

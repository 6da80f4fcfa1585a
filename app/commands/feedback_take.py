"""`qd feedback add`: one row by hand."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app import standard_input
from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.feedback_storage import FLUSH_S, opened
from app.commands.text import clean
from app.errors import UserError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.feedback.contract import FeedbackIn, FeedbackRecord
    from app.feedback.rows import Prepared
    from app.settings import Loaded

ROW_BYTES = 4 * 1024 * 1024


@click.command(
    epilog="\b\nExamples:\n  qd feedback add --input 'Is it 5 or 5.00?' --output '5.00' --score 0.5\n"
    "  bot --dump | qd feedback add -"
)
@click.argument("row", required=False, metavar="[JSON | -]")
@click.option("--source", metavar="NAME", help="Where it comes from [default: cli].")
@click.option("--input", "input_", metavar="TEXT", help="What the model was given.")
@click.option("--output", metavar="TEXT", help="What it answered.")
@click.option("--event-id", "source_event_id", metavar="ID", help="Its id at the source: two rows with one are one.")
@click.option("--captured-at", metavar="TIME", help="When, with a time zone: 2026-11-01T14:30:00Z [default: now].")
@click.option("--author", metavar="NAME", help="Who gave the feedback.")
@click.option("--model", metavar="NAME", help="The model.")
@click.option("--model-version", metavar="NAME", help="Its version.")
@click.option("--prompt-version", metavar="NAME", help="Version of the prompt.")
@click.option("--score", type=click.FloatRange(-1, 1), help="From -1 (bad) to 1 (good).")
@click.option("--comment", metavar="TEXT", help="What was said about it.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag; may repeat.")
@click.option("--context", metavar="JSON", help="An object with whatever else is known.")
@json_option
@config_option
def add(row: str | None, input_: str | None, as_json: bool, config: Path | None, **fields: Any) -> int:
    """Add one row: from options, or a JSON object of the contract (- reads it from standard input).

    Returns when the row would survive a power loss. A row that is there already is a duplicate; one in conflict with a
    row kept before is in quarantine, and the exit code is 1.
    """
    values = _values(row, input_, fields)
    loaded = load_settings(config)
    document = asyncio.run(_add(loaded, _row(values)))
    if as_json:
        emit(document)
    elif document["state"] == "quarantined":
        click.echo(f"in quarantine as {document['id']}: {clean(document['why'])}")
        click.echo(f"  look at it: qd feedback quarantine show {document['id']}", err=True)
    else:
        said = {
            "created": "added",
            "duplicate": "there already as",
            "spooled": "the database is away; in the journal as",
        }[document["state"]]
        click.echo(f"{said} {document['id']}")
    return 1 if document["state"] == "quarantined" else 0


def _values(row: str | None, input_: str | None, fields: dict[str, Any]) -> dict[str, Any] | bytes:
    given = {name: value for name, value in {"input": input_, **fields}.items() if value not in (None, ())}
    if row is not None:
        if given:
            raise click.UsageError("give a JSON object, or options, not both")
        if row != "-":
            return row.encode(errors="surrogateescape")
        raw = standard_input.stream().read(ROW_BYTES + 1)
        return raw.strip()
    for name in ("input", "output"):
        if name not in given:
            raise click.UsageError(f"--{name} is needed, or a JSON object")
    if "tags" in given:
        given["tags"] = list(given["tags"])
    if "context" in given:
        try:
            given["context"] = json.loads(given["context"])
        except (ValueError, RecursionError) as error:
            raise UserError(f"not valid JSON: {error}", where="--context", fix='such as {"channel": "help"}') from None
    return {"source": "cli", **given}


def _row(values: dict[str, Any] | bytes) -> FeedbackIn:
    """Raises UserError where it breaks the contract, in every part that the database would find, too."""
    from app.db.types import utc_now
    from app.feedback.rows import ViolationError, parse, parse_object, prepare
    from app.feedback.texts import canonical, clean

    try:
        row = parse(values) if isinstance(values, bytes) else parse_object(values)
        prepare(row, now=utc_now())
    except ViolationError as error:
        raise UserError(str(error), where="the row", fix="`qd db schema feedback.row` prints the contract") from None
    # The contract allows it, since others may send what holds neither; by hand it is a slip.
    if not any(canonical(clean(text)) for text in (row.input, row.output)):
        signs = "" if isinstance(values, bytes) else "--"
        raise UserError(
            f"{signs}input and {signs}output are both empty", fix="say what the model was given, or what it answered"
        )
    return row


async def _add(loaded: Loaded, row: FeedbackIn) -> dict[str, Any]:
    from app.db.faults import UnavailableError
    from app.db.types import utc_now
    from app.feedback import ingest
    from app.feedback.contract import FeedbackRecord
    from app.feedback.rows import prepare
    from app.ids import new_id

    record = FeedbackRecord(id=new_id(), received_at=utc_now(), row=row)
    ready = prepare(row, now=record.received_at, identity=record.id)
    async with opened(loaded) as storage:
        await storage.spool.put(ingest.ROW, record.model_dump(mode="json", exclude_none=True), record.id)
        try:
            applied = await storage.spool.flush(FLUSH_S)
            became = await storage.db.run(lambda conn: _became(conn, record, ready)) if applied else None
        except UnavailableError:
            applied, became = False, None
    if not applied:
        # What becomes of it is known when the journal is applied.
        return {"id": ready.id, "state": "spooled", "why": None}
    if became is None:
        raise UserError("the database would not take it", where="the row", fix="`qd db refused` says why")
    return became


def _became(conn: Connection, record: FeedbackRecord, ready: Prepared) -> dict[str, Any] | None:
    """What became of a row that was applied; None where nothing did."""
    from sqlalchemy import select

    from app.feedback.model import Violation
    from app.feedback.tables import feedback, feedback_quarantine

    entry = feedback_quarantine.c
    refused = conn.execute(select(entry.id, entry.field, entry.reason).where(entry.batch == record.id)).first()
    if refused is not None:
        return {"id": refused.id, "state": "quarantined", "why": str(Violation(refused.field, refused.reason))}
    columns = feedback.c
    # Without the second, one with the id of another row that was let go before would be nowhere.
    for same in (columns.unique_key == ready.unique_key, columns.id == ready.id):
        found = conn.execute(select(columns.id, columns.received_at).where(same)).first()
        if found is not None:
            own = found.id == ready.id and found.received_at == record.received_at
            return {"id": found.id, "state": "created" if own else "duplicate", "why": None}
    return None

"""`qd feedback decide`, `undo` and `redo`: decisions by command, as durable as those of the screen."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.feedback_storage import FLUSH_S, opened, reviewer_of, reviewer_option
from app.commands.text import clean
from app.errors import UserError
from app.feedback.model import STATE_OF, VERDICTS, Verdict

if TYPE_CHECKING:
    from app.feedback.contract import DecisionRecord
    from app.settings import Loaded
    from app.storage import Storage

CORRECTION_BYTES = 1024 * 1024


@click.command(
    epilog="\b\nExamples:\n  qd feedback decide 01J8Z3… --verdict accept --tag tone --score 0.5\n"
    "  qd feedback decide 01J8Z3… --verdict reject --correction-file - < better.txt"
)
@click.argument("identity", metavar="ID")
@click.option("--verdict", type=click.Choice(VERDICTS), required=True, help="What becomes of the row.")
@click.option("--score", type=click.FloatRange(-1, 1), help="From -1 (bad) to 1 (good).")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="The row's tags from now on; may repeat.")
@click.option("--no-tags", is_flag=True, help="From now on the row has no tags.")
@click.option("--correction", metavar="TEXT", help="What the output should have been.")
@click.option("--correction-file", type=click.File("rb"), help="The same from a file; - is standard input.")
@click.option("--note", metavar="TEXT", help="A remark.")
@reviewer_option
@json_option
@config_option
def decide(
    identity: str,
    verdict: Verdict,
    score: float | None,
    tags: tuple[str, ...],
    no_tags: bool,
    correction: str | None,
    correction_file: Any,
    note: str | None,
    reviewer: str,
    as_json: bool,
    config: Path | None,
) -> int:
    """Decide the row ID, of which a beginning that no other row has is enough.

    Returns when the decision would survive a power loss.
    The state is `applied`, or `spooled` while the database is away: then it is applied when it is back.
    """
    from app.db.types import utc_now
    from app.ids import new_id

    if correction is not None and correction_file is not None:
        raise click.UsageError("--correction and --correction-file say the same twice")
    if tags and no_tags:
        raise click.UsageError("--tag and --no-tags exclude each other")
    if correction_file is not None:
        correction = _text(correction_file)
    loaded = load_settings(config)
    record = _checked(
        id=new_id(),
        feedback_id=identity,
        kind="decide",
        decided_at=utc_now(),
        reviewer=reviewer_of(loaded, reviewer),
        verdict=verdict,
        score=score,
        tags=tags if tags or no_tags else None,
        correction=correction,
        note=note,
        rubric_version=loaded.settings.feedback.rubric_version,
    )
    identity, state = asyncio.run(_decide(loaded, record))
    if as_json:
        emit({"feedback_id": identity, "decision_id": record.id, "verdict": verdict, "state": state})
    else:
        later = "" if state == "applied" else "; the database is away, it waits in the journal"
        click.echo(f"{clean(identity)} is {STATE_OF[verdict]}{later}")
    return 0


async def _decide(loaded: Loaded, record: DecisionRecord) -> tuple[str, Literal["applied", "spooled"]]:
    """The row's whole id, and where the decision is."""
    from app.db.faults import UnavailableError
    from app.feedback.beginnings import whole_id
    from app.feedback.tables import feedback

    async with opened(loaded) as storage:
        try:
            # A row that was captured a moment ago may still wait in the journal.
            await storage.spool.flush(FLUSH_S)
            known = "`qd feedback list` shows them"
            whole = await whole_id(storage.db, feedback.c.id, record.feedback_id, "row of feedback", known)
            record = record.model_copy(update={"feedback_id": whole})
        except UnavailableError:
            # Then it has to be whole as it was given.
            pass
        return record.feedback_id, await _kept(storage, record)


async def _kept(storage: Storage, record: DecisionRecord) -> Literal["applied", "spooled"]:
    from sqlalchemy import select

    from app.db.faults import UnavailableError
    from app.feedback import decisions
    from app.feedback.tables import feedback_decision

    await decisions.put(storage.spool, record)
    if not await storage.spool.flush(FLUSH_S):
        return "spooled"
    try:
        query = select(feedback_decision.c.id).where(feedback_decision.c.id == record.id)
        known = await storage.db.run(lambda conn: conn.scalar(query))
    except UnavailableError:
        return "spooled"
    if known is None:
        raise UserError("the database would not take it", where=record.feedback_id, fix="`qd db refused` says why")
    return "applied"


@click.command(epilog="\b\nExamples:\n  qd feedback undo\n  qd feedback undo --reviewer mara --json")
@reviewer_option
@json_option
@config_option
def undo(reviewer: str, as_json: bool, config: Path | None) -> int:
    """Take back the reviewer's last decision. Exits with 1 where there is none."""
    return _back("undo", load_settings(config), reviewer, as_json)


@click.command(epilog="\b\nExample:\n  qd feedback redo")
@reviewer_option
@json_option
@config_option
def redo(reviewer: str, as_json: bool, config: Path | None) -> int:
    """Decide again what the reviewer took back last. Exits with 1 where there is nothing."""
    return _back("redo", load_settings(config), reviewer, as_json)


def _back(way: Literal["undo", "redo"], loaded: Loaded, reviewer: str, as_json: bool) -> int:
    found = asyncio.run(_turn(way, loaded, reviewer_of(loaded, reviewer)))
    if as_json:
        names = ("feedback_id", "decision_id", "entry_id", "verdict", "state")
        emit(found or dict.fromkeys(names))
    elif found is None:
        click.echo(f"there is nothing to {way}")
    else:
        click.echo(f"{'took back' if way == 'undo' else 'did again'}: {found['verdict']} of {found['feedback_id']}")
    return 1 if found is None else 0


async def _turn(way: Literal["undo", "redo"], loaded: Loaded, reviewer: str) -> dict[str, Any] | None:
    from app.db.types import utc_now
    from app.feedback import decisions
    from app.feedback.contract import DecisionRecord
    from app.feedback.reading import decisions_of
    from app.ids import new_id

    async with opened(loaded) as storage:
        if not await storage.spool.flush(FLUSH_S):
            raise UserError("earlier decisions are not known while the database is away", fix="try again later")
        target = decisions.undo_target if way == "undo" else decisions.redo_target
        found = await storage.db.run(lambda conn: target(conn, reviewer))
        if found is None:
            return None
        decision, row = found
        log = await storage.db.run(lambda conn: decisions_of(conn, [row]).get(row, ()))
        before = next(entry for entry in log if entry.id == decision)
        record = DecisionRecord(
            id=new_id(),
            feedback_id=row,
            kind=way,
            decided_at=utc_now(),
            reviewer=reviewer,
            rubric_version=before.rubric_version,
            reshow=before.reshow,
            supersedes=decision,
        )
        state = await _kept(storage, record)
    return {
        "feedback_id": row,
        "decision_id": decision,
        "entry_id": record.id,
        "verdict": before.verdict,
        "state": state,
    }


def _checked(**values: Any) -> DecisionRecord:
    from app.feedback.giving import decision

    try:
        return decision(**values)
    except UserError as error:
        where = {"feedback_id": "ID", "tags": "--tag"}.get(error.where, f"--{error.where.replace('_', '-')}")
        raise UserError(error.what, where=where, fix="`qd feedback decide --help` says what it takes") from None


def _text(stream: Any) -> str:
    raw = stream.read(CORRECTION_BYTES + 1)
    name = "standard input" if sys.stdin is not None and stream.fileno() == sys.stdin.fileno() else str(stream.name)
    if len(raw) > CORRECTION_BYTES:
        raise UserError(f"has more than {CORRECTION_BYTES:,} bytes", where=name, fix="make it shorter")
    try:
        return str(raw.decode())
    except UnicodeDecodeError:
        raise UserError("is not UTF-8", where=name, fix="write it as UTF-8") from None

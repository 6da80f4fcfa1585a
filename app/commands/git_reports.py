"""How the commands of `qd git` show a plan and what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import shutil
import signal
import sys
import textwrap
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

import click

from app import standard_input
from app.commands.common import emit
from app.commands.text import one_line
from app.errors import UserError
from app.git import plans
from app.git.model import Plan, RefChange, Report
from app.git.service import GitService

SETTLED = ("done", "undone")
SYMBOLIC = "ref: "
"""Before the name of a branch that HEAD stands at."""


async def carry_out(
    service: GitService,
    plan: Plan,
    *,
    dry_run: bool,
    yes: bool,
    asks: bool,
    as_json: bool,
    ticked: frozenset[str] | None,
) -> Report:
    """Show a plan, ask where it `asks` and nobody has said `yes`, and do it; with `dry_run` only look."""
    if dry_run:
        return await service.perform(plan, ticked, dry_run=True)
    chosen = {change.key for change in plan.changes if (change.ticked if ticked is None else change.key in ticked)}
    if asks and not yes and (chosen or plan.config):
        agree(plan, ticked, as_json=as_json)
    return await carried_through(service.perform(plan, ticked))


def agree(plan: Plan, ticked: frozenset[str] | None = None, *, as_json: bool = False) -> None:
    """Show a plan and ask. Raises UserError when nobody is there or the answer is no, click.Abort at ctrl+c."""
    if as_json or not standard_input.interactive():
        raise UserError("nobody is there to agree to the plan", fix="add --yes to do it, or --dry-run to see it")
    show_plan(plan, ticked)
    with _interrupted_at_once():
        agreed = click.confirm("Do this?", default=False)
    if not agreed:
        raise UserError("nothing was done")


async def carried_through(work: Coroutine[Any, Any, Report]) -> Report:
    """What the work gives. An operation that has begun is safe only when whole, so the first ctrl+c waits for it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        running = asyncio.current_task()
        if task.done() or running is None:
            raise
        running.uncancel()
        click.echo("what has begun is carried through; ctrl+c again stops it half-way", err=True)
        return await task


@contextlib.contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """Let ctrl+c end a question: what an event loop does with it would have to wait for the answer."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def show_plan(plan: Plan, ticked: frozenset[str] | None = None, *, refused: bool = True) -> None:
    """The plan for people: every change with its reason, what is refused, the commands, and what to know before."""
    _say("", plan.title)
    for change in plan.changes:
        on = not change.locked and (change.ticked if ticked is None else change.key in ticked)
        _say(f"  {'[-]' if change.locked else '[x]' if on else '[ ]'} ", _told(change))
    locked = {(change.ref, change.locked) for change in plan.changes}
    for refusal in plan.refused if refused else ():
        if (refusal.ref, refusal.why) not in locked:
            _say("  -   ", f"{refusal.ref}: {refusal.why}")
    for command in plans.select(plan, ticked).commands:
        _say("  $ ", _command(command), wraps=False)
    for note in (*plan.notes, *plan.remarks):
        _say("  ", note)


def answer(
    report: Report,
    plan: Plan,
    *,
    as_json: bool,
    ticked: frozenset[str] | None = None,
    shown: bool = False,
    where: Sequence[str] = (),
) -> int:
    """Print what became of a plan; the exit code.

    `shown` says that its notes have been read, and `where` names the repository to the commands that are proposed.
    """
    if as_json:
        emit(document(report, plan))
    else:
        _show(report, plan, ticked, shown=shown, where=where)
    return 0 if (report.state in SETTLED or report.dry_run) and not report.refused else 1


def document(report: Report, plan: Plan | None = None) -> dict[str, Any]:
    """An operation as `--json` prints it; `plan` also has the changes that were not ticked."""
    changes = plan.changes if plan is not None else report.plan
    return {
        "op_id": report.op_id,
        "kind": report.kind,
        "repository": report.repository,
        "dry_run": report.dry_run,
        "title": report.title or (plan.title if plan is not None else ""),
        "plan": [_change(change) for change in changes],
        "commands": [list(command) for command in report.commands],
        "done": [_change(change) for change in report.done],
        "refused": [{"ref": refusal.ref, "why": refusal.why, "fix": refusal.fix} for refusal in report.refused],
        "notes": [*plan.notes, *plan.remarks] if plan is not None else [],
        "state": report.state,
        "message": report.message,
        "at": report.at,
        "undone_by": report.undone_by,
        "undoes": report.undoes,
    }


def _change(change: RefChange) -> dict[str, Any]:
    names = ("ref", "side", "remote", "old", "new", "reason", "recoverable", "ticked", "locked", "commits")
    return {name: getattr(change, name) for name in names}


def _show(report: Report, plan: Plan, ticked: frozenset[str] | None, *, shown: bool, where: Sequence[str]) -> None:
    if report.dry_run:
        show_plan(plan, ticked, refused=False)
        click.echo("nothing was changed (dry run)")
    else:
        _say("", report.title or plan.title)
        for change in report.done:
            _say("  ✓ ", _told(change))
        for command in report.commands if report.state != "failed" else ():
            _say("  $ ", _command(command), wraps=False)
        if not (report.done or report.refused or report.config or report.message):
            click.echo("  nothing to do")
    # Of a dry run they are the reason why it does not end with 0, so they stand last.
    for refusal in dict.fromkeys((*plan.refused, *report.refused)) if report.dry_run else report.refused:
        fix = f" ({refusal.fix})" if refusal.fix else ""
        _say("  ✗ ", f"{'refused: ' if report.dry_run else ''}{refusal.ref}: {refusal.why}{fix}")
    if report.message:
        _say("  ", report.message)
    if report.dry_run:
        return
    for note in (*plan.notes, *plan.remarks) if report.done and not shown else ():
        _say("  ", note)
    if report.state == "failed":
        if "nothing was" not in report.message:
            click.echo("  nothing was changed")
    elif report.op_id and report.state not in SETTLED:
        finish, undo = (_proposed(way, report.op_id, where) for way in ("finish", "undo"))
        click.echo(f"  it stopped half-way; carry on with: {finish}, or take it back with: {undo}")
    elif report.op_id and report.done:
        way = "do it again with" if report.kind == "undo" else "take it back with"
        click.echo(f"  {way}: {_proposed('redo' if report.kind == 'undo' else 'undo', report.op_id, where)}")


def _proposed(way: str, op_id: str, where: Sequence[str]) -> str:
    return shlex.join(("qd", "git", way, op_id, *where))


def _say(mark: str, text: str, *, wraps: bool = True) -> None:
    """A line after its mark; in a terminal it goes on below its own beginning. Commands stay whole, to be copied."""
    text = one_line(text) if wraps else "\n".join(one_line(line) for line in text.split("\n"))
    if not (wraps and sys.stdout.isatty()):
        click.echo(mark + text)
        return
    width = max(40, shutil.get_terminal_size().columns)
    click.echo(
        textwrap.fill(
            text,
            width,
            initial_indent=mark,
            subsequent_indent=" " * len(mark),
            break_long_words=False,
            break_on_hyphens=False,
        )
        or mark
    )


def _command(words: Sequence[str]) -> str:
    """A command as a shell would take it; what it is given on standard input after `<<<`."""
    if "<<<" not in words:
        return shlex.join(words)
    at = words.index("<<<")
    return f"{shlex.join(words[:at])} <<< {shlex.quote(chr(10).join(words[at + 1 :]))}"


def _told(change: RefChange) -> str:
    name = change.ref.removeprefix("refs/heads/")
    where = f" on {change.remote}" if change.side == "remote" else ""
    # Where a ref stands still, only what belongs to it is changed, which the reason says.
    moved = f"  {_value(change.old)} → {_value(change.new)}" if change.old != change.new else ""
    stake = f", {plans.count_of(change.commits, 'commit')} on no other branch" if change.commits else ""
    return f"{name}{where}{moved}  {change.locked or change.reason}{stake}"


def _value(value: str) -> str:
    """What a ref holds: a shortened id, or the branch that it stands at."""
    if value.startswith(SYMBOLIC):
        return value.removeprefix(SYMBOLIC).removeprefix("refs/heads/")
    return value[:10] or "(none)"

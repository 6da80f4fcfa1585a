"""How the commands of `qd git` show a plan and what became of it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import Any

import click

from app.commands.common import emit
from app.commands.text import clean
from app.errors import UserError
from app.git.model import Plan, RefChange, Report
from app.git.service import GitService

SETTLED = ("done", "undone")


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
        if as_json or not sys.stdin.isatty():
            raise UserError("nobody is there to agree to the plan", fix="add --yes to do it, or --dry-run to see it")
        show_plan(plan, ticked)
        if not click.confirm("Do this?", default=False):
            raise UserError("nothing was done")
    return await service.perform(plan, ticked)


def show_plan(plan: Plan, ticked: frozenset[str] | None = None) -> None:
    """The plan for people: every change with its reason, then the commands, then what to know before."""
    click.echo(clean(plan.title))
    for change in plan.changes:
        on = change.ticked if ticked is None else change.key in ticked
        mark = "[-]" if change.locked else "[x]" if on else "[ ]"
        click.echo(f"  {mark} {clean(_told(change))}")
    for refusal in plan.refused:
        click.echo(f"  -   {clean(refusal.ref)}: {clean(refusal.why)}")
    for command in plan.commands:
        click.echo(f"  $ {clean(_command(command))}")
    for note in plan.notes:
        click.echo(f"  {clean(note)}")


def answer(report: Report, plan: Plan, *, as_json: bool) -> int:
    """Print what became of a plan; the exit code."""
    if as_json:
        emit(document(report, plan))
    else:
        _show(report, plan)
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
        "notes": list(plan.notes) if plan is not None else [],
        "state": report.state,
        "message": report.message,
        "at": report.at,
        "undone_by": report.undone_by,
        "undoes": report.undoes,
    }


def _change(change: RefChange) -> dict[str, Any]:
    names = ("ref", "side", "remote", "old", "new", "reason", "recoverable", "ticked", "locked", "commits")
    return {name: getattr(change, name) for name in names}


def _show(report: Report, plan: Plan) -> None:
    if report.dry_run:
        show_plan(plan)
        click.echo("nothing was changed (dry run)")
    else:
        click.echo(clean(report.title or plan.title))
        for change in report.done:
            click.echo(f"  ✓ {clean(_told(change))}")
        for command in report.commands:
            click.echo(f"  $ {clean(_command(command))}")
        if not (report.done or report.refused or report.config):
            click.echo("  nothing to do")
    for refusal in report.refused if not report.dry_run else ():
        click.echo(
            f"  ✗ {clean(refusal.ref)}: {clean(refusal.why)}" + (f" ({clean(refusal.fix)})" if refusal.fix else "")
        )
    if report.message:
        click.echo(f"  {clean(report.message)}")
    if report.done and not report.dry_run and report.op_id:
        click.echo(f"  take it back with: qd git undo {report.op_id}")


def _command(words: Sequence[str]) -> str:
    """A command as a shell would take it; what it is given on standard input after `<<<`."""
    if "<<<" not in words:
        return shlex.join(words)
    at = words.index("<<<")
    return f"{shlex.join(words[:at])} <<< {shlex.quote(chr(10).join(words[at + 1 :]))}"


def _told(change: RefChange) -> str:
    name = change.ref.removeprefix("refs/heads/")
    where = f" on {change.remote}" if change.side == "remote" else ""
    moved = f"{change.old[:10] or '(none)'} → {change.new[:10] or '(none)'}"
    stake = f", {change.commits} commits are nowhere else" if change.commits else ""
    return f"{name}{where}  {moved}  {change.locked or change.reason}{stake}"

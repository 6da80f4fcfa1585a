"""`qd git hygiene` and `qd git hooks`: what is wrong with tracked files, and the checks that git itself calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.git_operations import Given, operate, operation_options
from app.commands.git_repository import choose, opened, repository_options
from app.commands.text import clean, one_line
from app.errors import UserError
from app.git.hooks import HOOKS, UNRULED, USUAL, HooksReport
from app.git.hooks import install as install_hooks
from app.git.hooks import status as status_of_hooks
from app.git.hooks import uninstall as uninstall_hooks
from app.git.hygiene.commands import commands
from app.git.hygiene.model import Finding
from app.git.hygiene.twins import told_apart

STATES = {"absent": "not installed"}
"""How a state of a hook is called where people read it, if not as in the document."""
MARKS = {"error": "✗", "warning": "⚠", "note": "·"}


EPILOG = """\b
Examples:
  qd git hygiene
  qd git hygiene --fix --dry-run
  qd git hygiene --fix build/report.bin missing_license:LICENSE
"""


@click.command(epilog=EPILOG)
@click.argument("wanted", nargs=-1, metavar="[KEY|PATH]...")
@click.option("--fix", is_flag=True, help="Mend what can be mended beyond doubt; qd git undo takes it back.")
@operation_options
def hygiene(given: Given, wanted: tuple[str, ...], fix: bool) -> int:
    """Print what is wrong with the tracked files: names that clash, files that are too large, and the like.

    With keys or paths of findings it is about those alone, and --fix mends them, doubtful ones too.
    """
    if fix and not wanted:
        return operate(given, "hygiene", {}, asks=True)
    loaded = load_settings(given.config)
    spec = choose(loaded, given.repo, given.path)

    async def read() -> tuple[Finding, ...]:
        async with opened(loaded, (spec,), keeps=False) as service:
            return await service.hygiene(spec.name)

    findings = _chosen(asyncio.run(read()), wanted)
    if fix:
        chosen = [finding._replace(ticked=True) for finding in findings]
        return operate(given, "hygiene", {"findings": chosen}, asks=True)
    if given.as_json:
        emit({"repository": spec.name, "findings": [_finding(finding) for finding in findings]})
    elif not findings:
        click.echo("✓ the tracked files are in order")
    for finding in findings if not given.as_json else ():
        paths = ", ".join(told_apart(finding.paths)[:5])
        click.echo(one_line(f"{MARKS[finding.severity]} {paths}: {finding.detail}"))
    return 1 if any(finding.severity == "error" for finding in findings) else 0


def _chosen(findings: tuple[Finding, ...], wanted: Sequence[str]) -> tuple[Finding, ...]:
    """Those that are named by key or path, or all. Raises UserError for a name that none has."""
    for name in wanted:
        if not any(name in (finding.key, *finding.paths) for finding in findings):
            names = [known for finding in findings for known in (finding.key, *finding.paths)]
            near = get_close_matches(name, names, n=1)
            fix = f"did you mean {clean(near[0])}?" if near else "see qd git hygiene"
            raise UserError(f"there is no finding {clean(name)}", fix=fix)
    picked = frozenset(wanted)
    return tuple(finding for finding in findings if not picked or picked.intersection((finding.key, *finding.paths)))


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "key": finding.key,
        "kind": finding.kind,
        "severity": finding.severity,
        "paths": list(finding.paths),
        "detail": finding.detail,
        "fix": [list(command) for step in finding.steps for command in commands(step)],
        "ticked": finding.ticked,
    }


@click.command(epilog="\b\nExamples:\n  qd git hooks status\n  qd git hooks install --hook pre-push --hook pre-commit")
@click.argument("action", type=click.Choice(["install", "uninstall", "status"]))
@click.option(
    "--hook",
    "names",
    multiple=True,
    type=click.Choice(HOOKS),
    help="Which; may be given several times. Without it pre-push is installed, and both are removed.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@repository_options
@json_option
@config_option
def hooks(
    action: str,
    names: tuple[str, ...],
    dry_run: bool,
    repo: str | None,
    path: Path | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Install, remove or look at the checks that git calls before a push and before a commit."""
    loaded = load_settings(config)
    folder = choose(loaded, repo, path).path
    if action == "install":
        report = install_hooks(folder, names or USUAL, config=config, dry_run=dry_run)
    elif action == "uninstall":
        report = uninstall_hooks(folder, names or HOOKS, dry_run=dry_run)
    else:
        report = status_of_hooks(folder)
        if not loaded.settings.git.naming.pattern:
            report = replace(report, notes=(*report.notes, UNRULED))
    if as_json:
        emit(_hooks(report))
    else:
        for line in (
            *report.done,
            *(f"{hook.name}: {STATES.get(hook.state, hook.state)}" for hook in report.hooks),
            *report.notes,
        ):
            click.echo(clean(line))
    return 0


def _hooks(report: HooksReport) -> dict[str, object]:
    return {
        "folder": str(report.folder),
        "dry_run": report.dry_run,
        "hooks": [
            {"name": hook.name, "state": hook.state, "path": str(hook.path), "before": _text(hook.before)}
            for hook in report.hooks
        ],
        "done": list(report.done),
        "notes": list(report.notes),
    }


def _text(path: Path | None) -> str | None:
    return str(path) if path is not None else None

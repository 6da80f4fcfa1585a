"""`qd content lint` and `fix`: what is against the style guide in files, and what is put right by itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from app.commands.common import SCHEMA, config_option, emit, emit_line, json_option, load_settings
from app.commands.text import clean, one_line
from app.content.style.model import Finding
from app.content.style.source import shown
from app.errors import UserError

if TYPE_CHECKING:
    from app.content.style.service import FixedFile, Linted, StyleService
    from app.settings import Loaded

Function = TypeVar("Function", bound=Callable[..., Any])

SHOWN = (
    "rule",
    "severity",
    "line",
    "column",
    "end_line",
    "end_column",
    "text",
    "message",
    "fix",
    "replacement",
)
WIDEST = 60
"""Characters that people see of a place; all of it is in the JSON."""


def _files(function: Function) -> Function:
    """`FILE…` and what chooses the style."""
    for option in (
        click.option("--target", metavar="NAME", default="", help="Check as for this target of publishing."),
        click.option("--template", metavar="NAME", default="", help="Check as a text of this template."),
        click.argument("files", nargs=-1, required=True, metavar="FILE…"),
    ):
        function = option(function)
    return function


@click.command(
    epilog="\b\nExamples:\n  qd content lint README.md docs/*.md\n  qd content lint --json draft.md\n"
    "  qd content lint --sarif docs/*.md > style.sarif\n  pbpaste | qd content lint -"
)
@_files
@click.option("--sarif", "as_sarif", is_flag=True, help="Print one SARIF 2.1.0 document.")
@config_option
@json_option
def lint(files: tuple[str, ...], template: str, target: str, as_sarif: bool, config: Path | None, as_json: bool) -> int:
    """Tell what is against the style guide in Markdown files; `-` is standard input.

    The exit code is 1 when there is an error. With --json each file gives one document, a line each where there are
    several.
    """
    if as_json and as_sarif:
        raise click.UsageError("--json and --sarif are two forms of one answer; give one of them")
    service = _service(config, template, target)
    linted = []
    for file in files:
        one = service.lint(file)
        linted.append(one)
        if one.trouble:
            click.echo(f"quarterdeck: {one_line(file)}: {one_line(one.trouble)}", err=True)
        if as_json:
            _print({"file": one.file, "findings": _documents(one.findings)}, len(files))
        elif not as_sarif:
            _tell(one.file, one.findings)
    if as_sarif:
        from app.content.style.sarif import document

        click.echo(json.dumps(document([(one.file, one.findings) for one in linted], service.rules), indent=2))
    elif not as_json:
        _sum_up(linted)
    return 1 if any(one.errors for one in linted) else 0


@click.command(
    epilog="\b\nExamples:\n  qd content fix draft.md\n  qd content fix --diff docs/*.md\n"
    "  qd content fix - < draft.md > better.md"
)
@_files
@click.option("--diff", "as_diff", is_flag=True, help="Show the change and write nothing.")
@config_option
@json_option
def fix(files: tuple[str, ...], template: str, target: str, as_diff: bool, config: Path | None, as_json: bool) -> int:
    """Put right in place what is safe to; what needs a decision is told and left.

    Each file is replaced in one step, or not at all. Of standard input (`-`) the better text is printed. The exit code
    is 1 when an error is left.
    """
    service = _service(config, template, target)
    errors = 0
    for file in files:
        done = service.fix(file, write=not as_diff)
        errors += done.errors
        if as_json:
            _print(_document(done, as_diff), len(files))
        elif as_diff:
            _raw(done.diff.encode("utf-8", "surrogateescape"))
        elif file == "-":
            _raw(done.after)
        else:
            click.echo(f"{one_line(file)}: {len(done.fixed)} put right, {len(done.left)} left")
            _tell(file, [finding for finding in done.left if finding.severity == "error"])
    return 1 if errors else 0


def _raw(output: bytes) -> None:
    """For another program as it is, for a terminal harmless."""
    if sys.stdout.isatty():
        click.echo(clean(output.decode("utf-8", "replace")), nl=False)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()


def _service(config: Path | None, template: str, target: str) -> StyleService:
    from app.content.asking import templates_folder
    from app.content.styling import style_of
    from app.content.templates.catalogue import Catalogue

    loaded = load_settings(config)
    if template:
        Catalogue(templates_folder(loaded.settings, loaded.base)).find(template)
    if target:
        _known(loaded, target)
    return style_of(loaded, template, target)


def _known(loaded: Loaded, target: str) -> None:
    """Raises UserError for a target that neither is configured nor has a style of its own."""
    content = loaded.settings.content
    named = [each.name for each in content.targets] + [each.target for each in content.style.overrides]
    known = sorted({name for name in named if name})
    if target not in known:
        fix = f"there are: {', '.join(known)}" if known else "none is configured: see [[content.targets]]"
        raise UserError(f"there is no target {target[:40]!r}", where="--target", fix=fix)


def _document(done: FixedFile, as_diff: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "file": done.file,
        "fixed": _documents(done.fixed),
        "left": _documents(done.left),
        "diff": shown(done.diff) if as_diff else None,
        "text": done.after.decode("utf-8", "replace") if done.file == "-" and not as_diff else None,
    }
    return document


def _documents(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [{name: getattr(finding, name) for name in SHOWN} for finding in findings]


def _print(document: Mapping[str, Any], files: int) -> None:
    if files == 1:
        emit(document)
    else:
        emit_line({"schema": SCHEMA, **document})


def _tell(file: str, findings: Sequence[Finding]) -> None:
    for finding in findings:
        place = f"{one_line(file)}:{finding.line}:{finding.column}"
        text = finding.text if len(finding.text) <= WIDEST else f"{finding.text[: WIDEST - 1]}…"
        better = (
            "" if finding.replacement is None else f" → {one_line(json.dumps(finding.replacement, ensure_ascii=False))}"
        )
        said = one_line(json.dumps(text, ensure_ascii=False)) if text else ""
        click.echo(f"{place}: {finding.severity}: {finding.message}: {said}{better}  [{finding.rule}]")


def _sum_up(linted: Sequence[Linted]) -> None:
    counts = dict.fromkeys(("error", "warn", "info"), 0)
    fixable = 0
    for one in linted:
        for finding in one.findings:
            counts[finding.severity] += 1
            fixable += finding.fix == "safe"
    names = {"error": "error", "warn": "warning", "info": "remark"}
    parts = [f"{number} {names[name]}{'s' if number > 1 else ''}" for name, number in counts.items() if number]
    safe = f"; `qd content fix` puts {fixable} of them right" if fixable else ""
    click.echo(f"{', '.join(parts) or 'nothing found'}{safe}")

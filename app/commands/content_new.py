"""`qd content templates` and `new`: what drafts are made of, and making one."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app import standard_input
from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.editing import edited
from app.commands.given import utf8
from app.commands.text import clean, columns, one_line
from app.errors import UserError

if TYPE_CHECKING:
    from app.content.model import Template, TemplateField
    from app.content.templates.catalogue import Entry

LARGEST = 8 * 1024 * 1024
"""Bytes of a file of answers."""


@click.command(epilog="\b\nExamples:\n  qd content templates devlog\n  qd content templates --json")
@click.argument("template", default="")
@json_option
@config_option
def templates(template: str, as_json: bool, config: Path | None) -> int:
    """List the templates of drafts, or explain TEMPLATE: what it is for, what it asks, what it tells by itself.

    A template that is broken is listed with what is wrong and where.
    """
    from app.commands.content_storage import catalogue, entry_document

    known = catalogue(load_settings(config))
    if template:
        known.find(template)
    entries = [entry for entry in known.all() if template in ("", entry.id)]
    if as_json:
        emit({"templates": [entry_document(entry) for entry in entries]})
    elif template:
        click.echo("\n".join(_explained(entries[0])))
    else:
        rows = [(entry.id, entry.origin, _about(entry)) for entry in entries]
        click.echo("\n".join(columns(("template", "from", "what for"), rows)))
    return 0


@click.command(
    epilog="\b\nExamples:\n  qd content new devlog --set title='The journal waits' --set audience=developers\n"
    "  qd content new adr --answers answers.json --json\n  qd content new standup --dry-run"
)
@click.argument("template")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="FIELD=VALUE",
    help="An answer; may repeat.",
    callback=utf8,
)
@click.option("--answers", metavar="FILE", default="", help="Answers as a JSON object; `-` is standard input.")
@click.option(
    "--title",
    metavar="TEXT",
    default="",
    callback=utf8,
    help="What the draft is called [default: as the template says].",
)
@click.option("--dry-run", is_flag=True, help="Print the text and keep nothing.")
@click.option("--path", type=click.Path(path_type=Path), metavar="DIR", help="The repository that git's data is of.")
@click.option("--repo", metavar="NAME", help="The same, by its name in the configuration.")
@json_option
@config_option
def new(
    template: str,
    given: tuple[str, ...],
    answers: str,
    title: str,
    dry_run: bool,
    repo: str | None,
    path: Path | None,
    as_json: bool,
    config: Path | None,
) -> int:
    """Make a draft from TEMPLATE, filled with answers and with live data.

    `qd content templates TEMPLATE` names the fields.
    On a terminal what is missing is asked, long texts in $VISUAL or $EDITOR, one after the other. Elsewhere, and with
    --json, nothing is asked: a missing answer is an error that names all of them. Git's data is that of the configured
    repositories, else of the current folder's.
    """
    asked = not as_json and standard_input.interactive() and sys.stdout.isatty() and not answers
    values = {**_answers(answers), **_given(given)}
    return asyncio.run(_new(config, template, values, title, dry_run, (repo, path), asked, as_json))


async def _new(
    config: Path | None,
    name: str,
    given: dict[str, Any],
    title: str,
    dry_run: bool,
    where: tuple[str | None, Path | None],
    asked: bool,
    as_json: bool,
) -> int:
    from app.commands.content_storage import draft_document, drafting, repositories_of
    from app.content.templates.values import complete

    loaded = load_settings(config)
    # What was written in the editor stays in its files until the draft is kept.
    async with drafting(loaded, repositories_of(loaded, *where)) as opened, AsyncExitStack() as written:
        begun = await opened.maker.begin(name, asked=asked)
        if asked:
            complete(begun.template, given, {}, wanted=False)
            given |= await asyncio.to_thread(_ask, begun.template, given, begun.defaults, written)
        if dry_run:
            titled, text = await opened.maker.preview(begun, given)
            if as_json:
                emit({"draft": None, "title": title or titled, "text": text, "state": "dry_run"})
            else:
                click.echo(clean(text), nl=False)
            return 0
        draft = await opened.maker.make(begun, given, title=title)
        kept = await opened.settled()
    state = "applied" if kept else "spooled"
    if as_json:
        emit({"draft": draft_document(draft), "title": draft.title, "text": draft.body, "state": state})
        return 0
    click.echo(f"draft {draft.id}: {one_line(draft.title)}")
    for part in begun.context.values():
        if part.why:
            click.echo(f"  {part.source}: no data ({one_line(part.why)})")
    if not kept:
        click.echo("the database is away; the draft waits in the journal")
    click.echo(f"`qd content show {draft.id}` prints it")
    return 0


def _given(pairs: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise UserError(f"{pair[:60]!r} is no answer", where="--set", fix="write --set FIELD=VALUE")
        before = found.get(name.strip())
        found[name.strip()] = value if before is None else f"{before},{value}"
    return found


def _answers(file: str) -> dict[str, Any]:
    if not file:
        return {}
    try:
        if file == "-":
            raw = standard_input.read(LARGEST)
        else:
            with Path(file).expanduser().open("rb") as stream:
                raw = stream.read(LARGEST + 1)
        found = json.loads(raw)
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", where=file, fix="check the name") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"no JSON: {error}", where=file, fix='write an object such as {"title": "…"}') from None
    if not isinstance(found, dict):
        raise UserError("no JSON object", where=file, fix='write one such as {"title": "…"}')
    return found


def _ask(
    template: Template, given: Mapping[str, Any], defaults: Mapping[str, Any], written: AsyncExitStack
) -> dict[str, Any]:
    """Ask for each field that has no answer, until the answer fits."""
    from app.content.templates.values import AnswerError, checked

    found: dict[str, Any] = {}
    for field in template.fields:
        while field.name not in given and field.name not in found:
            answer = _prompt(field, defaults.get(field.name), written)
            try:
                # An editor that was left without a word is no reason to open it again.
                if not answer.strip() and (not field.required or field.kind == "long"):
                    break
                found[field.name] = checked(field, answer)
            except AnswerError as error:
                click.echo(f"  {error}: {error.fix}")
            if field.required and found.get(field.name) in ("", []):
                del found[field.name]
    return found


def _prompt(field: TemplateField, default: Any, written: AsyncExitStack) -> str:
    if field.help:
        click.secho(f"  {clean(field.help)}", dim=True)
    if field.kind == "long":
        return written.enter_context(edited(str(default or ""), field.name, f"give it with --set {field.name}=…"))
    choices = f" ({', '.join(field.choices)})" if field.choices else " (yes, no)" if field.kind == "toggle" else ""
    shown = ", ".join(default) if isinstance(default, list) else "" if default is None else str(default)
    shown = {"True": "yes", "False": "no"}.get(shown, shown) if field.kind == "toggle" else shown
    return str(click.prompt(f"{field.label}{choices}", default=shown, show_default=bool(shown)))


def _about(entry: Entry) -> str:
    if entry.template is None:
        return f"broken: {entry.error}"
    return f"{entry.template.title}: {entry.template.help}" if entry.template.help else entry.template.title


def _explained(entry: Entry) -> list[str]:
    template = entry.template
    assert template is not None
    lines = [f"{template.id}: {template.title}", clean(template.help), ""]
    facts = {
        "file": f"{entry.path} ({entry.origin})",
        "kind": f"{template.kind}{', numbered' if template.numbered else ''}",
        "targets": ", ".join(template.targets) or "none named",
        "context": ", ".join(template.context) or "none",
        "page": template.html,
        "ai": "on this machine only" if template.egress == "local" else "anywhere",
    }
    lines += [f"{name:8} {one_line(value)}" for name, value in facts.items()]
    rows = [
        (
            field.name,
            field.kind,
            "required" if field.required else "",
            one_line(_shown(field.default)),
            "; ".join(filter(None, (clean(field.help), ", ".join(field.choices)))),
        )
        for field in template.fields
    ]
    return [*lines, "", *columns(("field", "kind", "", "default", "what"), rows)] if rows else lines


def _shown(default: Any) -> str:
    if default is None:
        return ""
    text = ", ".join(default) if isinstance(default, list) else str(default)
    return "from the context" if "{{" in text or "{%" in text else text

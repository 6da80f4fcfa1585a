"""`qd schema`: the JSON Schema of what a command prints with `--json`."""

from __future__ import annotations

import difflib
import json
from importlib import import_module
from typing import Any

import click

from app.errors import UserError

SCHEMAS = {
    "test run": "app.commands.schemas.tests:RUN",
    "test watch": "app.commands.schemas.tests:WATCH",
    "test history": "app.commands.schemas.tests:HISTORY",
    "git status": "app.commands.schemas.git:STATUS",
    "git switch": "app.commands.schemas.git:SWITCH",
    "git new": "app.commands.schemas.git:NEW",
    "git rename": "app.commands.schemas.git:RENAME",
    "git align": "app.commands.schemas.git:ALIGN",
    "git sync": "app.commands.schemas.git:SYNC",
    "git push": "app.commands.schemas.git:PUSH",
    "git track": "app.commands.schemas.git:TRACK",
    "git prune": "app.commands.schemas.git:PRUNE",
    "git undo": "app.commands.schemas.git:UNDO",
    "git redo": "app.commands.schemas.git:REDO",
    "git finish": "app.commands.schemas.git:FINISH",
    "git journal": "app.commands.schemas.git:JOURNAL",
    "git hygiene": "app.commands.schemas.git:HYGIENE",
    "git hooks": "app.commands.schemas.git:HOOKS",
    "git broadcast": "app.commands.schemas.git:BROADCAST",
    "feedback next": "app.commands.schemas.feedback_review:NEXT",
    "feedback stats": "app.commands.schemas.feedback_review:STATS",
    "feedback add": "app.commands.schemas.feedback:ADD",
    "feedback import": "app.commands.schemas.feedback:IMPORT",
    "feedback export": "app.commands.schemas.feedback:EXPORT",
    "feedback list": "app.commands.schemas.feedback:LIST",
    "feedback decide": "app.commands.schemas.feedback:DECIDE",
    "feedback undo": "app.commands.schemas.feedback:UNDO",
    "feedback redo": "app.commands.schemas.feedback:REDO",
    "feedback quarantine list": "app.commands.schemas.feedback:QUARANTINE_LIST",
    "feedback quarantine show": "app.commands.schemas.feedback:QUARANTINE_SHOW",
    "feedback quarantine mend": "app.commands.schemas.feedback:QUARANTINE_MEND",
    "feedback quarantine retry": "app.commands.schemas.feedback:QUARANTINE_RETRY",
    "feedback quarantine drop": "app.commands.schemas.feedback:QUARANTINE_DROP",
    "feedback serve": "app.commands.schemas.feedback:SERVE",
    "feedback poll": "app.commands.schemas.feedback:POLL",
    "feedback client": "app.commands.schemas.feedback:CLIENT",
    "retrain status": "app.commands.schemas.retrain:STATUS",
    "retrain fire": "app.commands.schemas.retrain:FIRE",
    "retrain history": "app.commands.schemas.retrain:HISTORY",
    "retrain report": "app.commands.schemas.retrain:REPORT",
    "retrain hold": "app.commands.schemas.retrain:HOLD",
    "retrain resume": "app.commands.schemas.retrain:RESUME",
    "retrain dispatch": "app.commands.schemas.retrain:DISPATCH",
    "retrain retry": "app.commands.schemas.retrain:RETRY",
    "content templates": "app.commands.schemas.content_drafts:TEMPLATES",
    "content new": "app.commands.schemas.content_drafts:NEW",
    "content list": "app.commands.schemas.content_drafts:LIST",
    "content show": "app.commands.schemas.content_drafts:SHOW",
    "content render": "app.commands.schemas.content_drafts:RENDER",
    "content diff": "app.commands.schemas.content_drafts:DIFF",
    "content edit": "app.commands.schemas.content_drafts:EDIT",
    "content rename": "app.commands.schemas.content_drafts:RENAME",
    "content restore": "app.commands.schemas.content_drafts:RESTORE",
    "content archive": "app.commands.schemas.content_drafts:ARCHIVE",
    "content trash": "app.commands.schemas.content_drafts:TRASH",
    "content publish": "app.commands.schemas.content_publish:PUBLISH",
    "content deliveries": "app.commands.schemas.content_publish:DELIVERIES",
    "content dispatch": "app.commands.schemas.content_publish:DISPATCH",
    "content resolve": "app.commands.schemas.content_publish:RESOLVE",
    "content unpublish": "app.commands.schemas.content_publish:UNPUBLISH",
    "content targets": "app.commands.schemas.content_publish:TARGETS",
    "content ai": "app.commands.schemas.content_ai:AI",
    "content lint": "app.commands.schemas.content:LINT",
    "content fix": "app.commands.schemas.content:FIX",
    "notes add": "app.commands.schemas.notes:ADD",
    "notes list": "app.commands.schemas.notes:LIST",
    "notes search": "app.commands.schemas.notes:SEARCH",
    "notes show": "app.commands.schemas.notes:SHOW",
    "notes edit": "app.commands.schemas.notes:EDIT",
    "notes tag": "app.commands.schemas.notes:TAG",
    "notes history": "app.commands.schemas.notes:HISTORY",
    "notes links": "app.commands.schemas.notes:LINKS",
    "notes rename": "app.commands.schemas.notes:RENAME",
    "notes trash": "app.commands.schemas.notes:TRASH",
    "notes restore": "app.commands.schemas.notes:RESTORE",
    "notes import": "app.commands.schemas.notes:IMPORT",
    "notes export": "app.commands.schemas.notes:EXPORT",
    "notes sync": "app.commands.schemas.notes:SYNC",
    "config show": "app.commands.schemas.config:SHOW",
    "config check": "app.commands.schemas.config:CHECK",
    "config path": "app.commands.schemas.config:PATH",
    "init": "app.commands.schemas.config:INIT",
    "db status": "app.commands.schemas.db:STATUS",
    "db upgrade": "app.commands.schemas.db:UPGRADE",
    "db refused": "app.commands.schemas.db:REFUSED",
    "db schema": "app.commands.schemas.db:CONTRACTS",
    "db copy": "app.commands.schemas.db:COPY",
    "db backup": "app.commands.schemas.db:BACKUP",
    "db restore": "app.commands.schemas.db:RESTORE",
}
"""Every command that takes `--json`, with the place of its schema."""


def find(command: str) -> dict[str, Any]:
    """The schema of a command's document, or of one line where it prints a stream."""
    if command not in SCHEMAS:
        near = difflib.get_close_matches(command, SCHEMAS, n=1)
        hint = f"did you mean `qd schema {near[0]}`?" if near else f"there is one for: {', '.join(SCHEMAS)}"
        raise UserError(f"no command `{command}` prints JSON", fix=hint)
    module, _, name = SCHEMAS[command].partition(":")
    schema: dict[str, Any] = getattr(import_module(module), name)
    return schema


def _words(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The words that can follow those that stand there already."""
    before = [str(word) for word in ctx.params.get("command") or ()]
    following = [words[len(before)] for name in SCHEMAS if (words := name.split())[: len(before)] == before != words]
    return [word for word in dict.fromkeys(following) if word.startswith(incomplete)]


@click.command(epilog="\b\nExamples:\n  qd schema                 the commands that print JSON\n  qd schema test run")
@click.argument("command", nargs=-1, shell_complete=_words)
def schema(command: tuple[str, ...]) -> None:
    """Print the JSON Schema of what COMMAND prints with --json."""
    if not command:
        for name in SCHEMAS:
            click.echo(name)
        return
    click.echo(json.dumps(find(" ".join(command)), indent=2))

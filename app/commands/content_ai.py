"""`qd content ai`: a text written or changed with the help of AI."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.text import clean, one_line
from app.content.ai.model import ACTIONS, Action
from app.errors import UserError

if TYPE_CHECKING:
    from app.content.ai.assistant import Assistant, Result
    from app.content.ai.model import Profile, Prompt, Request
    from app.content.ai.prompts import Task
    from app.settings import Loaded

STDIN = "-"


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for on the command line."""

    name: str
    action: Action
    profile: str
    lines: str
    wish: str


@click.command(
    epilog="\b\nExamples:\n  qd content ai 01JD… --do draft\n  qd content ai notes.md --do shorten --selection 10:24\n"
    "  qd content ai - --do tone --say 'warmer' < draft.md\n  qd content ai 01JD… --do titles --dry-run"
)
@click.argument("name", metavar="ID|FILE|-")
@click.option("--do", "action", type=click.Choice(ACTIONS), required=True, help="What is done with the text.")
@click.option("--profile", metavar="NAME", default="", help="Ask this profile [default: as configured].")
@click.option("--selection", "lines", metavar="L1:L2", default="", help="These lines only, from 1, both included.")
@click.option("--say", "wish", metavar="TEXT", default="", help="What you want besides; for `tone`, which one.")
@click.option("--dry-run", is_flag=True, help="Print exactly what would be sent and where, and send nothing.")
@json_option
@config_option
def ai(
    name: str,
    action: str,
    profile: str,
    lines: str,
    wish: str,
    dry_run: bool,
    as_json: bool,
    config: Path | None,
) -> int:
    """Let AI draft, rewrite or shorten a text, change its tone, name titles for it, or go on with it.

    The text is a draft, by its id or the end of it, or a file, or standard input; it stays as it is. On a terminal the
    reply is shown as it comes; then, and elsewhere at once, the text that keeps the style: with safe fixes, and asked
    once more at most for what is left. ctrl+c ends the reply and keeps what came. The exit code is 1 for a reply that
    is not complete.
    """
    loaded = load_settings(config)
    order = _Order(name, next(each for each in ACTIONS if each == action), profile, lines, wish)
    return asyncio.run(_ai(loaded, order, dry_run, as_json))


async def _ai(loaded: Loaded, order: _Order, dry_run: bool, as_json: bool) -> int:
    from app.commands.feedback_storage import FLUSH_S, opened
    from app.content.ai import calls
    from app.content.ai.assistant import Assistant
    from app.content.ai.profiles import check_key, choose
    from app.content.ai.prompts import Prompts
    from app.content.asking import templates_folder
    from app.content.styling import style_of
    from app.settings import absolute, content_style

    given = loaded.settings.content.ai
    chosen = choose(given, order.profile)
    if not dry_run:
        check_key(chosen)
    task = await _task(loaded, order)
    options = content_style(loaded.settings)
    voice = [absolute(path, loaded.base) for path in given.voice]
    prompts = Prompts(options, templates_folder(loaded.settings, loaded.base), voice)

    style = partial(style_of, loaded)

    async def nothing(call: Any) -> None:
        """A dry run asks nobody."""

    if dry_run:
        prompt, sent = await Assistant(chosen, prompts, style, nothing).preview(task)
        _show(chosen, task, prompt, sent, as_json)
        return 0
    async with opened(loaded) as storage:
        assistant = Assistant(chosen, prompts, style, lambda call: calls.put(storage.spool, call))
        live: list[str] = []
        result = await _run(assistant, task, live if not as_json and sys.stdout.isatty() else None)
        await storage.spool.flush(FLUSH_S)
    if as_json:
        emit(_document(chosen, task, dry_run=False, sent=None, result=result))
    else:
        _tell(task, result, "".join(live))
    return 0 if result.outcome == "complete" else 1


async def _task(loaded: Loaded, order: _Order) -> Task:
    from app.commands.content_storage import catalogue, drafting
    from app.content.ai.prompts import Task
    from app.content.style.service import read

    if await asyncio.to_thread(_is_text, order.name):
        try:
            text = _normal((await asyncio.to_thread(read, order.name)).decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            where = f"{order.name}, byte {error.start}"
            raise UserError("the text is not UTF-8", where=where, fix="save it as UTF-8") from None
        return Task(order.action, text, _selection(order.lines, text), order.wish)
    async with drafting(loaded) as drafts:
        draft = await drafts.drafts.find(order.name)
    try:
        local = (await asyncio.to_thread(catalogue(loaded).find, draft.template)).egress == "local"
    except UserError:
        # What a template that is gone said about its texts is not known.
        local = True
    text = _normal(draft.body)
    facts = {source: part.get("data") for source, part in draft.context.items() if isinstance(part, dict)}
    if draft.fields:
        facts = {"answers": dict(draft.fields), **facts}
    return Task(
        order.action,
        text,
        _selection(order.lines, text),
        order.wish,
        draft.title,
        draft.template,
        facts,
        local,
        draft.id,
    )


def _is_text(name: str) -> bool:
    """Whether a file or standard input is meant, and no draft."""
    return name == STDIN or "/" in name or bool(Path(name).suffix) or Path(name).is_file()


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _selection(lines: str, text: str) -> tuple[int, int] | None:
    """The characters of lines such as `3:7`; None where none are given."""
    if not lines:
        return None
    first, _, last = lines.partition(":")
    all_lines = text.split("\n")
    numbers = [int(part) if part.isascii() and part.isdecimal() and len(part) < 10 else 0 for part in (first, last)]
    count = len(all_lines) - (not all_lines[-1])
    if not 1 <= numbers[0] <= numbers[1] <= count:
        fix = f"give two lines from 1 to {count}, such as 1:{count}"
        raise UserError(f"{lines[:40]!r} are no lines of this text", where="--selection", fix=fix)
    starts = [0]
    for line in all_lines:
        starts.append(starts[-1] + len(line) + 1)
    return (starts[numbers[0] - 1], min(starts[numbers[1]], len(text)))


async def _run(assistant: Assistant, task: Task, live: list[str] | None) -> Result:
    """Do the task, showing the reply as it comes and keeping it in `live`, unless that is None."""

    def shown(text: str) -> None:
        if live is None:
            return
        live.append(text)
        click.echo(clean(text), nl=False)
        sys.stdout.flush()

    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, assistant.stop)
    try:
        return await assistant.run(task, shown)
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)


def _tell(task: Task, result: Result, live: str) -> None:
    """The text that came of it, unless `live` has shown the same, and what there is to say of it."""
    if task.action == "titles":
        text = "".join(f"{title}\n" for title in result.titles)
    else:
        text = f"{result.reply}\n" if result.reply else ""
    if live:
        click.echo()
    if live and text.strip() != live.strip():
        click.echo("-" * 40)
    if text.strip() != live.strip():
        click.echo(clean(text) if sys.stdout.isatty() else text, nl=False)
    for finding in result.findings:
        click.echo(f"quarterdeck: line {finding.line}: {finding.severity}: {finding.message}", err=True)
    if result.why:
        click.echo(f"quarterdeck: the reply is not complete: {one_line(result.why)}", err=True)
    parts = [f"{call.tokens_in or 0:,} tokens sent, {call.tokens_out or 0:,} received" for call in result.calls]
    costs = [call.cost for call in result.calls if call.cost is not None]
    about = " (estimated)" if any(call.estimated for call in result.calls) else ""
    price = f", cost {sum(costs):f}" if costs else ""
    click.echo(f"quarterdeck: {'; '.join(parts)}{about}{price}", err=True)


def _show(profile: Profile, task: Task, prompt: Prompt, sent: Request, as_json: bool) -> None:
    import json

    if as_json:
        parts = {"system": prompt.system, "context": prompt.context, "user": prompt.user}
        told = {"url": sent.url, "headers": dict(sent.shown), "body": dict(sent.body), "parts": parts}
        emit(_document(profile, task, dry_run=True, sent=told, result=None))
        return
    lines = [f"POST {sent.url}", *(f"{name}: {value}" for name, value in sent.shown.items()), ""]
    for name, text in (("system", prompt.system), ("context", prompt.context), ("user", prompt.user)):
        if text:
            lines += [f"--- {name} ---", text, ""]
    lines += ["--- the body as it is sent ---", json.dumps(sent.body, ensure_ascii=False, indent=2)]
    click.echo(clean("\n".join(lines)))


def _document(
    profile: Profile, task: Task, *, dry_run: bool, sent: dict[str, Any] | None, result: Result | None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "profile": profile.name,
        "kind": profile.kind,
        "model": profile.model,
        "action": task.action,
        "draft": task.draft_id,
        "local": task.local,
        "dry_run": dry_run,
        "sent": sent,
        "result": None,
    }
    if result is None:
        return document
    changes = [{"start": hunk.start, "before": hunk.before, "after": hunk.after} for hunk in result.changes]
    left = ("rule", "severity", "line", "column", "text", "message")
    call = ("outcome", "tokens_in", "tokens_out", "estimated", "duration_s")
    document["result"] = {
        "outcome": result.outcome,
        "why": result.why,
        "text": result.after,
        "reply": result.reply,
        "titles": list(result.titles),
        "changes": changes,
        "fixed": result.fixed,
        "findings": [{name: getattr(finding, name) for name in left} for finding in result.findings],
        "calls": [
            {
                **{name: getattr(each, name) for name in call},
                "cost": None if each.cost is None else f"{each.cost:f}",
            }
            for each in result.calls
        ],
    }
    return document

"""An action from its question to a text that keeps the style: ask, put right what is safe, ask once more at most."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.content.ai import egress
from app.content.ai.calls import call_of
from app.content.ai.client import Client, OnText
from app.content.ai.hunks import Hunk, hunks
from app.content.ai.model import Call, Message, Outcome, Profile, Prompt, Reply, Request
from app.content.ai.profiles import check_key
from app.content.ai.prompts import Prompts, Task
from app.content.ai.wires import request
from app.content.style.model import Finding
from app.errors import UserError

if TYPE_CHECKING:
    from app.content.style.service import StyleService

Style = Callable[[str], "StyleService"]
"""The style guide for texts of a template, by its name."""
Record = Callable[[Call], Awaitable[None]]
TITLES = 10
_FENCE = re.compile(r"\A```+(?:markdown|md)[ \t]*\n(.*?)\n?```+\Z", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a task: `after` is the text with `reply` in its place, `changes` lead there from `before`.

    `titles` are the ideas where those were asked for; the text stays then. `findings` are left in the reply, with the
    lines of it. `why` tells why an `outcome` is not complete.
    """

    before: str
    after: str
    reply: str
    changes: tuple[Hunk, ...]
    titles: tuple[str, ...]
    fixed: int
    findings: tuple[Finding, ...]
    outcome: Outcome
    why: str
    calls: tuple[Call, ...]


class Assistant:
    """Does tasks with one endpoint, one at a time."""

    def __init__(self, profile: Profile, prompts: Prompts, style: Style, record: Record) -> None:
        self.profile, self._prompts, self._style, self._record = profile, prompts, style, record
        self._reading: asyncio.Task[None] | None = None
        self._stopped = False

    async def preview(self, task: Task) -> tuple[Prompt, Request]:
        """Exactly what would be sent, and where to. Raises UserError as `run` would, but for a missing key."""
        prompt = await asyncio.to_thread(self._prompts.build, task)
        if task.local:
            await egress.addresses(self.profile)
        return prompt, request(self.profile, prompt.system, [Message("user", prompt.asked)])

    async def run(self, task: Task, on_text: OnText = lambda text: None) -> Result:
        """Do a task; the first reply is handed on as it comes. Raises UserError where none of it came."""
        check_key(self.profile)
        self._stopped = False
        prompt, _ = await self.preview(task)
        asked = [Message("user", prompt.asked)]
        calls: list[Call] = []
        reply = await self._call(task, prompt.system, asked, calls, on_text)
        text, fixed, left = await asyncio.to_thread(self._mended, task, reply.text)
        if reply.outcome == "complete" and _counted(left) and not self._stopped:
            again = [*asked, Message("assistant", text), Message("user", self._prompts.correction(_counted(left)))]
            try:
                second = await self._call(task, prompt.system, again, calls, lambda text: None)
            except UserError:
                second = Reply()
            if second.outcome == "complete":
                better = await asyncio.to_thread(self._mended, task, second.text)
                if better[0].strip() and _score(better[2]) < _score(left):
                    text, fixed, left = better
        return await asyncio.to_thread(_result, task, reply, text, fixed, left, tuple(calls))

    def stop(self) -> None:
        """End the reply; what came of it is the result."""
        self._stopped = True
        if self._reading is not None:
            self._reading.cancel()

    async def _call(
        self, task: Task, system: str, messages: Sequence[Message], calls: list[Call], on_text: OnText
    ) -> Reply:
        reply = Reply()
        if self._stopped:
            reply.outcome, reply.why = "stopped", "stopped"
            return reply
        client = Client(self.profile, local=task.local)
        reading = self._reading = asyncio.ensure_future(client.ask(system, messages, reply, on_text))
        try:
            await asyncio.wait({reading})
            if not reading.cancelled():
                reading.result()
            elif not self._stopped:
                raise asyncio.CancelledError
            else:
                reply.outcome, reply.why = "stopped", "stopped"
        finally:
            self._reading = None
            if not reading.done():
                reading.cancel()
                await asyncio.wait({reading})
            call = call_of(self.profile, task.action, reply, task.draft_id)
            calls.append(call)
            await asyncio.shield(self._record(call))
        return reply

    def _mended(self, task: Task, reply: str) -> tuple[str, int, tuple[Finding, ...]]:
        """A reply with its safe fixes, how many, and what is left."""
        text = reply.replace("\r\n", "\n").replace("\r", "\n").strip()
        fence = _FENCE.match(text)
        text = fence[1].strip() if fence else text
        service = self._style(task.template)
        done = service.mend(f"{text}\n" if text else "")
        # What a whole text must have is not asked of a part of one; the front matter is never part of a reply.
        beside = {
            rule.id for rule in service.rules if rule.kind == "require" and (rule.using != "sign-off" or not task.whole)
        }
        left = tuple(finding for finding in done.left if finding.rule not in beside)
        return done.text.strip(), len(done.fixed), left


def _result(
    task: Task, reply: Reply, text: str, fixed: int, left: tuple[Finding, ...], calls: tuple[Call, ...]
) -> Result:
    titles: tuple[str, ...] = ()
    after = task.text
    if task.action == "titles":
        lines = (_BULLET.sub("", line).strip().strip('"') for line in text.split("\n"))
        titles = tuple(dict.fromkeys(line for line in lines if line))[:TITLES]
    elif text:
        after = _placed(task, text)
    return Result(
        before=task.text,
        after=after,
        reply=text,
        changes=hunks(task.text, after),
        titles=titles,
        fixed=fixed,
        findings=left,
        outcome=reply.outcome,
        why=reply.why,
        calls=calls,
    )


def _placed(task: Task, text: str) -> str:
    start, end = task.place
    if task.action == "continue":
        head, tail = task.text[:end], task.text[end:]
        gap = "" if not head.strip() else "\n" if head.endswith("\n") else "\n\n"
        gap = "" if head.endswith("\n\n") else gap
        after = "\n" if not tail or tail.startswith("\n") else "\n\n"
        return f"{head}{gap}{text}{after}{tail}"
    piece = task.piece
    body = piece.strip()
    if not body:
        return f"{task.text[:start]}{text}\n{task.text[end:]}"
    at = piece.index(body)
    return f"{task.text[:start]}{piece[:at]}{text}{piece[at + len(body) :]}{task.text[end:]}"


def _counted(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity != "info"]


def _score(findings: Sequence[Finding]) -> tuple[int, int]:
    return (sum(finding.severity == "error" for finding in findings), len(_counted(findings)))

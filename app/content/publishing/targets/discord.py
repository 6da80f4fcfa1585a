"""Discord, by a webhook. The address of a webhook is its secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app import __version__
from app.content.model import Part, Publication
from app.content.publishing.model import NO_ID, Change, Final, Outcome, Problem, Target, Text
from app.content.publishing.targets import answers
from app.content.render.discord import length, to_discord
from app.content.render.split import split
from app.http import Answer, Client, UnreachableError

WEBHOOK = re.compile(
    r"(?P<host>https://(?:ptb\.|canary\.)?discord(?:app)?\.com|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?)"
    r"/api(?:/v\d+)?(?P<path>/webhooks/(?P<id>\d{1,20})/[\w-]{1,200})/?(?:\?thread_id=(?P<thread>\d{1,20}))?"
)
API = "/api/v10"
AGENT = f"DiscordBot (https://discord.com/developers/applications, {__version__})"
LIMIT = 2000
EMBEDS = 10
EMBED_SUM = 6000
EMBED_LIMITS = {"title": 256, "description": 4096}
FIELD_LIMITS = {"name": 256, "value": 1024}
FIELDS = 25
NOBODY: Mapping[str, Any] = {"parse": []}
"""Nobody is called, unless the user said who may be: an edit without it would call those that the sending spared."""
_AUTOMATIC = {
    200000: "blocked by AutoMod",
    240000: "blocked by the filter of harmful links",
    50083: "the thread is archived",
    10003: "the channel or thread is not there",
    50006: "the message is empty",
    40005: "it is too large",
    40333: "blocked by the server's front because of the User-Agent",
}
_RATE = frozenset({20028, 20029, 40062, 30046})
_GONE = frozenset({10015, 50027})
UNKNOWN_MESSAGE = 10008


class Discord:
    """One webhook. `timeout_s` is for each request."""

    def __init__(self, target: Target, *, timeout_s: float = 20.0) -> None:
        found = WEBHOOK.fullmatch(str(target.options["url"]))
        assert found is not None, "the configuration was checked"
        self._path = found["path"]
        self._thread = str(target.options.get("thread_id") or found["thread"] or "")
        self._username = str(target.options.get("username") or "")
        self._mentions = {"parse": list(target.options.get("mentions") or ())}
        self._embed = bool(target.options.get("embed"))
        self._client = Client(found["host"] + API, headers={"User-Agent": AGENT}, timeout_s=timeout_s)

    def final(self, text: Text) -> Final:
        """Messages one by one; as an embed where the target says so and the text is short enough for one."""
        body = to_discord(text.body)
        if self._embed and 0 < length(body) <= EMBED_LIMITS["description"]:
            embed = {"title": text.title[: EMBED_LIMITS["title"]], "description": body}
            return Final(text.title, (Part("", {"embeds": [embed]}),), body, titled=True)
        parts = split(body)
        return Final(text.title, tuple(Part(part) for part in parts), body, titled=False)

    def problems(self, final: Final) -> list[Problem]:
        """Messages and embeds beyond what Discord takes."""
        found = []
        for number, part in enumerate(final.parts, 1):
            embeds = part.data.get("embeds", [])
            if not part.text.strip() and not embeds:
                found.append(Problem("empty", f"message {number} is empty"))
            if length(part.text) > LIMIT:
                found.append(Problem("length", f"message {number} has {length(part.text)} characters of {LIMIT}"))
            found += [Problem("limit", f"message {number}: {what}") for what in _embed_problems(embeds)]
        return found

    def refuses(self, change: Change) -> str:
        """Messages can be edited and deleted."""
        return ""

    async def send(self, publication: Publication, part: Part, number: int) -> Outcome:
        """Post one message, and wait for its id."""
        query = {"wait": "true", **self._query()}
        body = self._body(part) | ({"username": self._username} if self._username else {})
        try:
            answer = await self._client.once("POST", self._path, query, json=body)
        except UnreachableError as error:
            return answers.unreached(error)
        return _outcome(answer)

    async def edit(self, publication: Publication, part: Part, remote_id: str) -> Outcome:
        """Put another text into a message. Doing so twice does no harm, so that trouble is no reason to ask."""
        body = {"content": "", "embeds": [], **self._body(part)}
        try:
            answer = await self._client.once("PATCH", self._message(remote_id), self._query(), json=body)
        except UnreachableError as error:
            return answers.unreached(error, repeatable=True)
        return _outcome(answer, repeatable=True, known=remote_id)

    async def delete(self, publication: Publication, remote_id: str) -> Outcome:
        """Take a message away; one that is gone already counts."""
        try:
            answer = await self._client.once("DELETE", self._message(remote_id), self._query())
        except UnreachableError as error:
            return answers.unreached(error, repeatable=True)
        if answer.status == 404 and _code(answer) == UNKNOWN_MESSAGE:
            return Outcome("accepted", status=answer.status, remote_id=remote_id)
        return _outcome(answer, repeatable=True, known=remote_id)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    def _query(self) -> dict[str, str | int]:
        return {"thread_id": self._thread} if self._thread else {}

    def _message(self, remote_id: str) -> str:
        return f"{self._path}/messages/{remote_id}"

    def _body(self, part: Part) -> dict[str, Any]:
        content = {"content": part.text} if part.text else {}
        return {**content, **part.data, "allowed_mentions": self._mentions}


def _outcome(answer: Answer, *, repeatable: bool = False, known: str = "") -> Outcome:
    if answer.ok:
        return _accepted(answer, known)
    code, message = _code(answer), _message_of(answer)
    if answer.status == 429 or code in _RATE:
        return answers.busy(answer)
    if 300 <= answer.status < 400:
        return answers.moved(answer)
    if answer.status >= 500:
        return answers.trouble(answer, repeatable=repeatable)
    if code in _GONE or (answer.status in (401, 404) and code not in (UNKNOWN_MESSAGE, 10003)):
        what = "the webhook is not there any more" if answer.status == 404 else "the webhook's token is wrong"
        return answers.refused(answer, f"{what} ({message})", disabled=True)
    if code == UNKNOWN_MESSAGE:
        return answers.refused(answer, "the message was deleted in Discord")
    told = _AUTOMATIC.get(code or 0, "")
    places = "; ".join(_places(answer))
    return answers.refused(answer, ": ".join(filter(None, (told, message, places))))


def _accepted(answer: Answer, known: str) -> Outcome:
    pause = 0.0
    if answer.headers.get("x-ratelimit-remaining") == "0":
        try:
            pause = min(max(0.0, float(answer.headers.get("x-ratelimit-reset-after", "0"))), answers.PAUSE_MOST_S)
        except ValueError:
            pause = 0.0
    value = answer.json()
    identity = str(value.get("id") or "") if isinstance(value, dict) else ""
    if not identity and not known:
        return Outcome("accepted", NO_ID, answer.status, pause_s=pause)
    guild = value.get("guild_id") if isinstance(value, dict) else None
    channel = value.get("channel_id") if isinstance(value, dict) else None
    url = f"https://discord.com/channels/{guild}/{channel}/{identity}" if guild and channel else ""
    return Outcome("accepted", status=answer.status, remote_id=identity or known, url=url, pause_s=pause)


def _code(answer: Answer) -> int | None:
    value = answer.json()
    code = value.get("code") if isinstance(value, dict) else None
    return code if isinstance(code, int) else None


def _message_of(answer: Answer) -> str:
    value = answer.json()
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        return f"{value['message'][: answers.TEXT_LONGEST]} [{value.get('code', answer.status)}]"
    return f"{answers.words(answer)} [{answer.status}]"


def _places(answer: Answer) -> Iterator[str]:
    """`embeds.0.description: too long` for each field that was refused."""
    value = answer.json()
    stack: list[tuple[str, Any, int]] = [("", value.get("errors") if isinstance(value, dict) else None, 0)]
    while stack:
        path, node, depth = stack.pop()
        if not isinstance(node, dict) or depth > 12:
            continue
        for each in node.get("_errors") or ():
            if isinstance(each, dict):
                yield f"{path}: {str(each.get('message'))[: answers.TEXT_LONGEST]}"
        stack += [(f"{path}.{name}".lstrip("."), inner, depth + 1) for name, inner in node.items() if name != "_errors"]


def _embed_problems(embeds: Any) -> Iterator[str]:
    if len(embeds) > EMBEDS:
        yield f"{len(embeds)} embeds of {EMBEDS}"
    total = 0
    for embed in embeds:
        texts = [(name, str(embed.get(name, "")).strip(), most) for name, most in EMBED_LIMITS.items()]
        fields = embed.get("fields", [])
        if len(fields) > FIELDS:
            yield f"{len(fields)} fields of {FIELDS}"
        texts += [
            (f"field {name}", str(each.get(name, "")).strip(), most)
            for each in fields
            for name, most in FIELD_LIMITS.items()
        ]
        texts.append(("footer", str(embed.get("footer", {}).get("text", "")).strip(), 2048))
        texts.append(("author", str(embed.get("author", {}).get("name", "")).strip(), 256))
        total += sum(length(text) for _, text, _ in texts)
        yield from (
            f"{name} has {length(text)} characters of {most}" for name, text, most in texts if length(text) > most
        )
    if total > EMBED_SUM:
        yield f"the embeds have {total} characters together of {EMBED_SUM}"

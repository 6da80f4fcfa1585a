"""Asks an endpoint and reads its reply as it comes.

Redirects are not followed. Once any text was shown, nothing is asked again: what came is kept, and told as partial.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from app.content.ai import egress, faults, wires
from app.content.ai.faults import EndpointError
from app.content.ai.model import Message, Profile, Reply, Request
from app.content.ai.wires import FINISHED, Reader
from app.errors import UserError
from app.http import ANSWER_BYTES, Answer, Sleep

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 3
BACK_OFF_S, BACK_OFF_MOST_S = 0.5, 8.0
WAIT_MOST_S = 60.0
"""Longer than this nobody waits: the endpoint's wish is told."""
CONNECT_S = 10.0
REPLY_CHARACTERS = 4 * 1024 * 1024
SHARE = 4
"""Characters of a token, where nobody counted."""

OnText = Callable[[str], None]
Place = tuple[str, Mapping[str, str], Mapping[str, str]]
"""An address, its headers, and what TLS asks for there."""


class Client:
    """One endpoint. With `local` it is asked only if it is on this machine."""

    def __init__(self, profile: Profile, *, local: bool = False, sleep: Sleep = asyncio.sleep) -> None:
        self.profile, self.local, self._sleep = profile, local, sleep

    async def ask(self, system: str, messages: Sequence[Message], reply: Reply, on_text: OnText) -> None:
        """Fill `reply`, handing on each piece of its text. Raises UserError where none of it came.

        When this is cancelled, what came stands in `reply`.
        """
        began = time.monotonic()
        asked = len(system) + sum(len(message.text) for message in messages)
        try:
            await self._ask(wires.request(self.profile, system, messages), reply, on_text)
        except asyncio.CancelledError:
            reply.outcome = "stopped"
            raise
        finally:
            reply.duration_s = time.monotonic() - began
            if reply.text or reply.outcome in ("complete", "stopped"):
                _estimate(reply, asked)

    async def models(self) -> tuple[str, ...]:
        """The names of the endpoint's models; shows at once whether it is there and takes the key. Raises UserError."""
        url = self.profile.url + wires.LISTS[self.profile.kind]
        async with self._response("GET", url, wires.headers(self.profile), None) as response:
            answer = await _whole(response)
        value = answer.json()
        if not answer.ok or not isinstance(value, dict):
            raise faults.refused(self.profile, answer)
        return wires.models(self.profile.kind, value)

    async def _ask(self, request: Request, reply: Reply, on_text: OnText) -> None:
        for attempt in range(ATTEMPTS):
            try:
                return await self._once(request, reply, on_text)
            except EndpointError as error:
                if reply.text:
                    reply.outcome, reply.why = "partial", str(error)
                    return None
                late = (error.after_s or 0) > WAIT_MOST_S
                if not error.again or late or attempt == ATTEMPTS - 1:
                    raise
                pause = min(BACK_OFF_MOST_S, BACK_OFF_S * 2**attempt) * random.uniform(0.75, 1.0)
                await self._sleep(pause if error.after_s is None else error.after_s)
        raise AssertionError("unreachable")

    async def _once(self, request: Request, reply: Reply, on_text: OnText) -> None:
        reader = wires.reader(self.profile.kind)
        raw = json.dumps(request.body, ensure_ascii=False).encode("utf-8", "replace")
        async with self._response("POST", request.url, request.headers, raw) as response:
            if response.status_code != 200:
                raise await self._refused(await _whole(response))
            first = bytearray()
            try:
                async for chunk in response.aiter_bytes():
                    if not reader.heard:
                        first += chunk[: ANSWER_BYTES - len(first)]
                    self._take(reader, reader.feed(chunk), reply, on_text)
                    if reader.done or len(reply.text) > REPLY_CHARACTERS:
                        break
            finally:
                reply.tokens_in, reply.tokens_out = reader.tokens_in, reader.tokens_out
            self._take(reader, reader.close(), reply, on_text)
            reply.tokens_in, reply.tokens_out = reader.tokens_in, reader.tokens_out
            if not reader.heard:
                answer = Answer(200, dict(response.headers), bytes(first))
                value = answer.json()
                if isinstance(value, dict) and value.get("error"):
                    raise faults.broken(self.profile, value)
                if first.strip():
                    raise faults.refused(self.profile, answer)
        _judge(self.profile, reader, reply)

    def _take(self, reader: Reader, texts: Iterator[str], reply: Reply, on_text: OnText) -> None:
        for text in texts:
            reply.text += text
            on_text(text)
        if reader.error is not None:
            raise faults.broken(self.profile, reader.error)

    async def _refused(self, answer: Answer) -> EndpointError:
        error = faults.refused(self.profile, answer)
        if answer.status != 404:
            return error
        try:
            names = await self.models()
        except UserError:
            return error
        if names:
            error.fix = f"{error.fix}; there are {', '.join(sorted(names)[:12])}"
        return error

    @asynccontextmanager
    async def _response(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[httpx.Response]:
        import httpx

        places: list[Place] = [(url, headers, {})]
        if self.local:
            places = [_pinned(url, headers, address) for address in await egress.addresses(self.profile)]
        timeout = httpx.Timeout(self.profile.timeout_s, connect=min(CONNECT_S, self.profile.timeout_s))
        # What stays on this machine passes no proxy.
        async with httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=not self.local) as client:
            try:
                response = await _first(client, method, places, body)
                try:
                    yield response
                finally:
                    await response.aclose()
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                raise faults.lost(self.profile, error) from None


async def _first(client: httpx.AsyncClient, method: str, places: Sequence[Place], body: bytes | None) -> httpx.Response:
    """The answer of the first place that is reached."""
    import httpx

    for number, (url, headers, extensions) in enumerate(places):
        request = client.build_request(method, url, headers=dict(headers), content=body, extensions=dict(extensions))
        try:
            return await client.send(request, stream=True)
        except httpx.ConnectError:
            if number == len(places) - 1:
                raise
    raise httpx.ConnectError("no address")


def _pinned(url: str, headers: Mapping[str, str], address: str) -> Place:
    """The request to an address that was looked at, so that no later answer of the name service leads elsewhere."""
    parts = urlsplit(url)
    host = f"[{address}]" if ":" in address else address
    place = host if parts.port is None else f"{host}:{parts.port}"
    pinned = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
    return pinned, {**headers, "host": parts.netloc}, {"sni_hostname": parts.hostname or ""}


async def _whole(response: httpx.Response) -> Answer:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES:
            break
    return Answer(response.status_code, dict(response.headers), bytes(body[:ANSWER_BYTES]))


def _judge(profile: Profile, reader: Reader, reply: Reply) -> None:
    """Whether all of the reply came."""
    finished = reader.finish in FINISHED
    if reader.finish in ("length", "max_tokens", "model_context_window_exceeded"):
        reply.outcome, reply.why = "partial", f"the reply is cut off at its limit (max_tokens = {profile.max_tokens})"
    elif reader.finish in ("content_filter", "refusal"):
        reply.outcome, reply.why = "partial", "the endpoint has ended the reply for what it says"
    elif len(reply.text) > REPLY_CHARACTERS:
        reply.outcome, reply.why = "partial", "the reply does not end"
    elif not reader.done or not finished:
        reply.outcome, reply.why = "partial", "the reply broke off"
    else:
        reply.outcome, reply.why = "complete", ""
    if not reply.text.strip():
        why = "the reply has no text" if reply.outcome == "complete" else reply.why
        again = not reader.done and not reader.finish
        reply.outcome = "failed"
        raise EndpointError(why, where=f"{profile.name} ({profile.url})", fix="try again", again=again)


def _estimate(reply: Reply, asked: int) -> None:
    if reply.tokens_in is None or reply.tokens_out is None or reply.outcome == "stopped":
        reply.estimated = True
        reply.tokens_in = reply.tokens_in if reply.tokens_in is not None else -(-asked // SHARE)
        reply.tokens_out = max(reply.tokens_out or 0, -(-len(reply.text) // SHARE))

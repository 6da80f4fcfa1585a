"""Requests to other servers: one place for time limits, for waiting when asked to, for keeping secrets out of errors.

Redirects are not followed: they could lead a secret to somebody else.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from json import dumps
from typing import TYPE_CHECKING, Any, Literal

from app import __version__
from app.errors import UserError

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 20.0
MARGIN_S = 0.25
"""What waits for a whole answer waits so much longer: that nobody was reached is told by the connection, before."""
ATTEMPTS = 4
BACK_OFF_S = 0.5
BACK_OFF_MOST_S = 30.0
WAIT_MOST_S = 120.0
"""Longer than this nobody waits inside a request: the answer is handed on."""
ANSWER_BYTES = 16 * 1024 * 1024

Sleep = Callable[[float], Awaitable[None]]


class UnreachableError(UserError):
    """The server did not answer. Whether it got the request is not known, unless it is a NotSentError."""


class NotSentError(UnreachableError):
    """The server was not reached: it has certainly done nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body's value; None where it is no JSON, such as the page of a proxy."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def retry_after_s(self) -> float | None:
        """How long to wait before asking again, if the server says so: seconds or a date, or `retry_after` of a 429."""
        given = self.headers.get("retry-after", "")
        seconds = _seconds(given)
        if seconds is None and given:
            seconds = _until(given)
        if seconds is None and self.status == 429:
            value = self.json()
            told = value.get("retry_after") if isinstance(value, dict) else None
            seconds = float(told) if isinstance(told, int | float) and not isinstance(told, bool) else None
        return None if seconds is None else max(0.0, seconds)


class Client:
    """A server at `base`. `headers` go with every request and are never part of an error."""

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.base = base.rstrip("/")
        self._headers = {"User-Agent": f"Quarterdeck/{__version__}", **(headers or {})}
        self._timeout_s, self._sleep = timeout_s, sleep
        self._client: httpx.AsyncClient | None = None

    async def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Answer:
        """Ask; where the server is busy, in trouble or away, ask again a few times, no sooner than it says.

        Raises UnreachableError when it never answered; else the last answer is returned, whatever its status.
        """
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            pause = min(BACK_OFF_MOST_S, BACK_OFF_S * 2**attempt) * random.uniform(0.75, 1.25)
            try:
                answer = await self._send("GET", path, query)
            except UnreachableError:
                if last:
                    raise
            else:
                if answer.status != 429 and answer.status < 500:
                    return answer
                asked = answer.retry_after_s
                if last or (asked or 0) > WAIT_MOST_S:
                    return answer
                pause = pause if asked is None else asked
            await self._sleep(pause)
        raise AssertionError("unreachable")

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body, once; see `once`."""
        return await self._send("POST", path, content=body, headers=headers)

    async def once(
        self,
        method: Literal["GET", "POST", "PATCH", "DELETE"],
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        json: Any = None,
    ) -> Answer:
        """Ask once, with a JSON body unless that is None: whether to ask again is for the caller, who knows what that
        would do. The whole answer has to come within the time limit. `path` and `query` may be secret: they are never
        part of an error.

        Raises UnreachableError when there was no answer; else the answer is returned, whatever its status.
        """
        content = None if json is None else dumps(json, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        headers = None if json is None else {"Content-Type": "application/json"}
        try:
            async with asyncio.timeout(self._timeout_s + MARGIN_S):
                return await self._send(method, path, query, content=content, headers=headers)
        except TimeoutError:
            what = f"no whole answer within {self._timeout_s:g} s"
            raise UnreachableError(what, where=self.base, fix="check the connection and the address") from None

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        import httpx

        before = (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.InvalidURL,
            httpx.UnsupportedProtocol,
        )
        if self._client is None:
            self._client = httpx.AsyncClient(headers=self._headers, timeout=self._timeout_s, follow_redirects=False)
        try:
            sent = self._client.stream(method, self.base + path, params=query, content=content, headers=headers)
            async with sent as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES:
                        raise UnreachableError("the answer is too long", where=self.base)
                return Answer(response.status_code, dict(response.headers), bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = type(error).__name__ if not str(error) or isinstance(error, httpx.InvalidURL) else str(error)
            kind = NotSentError if isinstance(error, before) else UnreachableError
            raise kind(f"no answer ({reason})", where=self.base, fix="check the connection and the address") from None


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if seconds < float("inf") else None


def _until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()

"""What one sender may take of the receiver: requests a second, bytes of a body, and time for them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request

SENDERS = 4096
"""Senders remembered; one that was forgotten begins with a full bucket, as it would after a pause."""
DISCARDED_BYTES = 1024 * 1024
DISCARD_S = 1.0


class TooLongError(Exception):
    """The body has more bytes than are taken."""


class TokenBuckets:
    """A bucket of tokens for each sender, filled at `rate` a second up to `burst`. One request takes one token."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, float(burst), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, sender: str) -> float:
        """Take a token: 0 when there was one, else the seconds until there is."""
        now = self._clock()
        tokens, at = self._buckets.get(sender, (self._burst, now))
        tokens = min(self._burst, tokens + max(0.0, now - at) * self._rate)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._rate
        self._buckets[sender] = (tokens if wait else tokens - 1, now)
        self._buckets.move_to_end(sender)
        if len(self._buckets) > SENDERS:
            self._buckets.popitem(last=False)
        return wait


async def read_body(request: Request, most: int, within_s: float) -> bytes:
    """The raw body. Raises TooLongError beyond `most` bytes, TimeoutError, and ClientDisconnect where it is cut off."""
    body = bytearray()
    async with asyncio.timeout(within_s):
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise TooLongError
    return bytes(body)


async def discard_body(request: Request) -> bool:
    """Read on for a moment what nobody wants: a sender that is still writing does not read the answer otherwise.

    True when that was all of it, so that the connection can be used again.
    """
    if "expect" in request.headers:
        return False
    left = DISCARDED_BYTES
    try:
        async with asyncio.timeout(DISCARD_S):
            async for chunk in request.stream():
                left -= len(chunk)
                if left < 0:
                    return False
    except (TimeoutError, ClientDisconnect):
        return False
    return True

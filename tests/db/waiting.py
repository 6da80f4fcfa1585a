"""Waiting for facts instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

LIMIT_S = 30.0


async def until(fact: Callable[[], bool | Awaitable[bool]], what: str, limit: float = LIMIT_S) -> None:
    """Return once `fact()` is true; fail after `limit` seconds."""
    deadline = time.monotonic() + limit
    while True:
        answer = fact()
        if not isinstance(answer, bool):
            answer = await answer
        if answer:
            return
        assert time.monotonic() < deadline, f"waited {limit} s in vain: {what}"
        await asyncio.sleep(0.01)

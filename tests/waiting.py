"""Waiting for facts, never for time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_S = 60.0
"""Only a broken program is ever waited for so long; a slow machine is not a failure."""


async def until(look: Callable[[], Found], *, within: float = PATIENCE_S, what: str = "") -> Found:
    """Look again and again until `look()` is true; its value."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"never came: {what or look}"
        await asyncio.sleep(0.01)

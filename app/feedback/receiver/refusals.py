"""What the receiver says of requests that it refused: a line each without what was sent, and few lines in a flood."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from app.feedback.receiver.limits import TokenBuckets
from app.feedback.rows import FIELDS

log = logging.getLogger(__name__)

LINES = 10
"""Lines at once; after that one a second."""
PER_S = 1.0
SUMMED_S = 10.0
"""Seconds after which the others are told together."""

Tell = Callable[[str], None]


class Refusals:
    """Tells of each refused request to the log and to `tell`. For one event loop."""

    def __init__(self, tell: Tell = lambda line: None, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell_line = tell
        self._lines = TokenBuckets(PER_S, LINES, clock)
        self._others: Counter[int] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, sender: str, response: Response) -> None:
        """Tell of an answer where it is a refusal."""
        if response.status_code < 400:
            return
        if not self._lines.wait_s(""):
            self._tell(f"{sender or 'somebody'} was answered {response.status_code}: {reason_of(response)}")
            return
        self._others[response.status_code] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SUMMED_S, self.sum_up)

    def sum_up(self) -> None:
        """Tell how many were not told of one by one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._others:
            parts = ", ".join(f"{count:,} × {status}" for status, count in sorted(self._others.items()))
            self._others.clear()
            self._tell(f"more requests were refused: {parts}")

    def _tell(self, line: str) -> None:
        log.info("%s", line)
        self._tell_line(line)


def reason_of(response: Response) -> str:
    """Why, in the receiver's own words: of what was sent only the names of the contract's fields appear."""
    said: dict[str, Any] = json.loads(bytes(response.body))
    reasons = [f"{_known(each['field'])}{each['reason']}" for each in said.get("fields", ())]
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{said['error']}: {reasons[0]}{more}" if reasons else str(said["error"])


def _known(field: str) -> str:
    name = field.partition(".")[0]
    return f"{name} " if name in FIELDS else "a field " if field else ""

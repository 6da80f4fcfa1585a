"""What every thread was at while nothing moved on the screen: the one thing that a report of a freeze needs."""

from __future__ import annotations

import faulthandler
import logging
import os
import time
from pathlib import Path

AFTER_S = 10.0
"""Standing still for so long is a fault, whatever the machine is at."""
MOST_BYTES = 1_000_000
FILE_NAME = "stalls.log"

log = logging.getLogger(__name__)


class StallLog:
    """Writes the stacks of all threads into a file beside the log when `alive` was not called for `after_s` seconds.

    A thread of the interpreter's own writes, which needs nothing of what may hang. A file that cannot be written is no
    reason to fail.
    """

    def __init__(self, path: Path, after_s: float = AFTER_S) -> None:
        self.path = path
        self._after = after_s
        self._file = -1
        self._alive_at = self._armed_at = time.monotonic()
        try:
            # The log itself makes the folder with its first line only.
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            large = path.exists() and path.stat().st_size > MOST_BYTES
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (os.O_TRUNC if large else 0)
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            log.warning("the log of stalls cannot be written: %s", error)
            return
        self._arm(self._armed_at)

    def alive(self) -> None:
        """Something moved: to be called every second or so. Tells the log of a stall that is over."""
        now = time.monotonic()
        still, self._alive_at = now - self._alive_at, now
        if still >= self._after:
            log.warning("nothing moved for %.0f s; what was going on then is in %s", still, self.path)
        if self._file >= 0 and now - self._armed_at > self._after / 4:
            self._arm(now)

    def close(self) -> None:
        """Watch no more."""
        if self._file >= 0:
            faulthandler.cancel_dump_traceback_later()
            os.close(self._file)
            self._file = -1

    def _arm(self, now: float) -> None:
        self._armed_at = now
        faulthandler.dump_traceback_later(self._after, file=self._file)

"""Identifiers made on the client, so that a write can be repeated."""

from __future__ import annotations

import os
import threading
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
STEP_BACK_MS = 1000
"""A clock that is put back by less than this does not change the order."""

_lock = threading.Lock()
_last = 0
_process = 0


def new_id() -> str:
    """A ULID (https://github.com/ulid/spec): 26 characters that sort by the millisecond they were made in, and within
    one in the order in which this process made them."""
    global _last, _process
    now = time.time_ns() // 1_000_000
    with _lock:
        # A process that was forked off would go on with the numbers of the other one.
        before = _last if _process == os.getpid() else 0
        if 0 <= (before >> 80) - now < STEP_BACK_MS:
            value = before + 1
        else:
            value = now << 80 | int.from_bytes(os.urandom(10), "big")
        _last, _process = value, os.getpid()
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def _free() -> None:
    """The lock may have been held by another thread when the process was forked off."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_free)

"""Identifiers made on the client, so that a write can be repeated."""

from __future__ import annotations

import os
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> str:
    """A ULID (https://github.com/ulid/spec): 26 characters that sort by the millisecond they were made in."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))

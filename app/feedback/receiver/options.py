"""How the receiver is set up, and what it takes at most."""

from __future__ import annotations

from dataclasses import dataclass, field

BODY_BYTES = 256 * 1024
HEAD_BYTES = 16 * 1024
HEAD_S = 10.0
"""Seconds for the lines and headers of a request, from its first byte or from the connection on."""
BODY_S = 10.0
"""Seconds for a whole body."""
CONNECTIONS = 512
STALE_S = 300
"""Seconds that a signature's time may be off."""
SECRET_LEAST = 16
"""Characters of a secret at least."""
KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ReceiverOptions:
    """`secrets` are those accepted now, the newest first; without any, requests are not signed and only this machine
    may send. `rate_per_s` and `burst` hold for each sender's address. `discord_key` is the application's public key
    in hexadecimal; empty: no interactions."""

    host: str = "127.0.0.1"
    port: int = 8474
    secrets: tuple[str, ...] = field(default=(), repr=False)
    rate_per_s: float = 1000.0
    burst: int = 2000
    discord_key: str = ""
    head_s: float = HEAD_S
    body_s: float = BODY_S

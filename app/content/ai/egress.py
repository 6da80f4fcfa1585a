"""Which endpoints are on this machine: what a template keeps here goes to no other."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from urllib.parse import urlsplit

from app.content.ai.model import Profile
from app.errors import UserError

FIX = "choose a profile on this machine, such as one of Ollama at http://127.0.0.1:11434"
_ELSEWHERE = re.compile(r"(?:[:-])cloud$", re.IGNORECASE)
"""Models that Ollama hands on to somebody else's machines are called so."""


async def addresses(profile: Profile) -> tuple[str, ...]:
    """The loopback addresses that the endpoint of a profile has.

    Raises UserError where it has any other, or none, or a model that works elsewhere.
    """
    if _ELSEWHERE.search(profile.model):
        raise _refusal(profile, f"the model {profile.model} works elsewhere")
    host = urlsplit(profile.url).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _refusal(profile, f"{host} has no address") from None
    names = tuple(dict.fromkeys(str(address[0]) for *_, address in found))
    for name in names:
        if not loopback(name):
            raise _refusal(profile, f"{host} is at {name}, which is not this machine")
    return names


def loopback(address: str) -> bool:
    """Whether an IP address is one of this machine alone."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def _refusal(profile: Profile, why: str) -> UserError:
    what = f"this text stays on this machine, and {why}"
    return UserError(what, where=f"{profile.name} ({profile.url})", fix=FIX)

"""Who may send: HMAC over time and raw body, GitHub's signature over the raw body, Ed25519 of Discord."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from app.feedback.receiver.options import STALE_S

OWN = "x-quarterdeck-signature"
GITHUB = "x-hub-signature-256"
GITHUB_DELIVERY = "x-github-delivery"
DISCORD = "x-signature-ed25519"
DISCORD_TIME = "x-signature-timestamp"
SIGNATURES = 8
"""Signatures of one header that are looked at."""

_TIME = re.compile(r"\d{1,12}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


def sign(secret: str, body: bytes, at: int) -> str:
    """The value of `X-Quarterdeck-Signature` for a body sent at `at`, in whole seconds since 1970."""
    return f"t={at},v1={_own(secret, str(at), body)}"


def accepted(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> bool:
    """Whether one of `secrets` signed this body. Our own header counts alone where there is one."""
    if OWN in headers:
        return _accepts_own(headers[OWN], body, secrets, now)
    if GITHUB in headers:
        scheme, _, given = headers[GITHUB].partition("=")
        return scheme == "sha256" and _any_equal([_github(secret, body) for secret in secrets], [given])
    return False


def accepted_from_discord(headers: Mapping[str, str], body: bytes, public_key: str, now: float) -> bool:
    """Whether Discord signed this body, for the application with this public key, a moment ago."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    at = headers.get(DISCORD_TIME, "")
    if not _fresh(at, now):
        return False
    try:
        signature = bytes.fromhex(headers.get(DISCORD, ""))
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(signature, at.encode() + body)
    except (ValueError, InvalidSignature):
        return False
    return True


def _accepts_own(header: str, body: bytes, secrets: Sequence[str], now: float) -> bool:
    times: list[str] = []
    given: list[str] = []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            times.append(value)
        elif name == "v1":
            given.append(value)
    if len(times) != 1 or not 0 < len(given) <= SIGNATURES or not _fresh(times[0], now):
        return False
    return _any_equal([_own(secret, times[0], body) for secret in secrets], given)


def _fresh(at: str, now: float) -> bool:
    return _TIME.fullmatch(at) is not None and abs(now - int(at)) <= STALE_S


def _any_equal(expected: Sequence[str], given: Sequence[str]) -> bool:
    """Every pair is compared, and each in the same time, so that the time taken tells nothing."""
    found = False
    for theirs in given:
        well_formed = _HEX.fullmatch(theirs) is not None
        for ours in expected:
            found |= hmac.compare_digest(ours, theirs if well_formed else "")
    return found


def _own(secret: str, at: str, body: bytes) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()


def _github(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

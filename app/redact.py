"""Takes secrets out of text that is shown or stored: known values, passwords in addresses, keys by their name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

MASK = "********"

_SHORTEST = 4
"""Known values below this length would blank ordinary words."""

_SECRET_NAME = r"(?:api[_-]?key|access[_-]?key|auth|credential|passwd|password|private[_-]?key|pwd|secret|token)"
_ADDRESS = re.compile(r"(?P<before>://[^\s/:@'\"]{0,200}:)(?P<secret>[^\s/'\"]{1,500})(?=@)")
_BARE_TOKEN = re.compile(r"(?P<before>://)(?P<secret>[^\s/:@'\"]{16,500})(?=@)")
_AUTHORIZATION = re.compile(
    r"(?P<before>\b(?:proxy-)?authorization['\"]?\s{0,3}[:=]\s{0,3}['\"]?(?:(?:basic|bearer|token)\s{1,3})?)"
    r"(?P<secret>[^\s'\",;]{1,2000})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(?P<before>\bbearer\s{1,3})(?P<secret>[A-Za-z0-9._~+/=-]{8,2000})", re.IGNORECASE)
_NAMED = re.compile(
    rf"(?P<before>(?<![A-Za-z])[\w-]{{0,40}}{_SECRET_NAME}[\w-]{{0,20}}['\"]?\s{{0,3}}(?:=|:(?!/))\s{{0,3}}b?)"
    r"(?P<secret>\"[^\"\n]{1,2000}\"|'[^'\n]{1,2000}'|[^\s'\",;&)\]}]{1,2000})",
    re.IGNORECASE,
)
_NAME = re.compile(rf"(?:^|[^A-Za-z]|_){_SECRET_NAME}(?:$|[^A-Za-z]|s$|_)|{_SECRET_NAME}$", re.IGNORECASE)


def redact(text: str) -> str:
    """The text without what looks like a secret."""
    for pattern in (_ADDRESS, _BARE_TOKEN, _AUTHORIZATION, _BEARER, _NAMED):
        text = pattern.sub(lambda match: match["before"] + MASK, text)
    return text


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """`redact` that knows these secrets too, longest first."""
    known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)

    def apply(text: str) -> str:
        for secret in known:
            text = text.replace(secret, MASK)
        return redact(text)

    return apply


def names_a_secret(name: str) -> bool:
    """Whether a variable of this name is likely to hold a secret: `POLYGON_API_KEY`."""
    return _NAME.search(name) is not None

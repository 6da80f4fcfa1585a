"""What an endpoint says when it does not reply, in words that tell what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.content.ai.model import Profile
from app.errors import UserError
from app.http import Answer

SAID = 300
"""Characters of an endpoint's own words."""
_RETRIED = (408, 409, 429)
_NEVER = re.compile(r"insufficient_quota|billing|credit balance|exceeded your current quota", re.IGNORECASE)
_CONTEXT = re.compile(
    r"context_length_exceeded|context[ _]length|context[ _]window|prompt is too long|too many tokens", re.IGNORECASE
)
_STATUS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that an error has where it came within a stream, whose own status says that all is well."""


class EndpointError(UserError):
    """The endpoint has not replied. `again` tells whether to ask again is of use, `after_s` when it wants that."""

    def __init__(
        self, what: str, *, where: str = "", fix: str = "", again: bool = False, after_s: float | None = None
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.again, self.after_s = again, after_s


def refused(profile: Profile, answer: Answer) -> EndpointError:
    """The error of an answer that is no stream."""
    told = _told(answer.json())
    status, said = answer.status, _said(profile, told)
    if 300 <= status < 400:
        return EndpointError("the endpoint has moved", where=_place(profile), fix="write its new address as `url`")
    if 200 <= status < 300:
        what = f"what came is no reply of this kind ({answer.headers.get('content-type', 'no type')[:60]})"
        return EndpointError(what, where=_place(profile), fix="check `url` and `kind` of the profile")
    again = status in _RETRIED or status >= 500
    should = answer.headers.get("x-should-retry", "")
    if should in ("true", "false"):
        again = should == "true"
    return _error(profile, status, said, told, again=again, after_s=_after(answer))


def broken(profile: Profile, value: Mapping[str, Any]) -> EndpointError:
    """The error that came within a stream."""
    told = _told(value)
    status = next((_STATUS[word] for word in told if word in _STATUS), 500)
    return _error(profile, status, _said(profile, told), told, again=status in _RETRIED or status >= 500, after_s=None)


def lost(profile: Profile, error: Exception) -> EndpointError:
    """The connection was not made, or broke, or was silent for too long."""
    import httpx

    where = _place(profile)
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        fix = "start it with `ollama serve`" if profile.kind == "ollama" else "check the connection and `url`"
        return EndpointError("the endpoint is not reached", where=where, fix=fix, again=True)
    if isinstance(error, httpx.TimeoutException):
        what = f"the endpoint said nothing for {profile.timeout_s:g} s"
        return EndpointError(what, where=where, fix="try again, or raise `timeout_s`", again=True)
    what = f"the connection broke ({type(error).__name__})"
    return EndpointError(what, where=where, fix="try again", again=isinstance(error, httpx.TransportError))


def _error(
    profile: Profile, status: int, said: str, told: tuple[str, ...], *, again: bool, after_s: float | None
) -> EndpointError:
    words = " ".join(told)
    what, fix = _meaning(profile, status, words)
    if _NEVER.search(words):
        what, fix, again = "the account has no credit left", "top it up, or choose another profile", False
    elif status == 429 and after_s:
        fix = f"it asks to wait {after_s:.0f} s"
    if said:
        what = f"{what}: {said}"
    return EndpointError(what, where=_place(profile), fix=fix, again=again, after_s=after_s)


def _meaning(profile: Profile, status: int, words: str) -> tuple[str, str]:
    if status == 401:
        fix = "check `key` of the profile" if profile.key else "the profile has no `key`; write one"
        return "the key is not accepted", fix
    if status == 403:
        return "this key may not do that", "check what the key is allowed to, and `model`"
    if status == 404:
        pull = f", or get it with `ollama pull {profile.model}`" if profile.kind == "ollama" else ""
        return f"the model {profile.model} is not there", f"check `model` and `url`{pull}"
    if status == 413 or (status == 400 and _CONTEXT.search(words)):
        return "the text is too long for the model", "select a part of it, or choose a model with a larger context"
    if status == 429:
        return "too many questions", "try again later"
    if status in (408, 504):
        return "the endpoint took too long", "try again"
    if status == 529:
        return "the endpoint is overloaded", "try again later"
    if status >= 500:
        return f"the endpoint is in trouble ({status})", "try again later"
    return f"the endpoint refuses the question ({status})", "check `kind`, `length_field` and `temperature`"


def _told(value: Any) -> tuple[str, ...]:
    """The words of an error: its message first, then its type and code."""
    error = value.get("error", value) if isinstance(value, dict) else None
    if isinstance(error, str):
        return (error,)
    if not isinstance(error, dict):
        return ()
    words = [error.get(name) for name in ("message", "type", "code")]
    return tuple(word for word in words if isinstance(word, str) and word)


def _said(profile: Profile, told: tuple[str, ...]) -> str:
    text = " ".join(told[0].split()) if told else ""
    # Some repeat the key they were given.
    text = text.replace(profile.key, "***") if profile.key else text
    text = "".join(character for character in text if character.isprintable())
    return text if len(text) <= SAID else f"{text[: SAID - 1]}…"


def _after(answer: Answer) -> float | None:
    try:
        seconds = float(answer.headers["retry-after-ms"]) / 1000
    except (KeyError, ValueError):
        return answer.retry_after_s
    return seconds if 0 <= seconds < float("inf") else None


def _place(profile: Profile) -> str:
    return f"{profile.name} ({profile.url})"

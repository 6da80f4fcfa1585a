"""What keeps a text from being published: looked for in the final text of a target, where a template or a cut shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from app.content.publishing.model import Adapter, Final, Problem

if TYPE_CHECKING:
    from app.content.style.model import Finding

SHORTEST_SECRET = 6
STYLE_SHOWN = 10
_SECRETS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a Discord webhook": r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/[\w-]{20,}",
    "a key of a code host": r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,})",
    "a key of an AI provider": r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}",
    "a key of AWS": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a key of Slack": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a key of Notion": r"\b(?:ntn_|secret_)[A-Za-z0-9]{30,}",
    "a key of Stripe": r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    "a key of Google": r"\bAIza[A-Za-z0-9_-]{35}",
    "a signed token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "a password in an address": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"<>]{0,100}:[^\s/@'\"<>]{3,200}@[\w.-]",
    "a named secret": (
        r"(?i)\b[\w-]{0,40}(?:api[_-]?key|access[_-]?key|passw(?:or)?d|secret|token)[\w-]{0,20}['\"`]?\s{0,3}[:=]\s{0,3}"
        r"['\"`]?(?=[^\s'\"`]{0,80}\d)(?=[^\s'\"`]{0,80}[A-Za-z])[A-Za-z0-9_./+=-]{12,}"
    ),
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _SECRETS.items()}

Check = Callable[[str], Iterable["Finding"]]
"""The style guide as it holds for a target: what it finds in a text."""


def problems(final: Final, adapter: Adapter, check: Check, known: Iterable[str], disabled: str = "") -> list[Problem]:
    """Everything that is wrong with a final text. `known` are secrets of the configuration."""
    found = [Problem("disabled", disabled)] if disabled else []
    if not final.parts:
        return [*found, Problem("empty", "there is nothing to publish")]
    found += adapter.problems(final)
    texts = [final.title, *(text for part in final.parts for text in (part.text, *_texts(part.data)))]
    found += [Problem("secret", what) for what in _secrets(texts, known)]
    title = _wrong(check, f"# {final.title}\n", "title") if final.titled else ()
    wrong = [*title, *_wrong(check, final.markdown, "")]
    found += [Problem("style", what) for what in wrong[:STYLE_SHOWN]]
    if len(wrong) > STYLE_SHOWN:
        found.append(Problem("style", f"and {len(wrong) - STYLE_SHOWN} more"))
    return found


def _secrets(texts: list[str], known: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    secrets = [secret for secret in known if len(secret) >= SHORTEST_SECRET]
    for text in texts:
        if any(secret in text for secret in secrets):
            found["it holds a secret of the configuration"] = None
        for name, pattern in _COMPILED.items():
            if match := pattern.search(text):
                # Enough to find the place, and not the secret.
                line = text.count("\n", 0, match.start()) + 1
                found[f"it holds what looks like {name} (line {line})"] = None
    return list(found)


def _wrong(check: Check, text: str, place: str) -> Iterator[str]:
    for finding in check(text):
        if finding.severity == "error":
            where = place or f"line {finding.line}"
            yield f"{where}: {finding.message}: {finding.text[:60]!r} [{finding.rule}]"


def _texts(data: Any) -> Iterator[str]:
    """Every text within."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value)

"""Texts made fit to be kept and to be compared: control characters out, canonical forms, hashes."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b, sha256
from math import isfinite
from typing import Any
from unicodedata import normalize

from pydantic_core import to_json

from app.db.types import storable

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSHAPELY = b" \t\n0123456789.,;:!?'\"`()[]{}<>/\\|@#$%^&*_+=~-"
SHAPE_LENGTH = 2000
"""Characters of an output that its shape is made of."""


def clean(text: str) -> str:
    """Without control characters other than line feed and tab; line ends are line feeds."""
    # What is printable has none of them, which is quicker to see.
    if text.isprintable() or _CONTROL.search(text) is None:
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", storable(text))


def clean_json(value: Any, depth: int) -> Any:
    """The same for every text in a JSON value, with keys in order. Raises ValueError where it has more than `depth`
    levels, a number that JSON does not know, or keys that would become one."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError("holds a number that JSON does not know (NaN or infinity)")
        return value
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise ValueError("has too many levels")
    if isinstance(value, list):
        return [clean_json(each, depth - 1) for each in value]
    found = {clean(key): clean_json(each, depth - 1) for key, each in value.items()}
    if len(found) < len(value):
        raise ValueError("has two keys that differ in control characters only")
    return dict(sorted(found.items()))


def canonical(text: str | None) -> str | None:
    """The form that is compared: NFC, trimmed, each run of white space one space. Blank is None."""
    if text is None:
        return None
    if not text.isascii():
        text = normalize("NFC", text)
    if "  " not in text and text.isprintable():
        # Its only white space are single blanks.
        return text.strip(" ") or None
    return " ".join(text.split()) or None


_short = lru_cache(4096)(canonical)


@lru_cache(4096)
def name(text: str) -> str:
    """A name is one line without white space around it. Names repeat, which makes it worth remembering them."""
    return " ".join(clean(text).split())


def content_hash(
    model_version: str | None, given: str | None, output: str | None, author: str | None, comment: str | None
) -> str:
    """SHA-256 of the canonical JSON of what makes two rows the same, in hexadecimal. `given` and `output` are
    canonical already."""
    parts = (_short(model_version), given, output, _short(author), canonical(comment))
    return sha256(to_json(parts)).hexdigest()


def input_hash(given: str | None) -> str:
    """SHA-256 of the canonical input, in hexadecimal: the same for every answer to one question."""
    return sha256((given or "").encode()).hexdigest()


def task_hash(content: str, rubric_version: str) -> str:
    """SHA-256 of content and rubric: a row asks anew when the rubric changes."""
    return sha256(f"{content}\0{rubric_version}".encode()).hexdigest()


def digest(text: str) -> bytes:
    """16 bytes that stand for a text of any length."""
    return blake2b(text.encode(), digest_size=16).digest()


def number(text: bytes) -> int:
    """64 bits with a sign that stand for bytes of any length."""
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def shape(output: str) -> int:
    """The same for outputs that differ in case, figures, white space and punctuation only."""
    return number(output[:SHAPE_LENGTH].casefold().encode().translate(None, _UNSHAPELY))


def json_text(value: Any) -> str:
    """A JSON value, written without spaces."""
    return to_json(value).decode()

"""Texts made fit to be kept and to be compared: control characters out, canonical forms, hashes."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b, sha256
from math import isfinite
from struct import Struct
from typing import Any, TypeVar
from unicodedata import normalize

from pydantic_core import to_json

from app.db.types import storable

Key = TypeVar("Key")
Value = TypeVar("Value")

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSHAPELY = b" \t\n0123456789.,;:!?'\"`()[]{}<>/\\|@#$%^&*_+=~-"
_FLAT = frozenset((str, int, bool, type(None)))
_signed = Struct(">q").unpack
SHAPE_LENGTH = 2000
"""Characters of an output that its shape is made of."""


class Memo(dict[Key, Value]):
    """What a function makes of what comes again and again, such as names: quicker to look up than a call of
    `lru_cache`. Begins anew when it holds `most`."""

    __slots__ = ("_function", "_most")

    def __init__(self, function: Callable[[Key], Value], most: int = 4096) -> None:
        super().__init__()
        self._function, self._most = function, most

    def __missing__(self, key: Key) -> Value:
        if len(self) >= self._most:
            self.clear()
        value = self[key] = self._function(key)
        return value


def is_pure(raw: bytes) -> bool:
    """No text in this JSON can have a control character: they would stand escaped, but for DEL and those from U+0080
    to U+009F. False where it is not certain. ASCII texts have no white space but blanks then."""
    return b"\\" not in raw and b"\x7f" not in raw and b"\xc2" not in raw


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


def flat_json(value: dict[str, Any]) -> dict[str, Any] | None:
    """The same as `clean_json` for an object of pure texts and numbers; None where it holds anything else."""
    for each in value.values():
        kind = type(each)
        if kind not in _FLAT and not (kind is float and isfinite(each)):
            return None
    return dict(sorted(value.items()))


def canonical(text: str | None, pure: bool = False) -> str | None:
    """The form that is compared: NFC, trimmed, each run of white space one space. Blank is None. `pure` as in `is_pure`
    saves a look at each character."""
    if text is None:
        return None
    if not text.isascii():
        text, pure = normalize("NFC", text), False
    if "  " not in text and (pure or text.isprintable()):
        # Its only white space are single blanks.
        return text.strip(" ") or None
    return " ".join(text.split()) or None


def name(text: str) -> str:
    """A name is one line without white space around it."""
    return " ".join(clean(text).split())


_CANONICAL: Memo[str | None, str | None] = Memo(canonical)


def content_hash(
    model_version: str | None, given: str | None, output: str | None, author: str | None, comment: str | None
) -> str:
    """SHA-256 of the canonical JSON of what makes two rows the same, in hexadecimal. `given`, `output` and `comment`
    are canonical already."""
    version, person = _CANONICAL[model_version], _CANONICAL[author]
    return sha256(to_json((version, given, output, person, comment))).hexdigest()


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
    value: int = _signed(blake2b(text, digest_size=8).digest())[0]
    return value


def shape(output: str) -> int:
    """The same for outputs that differ in case, figures, white space and punctuation only."""
    return number(output[:SHAPE_LENGTH].casefold().encode().translate(None, _UNSHAPELY))


def json_text(value: Any) -> str:
    """A JSON value, written without spaces."""
    return to_json(value).decode()

"""Writes values the way TOML has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def value(item: Any) -> str:
    """A value on one line. Anything that is none of TOML's types is written as its text."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, (int, float)):
        return repr(item)
    if isinstance(item, Mapping):
        pairs = ", ".join(f"{key(name)} = {value(inner)}" for name, inner in item.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(item, (list, tuple)):
        return f"[{', '.join(value(element) for element in item)}]"
    return text(str(item))


def key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else text(name)


def text(content: str) -> str:
    """A string in quotes. Half of a surrogate pair, which no TOML file can hold, becomes a question mark."""
    return f'"{"".join(_escaped(character) for character in content)}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    number = ord(character)
    if 0xD800 <= number <= 0xDFFF:
        return "?"
    if number < 0x20 or number == 0x7F or not character.isprintable():
        return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
    return character

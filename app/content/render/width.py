"""How wide text is in a monospaced font."""

from __future__ import annotations

import unicodedata

_JOINER, _EMOJI_LOOK = "\u200d", "\ufe0f"


def width(text: str) -> int:
    """Columns that `text` takes: wide characters two, marks and what is joined to an emoji none."""
    total = 0
    joined = False
    last = 0
    for char in text:
        if char == _JOINER:
            joined = True
            continue
        if char == _EMOJI_LOOK:
            total, last = total + max(0, 2 - last), 2
            continue
        if joined or unicodedata.category(char) in {"Mn", "Me", "Cf", "Cc"} or "\U0001f3fb" <= char <= "\U0001f3ff":
            joined = False
            continue
        last = 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
        total += last
    return total


def pad(text: str, columns: int, align: str = "left") -> str:
    """`text` filled up with spaces to so many columns; `align` is left, right or center."""
    space = max(0, columns - width(text))
    if align == "right":
        return " " * space + text
    if align == "center":
        return " " * (space // 2) + text + " " * (space - space // 2)
    return text + " " * space

"""Foreign text made fit for the screen: no control character reaches the terminal, and no line is without end."""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells, set_cell_size

TAB_SIZE = 4
LIMIT = 300_000
LINE_LIMIT = 2_000

# Whole escape sequences carry no words, so they go. What is left of a torn one is shown as a symbol instead.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)"
    r"|\x1b[ -/]+[0-~]"
)
# Not here: U+200D and variation selectors, which belong to ordinary emoji.
_ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(text: str, limit: int = LIMIT) -> str:
    """Text of many lines with escape sequences removed, control characters shown as symbols and tabs expanded.

    Beyond `limit` characters its middle is left out, saying how much.
    """
    if len(text) > limit:
        left_out = len(text) - limit
        text = f"{text[: limit // 2]}\n… {left_out:,} characters left out …\n{text[len(text) - limit // 2 :]}"
    if text.isprintable():
        return text if text.isascii() else _ODD.sub(_symbol, text)
    text = _ODD.sub(_symbol, _SEQUENCE.sub("", text.replace("\r\n", "\n")))
    return text.expandtabs(TAB_SIZE) if "\t" in text else text


def clean_line(text: str, limit: int = LINE_LIMIT) -> str:
    """The same for a place that has one line: line ends are shown as symbols."""
    if len(text) > limit:
        text = f"{text[:limit]}…"
    if text.isprintable() and text.isascii():
        return text
    return clean(text, limit + 1).replace("\n", "⏎")


def in_place(text: str) -> str:
    """A line to be edited: each control character shown as one sign, so that every place in it stays what it was."""
    return text if text.isprintable() and text.isascii() else _ODD.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _symbol(match) if code < 0x20 or code == 0x7F else "\ufffd"


def width_of(text: str) -> int:
    """Columns that a cleaned text takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int) -> str:
    """Exactly `width` columns of a cleaned line: cut with an ellipsis at its end, or filled with blanks."""
    size = width_of(text)
    if size == width:
        return text
    if size < width:
        return text + " " * (width - size)
    if width <= 0:
        return ""
    return f"{set_cell_size(text[:width], width - 1)}…"


def shorten(text: str, width: int) -> str:
    """At most `width` columns of a cleaned line, cut with an ellipsis at its end."""
    return text if width_of(text) <= width else fit(text, width)


def shorten_start(text: str, width: int) -> str:
    """At most `width` columns of a cleaned path, cut with an ellipsis at its start."""
    if width_of(text) <= width:
        return text
    if width <= 0:
        return ""
    text = text[-width:]
    while width_of(text) > width - 1:
        text = text[1:]
    return f"…{text}"


def fold(text: str, width: int) -> list[str]:
    """A cleaned text as lines of at most `width` columns."""
    width = max(width, 1)
    lines: list[str] = []
    for line in text.split("\n"):
        if width_of(line) <= width:
            lines.append(line)
        elif line.isascii():
            lines.extend(line[start : start + width] for start in range(0, len(line), width))
        else:
            lines.extend(chop_cells(line, width))
    return lines

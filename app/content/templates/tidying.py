"""Filled templates without the empty lines that their tags leave behind."""

from __future__ import annotations

import re

_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])(?: +|$)")
_DEEP = 4
"""Spaces, with which a line is indented code and begins nothing."""


def tidy(text: str) -> str:
    """Without empty lines around it and no two of them together but in fenced code, ending with one line end."""
    lines: list[str] = []
    code = _Code()
    for line in text.strip("\n").split("\n"):
        kept = code.holds(line)
        if line.strip() or kept or (lines and lines[-1]):
            lines.append(line if line.strip() or kept else "")
    return "\n".join(lines) + "\n"


class _Code:
    """Follows the lines of a text, and knows which stand in fenced code, in lists as well."""

    def __init__(self) -> None:
        self._items: list[int] = []
        """Of each list item that is open, the column at which its text begins."""
        self._fence = ""

    def holds(self, line: str) -> bool:
        """Whether the next line is one of code, its fences counted as such."""
        if not line.strip():
            return bool(self._fence)
        spread = line.expandtabs(4)
        column = len(spread) - len(spread.lstrip(" "))
        if self._fence and column >= self._margin():
            if self._closes(spread.strip()):
                self._fence = ""
            return True
        # The end of a list item is the end of the code in it.
        self._fence = ""
        while column < self._margin():
            self._items.pop()
        while column - self._margin() < _DEEP and (item := _ITEM.match(spread, column)):
            self._items.append(item.end() if item[0].endswith(" ") else item.end() + 1)
            column = item.end()
        found = _FENCE.match(spread, column) if column - self._margin() < _DEEP else None
        self._fence = found[1] if found is not None else ""
        return bool(self._fence)

    def _margin(self) -> int:
        return self._items[-1] if self._items else 0

    def _closes(self, line: str) -> bool:
        return line.startswith(self._fence) and not line.strip(self._fence[0])

"""Plain text for people: foreign text made harmless, figures with their units."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from app.testing.model import Counts, TestDetail

NONE = "no tests ran"
NONE_FOUND = "pytest found none here; without settings of the project it looks into files test_*.py and *_test.py"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """Control and direction characters made visible, so that no output can drive the terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same for what must stay on its line: names of files may hold line ends."""
    return clean(text).replace("\n", "\\x0a").replace("\t", "\\x09")


def duration(seconds: float | None) -> str:
    """`<1 ms`, `12 ms`, `0.8 s`, `3.1 s`, `2 min 5 s`."""
    if seconds is None:
        return "?"
    if seconds < 0.0005:
        return "<1 ms"
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def moment(time: str) -> str:
    """A moment of a JSON document as the clock on the wall shows it: `2024-05-01 14:03:07`."""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def cells(text: str) -> int:
    """How many places of a terminal a text takes: wide characters two, what joins the one before it none."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf") and character != "\u00ad":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> list[str]:
    """Lines with every column as wide as its widest cell; those named in `right` end at the same place."""
    # What is foreign takes its harmless form first, which is wider.
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(cells, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, *rows):
        filled = [
            " " * (width - cells(cell)) + cell if name in right else cell + " " * (width - cells(cell))
            for name, cell, width in zip(head, row, widths, strict=True)
        ]
        lines.append("  ".join(filled).rstrip())
    return lines


def tally(counts: Counts) -> str:
    """`✗ 2 failed  ✓ 418 passed  ○ 3 skipped`, worst first, without what is zero."""
    marks = {
        "failed": "✗",
        "error": "⚠",
        "xpassed": "X",
        "passed": "✓",
        "skipped": "○",
        "xfailed": "x",
        "deselected": "-",
    }
    parts = [f"{mark} {getattr(counts, name)} {name}" for name, mark in marks.items() if getattr(counts, name)]
    return "  ".join(parts) or NONE


def location(detail: TestDetail) -> str:
    """`path:line` of the innermost frame of the project's own code, empty when there is none."""
    for failure in reversed(detail.failures):
        for exception in reversed(failure.exceptions):
            for frame in reversed(exception.frames):
                if frame.own:
                    return f"{frame.path}:{frame.line}"
    return ""

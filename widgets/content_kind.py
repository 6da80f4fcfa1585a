"""What a foreign text is: JSON, a diff, a table, Markdown, code, or prose. Guesses only what it can show better."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

Kind = Literal["text", "json", "diff", "table", "markdown", "code"]
LOOKED_AT = 20_000
"""Characters that a guess is made from."""
JSON_MOST = 200_000
_CODE = re.compile(
    r"^\s*(def \w|class \w|import \w|from [\w.]+ import|return\b|if .*:$|for .*:$|while .*:$|else:|try:|except\b"
    r"|@\w|#include|function\b|const \w|let \w|var \w|SELECT\b|INSERT\b|UPDATE\b|public \w|fn \w|\}|\{|.*[;{]$)"
)
_MARKDOWN = re.compile(r"^(#{1,6} |\s*[-*+] |\s*\d+[.)] |> |```|~~~)|\*\*[^*\n]+\*\*|\[[^\]\n]+\]\([^)\n]+\)|`[^`\n]+`")
_STRONG = re.compile(r"^(#{1,6} \S|```|~~~)", re.MULTILINE)
_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$")


class Found(NamedTuple):
    """The kind, and for JSON its value, for a table its rows of cells."""

    kind: Kind
    value: Any = None


def recognise(text: str) -> Found:
    """What the text is."""
    start = text.lstrip()[:1]
    if start and start in "{[" and len(text) <= JSON_MOST:
        import json

        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            return Found("json", value)
    lines = text[:LOOKED_AT].split("\n")
    if _is_diff(lines):
        return Found("diff")
    if (rows := table_rows(lines)) is not None and len(text) <= LOOKED_AT:
        return Found("table", rows)
    filled = [line for line in lines if line.strip()]
    if _STRONG.search(text, 0, LOOKED_AT):
        return Found("markdown")
    code = sum(bool(_CODE.match(line)) for line in filled)
    if len(filled) > 1 and code >= 2 and code * 5 >= len(filled) * 2:
        return Found("code")
    if sum(bool(_MARKDOWN.search(line)) for line in filled) >= 2:
        return Found("markdown")
    return Found("text")


def _is_diff(lines: list[str]) -> bool:
    starts = [line[:4] for line in lines]
    if any(line.startswith("diff --git ") for line in lines[:5]):
        return True
    return any(line.startswith("@@ ") for line in lines) and any(start in ("--- ", "+++ ") for start in starts)


def table_rows(lines: list[str]) -> list[list[str]] | None:
    """The cells of a table in Markdown, or of values with commas or tabs between them; None where it is none."""
    filled = [line for line in lines if line.strip()]
    if len(filled) >= 2 and all("|" in line for line in filled) and _RULE.match(filled[1]):
        return [_cells(line) for line in (filled[0], *filled[2:])]
    if len(filled) < 3:
        return None
    for sign in "\t,":
        counts = {line.count(sign) for line in filled}
        if len(counts) == 1 and counts.pop() >= 2 and not any(", " in line for line in filled):
            return [[cell.strip() for cell in line.split(sign)] for line in filled]
    return None


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]

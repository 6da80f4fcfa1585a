"""What keys mean in Markdown: plain functions over lines, so that each can be told by its result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from widgets.markdown_syntax import OPENING, PLAIN
from widgets.safe_text import width_of

INDENT = 2
PAIRS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`", "*": "*", "_": "_", "~": "~", "<": ">", "“": "”"}
"""Typed over a selection, these stand around it."""
ITEM = re.compile(r"^(?P<lead>\s*(?:>\s?)*\s*)(?P<sign>[-*+]|\d{1,9}[.)])(?P<gap> +)(?P<box>\[[ xX]\] +)?")
_QUOTE = re.compile(r"^(?P<lead>\s*(?:>\s?)+)")
_NO_PROSE = re.compile(r"\s*(?:$|#{1,6}\s|\||`{3}|~{3}|<|(?:[-*_] *){3,}$|\{%|\[\^?[^\]]+\]:)")
_HARD_END = re.compile(r"(?: {2,}|\\)$")


class Change(NamedTuple):
    """Instead of what stands between two columns of a line."""

    start: int
    end: int
    text: str


def line_broken(line: str, column: int, state: str) -> Change:
    """What `enter` does: a list or quote goes on; in an empty item it ends."""
    if state not in (PLAIN, OPENING):
        indent = line[: len(line) - len(line.lstrip())][:column]
        return Change(column, column, f"\n{indent}")
    item = ITEM.match(line)
    if item is not None and column >= item.end():
        if not line[item.end() :].strip():
            return Change(0, len(line), "")
        sign = item["sign"]
        if sign[:-1].isdigit():
            sign = f"{int(sign[:-1]) + 1}{sign[-1]}"
        return Change(column, column, f"\n{item['lead']}{sign}{item['gap']}{'[ ] ' if item['box'] else ''}")
    quote = _QUOTE.match(line)
    if quote is not None and column >= quote.end():
        if not line[quote.end() :].strip():
            return Change(0, len(line), "")
        return Change(column, column, f"\n{quote['lead']}")
    indent = line[: len(line) - len(line.lstrip())] if item is None else ""
    return Change(column, column, f"\n{indent[:column]}")


def indented(line: str) -> str:
    """The line one step further in."""
    return f"{' ' * INDENT}{line}" if line.strip() else line


def outdented(line: str) -> str:
    """The line one step further out."""
    if line.startswith("\t"):
        return line[1:]
    blanks = len(line) - len(line.lstrip(" "))
    return line[min(blanks, INDENT) :]


def first_sign(line: str) -> int:
    """The column of the first character that is no blank."""
    return len(line) - len(line.lstrip())


def word_before(line: str, column: int) -> str:
    """What was typed without a blank before this column."""
    return line[:column].split(" ")[-1].split("\t")[-1]


def link_begun(line: str, column: int) -> str | None:
    """What was typed after `[[`, where the cursor stands in such a link that is still open."""
    at = line.rfind("[[", 0, column)
    if at < 0:
        return None
    typed = line[at + 2 : column]
    return typed if len(typed) <= 100 and "]" not in typed and "[" not in typed else None


def is_prose(line: str) -> bool:
    """Whether a line outside of code is one of a paragraph, a quote or a list."""
    return not _NO_PROSE.match(line)


def paragraph(lines: Sequence[str], states: Sequence[str], row: int) -> tuple[int, int] | None:
    """The first line of the paragraph (or list item) in which a line stands, and the one after its last."""

    def prose(at: int) -> bool:
        return 0 <= at < len(lines) and states[at] in (PLAIN, OPENING) and is_prose(lines[at])

    if not prose(row):
        return None
    top = row
    while not ITEM.match(lines[top]) and prose(top - 1) and _quoted(lines[top - 1]) == _quoted(lines[top]):
        top -= 1
    bottom = row + 1
    while prose(bottom) and not ITEM.match(lines[bottom]) and _quoted(lines[bottom]) == _quoted(lines[row]):
        bottom += 1
    return top, bottom


def _quoted(line: str) -> str:
    quote = _QUOTE.match(line)
    return quote["lead"].replace(" ", "") if quote else ""


def reflowed(lines: Sequence[str], width: int) -> list[str]:
    """A paragraph's lines filled up to `width` columns, broken between words alone; hard line ends stay."""
    item, quote = ITEM.match(lines[0]), _QUOTE.match(lines[0])
    if item is not None:
        first = item[0]
        rest = (quote["lead"] if quote else "") + " " * (len(first) - len(quote["lead"] if quote else ""))
    elif quote is not None:
        first = rest = quote["lead"].rstrip() + " "
    else:
        first = rest = lines[0][: first_sign(lines[0])]
    made: list[str] = []
    words: list[str] = []
    lead = first

    def fill(end: str = "") -> None:
        nonlocal lead, words
        line = lead
        for number, word in enumerate(words):
            longer = line + word if line == lead else f"{line} {word}"
            # A word that would begin a block at the start of a line stays where it is.
            if number and width_of(longer) > width and line != lead and not _begins_block(word):
                made.append(line)
                lead = rest
                longer = lead + word
            line = longer
        made.append(line + end)
        lead, words = rest, []

    for number, line in enumerate(lines):
        body = line[len(first) :] if number == 0 else _QUOTE.sub("", line) if quote else line
        words += body.split()
        hard = _HARD_END.search(body)
        if hard and number < len(lines) - 1:
            if hard[0] == "\\":
                fill()
            else:
                fill("  ")
    if words or not made:
        fill()
    return made


def _begins_block(word: str) -> bool:
    return bool(re.match(r"(?:[-*+]|\d{1,9}[.)]|#{1,6}|>.*|\|.*|={1,}|-{2,}|`{3}.*|~{3}.*|<.*)$", word))

"""A foreign text shown as what it is. Whatever it holds, it can only ever become cleaned pieces in roles of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

from widgets import source
from widgets.content_kind import Found, Kind, recognise, table_rows
from widgets.lines_view import TextLine, wrapped
from widgets.safe_text import clean, clean_line, fit, fold, shorten, width_of
from widgets.word_diff import flowed

Part = tuple[str, str]
INDENT = "  "
FOLDED_LINES = 24
"""Lines of a text that show before it is unfolded."""
MOST_LINES = 5_000
"""Lines that show when it is unfolded."""
_JSON = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>\b(?:true|false|null)\b)'
    r"|(?P<number>-?\d[\d.eE+-]*)"
)
_ROLES = {"key": "$info", "text": "$success", "word": "$special", "number": "$warning"}
_INLINE = re.compile(
    r"(?P<code>`[^`\n]+`)|(?P<bold>\*\*[^*\n]+\*\*)|(?P<link>\[[^\]\n]+\]\([^)\n]+\))"
    r"|(?P<italic>(?<!\w)\*(?=[^\s*])[^*\n]*[^\s*]\*(?!\w)|(?<!\w)_(?=[^\s_])[^_\n]*[^\s_]_(?!\w))"
)
_LINE = re.compile(r"(-{3,}|\*{3,}|_{3,})$")
_ITEM = re.compile(r"^(\s*)([-*+]|\d+[.)]) +")
_NUMBER = re.compile(r"^[-+−]?[\d.,]+ ?%?$")


@lru_cache(64)
def found(text: str) -> Found:
    """What a text is, remembered for the texts at hand."""
    return recognise(text)


def content_lines(text: str, width: int, *, unfolded: bool = False) -> tuple[Kind, list[TextLine], int]:
    """The kind, the lines that show, and how many more there are at least."""
    most = MOST_LINES if unfolded else FOLDED_LINES
    guess = found(text)
    # A folded text costs no more than what shows of it.
    part = text if unfolded or guess.kind == "json" else text[: most * max(width, 40) + 200]
    room = max(width - len(INDENT), 8)
    made = list(islice(_lines(guess, part, room, most + 2), most + 1))
    if len(made) <= most and len(part) == len(text):
        return guess.kind, made, 0
    kept = made[: most - 1] if len(made) > most else made
    left = text.count("\n") + 1 - len(kept)
    return guess.kind, kept, max(left, 1)


def markdown_lines(text: str, width: int) -> list[TextLine]:
    """All lines of a text that is known to be Markdown."""
    return list(_markdown(clean(text).split("\n"), max(width - len(INDENT), 8)))


def _lines(guess: Found, text: str, room: int, most: int) -> Iterator[TextLine]:
    if guess.kind == "json":
        return _json(guess.value, room, most)
    if guess.kind == "diff":
        return _diff(text, room)
    if guess.kind == "table":
        return _table(guess.value, room)
    if guess.kind == "code":
        return _code(clean(text).split("\n"), room)
    if guess.kind == "markdown":
        return _markdown(clean(text).split("\n"), room)
    return _text(text, room)


def _text(text: str, room: int) -> Iterator[TextLine]:
    for line in clean(text).split("\n"):
        for piece in wrapped(line, room):
            yield TextLine(((INDENT, ""), (piece, "")))


def _folded(parts: Iterable[Part], room: int, lead: str = "") -> Iterator[TextLine]:
    lines = list(flowed(parts, room + len(INDENT), INDENT + lead))
    yield from lines or [TextLine(((INDENT, ""),))]


def _json(value: object, room: int, most: int) -> Iterator[TextLine]:
    used = 0
    for chunk in _pretty(value):
        line = clean_line(chunk)
        inner = line.lstrip(" ")
        # Coloured as a whole before it is broken: a piece from the middle of a text looks like anything.
        indent = INDENT + " " * min(len(line) - len(inner), room // 2)
        for made in flowed(_coloured(inner), room + len(INDENT), indent):
            used += 1
            yield made
            if used >= most:
                return


def _pretty(value: object) -> Iterator[str]:
    """Line by line, so that a folded value is not written out whole."""
    import json

    line = ""
    for chunk in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
        *whole, line = (line + chunk).split("\n")
        yield from whole
    yield line


def _coloured(line: str) -> Iterator[Part]:
    at = 0
    for match in _JSON.finditer(line):
        if match.start() > at:
            yield line[at : match.start()], "$text-muted"
        yield match[0], _ROLES[match.lastgroup or "text"]
        at = match.end()
    if at < len(line):
        yield line[at:], "$text-muted"


def _diff(text: str, room: int) -> Iterator[TextLine]:
    for line in clean(text).split("\n"):
        style = "$info" if line.startswith("@@") else "bold" if line.startswith(("diff ", "+++ ", "--- ")) else ""
        style = style or {"+": "$success", "-": "$error"}.get(line[:1], "")
        for piece in fold(line, room):
            yield TextLine(((INDENT, ""), (piece, style)))


def _code(lines: list[str], room: int) -> Iterator[TextLine]:
    shown = tuple(piece for line in lines for piece in fold(line, room))
    if source.ready():
        for parts in source.coloured(shown):
            yield TextLine(((INDENT, ""), *parts))
        return
    for line in shown:
        yield TextLine(((INDENT, ""), (line, "")))


def _table(rows: list[list[str]], room: int) -> Iterator[TextLine]:
    cells = [[clean_line(cell, 300) for cell in row] for row in rows]
    columns = max(len(row) for row in cells)
    cells = [[*row, *[""] * (columns - len(row))] for row in cells]
    widths = [max(max(width_of(row[n]) for row in cells), 1) for n in range(columns)]
    while sum(widths) + 2 * (columns - 1) > room and max(widths) > 4:
        widths[widths.index(max(widths))] -= 1
    right = [all(_NUMBER.match(row[n]) for row in cells[1:] if row[n]) for n in range(columns)]
    for number, row in enumerate(cells):
        shown = []
        for n, cell in enumerate(row):
            cut = shorten(cell, widths[n])
            shown.append(" " * (widths[n] - width_of(cut)) + cut if right[n] else fit(cut, widths[n]))
        line = shorten("  ".join(shown).rstrip(), room)
        yield TextLine(((INDENT, ""), (line, "bold" if number == 0 else "")))
        if number == 0:
            yield TextLine(((INDENT, ""), ("─" * min(sum(widths) + 2 * (columns - 1), room), "$muted")))


def _markdown(lines: list[str], room: int) -> Iterator[TextLine]:
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        stripped = line.strip()
        if stripped.startswith(("```", "~~~")):
            fence, block = stripped[:3], []
            while at < len(lines) and not lines[at].strip().startswith(fence):
                block.append(lines[at])
                at += 1
            at += 1
            for made in _code(block, room - 2):
                yield TextLine(((f"{INDENT}│ ", "$muted"), *made.parts[1:]))
        elif stripped.startswith("|"):
            block = [line]
            while at < len(lines) and lines[at].strip().startswith("|"):
                block.append(lines[at])
                at += 1
            rows = table_rows(block)
            yield from _table(rows, room) if rows else _plain(block, room)
        elif _LINE.match(stripped):
            yield TextLine(((INDENT, ""), ("─" * min(room, 24), "$muted")))
        elif re.match(r"#{1,6} ", stripped):
            yield from _folded(_inline(stripped.lstrip("#").strip(), "bold $accent"), room)
        elif stripped.startswith("> "):
            for made in _folded(_inline(stripped[2:], "$text-muted"), room - 2):
                yield TextLine(((f"{INDENT}│ ", "$muted"), *made.parts[1:]))
        elif item := _ITEM.match(line):
            sign = "•" if item[2] in "-*+" else item[2]
            lead = " " * min(len(item[1]), 8)
            made_lines = list(_folded(_inline(line[item.end() :]), room - len(lead) - len(sign) - 1))
            for number, made in enumerate(made_lines):
                mark = f"{sign} " if number == 0 else " " * (len(sign) + 1)
                yield TextLine(((f"{INDENT}{lead}{mark}", "$text-muted"), *made.parts[1:]))
        else:
            yield from _folded(_inline(line), room)


def _plain(lines: list[str], room: int) -> Iterator[TextLine]:
    for line in lines:
        for piece in fold(line, room):
            yield TextLine(((INDENT, ""), (piece, "")))


def _inline(line: str, style: str = "") -> Iterator[Part]:
    at = 0
    for match in _INLINE.finditer(line):
        if match.start() > at:
            yield line[at : match.start()], style
        text = match[0]
        if match.lastgroup == "code":
            yield text[1:-1], "$info"
        elif match.lastgroup == "bold":
            yield text[2:-2], f"{style} bold".strip()
        elif match.lastgroup == "italic":
            yield text[1:-1], f"{style} italic".strip()
        else:
            # The address shows, too: a link that says one thing and leads to another is seen for what it is.
            label, _, address = text[1:-1].partition("](")
            yield label, f"{style} underline".strip()
            yield f" ({address})", "$text-muted"
        at = match.end()
    if at < len(line):
        yield line[at:], style

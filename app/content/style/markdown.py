"""A Markdown text as blocks of prose, each with the exact place of its characters in the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

BlockKind = Literal["heading", "body", "cell", "html", "title"]

_UNPARSED = re.compile("[\0\ud800-\udfff]")
_FRONT = re.compile(r"(---|\+\+\+)[ \t]*")
_KEY = re.compile(r"[\"']?\w[\w .\"'-]*[:=]")
_TITLE = re.compile(r"title[ \t]*[:=][ \t]*(?P<quote>[\"']?)(?P<title>.*?)(?P=quote)[ \t]*$")
_LEADING = " \t"


class Parser(MarkdownIt):
    """Addresses are only read over, never made into links, so they need no normalising (which not all survive)."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the name is markdown-it's
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the same
        return link


@cache
def parser() -> Parser:
    """CommonMark with the tables and the strikethrough of GitHub."""
    made = Parser("commonmark")
    made.enable(["table", "strikethrough"])
    return made


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, table cell, block of HTML, or the title in the front matter."""

    kind: BlockKind
    content: str
    """Its Markdown without the marks of what it stands in (lists, quotes)."""
    places: tuple[tuple[int, int], ...]
    """For each line: its offset in `content`, and the offset in the text that this is."""
    level: int = 0
    """Of a heading."""
    item: bool = False
    """It is the first block of a list item."""
    quoted: bool = False
    plain: bool = False
    """A title without quotation marks, in which YAML takes a colon with a space for its own."""

    def place(self, offset: int) -> int:
        """The offset in the text of an offset in the content."""
        index = bisect_right(self.places, offset, key=lambda place: place[0]) - 1
        start, place = self.places[max(0, index)]
        return place + offset - start


@dataclass(frozen=True, slots=True)
class Document:
    """All prose of a text."""

    text: str
    blocks: tuple[Block, ...]
    starts: tuple[int, ...]
    """Offset of each line."""
    structure: tuple[str, ...]
    """Types of the block tokens."""
    front: str | None = None
    """The front matter, without the lines around it."""
    references: dict[str, Any] = field(default_factory=dict)

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


def read(text: str) -> Document:
    """The blocks of a text whose lines all end with `\\n`."""
    lines = text.split("\n")
    starts = _starts(lines)
    skipped = _front_matter(lines)
    parsed = "\n" * skipped + text[starts[skipped] :] if skipped else text
    tokens: list[Token] = []
    environment: dict[str, Any] = {}
    parser().block.parse(_UNPARSED.sub("\ufffd", parsed), parser(), environment, tokens)
    blocks = list(_title(lines[:skipped], starts))
    blocks += _blocks(tokens, lines, starts)
    front = "\n".join(lines[1 : skipped - 1]) if skipped else None
    structure = tuple(token.type for token in tokens)
    return Document(text, tuple(blocks), starts, structure, front, environment.get("references", {}))


def _starts(lines: list[str]) -> tuple[int, ...]:
    found, offset = [], 0
    for line in lines:
        found.append(offset)
        offset += len(line) + 1
    return tuple(found)


def _front_matter(lines: list[str]) -> int:
    """How many lines it takes; 0 where there is none."""
    opening = _FRONT.fullmatch(lines[0])
    if not opening:
        return 0
    closing = (opening[1], "...") if opening[1] == "---" else (opening[1],)
    for number, line in enumerate(lines[1:], 2):
        if line.rstrip() in closing and number < len(lines):
            # Two rules with something else between them are no front matter.
            return number if any(_KEY.match(inner) for inner in lines[1 : number - 1]) else 0
    return 0


def _title(front: list[str], starts: tuple[int, ...]) -> Iterator[Block]:
    for number, line in enumerate(front):
        found = _TITLE.match(line)
        if found:
            places = ((0, starts[number] + found.start("title")),)
            yield Block("title", found["title"], places, plain=not found["quote"])
            return


def _blocks(tokens: list[Token], lines: list[str], starts: tuple[int, ...]) -> Iterator[Block]:
    kind: BlockKind = "body"
    level = quotes = 0
    item = False
    row: list[Token] = []
    for token in tokens:
        name = token.type
        if name == "inline":
            if kind == "cell":
                row.append(token)
            elif token.content and token.map:
                places = _places(token.content, token.map[0], lines, starts)
                yield Block(kind, token.content, places, level if kind == "heading" else 0, item, quotes > 0)
            item = False
        elif name == "heading_open":
            kind, level = "heading", int(token.tag[1:])
        elif name in ("heading_close", "table_close"):
            kind = "body"
        elif name in ("th_open", "td_open"):
            kind = "cell"
        elif name == "tr_close":
            yield from _cells(row, lines, starts, quotes > 0)
            row, kind = [], "body"
        elif name == "list_item_open":
            item = True
        elif name == "blockquote_open":
            quotes += 1
        elif name == "blockquote_close":
            quotes -= 1
        elif name == "html_block" and token.map:
            content = token.content.rstrip("\n")
            if content:
                yield Block("html", content, _places(content, token.map[0], lines, starts), quoted=quotes > 0)
            item = False


def _places(content: str, first: int, lines: list[str], starts: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Every line of the content is the end of a line of the text, but for spaces at either end and closing `#`."""
    places = []
    offset = 0
    for number, part in enumerate(content.split("\n"), first):
        line = _UNPARSED.sub("\ufffd", lines[number])
        bare = part.lstrip(_LEADING)
        column = len(line) - len(bare) if line.endswith(bare) else line.rfind(bare)
        places.append((offset, starts[number] + column - (len(part) - len(bare))))
        offset += len(part) + 1
    return tuple(places)


def _cells(row: list[Token], lines: list[str], starts: tuple[int, ...], quoted: bool) -> Iterator[Block]:
    """The cells of a table's row. One that cannot be found in its line beyond doubt is left out."""
    if not row or not row[0].map:
        return
    number = row[0].map[0]
    # A pipe within a cell is written with a backslash, which the token's content lacks.
    contents = [token.content.replace("|", "\\|") for token in row]
    line = _UNPARSED.sub("\ufffd", lines[number])
    pieces = list(_pieces(line))
    for first in (1, 0):
        if all(
            content == "" if index + first >= len(pieces) else _is(pieces[index + first][1], content, index + first)
            for index, content in enumerate(contents)
        ):
            break
    else:
        return
    for content, (start, piece) in zip(contents, pieces[first:], strict=False):
        if content:
            place = starts[number] + start + piece.rindex(content)
            yield Block("cell", content, ((0, place),), quoted=quoted)


def _is(piece: str, content: str, number: int) -> bool:
    """The first piece of a line holds the marks of lists and quotes too."""
    return piece.strip() == content or (number == 0 and piece.rstrip().endswith(content))


def _pieces(line: str) -> Iterator[tuple[int, str]]:
    """What stands between the pipes of a line, with its offset."""
    start = 0
    for match in re.finditer(r"(?<!\\)\|", line):
        yield start, line[start : match.start()]
        start = match.end()
    yield start, line[start:]

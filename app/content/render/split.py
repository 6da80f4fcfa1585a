"""A long text as several messages: cut between paragraphs where that can be, never through a block of code unmended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from app.content.render.discord import length

LIMIT = 1900
"""Characters of one message: what Discord takes, with room for what it may count otherwise."""
LEAST = 100
"""A limit below leaves no room for the marks around code."""
_FENCE = re.compile(r"(?:> )?```(\S*)")
_SENTENCE = re.compile(r"[.!?…][\"')\]*_~]*\s+")
_SPACE = re.compile(r"\s+")
_PAIRED = ("```", "`", "**", "__", "~~", "||")
_LINK = re.compile(r"\[[^\]\n]*\]\([^)\s]*\)")
_JOINED = "\u200d\ufe0f"


def split(text: str, limit: int = LIMIT) -> list[str]:
    """The parts in order, each at most `limit` long by Discord's count, none of them empty.

    A block of code that must be cut is closed at the end of the part and opened again, with its language, in the next.
    Raises ValueError for a limit below `LEAST`.
    """
    if limit < LEAST:
        raise ValueError(f"a part needs at least {LEAST} characters, got {limit}")
    parts = []
    rest = text.strip("\n")
    while rest.strip():
        part, rest = _next(rest, limit)
        if part.strip():
            parts.append(part)
    return parts


def _next(text: str, limit: int) -> tuple[str, str]:
    if length(text) <= limit:
        return text.rstrip("\n"), ""
    for cuts in (_paragraph_ends, _line_ends, _sentence_ends, _word_ends):
        # A first part that holds next to nothing is worse than a cut at a lower level.
        for least in (limit // 4, 1):
            if least == 1 and cuts is not _word_ends:
                continue
            if found := _cut(text, limit, least, cuts):
                return found
    return _hard(text, limit)


def _cut(text: str, limit: int, least: int, cuts: Callable[[str], Iterator[int]]) -> tuple[str, str] | None:
    best = None
    for place in cuts(text[: limit + 1]):
        if place >= least and (made := _made(text, place, limit)):
            best = made
    return best


def _made(text: str, place: int, limit: int) -> tuple[str, str] | None:
    """The part before `place` and the rest, mended where code is cut; None where it does not fit or breaks a mark."""
    before, after = text[:place].rstrip(" \n"), text[place:]
    opened = _open_fence(before)
    if opened is None:
        after = after.lstrip("\n")
        return (before, after) if length(before) <= limit and _whole(before, text, place) else None
    if before.endswith(opened):
        return None
    quote = "> " if opened.startswith("> ") else ""
    before = f"{before}\n{quote}```"
    after = f"{opened}\n{after.removeprefix(chr(10))}"
    return (before, after) if length(before) <= limit and len(after) < len(text) else None


def _open_fence(text: str) -> str | None:
    """The line that opened the block of code in which `text` ends."""
    opened = None
    for line in text.split("\n"):
        if found := _FENCE.match(line):
            opened = None if opened is not None else found[0]
    return opened


def _whole(before: str, text: str, place: int) -> bool:
    """No mark around words and no link is cut through."""
    paragraph = before.rpartition("\n\n")[2]
    if any(paragraph.count(mark) % 2 for mark in _PAIRED):
        return False
    begin = text.rfind("\n", 0, place) + 1
    line = text[begin : (text.find("\n", place) + 1 or len(text) + 1) - 1]
    return not any(link.start() < place - begin < link.end() for link in _LINK.finditer(line))


def _paragraph_ends(text: str) -> Iterator[int]:
    place = text.find("\n\n")
    while place >= 0:
        # Empty lines of code are no paragraphs.
        if _open_fence(text[:place]) is None:
            yield place
        place = text.find("\n\n", place + 1)


def _line_ends(text: str) -> Iterator[int]:
    place = text.find("\n")
    while place >= 0:
        yield place
        place = text.find("\n", place + 1)


def _sentence_ends(text: str) -> Iterator[int]:
    return (found.end() for found in _SENTENCE.finditer(text))


def _word_ends(text: str) -> Iterator[int]:
    return (found.end() for found in _SPACE.finditer(text))


def _hard(text: str, limit: int) -> tuple[str, str]:
    """Cut where there is nothing to cut at, but not within a character of several code points."""
    opened = _open_fence(text.partition("\n")[0]) if text.startswith(("```", "> ```")) else None
    room = limit - (len(opened) + 6 if opened else 0)
    place = room
    while length(text[:place]) > room:
        place -= 1
    kept = place
    while place > 1 and (
        text[place] in _JOINED or text[place - 1] == "\u200d" or "\U0001f3fb" <= text[place] <= "\U0001f3ff"
    ):
        place -= 1
    place = place if place > 1 else kept
    if opened is None:
        return text[:place], text[place:]
    quote = "> " if opened.startswith("> ") else ""
    return f"{text[:place]}\n{quote}```", f"{opened}\n{text[place:]}"

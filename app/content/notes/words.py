"""Texts as the tokens that the search of notes compares: the same on every database.

A token is folded (case, accents, widths) and written in ASCII letters and digits behind a prefix of ours, so that no
database's own idea of words, shortest tokens or stop words has a say, and a token's beginning stands for the text's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

TITLE, ANYWHERE = "qqt", "qqw"
"""Prefixes of tokens of the title alone, and of those of the whole note."""
LONGEST = 80
"""Characters of a token behind its prefix; servers pass over tokens of more than 84."""
MOST_TERMS = 16
"""Words of a query that count."""
_WORD = re.compile(r"(?:[^\W_]+)(?:(?:\+\+|#)(?![^\W_]))?")
_PLAIN = re.compile(r"[a-w0-9]+")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]+"
)


@dataclass(frozen=True, slots=True)
class Term:
    """A token of a query: a note has it, or with `begins` one that begins so. `text` is what snippets look for."""

    token: str
    begins: bool
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """All of the terms and all of the tags must be there. Without any term and tag, `nothing` tells that the text had
    other things than words in it, so that it finds no note rather than all."""

    terms: tuple[Term, ...]
    tags: tuple[str, ...]
    nothing: bool = False


def parse(text: str) -> Query:
    """The query of what a person typed; everything but `tag:x` is words, the last of which may be unfinished."""
    tags: list[str] = []
    rest: list[str] = []
    for part in text.split():
        name = tag(part[4:]) if part[:4].lower() == "tag:" else ""
        (tags if name else rest).append(name or part)
    pieces = list(_pieces(" ".join(rest), asked=True))[:MOST_TERMS]
    last = len(pieces) - 1
    terms = tuple(
        Term(encoded(piece), number == last or (len(piece) == 1 and _CJK.match(piece) is not None), piece)
        for number, piece in enumerate(pieces)
    )
    return Query(terms, tuple(dict.fromkeys(tags)), nothing=bool(rest) and not terms)


def index(title: str, body: str) -> str:
    """What `note.words` holds: every token once."""
    of_title = tokens(title)
    words = [TITLE + token for token in of_title] + [ANYWHERE + token for token in of_title | tokens(body)]
    return " ".join(sorted(words))


def tokens(text: str) -> set[str]:
    """The tokens of a text."""
    return {encoded(piece) for piece in set(_pieces(text, asked=False))}


def tag(text: str) -> str:
    """A tag as it is kept and compared: without # and spaces, folded by case; empty where nothing is left."""
    return "-".join(unicodedata.normalize("NFC", text.strip().lstrip("#")).casefold().split())[:64]


def folded(text: str) -> str:
    """A text without differences of case, accents and widths."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(char for char in apart if unicodedata.category(char) != "Mn"))


def _pieces(text: str, *, asked: bool) -> Iterator[str]:
    """Words, pairs of CJK characters, symbols. `C++` is `c` too, but not where it is asked for."""
    text = folded(text)
    for found in _WORD.finditer(text):
        word = found[0]
        yield from _pairs(word, asked) if not word.isascii() and _CJK.search(word) else (word,)
        if not asked and word[-1] in "+#":
            yield word.rstrip("+#")
    if not text.isascii():
        yield from (char for char in text if char > "\x7f" and unicodedata.category(char) == "So")


def _pairs(word: str, asked: bool) -> Iterator[str]:
    """A run of CJK characters by its pairs. Its last character stands alone as well: else one alone would not be found
    at the end of a run."""
    begin = 0
    for run in _CJK.finditer(word):
        if begin < run.start():
            yield word[begin : run.start()]
        chars, begin = run[0], run.end()
        yield from (chars[place : place + 2] for place in range(len(chars) - 1))
        if not asked or len(chars) == 1:
            yield chars[-1]
    if begin < len(word):
        yield word[begin:]


def encoded(piece: str) -> str:
    """A folded piece in ASCII. The beginning of a piece gives the beginning of its token: no code of a character begins
    another one. What is beyond the longest token is cut off, between two characters."""
    if _PLAIN.fullmatch(piece):
        return piece[:LONGEST]
    codes, length = [], 0
    for char in piece:
        code = char if _PLAIN.fullmatch(char) else _code(ord(char))
        length += len(code)
        if length > LONGEST:
            break
        codes.append(code)
    return "".join(codes)


def _code(number: int) -> str:
    places = 2 if number < 36**2 else 3 if number < 36**3 else 4
    digits = ""
    for _ in range(places):
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return " xyz"[places - 1] + digits

"""What changed between two versions of a text, by words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

MOST_WORDS = 4000
"""Words of a changed place that are compared one by one; of longer ones the whole place is shown."""
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text. All but those added make the earlier text, all but those removed the later."""

    kind: Literal["same", "removed", "added"]
    text: str


def by_words(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces in order; neighbours are of different kinds."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=len(old) > 20_000).get_opcodes():
        if kind == "equal":
            _add(pieces, "same", "".join(old[a:b]))
        else:
            for piece in _words("".join(old[a:b]), "".join(new[c:d])):
                _add(pieces, piece.kind, piece.text)
    return tuple(pieces)


def _words(before: str, after: str) -> Iterator[Piece]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    if max(len(old), len(new)) > MOST_WORDS or not old or not new:
        yield Piece("removed", before)
        yield Piece("added", after)
        return
    for _, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if old[a:b] == new[c:d]:
            yield Piece("same", "".join(old[a:b]))
        else:
            yield Piece("removed", "".join(old[a:b]))
            yield Piece("added", "".join(new[c:d]))


def _add(pieces: list[Piece], kind: Literal["same", "removed", "added"], text: str) -> None:
    if not text:
        return
    if pieces and pieces[-1].kind == kind:
        pieces[-1] = Piece(kind, pieces[-1].text + text)
    else:
        pieces.append(Piece(kind, text))


def marked(pieces: Sequence[Piece]) -> str:
    """The pieces as one text: `[-removed-]` and `{+added+}`."""
    marks = {"same": ("", ""), "removed": ("[-", "-]"), "added": ("{+", "+}")}
    return "".join(f"{marks[piece.kind][0]}{piece.text}{marks[piece.kind][1]}" for piece in pieces)

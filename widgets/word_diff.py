"""What a correction changed, word by word. Nothing but the words and their signs: colour alone tells nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from widgets.lines_view import TextLine
from widgets.safe_text import clean, fold, width_of

Part = tuple[str, str]
TAKEN = "$error strike"
ADDED = "$success underline"
_WORDS = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")
_STYLES = {"same": "", "removed": TAKEN, "added": ADDED}


def word_diff(before: str, after: str) -> list[Part]:
    """The text with what was taken away and what was added, as cleaned pieces."""
    from app.word_diff import by_words

    return [(piece.text, _STYLES[piece.kind]) for piece in by_words(clean(before), clean(after))]


def counted(before: str, after: str) -> tuple[int, int]:
    """Words added and taken away."""
    sums = {ADDED: 0, TAKEN: 0, "": 0}
    for text, style in word_diff(before, after):
        sums[style] += len(re.findall(r"\w+", text))
    return sums[ADDED], sums[TAKEN]


def diff_lines(before: str, after: str, width: int, indent: str = "") -> Iterator[TextLine]:
    """The difference as lines of at most `width` columns."""
    yield from flowed(word_diff(before, after), width, indent)


def flowed(parts: Iterable[Part], width: int, indent: str = "") -> Iterator[TextLine]:
    """Cleaned pieces broken into lines, between words where that is possible."""
    room = max(width - width_of(indent), 8)
    line: list[Part] = []
    used = 0

    def made() -> TextLine:
        return TextLine(((indent, ""), *line))

    for run in _runs(parts):
        size = sum(width_of(text) for text, _ in run)
        if line and not run[0][0].isspace() and used + size > room >= size:
            # What stands together stays together: a mark behind its word, a word of which a part is new.
            yield made()
            line, used = [], 0
        for text, style in run:
            if text == "\n":
                if style:
                    line.append(("⏎", style))
                yield made()
                line, used = [], 0
                continue
            for piece in fold(text, room):
                size = width_of(piece)
                if used + size > room:
                    yield made()
                    line, used = [], 0
                    if piece.isspace():
                        continue
                line.append((piece, style))
                used += size
    if line:
        yield made()


def _runs(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Pieces with no white space between them, white space, and line ends."""
    run: list[Part] = []
    for text, style in parts:
        for word in _WORDS.findall(text):
            if not word.isspace():
                run.append((word, style))
                continue
            if run:
                yield run
                run = []
            yield [(word, style)]
    if run:
        yield run

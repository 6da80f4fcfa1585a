"""A change of a text as places that are taken or refused one by one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.word_diff import by_words


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place: `before` stands at `start` of the earlier text, in characters from 0, `after` is to take its place."""

    start: int
    before: str
    after: str

    @property
    def end(self) -> int:
        """Where `before` ends."""
        return self.start + len(self.before)


def hunks(before: str, after: str) -> tuple[Hunk, ...]:
    """What changes from one text to the other, by words, in its order. Places with only blanks between are one."""
    found: list[Hunk] = []
    at, same = 0, ""
    for piece in by_words(before, after):
        if piece.kind == "same":
            at, same = at + len(piece.text), piece.text
            continue
        old, new = (piece.text, "") if piece.kind == "removed" else ("", piece.text)
        last = found[-1] if found else None
        if last is not None and last.end == at:
            found[-1] = Hunk(last.start, last.before + old, last.after + new)
        elif last is not None and last.end + len(same) == at and same.isspace() and "\n" not in same:
            found[-1] = Hunk(last.start, last.before + same + old, last.after + same + new)
        else:
            found.append(Hunk(at, old, new))
        at += len(old)
    return tuple(found)


def apply(before: str, changes: Sequence[Hunk], accepted: Collection[int]) -> str:
    """The earlier text with those of its hunks whose numbers, from 0, were accepted."""
    parts, at = [], 0
    for number, hunk in enumerate(changes):
        parts += [before[at : hunk.start], hunk.after if number in accepted else hunk.before]
        at = hunk.end
    return "".join(parts) + before[at:]

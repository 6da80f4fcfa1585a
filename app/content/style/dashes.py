"""Dashes between thoughts, and what takes their place by the part that each one plays.

In this order: alone in a table's cell; after a label; two around an insertion; before a short end of the sentence; and
between two sentences, which only the author can part well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from app.content.style.clauses import is_clause
from app.content.style.dash_signs import (
    CLOSING,
    EM,
    Dash,
    attribution,
    dash_at,
    from_to,
    is_doubtful,
    is_label,
    is_letter,
    is_shown,
    unclosed,
)
from app.content.style.model import Fix, Style
from app.content.style.prose import DASHES, Hit, Prose, words_of
from app.content.style.spans import BREAK, MARK

_SPACE = "[ \t\n\u00a0\u2009\u202f]"
_DASH = re.compile(rf"(?P<em>{EM})|-{{2,3}}(?=\s)|–(?=\s)")
_ALONE = re.compile(rf"{_SPACE}*(?:{EM}|–|--)?{_SPACE}*")
_HINTS = (*DASHES, "--", "&")
_TIME = re.compile(r"\d{1,2}:\d\d(?::\d\d)?")
_STOPS = ".,;:!?…"
_SIGNS = {"comma": ",", "colon": ":", "period": "."}
NEAR = 400
"""Characters around a dash that tell its part."""
SHORT = 8
"""Words of an end of a sentence that is short."""
LONGEST = 20
"""Words of an insertion; what is longer is more likely two things."""


def dashes(prose: Prose, style: Style, group: int = 0) -> Iterator[Hit]:
    """Every dash that stands between thoughts, in order. Groups are counted from `group` on."""
    text = prose.text
    if not any(hint in text for hint in _HINTS):
        return
    if _ALONE.fullmatch(text):
        stripped = text.strip()
        start = text.index(stripped)
        if prose.block.kind == "cell":
            yield Hit(start, start + len(stripped), "safe", "-")
        elif re.fullmatch(EM, stripped):
            yield Hit(start, start + len(stripped))
        return
    found = [dash for match in _DASH.finditer(text) if (dash := dash_at(match, text))]
    rest = []
    for dash in found:
        if hit := from_to(dash, prose):
            yield hit
        elif is_shown(dash, text) or ("\n" in dash.pre and ("\n" in dash.post or dash.end == len(text))):
            # Spoken of, or on a line of its own: what is to become of it nobody but the author knows.
            yield Hit(dash.start, dash.end)
        else:
            rest.append(dash)
    if rest and len(prose.text[: rest[0].start]) <= NEAR and is_label(prose, rest):
        label = rest.pop(0)
        # `10:30: Standup` would have a colon too many.
        sign = "" if _TIME.fullmatch(prose.text[: label.start].strip()) and label.gap else ":"
        yield Hit(label.start, label.end, "safe", sign + label.gap)
    for inside, start, end in _by_sentence(rest, prose):
        while start >= 0 and len(inside) > 1 and _closes(text, inside[-1].end):
            # `But I thought—" she said`: broken off, whatever comes before it.
            yield _single(prose, style, inside[-1], inside[-2].end, end)
            inside.pop()
        while start >= 0 and len(inside) > 1 and _closes(text, inside[0].end):
            yield _single(prose, style, inside[0], start, inside[1].start)
            start = inside.pop(0).end
        if start < 0:
            # It parts two sentences (`Done. — Next`): nothing is needed in its place.
            for dash in inside:
                yield attribution(dash, prose) or Hit(dash.start, dash.end, "suggest", dash.gap if dash.start else "")
        elif len(inside) == 2 and (pair := list(_pair(prose, inside, start, end, group))):
            group += 1
            yield from pair
        elif len(inside) == 1:
            yield _single(prose, style, inside[0], start, end)
        else:
            # What each one does is for the author to say: each is seen between its neighbours.
            edges = [start, *(dash.end for dash in inside[:-1])], [*(dash.start for dash in inside[1:]), end]
            for dash, first, last in zip(inside, *edges, strict=True):
                yield replace(_single(prose, style, dash, first, last), fix="suggest")


def _by_sentence(found: list[Dash], prose: Prose) -> Iterator[tuple[list[Dash], int, int]]:
    """The dashes of each sentence, with where that begins and ends; -1 for those that stand between two."""
    index = 0
    for start, end in prose.sentences if found else ():
        inside: list[Dash] = []
        between: list[Dash] = []
        while index < len(found) and found[index].start < end:
            dash = found[index]
            (inside if start <= dash.start and dash.end <= end else between).append(dash)
            index += 1
        if inside:
            yield inside, start, end
        if between:
            yield between, -1, -1
    if found[index:]:
        yield found[index:], -1, -1


def _pair(prose: Prose, two: list[Dash], start: int, end: int, group: int) -> Iterator[Hit]:
    """Two dashes around an insertion: commas, or brackets where commas would not hold it."""
    first, second = two
    text = prose.text
    before, after = _around(text, first.start, second.end, start, end)
    inner = text[first.end : second.start]
    words = words_of(inner)
    if not words_of(before) or not 0 < len(words) <= LONGEST or not words_of(after):
        return
    if (
        re.search(rf"[.!?…]\s|{BREAK}", inner)
        or len(re.findall(f"{MARK}+", inner)) % 2
        or inner.count('"') % 2
        or unclosed(inner)
    ):
        # Two things, or one dash within a link, emphasis or quotation and the other outside.
        return
    if prose.block.quoted and "\n" in second.pre:
        # Two who say something: `"…" — one`, and below it `— another`.
        return
    line = inner.rpartition("\n")[2].lstrip(MARK)
    if "{%" in prose.content[first.end : second.start] or ("\n" in inner and line[:1].isupper() and _is_short(line)):
        # One of them may not be printed; or each line has its own: `ADDED — x`, and below it `FIXED — y`.
        return
    if _ends(before)[-1:] in _STOPS or after.lstrip(MARK)[:1] in _STOPS:
        return
    if is_doubtful(first, prose) or is_doubtful(second, prose):
        return
    if not re.search(r"[,;:!?…(]|\.\.\.", inner) and not is_clause(words):
        yield Hit(first.start, first.end, "safe", "," + first.gap, group=group)
        yield Hit(second.start, second.end, "safe", "," + second.gap, group=group)
    elif not re.search(r"[()]", inner) and before.count("(") == before.count(")"):
        yield Hit(first.start, first.end, "safe", first.gap + "(", group=group)
        yield Hit(second.start, second.end, "safe", ")" + second.gap, group=group)


def _single(prose: Prose, style: Style, dash: Dash, start: int, end: int) -> Hit:
    text = prose.text
    before, after = _around(text, dash.start, dash.end, start, end)
    if unclosed(before):
        # What follows the quotation is not part of the thought: `"Well — maybe," she said.`
        after = re.split('["”“]', after, maxsplit=1)[0]
    if before.count("(") > before.count(")"):
        after = after.partition(")")[0]
    rest = after.lstrip(MARK)
    words = words_of(after)
    fix: Fix = "suggest" if is_doubtful(dash, prose) else "safe"
    if not words_of(before):
        # `— Name` below a quotation: who said it. Nothing stands before it that a sign could end.
        return Hit(dash.start, dash.end, "suggest", dash.pre if "\n" in dash.pre else "")
    if author := attribution(dash, prose):
        return author
    if is_letter(dash, prose):
        return Hit(dash.start, dash.end, fix, "," + (dash.gap if after.strip() else ""))
    if _ends(before)[-1:] in _STOPS or rest[:1] in tuple(_STOPS):
        return Hit(dash.start, dash.end, "suggest", dash.gap if words else "")
    if not words or _closes(text, dash.end):
        follows = after.strip() and not _closes(text, dash.end)
        tail = dash.gap if "\n" in dash.gap or follows or (dash.post and words) else ""
        return Hit(dash.start, dash.end, fix, style.ellipsis + tail)
    if is_clause(words):
        if not is_clause(words_of(before)):
            return Hit(dash.start, dash.end, "suggest", ":" + dash.gap)
        return _parted(prose, dash, "suggest", ";")
    if len(words) > SHORT:
        fix = "suggest"
    if style.dash == "period":
        return _parted(prose, dash, fix, ",")
    return Hit(dash.start, dash.end, fix, _SIGNS.get(style.dash, style.ellipsis) + dash.gap)


def _closes(text: str, at: int) -> bool:
    """Whether a quotation or a bracket ends here, or the text does."""
    following = text[at : at + 2]
    return not following or (following[0] in CLOSING and not following[1:].isalnum())


def _is_short(line: str) -> bool:
    return len(words_of(line)) <= 3


def _around(text: str, first: int, last: int, start: int, end: int) -> tuple[str, str]:
    """What comes before and after within a sentence, as far as it matters."""
    return text[max(start, first - NEAR) : first], text[last : min(end, last + NEAR)]


def _parted(prose: Prose, dash: Dash, fix: Fix, otherwise: str) -> Hit:
    """A full stop and a capital; another sign where what follows has no letter that can be one."""
    letter = prose.text[dash.end : dash.end + 1]
    if not letter.isalpha() or len(letter.upper()) != 1:
        return Hit(dash.start, dash.end, fix, otherwise + dash.gap)
    return Hit(dash.start, dash.end + 1, fix, "." + dash.gap + letter.upper())


def _ends(before: str) -> str:
    return before.rstrip().rstrip(MARK + CLOSING) or " "

"""Dashes between thoughts, and what takes their place by the part that each one plays.

In this order: alone in a table's cell; after a label; two around an insertion; before a short end of the sentence; and
between two sentences, which only the author can part well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.content.style.clauses import is_clause, is_subject
from app.content.style.model import Fix, Style
from app.content.style.prose import DASHES, Hit, Prose, widened, words_of
from app.content.style.spans import BREAK, MARK, PROTECTED

_SPACES = " \t\n\u00a0\u2009\u202f"
_SPACE = f"[{_SPACES}]"
_EM = "[—―⸺⸻]+|&(?i:mdash|horbar|#8212|#8213|#x201[45]);"
_DASH = re.compile(rf"(?P<em>{_EM})|-{{2,3}}(?=\s)|–(?=\s)")
_ALONE = re.compile(rf"{_SPACE}*(?:{_EM}|–|--)?{_SPACE}*")
_HINTS = (*DASHES, "--", "&")
_FIGURE = re.compile(r"[$€£¥~v]?\d")
_NUMBERED = re.compile(r"\w+ \d+(?:\.\d+)*\Z")
_NAMED_TIME = re.compile(
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)\w{0,6}\.?$", re.IGNORECASE
)
_PROGRAM = re.compile(r"\b(?:git|npm|npx|cargo|docker|kubectl|ssh|sudo|make|uv|pip|pytest|qd|bash|sh|rm|cp|mv|grep)\b")
_STOPS = ".,;:!?…"
_CLOSING = "\"'”’)]}»"
_SIGNS = {"comma": ",", "colon": ":", "period": "."}
NEAR = 400
"""Characters around a dash that tell its part."""
SHORT = 8
"""Words of an end of a sentence that is short."""
LONGEST = 20
"""Words of an insertion; what is longer is more likely two things."""
LABEL = 5
"""Words of a label that is not marked as one."""


@dataclass(frozen=True, slots=True)
class Dash:
    """One dash: the space around it belongs to it."""

    start: int
    end: int
    pre: str
    post: str
    sign: str

    @property
    def gap(self) -> str:
        """What parts the words when the dash is gone: the line end where there is one, else a space."""
        return _broken(self.pre) + _broken(self.post) or " "


def _broken(space: str) -> str:
    if "\n" not in space:
        return ""
    return space if space.startswith("  ") else space[space.index("\n") :]


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
        elif re.fullmatch(_EM, stripped):
            yield Hit(start, start + len(stripped))
        return
    found = [dash for match in _DASH.finditer(text) if (dash := _dash(match, text))]
    rest = []
    for dash in found:
        if hit := _range(dash, prose):
            yield hit
        elif "\n" in dash.pre and ("\n" in dash.post or dash.end == len(text)):
            # On a line of its own: what is to become of the line nobody but the author knows.
            yield Hit(dash.start, dash.end)
        else:
            rest.append(dash)
    if rest and _is_label(prose, rest):
        label = rest.pop(0)
        yield Hit(label.start, label.end, "safe", ":" + label.gap)
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
            yield from (Hit(dash.start, dash.end, "suggest", dash.gap if dash.start else "") for dash in inside)
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


def _dash(match: re.Match[str], text: str) -> Dash | None:
    sign = match.group()
    if not match["em"] and not text[max(0, match.start() - 1) : match.start()].isspace():
        return None
    start, end = widened(text, *match.span(), _SPACES)
    pre, post = text[start : match.start()], text[match.end() : end]
    if sign.startswith("-") and "\n" in pre and "\n" in post:
        # A line of its own: what stands above a signature.
        return None
    if sign == "–":
        before, after = text[max(0, start - 12) : start], text[end : end + 12].split(" ")[0]
        if before[-1:].isdigit() or after[:1].isdigit():
            return None
        if _NAMED_TIME.search(before) and _NAMED_TIME.search(after.rstrip(".,;:!?)")):
            return None
    return Dash(start, end, pre, post, sign)


def _range(dash: Dash, prose: Prose) -> Hit | None:
    """A dash between figures, from one to the other. With spaces around it that is not sure."""
    before, after = prose.content[max(0, dash.start - 1) : dash.start], prose.content[dash.end : dash.end + 2]
    if not before.isdigit() or not _FIGURE.match(after) or "\n" in dash.pre + dash.post:
        return None
    return Hit(dash.start, dash.end, "suggest" if dash.pre or dash.post else "safe", "–")


def _is_label(prose: Prose, found: list[Dash]) -> bool:
    """Whether what comes before the first dash is a label: `Name — text`."""
    before, after = prose.text[: found[0].start], prose.text[found[0].end :]
    if len(before) > NEAR:
        return False
    words = words_of(before)
    bare = before.strip().strip(MARK)
    if not words or not after.strip() or bare[-1:] in (*_STOPS, "") or re.search(rf"[.!?;:,]\s|{BREAK}", before):
        return False
    if _is_command(found[0], before):
        return False
    marked = before.strip() != bare and before.strip()[:1] == MARK and before.strip()[-1:] == MARK and MARK not in bare
    if marked or not bare.strip(PROTECTED) or _NUMBERED.match(prose.content[: found[0].start]):
        return True
    if prose.block.kind in ("heading", "title"):
        return len(found) == 1
    return (prose.block.item or prose.block.kind == "cell") and len(words) <= LABEL and not is_subject(words)


def _pair(prose: Prose, two: list[Dash], start: int, end: int, group: int) -> Iterator[Hit]:
    """Two dashes around an insertion: commas, or brackets where commas would not hold it."""
    first, second = two
    text = prose.text
    before, after = _around(text, first.start, second.end, start, end)
    inner = text[first.end : second.start]
    words = words_of(inner)
    if not words_of(before) or not 0 < len(words) <= LONGEST or not words_of(after):
        return
    if re.search(rf"[.!?…]\s|{BREAK}", inner) or len(re.findall(f"{MARK}+", inner)) % 2:
        # Two things, or one dash within a link or emphasis and the other outside.
        return
    if _ends(before)[-1:] in _STOPS or after.lstrip(MARK)[:1] in _STOPS:
        return
    if _is_command(first, before) or _is_command(second, before):
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
    rest = after.lstrip(MARK)
    words = words_of(after)
    fix: Fix = "suggest" if _is_command(dash, before) else "safe"
    if not words_of(before):
        # `— Name` below a quotation: who said it. Nothing stands before it that a sign could end.
        return Hit(dash.start, dash.end, "suggest", dash.pre if "\n" in dash.pre else "")
    if _ends(before)[-1:] in _STOPS or rest[:1] in tuple(_STOPS):
        return Hit(dash.start, dash.end, "suggest", dash.gap if words else "")
    if not words or _closes(text, dash.end):
        tail = dash.gap if "\n" in dash.gap or (dash.post and words) else ""
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
    return not following or (following[0] in _CLOSING and not following[1:].isalnum())


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
    return before.rstrip().rstrip(MARK + _CLOSING) or " "


def _is_command(dash: Dash, before: str) -> bool:
    """`git checkout -- file`, written as if it were prose."""
    return dash.sign.startswith("-") and bool(_PROGRAM.search(before))

"""Markdown in colour, line by line: what a line looks like follows from its text and from what it begins in."""

from __future__ import annotations

import re
from functools import lru_cache

Piece = tuple[int, int, str]
"""Columns of a line, the end exclusive, and their style by role. Later pieces lie over earlier ones."""

OPENING = "^"
"""The state of the first line: front matter can begin here and nowhere else."""
PLAIN = ""
FRONT = "---"
_COMMENTS = {"<!--": "-->", "{#": "#}"}
# An anchor such as `{#name}` opens nothing.
_OPEN = re.compile(r"<!--|\{#(?=[\s-]|$)")
LONGEST = 4_000
"""Characters of a line that is coloured; a longer one is data, not prose."""

_FENCE = re.compile(r"(?: {0,3}|[ >]*)(`{3,}|~{3,})(.*)$")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:\s|$)")
_RULE = re.compile(r" {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)\s*$")
_LEAD = re.compile(r"\s*((?:>\s?)*)\s*((?:[-*+]|\d{1,9}[.)])(?=\s|$))?(?:\s+(\[[ xX]\])(?=\s))?")
_FRONT_KEY = re.compile(r"\s*(?:- )?([\w.-]+)(:)(?=\s|$)")
_INLINE = re.compile(
    r"(?P<escape>\\[!-/:-@\[-`{-~])"
    r"|(?P<jinja>\{\{.{0,500}?\}\}|\{%.{0,500}?%\}|\{\#.{0,500}?\#\})"
    r"|(?P<comment><!--.{0,500}?-->)"
    r"|(?P<code>(?P<ticks>`+)(?!`).{0,500}?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<note>!?\[\[[^\]\n]{1,200}\]\])"
    r"|(?P<link>!?\[(?P<label>[^\]\n]{0,300})\](?P<address>\([^)\n]{0,500}\)|\[[^\]\n]{0,200}\]))"
    r"|(?P<url><(?:https?://|mailto:)[^>\s]{1,500}>|https?://[^\s<>()\[\]]{1,500})"
    r"|(?P<tag></?[A-Za-z][^<>\n]{0,300}>|<[@#:][^<>\s]{1,80}>)"
    r"|(?P<strong>(?P<two>\*\*|__)(?=\S)[^*_\n]{1,500}(?<=\S)(?P=two))"
    r"|(?P<struck>~~(?=\S)[^~\n]{1,300}(?<=\S)~~)"
    r"|(?P<soft>(?<![\w*])\*(?=[^\s*])[^*\n]{0,300}(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=[^\s_])[^_\n]{0,300}(?<=[^\s_])_(?!\w))"
)
_WHOLE = {
    "escape": "$text-muted",
    "jinja": "$special",
    "comment": "$text-muted italic",
    "code": "$info",
    "note": "$special",
    "url": "$info",
    "tag": "$text-muted",
}
_MARKED = {"strong": (2, "bold"), "struck": (2, "strike"), "soft": (1, "italic")}
QUIET = "$muted"


def state_after(line: str, state: str) -> str:
    """What the line after this one begins in."""
    if state in (PLAIN, OPENING):
        if state == OPENING and line.rstrip() == FRONT:
            return FRONT
        if "`" in line or "~" in line:
            fence = _FENCE.match(line)
            if fence and not ("`" in fence[2] and fence[1][0] == "`"):
                return fence[1]
        return _left_open(line, 0)
    if state == FRONT:
        return PLAIN if line.rstrip() in ("---", "...") else FRONT
    if state in _COMMENTS:
        at = line.find(_COMMENTS[state])
        return state if at < 0 else _left_open(line, at + len(_COMMENTS[state]))
    fence = _FENCE.match(line)
    closes = fence is not None and fence[1].startswith(state) and not fence[2].strip()
    return PLAIN if closes else state


def _left_open(line: str, start: int) -> str:
    """The comment that a line leaves open."""
    while opened := _OPEN.search(line, start):
        start, sign = opened.end(), opened[0]
        if line.count("`", 0, opened.start()) % 2:
            continue
        end = line.find(_COMMENTS[sign], start)
        if end < 0:
            return sign
        start = end + len(_COMMENTS[sign])
    return PLAIN


@lru_cache(maxsize=4096)
def pieces(line: str, state: str) -> tuple[Piece, ...]:
    """How a line looks that begins in this state."""
    end = len(line)
    if not end or end > LONGEST:
        return ()
    if state == FRONT or (state == OPENING and line.rstrip() == FRONT):
        return tuple(_front(line))
    if state in _COMMENTS:
        at = line.find(_COMMENTS[state])
        if at < 0:
            return ((0, end, _WHOLE["comment"]),)
        at += len(_COMMENTS[state])
        return ((0, at, _WHOLE["comment"]), *_inline(line, at))
    if state not in (PLAIN, OPENING):
        return ((0, end, QUIET if state_after(line, state) == PLAIN else "$info"),)
    after = state_after(line, state)
    if after and after[0] in "`~":
        mark = line.index(after) + len(after)
        return (0, mark, QUIET), (mark, end, "$special")
    return tuple(_prose(line, after))


def _front(line: str) -> list[Piece]:
    if line.rstrip() in ("---", "..."):
        return [(0, len(line), QUIET)]
    if line.lstrip().startswith("#"):
        return [(0, len(line), "$text-muted italic")]
    key = _FRONT_KEY.match(line)
    made: list[Piece] = [] if key is None else [(key.start(1), key.end(1), "$info"), (*key.span(2), QUIET)]
    return made + [piece for piece in _inline(line, key.end() if key else 0) if piece[2] == "$special"]


def _prose(line: str, after: str) -> list[Piece]:
    end = len(line)
    heading = _HEADING.match(line)
    if heading:
        return [(0, end, "$accent bold"), (*heading.span(1), QUIET), *_inline(line, heading.end())]
    if _RULE.match(line) or _UNDERLINE.match(line):
        return [(0, end, QUIET)]
    made: list[Piece] = []
    start = 0
    lead = _LEAD.match(line)
    if lead is not None:
        start = lead.end()
        if lead[1]:
            made += [(lead.end(1), end, "$text-muted"), (*lead.span(1), QUIET)]
        if lead[2]:
            made.append((*lead.span(2), "$accent"))
        if lead[3]:
            made.append((*lead.span(3), "$warning" if lead[3] == "[ ]" else "$success"))
    if line.lstrip().startswith("|"):
        made += [(at, at + 1, QUIET) for at, sign in enumerate(line) if sign == "|"]
    made += _inline(line, start)
    if after in _COMMENTS:
        made.append((line.rfind(after), end, _WHOLE["comment"]))
    return made


def _inline(line: str, start: int) -> list[Piece]:
    made: list[Piece] = []
    for match in _INLINE.finditer(line, start):
        kind = match.lastgroup or ""
        for name in ("strong", "struck", "soft", "link", "code"):
            if match[name] is not None:
                kind = name
        first, last = match.span()
        if kind in _MARKED:
            size, style = _MARKED[kind]
            made += [(first + size, last - size, style), (first, first + size, QUIET), (last - size, last, QUIET)]
            inside = match[0][size:-size]
            if "`" in inside or "[" in inside or "{" in inside:
                made += _inline(line[: last - size], first + size)
        elif kind == "link":
            made += [(first, last, QUIET), (*match.span("label"), "$info"), (*match.span("address"), "$text-muted")]
        else:
            made.append((first, last, _WHOLE[kind]))
    return made

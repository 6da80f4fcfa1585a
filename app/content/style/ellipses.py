"""The ellipsis in its one form: no space before it, one after. Ranges, paths and rows of dots are something else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.content.style.model import Fix, Style
from app.content.style.prose import Hit, Prose, widened
from app.content.style.spans import MARK, PROTECTED

_DOTS = re.compile(r"(?P<sign>…+|&(?i:hellip|mldr|#8230|#x2026);)|(?P<typed>\.{3,})|(?P<wide>\.(?: \.){2,})")
_ELLIPSES = ("…", "...", ". . .")
_HINTS = (*_ELLIPSES, "&")
_SPACE = " \u00a0"
_LETTERS = re.compile(r"\W?\w(?:…|\.\.\.)\w\W?")
"""From one letter to another: `a…z`."""
_BRACKETS = ")]}"
_OPENERS = ('"', "“", "(")
_CODE = (",", "(", "[", "{", "=", ":")
_GIT = re.compile(r"\bgit \w+")
_CLOSERS = "\"'”’)]}»"


def ellipses(prose: Prose, style: Style) -> Iterator[Hit]:
    """Every ellipsis that is not in the form of the style."""
    text = prose.text
    if not any(hint in text for hint in _HINTS):
        return
    for match in _DOTS.finditer(text):
        if match.group() not in _ELLIPSES and not match.group().startswith("&"):
            continue
        start, end = widened(text, *match.span(), _SPACE)
        gap, tail = text[start : match.start()], text[match.end() : end]
        before, after = text[max(0, start - 1) : start], text[end : end + 1]
        if _is_other(before, after, bool(gap), bool(tail)) or _LETTERS.fullmatch(text[max(0, start - 2) : end + 2]):
            continue
        if gap and not tail and after.isalnum() and before in _CODE:
            # `f(a, ...rest)`
            continue
        fix: Fix = "safe"
        starts = not before or before == "\n"
        new_gap = "" if not starts and (before.isalpha() or before in (MARK, *_CLOSERS)) else gap
        new_tail = tail
        opens = after in _OPENERS and text[end + 1 : end + 2].isalnum()
        if not tail and (after.isalpha() or opens) and (before.isalpha() or gap) and not starts:
            # Three typed dots between letters may be code: `main...work`, `f(...args)`.
            if match["typed"] and _GIT.search(text, max(0, start - 60), start):
                continue
            fix = "suggest" if match["typed"] else "safe"
            new_tail = " "
        if gap and after in tuple(_BRACKETS):
            # How commands are described: `copy FILE [FILE ...]`.
            fix = "suggest"
        replacement = new_gap + style.ellipsis + new_tail
        if replacement != text[start:end]:
            yield Hit(start, end, fix, replacement)


def _is_other(before: str, after: str, gap: bool, tail: bool) -> bool:
    """Part of a path, of a range of figures, or of code."""
    if before.isdigit() and after.isdigit():
        return True
    if (before in ("/", "\\", ".", "…") and not gap) or (after in ("/", "\\", ".", "…") and not tail):
        return True
    return not gap and not tail and PROTECTED in (before, after)

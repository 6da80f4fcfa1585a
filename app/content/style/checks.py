"""What single rules look for in one block."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from app.content.style.dashes import dashes
from app.content.style.ellipses import ellipses
from app.content.style.emoji import plain
from app.content.style.headings import headline
from app.content.style.model import Rule, Style
from app.content.style.prose import Hit, Prose, word_set
from app.content.style.spans import MARK, PROTECTED

Check = Callable[[Prose, Style, Rule], Iterator[Hit]]

_EXCLAIMED = re.compile(rf"(?<=[\w\"'”’)\]{MARK}])!(?![\w=\[{PROTECTED}])")
_FIGURES = re.compile(r"(?<![\w.,:/+#$-])[1-9]\d{4,14}(?![\w:/-]|[.,]\d)")
_DAY = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_NUMBERED = word_set(
    """
    account article build bug case cve commit code ean error exit gid http id ids invoice isbn iso issue job line
    model no nr number numbers order part phone pid pin plz port ports postcode pr process product request revision
    rfc row run seed serial session status step stop tel ticket uid user version year zip
    """
)
"""Before a figure these tell that it is a name and no amount."""
_BEFORE = re.compile(r"(\w+?)s?[.:]?[ \u00a0]+(?:no\.? )?\Z", re.IGNORECASE)


def patterned(prose: Prose, rule: Rule) -> Iterator[Hit]:
    """What a rule's regular expression fits."""
    for match in re.finditer(rule.pattern, prose.text):
        start, end = match.span()
        if start == end or PROTECTED in match.group():
            continue
        if rule.replacement is None or not prose.bare(start, end):
            yield Hit(start, end)
            continue
        replacement = match.expand(rule.replacement)
        kept = replacement.count("\n") == match.group().count("\n")
        if replacement != match.group():
            yield Hit(start, end, rule.fix if kept else "none", replacement if kept else None)


def listed(prose: Prose, style: Style, _rule: Rule) -> Iterator[Hit]:
    """Emoji that are not allowed."""
    for start, end in prose.emoji:
        if plain(prose.text[start:end]) not in style.emoji:
            before, after = prose.text[:start][-1:], prose.text[end : end + 1]
            # The space that it needed goes with it.
            yield Hit(start, end + (after == " " and before in ("", " ", "\n")), _rule.fix, "")


def counted_emoji(prose: Prose, _style: Style, _rule: Rule) -> Iterator[Hit]:
    """All emoji."""
    for start, end in prose.emoji:
        yield Hit(start, end)


def exclaimed(prose: Prose, _style: Style, _rule: Rule) -> Iterator[Hit]:
    """Exclamation marks; a row of them counts once."""
    if "!" in prose.text:
        for match in _EXCLAIMED.finditer(prose.text):
            yield Hit(*match.span())


def long_sentences(prose: Prose, _style: Style, rule: Rule) -> Iterator[Hit]:
    """Sentences with too many words."""
    if len(prose.words) <= rule.most:
        return
    for words in prose.words_within():
        if len(words) > rule.most:
            yield Hit(words[0][1], words[-1][2], count=len(words))


def deep_headings(prose: Prose, _style: Style, rule: Rule) -> Iterator[Hit]:
    """Headings of too deep a level."""
    if prose.block.level > rule.most:
        yield Hit(0, len(prose.content.partition("\n")[0]), count=prose.block.level)


def thousands(prose: Prose, _style: Style, rule: Rule) -> Iterator[Hit]:
    """Five figures and more without a sign between the thousands."""
    for match in _FIGURES.finditer(prose.text):
        before = _BEFORE.search(prose.text, max(0, match.start() - 40), match.start())
        if _DAY.fullmatch(match.group()) or (before and before[1].lower() in _NUMBERED):
            continue
        yield Hit(*match.span(), rule.fix, f"{int(match.group()):,}")


def _dashes(prose: Prose, style: Style, _rule: Rule) -> Iterator[Hit]:
    return dashes(prose, style)


def _ellipses(prose: Prose, style: Style, _rule: Rule) -> Iterator[Hit]:
    return ellipses(prose, style)


CHECKS: dict[str, Check] = {
    "dash": _dashes,
    "ellipsis": _ellipses,
    "heading-case": headline,
    "thousands": thousands,
    "emoji-list": listed,
    "emoji": counted_emoji,
    "exclamation": exclaimed,
    "sentence": long_sentences,
    "depth": deep_headings,
}
"""What the `using` of a rule stands for."""

WHOLE = frozenset({"emoji", "exclamation"})
"""Those that count over the whole text: the first ones are allowed."""

"""Words and phrases: what is banned, and what is written in another way. One pass over a block for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.content.style.model import Rule
from app.content.style.prose import WORD, Hit, Prose
from app.content.style.spans import MARK

_GAP = f" \t\n{MARK}"
_IN_CODE = re.compile(
    r"\b(?:import|from|class|package|require|module|namespace|(?:pip3?|npm|uv|brew|apt|apt-get|cargo|go|gem) \w+) \Z"
)
_VOWELS = "aeiou"


@dataclass(frozen=True, slots=True)
class _Entry:
    rule: Rule
    words: tuple[str, ...]
    exact: tuple[str, ...] | None
    replacement: str | None
    allowed: bool = False
    """What stands in this phrase is none of the rule's."""


_Word = tuple[str, int, int]


class Lexicon:
    """The words of all rules, by their first one."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._entries: dict[str, list[_Entry]] = {}
        self._possessive: set[str] = set()
        for rule in rules:
            phrases = [(phrase, replacement, False) for phrase, replacement in _phrases(rule)]
            for phrase, replacement, allowed in (*phrases, *((phrase, None, True) for phrase in rule.allowed)):
                plain = tuple(WORD.findall(phrase.replace("’", "'")))
                folded = tuple(map(_folded, plain))
                if folded:
                    entry = _Entry(rule, folded, plain if rule.exact else None, replacement, allowed)
                    self._entries.setdefault(folded[0], []).append(entry)
                    self._possessive |= {word for word in folded if word.endswith("'s")}
        for entries in self._entries.values():
            entries.sort(key=lambda entry: -len(entry.words))

    def find(self, prose: Prose) -> Iterator[tuple[Rule, Hit]]:
        """Every word and phrase there is, the longest where several begin at one place, each rule for itself."""
        entries = self._entries
        words = self._words(prose)
        folded = [_folded(word) for word, _, _ in words]
        hits: list[tuple[_Entry, int, int]] = []
        fine: list[tuple[str, int, int]] = []
        for index, word in enumerate(folded):
            seen: set[str] = set()
            for entry in entries.get(word, ()):
                end = _end(entry, prose.text, words, folded, index)
                if end and entry.allowed:
                    fine.append((entry.rule.id, words[index][1], end))
                elif end and entry.rule.id not in seen:
                    seen.add(entry.rule.id)
                    hits.append((entry, words[index][1], end))
        for entry, start, end in hits:
            if not any(name == entry.rule.id and first <= start and end <= last for name, first, last in fine):
                yield entry.rule, _hit(entry, prose, start, end)

    def _words(self, prose: Prose) -> list[_Word]:
        """The words of the text, `GitHub's` without the ending unless a phrase has it."""
        return [
            (word[:-2], start, end - 2)
            if word[-2:] in ("'s", "’s") and _folded(word) not in self._possessive
            else (word, start, end)
            for word, start, end in prose.words
        ]


def _folded(word: str) -> str:
    return word.lower().replace("’", "'")


def _end(entry: _Entry, text: str, words: list[_Word], folded: list[str], index: int) -> int:
    """Where a phrase ends that begins with the word of this index; 0 where it does not stand there."""
    if len(entry.words) > 1 and tuple(folded[index : index + len(entry.words)]) != entry.words:
        return 0
    last = index + len(entry.words)
    if any(text[words[one][2] : words[one + 1][1]].strip(_GAP) for one in range(index, last - 1)):
        return 0
    if entry.exact is not None and any(
        word != wanted for (word, _, _), wanted in zip(words[index:last], entry.exact, strict=True)
    ):
        return 0
    return words[last - 1][2]


def _hit(entry: _Entry, prose: Prose, start: int, end: int) -> Hit:
    found = prose.text[start:end]
    if entry.replacement is None or "\n" in found or not prose.bare(start, end):
        return Hit(start, end, "none")
    fix = entry.rule.fix
    if entry.exact is not None and fix == "safe" and _IN_CODE.search(prose.text, max(0, start - 40), start):
        # Without marks of code it is the name of a package all the same.
        fix = "suggest"
    return Hit(start, end, fix, _in_case(entry, found))


def _in_case(entry: _Entry, found: str) -> str:
    replacement = entry.replacement or ""
    if entry.exact is not None:
        return replacement
    if len(found) > 1 and found.isupper():
        return replacement.upper()
    return replacement[:1].upper() + replacement[1:] if found[:1].isupper() else replacement


def _phrases(rule: Rule) -> Iterator[tuple[str, str | None]]:
    yield from rule.swap.items()
    for phrase in rule.words:
        for form in _forms(phrase) if rule.inflect else (phrase,):
            yield form, None


def _forms(word: str) -> Iterator[str]:
    """A word as it is used: `delve`, `delves`, `delved`, `delving`."""
    yield word
    if not re.fullmatch(r"[A-Za-z][A-Za-z-]*", word):
        return
    if word.endswith("e"):
        yield from (word + "s", word + "d", word[:-1] + "ing")
    elif word.endswith("y") and word[-2:-1] not in _VOWELS:
        yield from (word[:-1] + "ies", word[:-1] + "ied", word + "ing")
    else:
        yield from (word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s"), word + "ed", word + "ing")

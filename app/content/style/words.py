"""Words and phrases: what is banned, and what is written in another way. One pass over a block for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.content.style.model import Rule
from app.content.style.prose import WORD, Hit, Prose
from app.content.style.spans import MARK

_GAP = f" \t\n{MARK}"
_VOWELS = "aeiou"


@dataclass(frozen=True, slots=True)
class _Entry:
    rule: Rule
    words: tuple[str, ...]
    exact: tuple[str, ...] | None
    replacement: str | None


class Lexicon:
    """The words of all rules, by their first one."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._entries: dict[str, list[_Entry]] = {}
        for rule in rules:
            for phrase, replacement in _phrases(rule):
                plain = tuple(WORD.findall(phrase.replace("’", "'")))
                folded = tuple(map(_folded, plain))
                if folded:
                    entry = _Entry(rule, folded, plain if rule.exact else None, replacement)
                    self._entries.setdefault(folded[0], []).append(entry)
        for entries in self._entries.values():
            entries.sort(key=lambda entry: -len(entry.words))

    def find(self, prose: Prose) -> Iterator[tuple[Rule, Hit]]:
        """Every word and phrase there is, the longest where several begin at one place, each rule for itself."""
        entries = self._entries
        words = [_folded(word) for word, _, _ in prose.words]
        for index, word in enumerate(words):
            found = entries.get(word)
            if not found:
                continue
            start = prose.words[index][1]
            seen: set[str] = set()
            for entry in found:
                end = _end(entry, prose, words, index)
                if end and entry.rule.id not in seen:
                    seen.add(entry.rule.id)
                    yield entry.rule, _hit(entry, prose, start, end)


def _folded(word: str) -> str:
    return word.lower().replace("’", "'")


def _end(entry: _Entry, prose: Prose, folded: list[str], index: int) -> int:
    """Where a phrase ends that begins with the word of this index; 0 where it does not stand there."""
    if len(entry.words) > 1 and tuple(folded[index : index + len(entry.words)]) != entry.words:
        return 0
    words = prose.words
    last = index + len(entry.words)
    if any(prose.text[words[one][2] : words[one + 1][1]].strip(_GAP) for one in range(index, last - 1)):
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
    return Hit(start, end, entry.rule.fix, _in_case(entry, found))


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

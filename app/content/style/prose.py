"""A block as the rules look at it: its masked text, words and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from app.content.style.emoji import emoji
from app.content.style.markdown import Block
from app.content.style.model import Fix
from app.content.style.spans import BREAK, MARK, PROTECTED, Masked

WORD = re.compile(rf"(?!\d\ufe0f?\u20e3)[^\W_]\w*(?:['’-]\w+)*|{PROTECTED}+")
DASHES = tuple("—―⸺⸻–")
_STOP = re.compile(f"[.!?…{BREAK}]+")
_AFTER = re.compile(rf"[\"'”’)\]{MARK}]*(?P<space>\s*)(?P<next>.?)")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:[A-Z]|mr|mrs|ms|dr|st|vs|no|fig|ca|cf|al|etc|approx|e\.g|i\.e|e|i)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule found in a block, in offsets of its content."""

    start: int
    end: int
    fix: Fix = "none"
    replacement: str | None = None
    count: int = 0
    """For the message: how many there are."""
    group: int = -1
    """Hits of one group, from 0 on, are put right together or not at all."""


class Prose:
    """One block with its mask."""

    def __init__(self, block: Block, masked: Masked) -> None:
        self.block = block
        self.content = block.content
        self.text = masked.text

    @cached_property
    def words(self) -> list[tuple[str, int, int]]:
        """Each word, with where it starts and ends; a piece of code or an address counts as one."""
        return [(match[0], match.start(), match.end()) for match in WORD.finditer(self.text)]

    @cached_property
    def emoji(self) -> list[tuple[int, int]]:
        """Where each emoji stands."""
        # The mask itself is not ASCII.
        return [] if self.content.isascii() else list(emoji(self.text))

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Where each sentence starts and ends."""
        found, start = [], 0
        for match in _STOP.finditer(self.text):
            end = self._end(match)
            if end:
                found.append((start, end))
                start = end
        if start < len(self.text):
            found.append((start, len(self.text)))
        return found

    def _end(self, stop: re.Match[str]) -> int:
        """Where the sentence ends that these marks may end; 0 where it goes on."""
        sign = stop[0]
        after = _AFTER.match(self.text, stop.end())
        if BREAK in sign or after is None:
            return stop.end()
        following = after["next"]
        if following and not after["space"]:
            return 0
        if len(sign) == 1 and sign != "…":
            # A dash that follows goes on with the sentence: `The engine — really! — works.`
            if following in DASHES or self.text.startswith(("--", "&mdash", "&#"), after.start("next")):
                return 0
            if sign == "." and _ABBREVIATED.search(self.content, max(0, stop.start() - 8), stop.start()):
                return 0
        elif following.islower():
            return 0
        return after.start("space")

    def words_within(self) -> Iterator[list[tuple[str, int, int]]]:
        """The words of each sentence."""
        index = 0
        for _, end in self.sentences:
            first = index
            while index < len(self.words) and self.words[index][2] <= end:
                index += 1
            yield self.words[first:index]

    def bare(self, start: int, end: int) -> bool:
        """Whether there is nothing but prose, so that other text may take its place."""
        return self.text[start:end] == self.content[start:end]


def words_of(text: str) -> list[str]:
    """The words of a piece of masked text."""
    return WORD.findall(text)


def widened(text: str, start: int, end: int, spaces: str) -> tuple[int, int]:
    """A span with the spaces on both sides of it."""
    while start > 0 and text[start - 1] in spaces:
        start -= 1
    while end < len(text) and text[end] in spaces:
        end += 1
    return start, end


def word_set(text: str) -> frozenset[str]:
    """The words of a list in which spaces and line ends part them."""
    return frozenset(text.split())

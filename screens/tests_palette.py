"""What the command palette offers of the Tests screen: its keys, its projects, and every file and test by name."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from heapq import nlargest
from itertools import chain

from textual.command import Hit, Hits

from screens.palette import PaneCommands
from screens.tests import TestsPane
from widgets.safe_text import clean_line

BEST = 25
"""Tests offered at once."""
CANDIDATES = 2_000
"""Names that are scored; a query that fits more needs more letters anyway."""
STEP = 4_000


class TestsCommands(PaneCommands):
    """The area's keys and commands, and a jump to any file or test."""

    __test__ = False

    async def search(self, query: str) -> Hits:
        """The keys that match, then the tests."""
        async for hit in super().search(query):
            yield hit
        pane = next((pane for pane in self.shell.panes.values() if isinstance(pane, TestsPane)), None)
        if pane is not None:
            async for hit in self._tests(pane, query):
                yield hit

    async def _tests(self, pane: TestsPane, query: str) -> Hits:
        snapshot = pane.feed.snapshot
        words = query.casefold().split()
        if snapshot is None or not words:
            return
        # Scoring is slow, so only some come to it: names with every word, then those with the letters in order.
        holds = re.compile(".*?".join(map(re.escape, "".join(words))), re.IGNORECASE | re.DOTALL).search
        near: list[str] = []
        far: list[str] = []
        for number, name in enumerate(chain(snapshot.files, snapshot.tests)):
            if number % STEP == STEP - 1:
                await asyncio.sleep(0)
            if holds(name):
                folded = name.casefold()
                (near if all(word in folded for word in words) else far).append(name)
                if len(near) == CANDIDATES:
                    break
        found = [*near, *far[: CANDIDATES - len(near)]]
        matcher = self.matcher("".join(words))
        scored: list[tuple[float, str]] = []
        for number, name in enumerate(found):
            if number % 50 == 49:
                await asyncio.sleep(0)
            score = matcher.match(name)
            if score > 0:
                scored.append((score, name))
        for score, name in nlargest(BEST, scored):
            shown = clean_line(name, 300)
            yield Hit(score, matcher.highlight(shown), partial(self._go, pane, name), shown, "Go to this test")

    def _go(self, pane: TestsPane, name: str) -> None:
        self.shell.open_area(pane.AREA)
        pane.reveal(name)

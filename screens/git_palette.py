"""What the command palette offers of the Git screen: its keys, its repositories, and every branch by name."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from heapq import nlargest
from typing import TYPE_CHECKING

from textual.command import Hit, Hits

from screens.git import GitPane
from screens.palette import PaneCommands
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from widgets.branch_words import AnyBranch

BEST = 25
"""Branches offered at once."""
CANDIDATES = 2_000
"""Names that are scored; a query that fits more needs more letters anyway."""
STEP = 4_000


class GitCommands(PaneCommands):
    """The area's keys and commands, and a jump to any branch of any repository."""

    async def search(self, query: str) -> Hits:
        """The keys that match, then the branches."""
        async for hit in super().search(query):
            yield hit
        pane = next((pane for pane in self.shell.panes.values() if isinstance(pane, GitPane)), None)
        if pane is not None:
            async for hit in self._branches(pane, query):
                yield hit

    async def _branches(self, pane: GitPane, query: str) -> Hits:
        words = query.casefold().split()
        if not words:
            return
        # Scoring is slow, so only some come to it: names with every word, then those with the letters in order.
        holds = re.compile(".*?".join(map(re.escape, "".join(words))), re.IGNORECASE | re.DOTALL).search
        near: list[tuple[str, str, str]] = []
        far: list[tuple[str, str, str]] = []
        states = sorted(pane.feed.states.values(), key=lambda state: state.name != pane.feed.current)
        number = 0
        for state in states:
            branches: tuple[AnyBranch, ...] = (*state.branches, *state.remote_only)
            for branch in branches:
                number += 1
                if number % STEP == 0:
                    await asyncio.sleep(0)
                name = f"{state.name} {branch.name}"
                if holds(name):
                    folded = name.casefold()
                    found = near if all(word in folded for word in words) else far
                    found.append((name, state.name, branch.ref))
            if len(near) >= CANDIDATES:
                break
        matcher = self.matcher("".join(words))
        scored: list[tuple[float, tuple[str, str, str]]] = []
        for count, entry in enumerate((*near, *far)[:CANDIDATES]):
            if count % 50 == 49:
                await asyncio.sleep(0)
            score = matcher.match(entry[0])
            if score > 0:
                scored.append((score, entry))
        for score, (name, repository, ref) in nlargest(BEST, scored):
            shown = clean_line(name, 300)
            yield Hit(
                score, matcher.highlight(shown), partial(self._go, pane, repository, ref), shown, "Go to this branch"
            )

    def _go(self, pane: GitPane, repository: str, ref: str) -> None:
        self.shell.open_area(pane.AREA)
        pane.reveal(repository, ref)

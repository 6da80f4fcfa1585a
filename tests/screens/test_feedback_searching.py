"""The list while it looks for rows that are rare: what is found is shown, and stays when the search is ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from tests.feedback_fakes import FakeFeedback
from tests.screens.feedback_host import Host, settled


@asynccontextmanager
async def searching() -> AsyncIterator[tuple[Pilot[Any], Host, FakeFeedback, asyncio.Event]]:
    """The list with the first three rows of a search that goes on until the event is set."""
    service, slow = FakeFeedback.of(3, filter="text:zebra"), asyncio.Event()
    service.slow = slow
    host = Host(service)
    async with host.run_test(size=(160, 48)) as pilot:
        await settled(pilot)
        await pilot.press("v")
        while len(host.pane.list.heads) < 3:
            await pilot.pause()
        yield pilot, host, service, slow


async def test_a_search_shows_what_it_has_found_and_ends() -> None:
    async with searching() as (pilot, host, _, slow):
        rows = host.pane.list
        await pilot.press("j")
        assert rows.cursor_index == 1
        assert "3 so far, 4,000,000 rows looked at, esc ends it" in str(rows.border_subtitle)
        slow.set()
        while len(rows.heads) < 100:
            await pilot.pause()
        # The cursor stays on its row when the rest comes.
        assert rows.cursor_index == 1
        assert "so far" not in str(rows.border_subtitle)


async def test_esc_ends_the_search_and_then_leaves() -> None:
    async with searching() as (pilot, host, service, _):
        rows = host.pane.list
        await pilot.press("escape")
        await pilot.pause()
        assert {host.pane.mode} == {"list"}
        assert len(rows.heads) == 3
        assert "3 and more" in str(rows.border_subtitle)
        # Where the cursor moves, the search goes on behind them.
        await pilot.press("j")
        while service.pages != ["first", "after"]:
            await pilot.pause()
        await pilot.press("escape", "escape")
        assert {host.pane.mode} == {"queue"}

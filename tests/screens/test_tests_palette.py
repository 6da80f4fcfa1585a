"""The palette offers the screen's keys and finds any file and test."""

from __future__ import annotations

import time

from textual.command import Hit

from screens.areas import AREAS, find, load
from screens.tests_palette import BEST, TestsCommands
from tests.fakes import FakeTesting, green, many, trading
from tests.screens.tests_host import Host, settled

WIDE = (160, 48)


async def hits(app: Host, query: str) -> list[Hit]:
    shell = {"areas": AREAS, "panes": {"tests": app.pane}, "pane": app.pane, "open_area": lambda area: None}
    for name, value in shell.items():
        setattr(app.screen, name, value)
    provider = TestsCommands(app.screen, None)
    found = [hit async for hit in provider.search(query) if isinstance(hit, Hit)]
    return sorted(found, key=lambda hit: -hit.score)


def test_the_registry_names_this_provider() -> None:
    area = find("tests")
    assert area is not None
    assert load(area.commands) is TestsCommands


async def test_every_action_is_offered() -> None:
    app = Host(FakeTesting.of(trading(), green(name="api")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for words in ("run all", "run failed", "run last again", "watch on/off", "open in editor", "failing only"):
            assert any(words in str(hit.text).casefold() for hit in await hits(app, words)), words
        assert any("show api" in str(hit.text) for hit in await hits(app, "show api"))


async def test_a_test_is_found_by_letters_and_shown() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        found = await hits(app, "fillprstop")
        assert str(found[0].text) == "tests/test_orders.py::test_fill_price[stop]"
        found[0].command()
        await pilot.pause()
        assert app.pane.tests.cursor_row == "tests/test_orders.py::test_fill_price[stop]"
        found = await hits(app, "test_replay.py")
        assert any(str(hit.text) == "tests/feeds/test_replay.py" for hit in found)
        assert await hits(app, "qqqqqq") == []


async def test_fifty_thousand_tests_are_searched_quickly() -> None:
    app = Host(FakeTesting.of(many(50_000)))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        before = time.process_time()
        found = await hits(app, "case 49999")
        assert time.process_time() - before < 2
        assert "test_case_49999[value-49999]" in str(found[0].text)
        assert len(await hits(app, "t")) <= BEST + 40

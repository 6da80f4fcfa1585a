"""The screen follows the engine in place: at most twenty times a second, and not at all while hidden."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.testing import lastseen
from app.testing.model import HistoryPoint
from tests.fakes import (
    NOW,
    FakeTesting,
    green,
    history,
    many,
    progress,
    running,
    snapshot,
    stamp,
    trading,
    trading_tests,
)
from tests.screens.tests_host import Host, settled

LIMIT = "tests/test_orders.py::test_fill_price[limit]"
WIDE = (160, 48)


def title(app: Host) -> str:
    return app.pane.tests._border_title.plain  # type: ignore[union-attr]  # set by the first paint


def state(app: Host) -> str:
    return app.pane.tests._border_subtitle.plain  # type: ignore[union-attr]  # set by the first paint


def row(app: Host, y: int) -> str:
    return app.pane.tests.render_line(y).text.rstrip()


async def test_a_result_changes_its_row_and_the_detail() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("n")
        await settled(pilot)
        passed = replace(trading_tests()[0], outcome="passed", message="", duration_s=0.25)
        del app.testing.details[LIMIT]
        app.testing.change("trading", passed)
        await settled(pilot)
        assert row(app, 1).startswith("     ✓ test_fill_price[limit]")
        assert row(app, 1).endswith("0.25 s")
        assert app.pane.tests.cursor_row == LIMIT
        assert app.pane.detail.section == "result"
        assert title(app) == "trading ✗1 ⚠1 ✓37 ○1 x1"


async def test_a_stream_is_painted_at_most_twenty_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        paints = 0
        paint = app.pane.paint

        def counted() -> None:
            nonlocal paints
            paints += 1
            paint()

        monkeypatch.setattr(app.pane, "paint", counted)
        started = time.monotonic()
        for n in range(400):
            app.testing.change("trading", replace(trading_tests()[2], duration_s=n / 1000))
            if n % 20 == 0:
                await asyncio.sleep(0)
        await settled(pilot)
        assert paints <= 2 + (time.monotonic() - started) / 0.05
        assert row(app, 3).endswith("0.40 s")


async def test_a_hidden_pane_paints_nothing_and_catches_up() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.pane.on_deactivated()
        app.testing.publish(green())
        await pilot.pause(0.1)
        assert title(app) == "trading ✗2 ⚠1 ✓36 ○1 x1"
        assert app.pane._ages is None
        app.pane.on_activated()
        assert title(app) == "trading ✓41"


def count_drawn(app: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every row that is drawn from here on; a count says the same on a busy machine, which a clock does not."""
    drawn: list[str] = []
    draw = app.pane.tests.draw

    def counted(row: str, width: int) -> Any:
        drawn.append(row)
        return draw(row, width)

    monkeypatch.setattr(app.pane.tests, "draw", counted)
    return drawn


async def test_a_stream_of_5000_results_draws_only_what_is_on_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = many(5000)
    app = Host(FakeTesting.of(shown))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.pane.tests.outline.fold(list(app.pane.tests.outline.groups), False)
        app.pane.tests.set_rows(app.pane.tests.outline.rows)
        await settled(pilot)
        rows = app.pane.tests.rows
        drawn = count_drawn(app, monkeypatch)
        ids = list(shown.tests)
        tests = dict(shown.tests)
        spent: list[float] = []
        for start in range(0, 5000, 250):
            changed = ids[start : start + 250]
            for nodeid in changed:
                tests[nodeid] = replace(tests[nodeid], duration_s=0.002)
            now = replace(shown, tests=dict(tests), state="running", progress=progress(start + 250, 5000))
            app.pane._painted_at = 0.0
            before = time.process_time()
            app.testing.publish(now, changed)
            spent.append(time.process_time() - before)
            await pilot.press("j")
        assert app.pane.tests.cursor_index == 20
        assert app.pane.tests.rows is rows
        assert len(drawn) <= 48 * 2 + 20 * 2
        assert sorted(spent)[len(spent) // 2] < 0.02


@pytest.mark.slow
async def test_fifty_thousand_tests_open_and_move_without_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Host(FakeTesting.of(many(50_000)))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        tree = app.pane.tests
        tree.outline.fold(list(tree.outline.groups), False)
        tree.set_rows(tree.outline.rows)
        assert len(tree.rows) == 51_000
        await settled(pilot)
        drawn = count_drawn(app, monkeypatch)
        for key in ("G", "g", "pagedown", "n", "N"):
            drawn.clear()
            await pilot.press(key)
            assert len(drawn) <= 48 + 2, key
        assert tree.cursor_row is not None


async def test_new_tests_come_in_without_moving_the_cursor() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("n", "n", "n")
        await settled(pilot)
        kept = app.pane.tests.cursor_row
        tests = [replace(trading_tests()[2], nodeid="tests/test_orders.py::test_new", outcome=None), *trading_tests()]
        app.testing.publish(snapshot(tests))
        await settled(pilot)
        assert app.pane.tests.cursor_row == kept
        assert row(app, 0).startswith("     · test_new")


async def test_progress_and_ages() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert state(app) == "watching 214 files · saved 40 s ago"
        app.pane.clock = lambda: NOW + 30
        app.pane._tick()
        assert state(app) == "watching 214 files · saved 1 m ago"
        app.testing.publish(running())
        await settled(pilot)
        assert "18/41" in app.pane.progress.render().plain
        app.testing.publish(replace(trading(), watching=False))
        await settled(pilot)
        assert state(app) == "○ watch off"


async def test_the_saved_files_of_a_run_are_named_after_it_too() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        app.testing.publish(running(progress=progress(run_id="run-30", files=("trading/orders.py",))))
        app.testing.publish(trading())
        await settled(pilot)
        assert "after save of orders.py" in app.pane.progress.render().plain


async def test_history_comes_from_the_database_after_a_moment() -> None:
    service = FakeTesting.of(trading())
    asked: list[str] = []

    async def read(name: str, nodeid: str, limit: int = 20) -> tuple[HistoryPoint, ...]:
        asked.append(nodeid)
        return (*history(), HistoryPoint("run-x", stamp(100), "failed", 0.5))

    service.history = read  # type: ignore[method-assign]  # answers with more than is in memory
    app = Host(service)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("j", "j", "j", "k")
        await settled(pilot)
        assert asked[-1] == "tests/test_orders.py::test_fill_price[stop]"
        assert app.pane.detail.render_line(1).text.startswith("✓✓✓✓✓✓✓✗✗✗✗  first failed")


async def test_a_history_that_cannot_be_read_costs_nothing_else() -> None:
    service = FakeTesting.of(trading())

    async def read(name: str, nodeid: str, limit: int = 20) -> tuple[HistoryPoint, ...]:
        raise OSError("the database is down")

    service.history = read  # type: ignore[method-assign]  # fails like a database that is down
    app = Host(service)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("n")
        await settled(pilot)
        assert app.pane.detail.render_line(1).text.startswith("✓✓✓✓✓✓✓✗✗✗  first failed")


async def test_several_projects_show_their_state_beside_each_other() -> None:
    app = Host(FakeTesting.of(trading(), green(name="quarterdeck"), running(name="api")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert "trading ✗3" in str(app.pane.projects.content)
        assert "quarterdeck ✓" in str(app.pane.projects.content)
        assert "api ◐43%" in str(app.pane.projects.content)
        assert title(app).startswith("trading")
        app.testing.publish(running(name="api", progress=progress(41, 41, bad=3)))
        await settled(pilot)
        assert "api ✗3" in str(app.pane.projects.content), "all tests are in: this is how they came out"
        await pilot.click(app.pane.projects, offset=(16, 0))
        await settled(pilot)
        assert title(app) == "quarterdeck ✓41"
        app.testing.publish(replace(trading(), name="quarterdeck"))
        await settled(pilot)
        assert title(app).startswith("quarterdeck ✗2")
        assert [command.title for command in app.pane.commands()] == ["Tests: show trading", "Tests: show api"]
        assert app.pane.unsaved() == "a test run in api"


async def test_what_was_last_seen_is_there_before_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "home" / "state" / "last" / "tests.json"
    path.parent.mkdir(parents=True)
    lastseen.save(path, (trading(),))
    assert json.loads(path.read_text())
    app = Host(None)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert title(app).startswith("trading ✗2")
        assert row(app, 1).startswith("     ✗ test_fill_price[limit]")
        first = list(app.pane.tests.render_line(3))
        assert {segment.style for segment in first if segment.text.strip()} == {app.pane.tests.style_of("")}
        service = FakeTesting.of(trading())
        app.pane.attach(service.runtime())
        await settled(pilot)
        assert len({segment.style for segment in app.pane.tests.render_line(3)}) > 1
        await pilot.press("a")
        assert service.calls == [("run_all", "trading")]


async def test_a_new_runtime_takes_the_place_of_the_old_one() -> None:
    old, new = FakeTesting.of(trading()), FakeTesting.of(green())
    app = Host(old)
    async with app.run_test(size=WIDE) as pilot:
        app.pane.attach(new.runtime())
        await settled(pilot)
        assert title(app) == "trading ✓41"
        old.publish(trading())
        await settled(pilot)
        assert title(app) == "trading ✓41"


async def test_nothing_ticks_while_nothing_changes() -> None:
    app = Host(FakeTesting.of(replace(trading(), saved_at=None)))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert app.pane._ages is None
        painted: list[Any] = []
        app.pane.tests.render_line = lambda y: painted.append(y)  # type: ignore[method-assign,assignment]  # nothing may be drawn
        await pilot.pause(0.3)
        assert painted == []

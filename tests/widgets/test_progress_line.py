"""The bottom line says how far a run is, what is certain already, and how the last one ended."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.app import App, ComposeResult

from app.testing.model import Counts, ProjectSnapshot
from tests.fakes import NOW, green, progress, run, running, snapshot, state, trading
from widgets.progress_line import ProgressLine, bar_parts, files_text

pytestmark = pytest.mark.usefixtures("utc")


class LineApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.line = ProgressLine()
        self.line.clock = lambda: NOW
        self.line.monotonic = lambda: 101.4

    def compose(self) -> ComposeResult:
        yield self.line


async def said(shown: ProjectSnapshot | None, files: tuple[str, ...] = (), width: int = 160) -> str:
    app = LineApp()
    async with app.run_test(size=(width, 3)):
        app.line.show(shown, files)
        return app.line.render().plain


async def test_while_running() -> None:
    text = await said(running())
    assert "─ 18/41  ✗2  affected ✗2 in 0.21 s  rest 2 s  after save of orders.py" in text
    assert text.rstrip().endswith("warm L1   ? keys")


async def test_before_the_affected_tests_are_through() -> None:
    text = await said(running(progress=progress(3, 41, expected_s=12.4)))
    assert "3/41  left 12 s" in text
    assert "affected" not in text


async def test_without_history_time_passed_is_said_instead_of_time_left() -> None:
    assert "3/41  for 1 s" in await said(running(progress=progress(3, 41)))


async def test_tests_without_a_history_leave_the_end_open() -> None:
    known = running(progress=progress(2, 8, expected_s=12.4, unmeasured=1))
    assert "2/8  left >12 s" in await said(known)
    text = await said(running(progress=progress(2, 8, expected_s=0.3, unmeasured=1)))
    assert "2/8  for 1 s" in text
    assert "left" not in text


async def test_what_is_left_of_the_bar_is_seen_without_colours() -> None:
    text = await said(running(progress=progress(2, 8)))
    assert (text.count("━"), text.count("─")) == (8, 23)


async def test_the_hint_stays_where_what_is_shown_leaves_room_for_it() -> None:
    saved = snapshot(
        [state(f"t.py::test_{n}", "passed") for n in range(6)],
        last=run(1, 0.58, counts=Counts(passed=6, skipped=1), affected_done_s=0.57),
        recent=(),
    )
    text = await said(saved, ("pricing/the_orders_of_today.py",), width=80)
    assert text.startswith(" ✓6 ○1 all green in 0.58 s  affected ✓ in 0.57 s ")
    assert text.endswith("warm L1   ? keys")
    assert len(text) == 79


async def test_while_collecting() -> None:
    assert "◐ collecting  1 s" in await said(running(progress=progress(0, None)))


async def test_after_a_run() -> None:
    text = await said(trading(), ("trading/orders.py", "trading/book.py"))
    assert "✗2 ⚠1 ✓36 ○1 x1 in 3.1 s  affected ✗3 in 0.21 s  after save of orders.py and 1 more  14:01" in text
    assert "▁" in text


async def test_all_green_is_calm() -> None:
    assert "✓41 all green in 3.4 s" in await said(green())


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (run(1, superseded=True), "superseded by a newer save"),
        (run(1, exit=2), "interrupted"),
        (run(1, exit=3), "crashed"),
        (run(1, exit=4), "could not start"),
        (run(1, exit=5, counts=Counts()), "found no tests"),
        (run(1, trigger="key"), "by key"),
        (run(1, counts=Counts(passed=1, deselected=7)), "7 tests deselected"),
    ],
)
async def test_odd_endings(ended: object, words: str) -> None:
    assert words in await said(trading(last=ended))


async def test_cold_says_why() -> None:
    assert "cold: pytest-xdist is active" in await said(trading(level_reason="pytest-xdist is active", level="cold"))


async def test_narrow_lines_drop_what_does_not_fit() -> None:
    for width in (20, 40, 60, 80):
        for shown in (running(), trading(), replace(trading(), level="cold", level_reason="x" * 300)):
            assert len(await said(shown, width=width)) <= width


async def test_nothing_to_say() -> None:
    assert await said(None) == ""
    assert "no run yet" in await said(snapshot([], last=None, recent=()))
    assert "starting" in await said(snapshot([], last=None, recent=(), state="starting"))


def test_the_bar_is_always_as_wide_as_it_should_be() -> None:
    for done in range(45):
        assert sum(len(text) for text, _ in bar_parts(done, 41, 16)) == 16
    assert bar_parts(0, 0, 4) == [("", "$accent"), ("────", "$panel")]


def test_file_names() -> None:
    assert files_text(()) == ""
    assert files_text(("a/b.py",)) == "b.py"
    assert files_text(("a/b.py", "c.py", "d.py")) == "b.py and 2 more"

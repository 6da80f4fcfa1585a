"""The line at the top, as text."""

from __future__ import annotations

from datetime import datetime

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from app.events import Badge, DataMove, StorageChanged
from screens import data_copy
from tests.waiting import until
from widgets.tab_bar import BarState, Tab, TabBar, arrange, storage_text

NAMES = ("Now", "Tests", "Git", "Market", "Feedback", "Content", "Pulse")
TABS = tuple(Tab(name.lower(), number, name) for number, name in enumerate(NAMES, 1))
FULL = BarState(
    TABS,
    active="tests",
    badges=(Badge("now", "4"), Badge("tests", "✗2", "bad"), Badge("git", "↑1⚠3", "warn"), Badge("feedback", "128")),
    storage=StorageChanged("mysql", True, 0),
    clock="14:02",
)


def line(state: BarState, width: int) -> str:
    """The bar as text."""
    return "".join(span.text for span in arrange(state, width))


def test_a_wide_bar_names_everything() -> None:
    tabs = "quarterdeck 1 Now 4 │ 2 Tests ✗2 │ 3 Git ↑1⚠3 │ 4 Market │ 5 Feedback 128 │ 6 Content │ 7 Pulse"
    assert " ".join(line(FULL, 160).split()) == f"{tabs} mysql ● 14:02"


@pytest.mark.parametrize("width", range(1, 200))
def test_it_fills_the_width_exactly_once_there_is_room_for_the_numbers(width: int) -> None:
    notices = ("", "config.toml:14: market.symbols: expected a list of strings")
    stores = (None, StorageChanged("sqlite", True, 0), StorageChanged("mysql", False, 12))
    for notice in notices:
        for storage in stores:
            text = line(FULL._replace(notice=notice, storage=storage), width)
            assert cell_len(text) == width or width < 60


def test_eighty_columns_keep_numbers_and_badges() -> None:
    text = line(FULL, 80)
    assert [part for part in ("✗2", "↑1⚠3", "128", "mysql ●", "14:02") if part not in text] == []
    assert all(str(number) in text for number in range(1, 8))
    assert "quarterdeck" not in text


def test_numbers_do_not_move_their_neighbours() -> None:
    few = line(FULL, 160)
    many = line(FULL._replace(badges=(Badge("now", "1234"), Badge("tests", "✓"), Badge("feedback", ""))), 160)
    assert [few.index(name) for name in NAMES] == [many.index(name) for name in NAMES]


def test_a_badge_takes_four_cells_at_most() -> None:
    assert "12345" not in line(FULL._replace(badges=(Badge("now", "123456"),)), 160)


def test_a_notice_folds_the_tabs_and_is_cut() -> None:
    text = line(FULL._replace(notice="config.toml:14: market.symbols: expected a list of strings"), 120)
    assert "⚠ config.toml:14" in text
    assert "…" in text
    assert text.rstrip().endswith("mysql ●  14:02")


def test_only_badges_and_the_active_tab_are_coloured() -> None:
    styles = {span.style for span in arrange(FULL, 160) if span.text.strip()}
    assert styles == {"$text-muted", "$foreground", "$muted", "bold $ink on $accent", "$warning"}


@pytest.mark.parametrize(
    ("storage", "text"),
    [
        (None, ""),
        (StorageChanged("sqlite", True, 0), "sqlite ●"),
        (StorageChanged("mysql", False, 12), "mysql ✗ 12 waiting"),
        (StorageChanged("mysql", True, 3), "mysql ● 3 waiting"),
    ],
)
def test_the_database_in_a_word(storage: StorageChanged | None, text: str) -> None:
    assert storage_text(storage) == text


async def test_the_clock_follows_the_minute_without_ticking_in_between() -> None:
    moments = [datetime(2026, 3, 1, 14, 1, 59, 900_000), datetime(2026, 3, 1, 14, 2, 0, 30_000)]
    asked = 0

    def now() -> datetime:
        nonlocal asked
        asked += 1
        return moments[min(asked, len(moments)) - 1]

    class Host(App[None]):
        def compose(self) -> ComposeResult:
            yield TabBar(TABS, now=now)

    app = Host()
    async with app.run_test(size=(120, 5)):
        bar = app.query_one(TabBar)
        await until(lambda: bar.state.clock == "14:02")
        assert asked == 2
        bar.show_clock(False)
        assert bar.state.clock == ""


async def test_foreign_text_in_a_notice_is_not_markup() -> None:
    class Host(App[None]):
        def compose(self) -> ComposeResult:
            yield TabBar(TABS, clock=False)

    app = Host()
    async with app.run_test(size=(120, 5)):
        bar = app.query_one(TabBar)
        bar.set_notice("[red]a\n[/]b")
        assert "[red]a [/]b" in bar.render().plain


def test_a_long_notice_keeps_its_place_and_its_end() -> None:
    text = "/home/someone/project/quarterdeck.toml:14: " + "tests.timeout_s " * 9 + "must be a number"
    shown = "".join(span.text for span in arrange(BarState(tabs=TABS[1:2], notice=text, others=2), 160))
    assert len(shown) == 160
    assert "quarterdeck.toml:14" in shown
    assert "must be a number  +2  ctrl+p problems" in shown


@pytest.mark.parametrize("width", [160, 120, 100])
@pytest.mark.parametrize("others", [0, 2])
def test_what_a_notice_says_to_press_is_not_cut(width: int, others: int) -> None:
    text = data_copy.notice(DataMove("offered", total=123_456))
    open_areas = tuple(tab for tab in TABS if tab.number in (2, 3, 5, 6))
    shown = line(FULL._replace(tabs=open_areas, notice=text, others=others), width)
    assert cell_len(shown) == width
    assert "ctrl+p, Copy the embedded data" in shown
    assert "⚠ 123,456" in shown


@pytest.mark.parametrize("others", [0, 2, 12])
def test_a_narrow_notice_keeps_the_file_and_the_end(others: int) -> None:
    state = FULL._replace(tabs=TABS[1:3], notice="~/.config/quarterdeck/config.toml:14: ui.theme: is nord meant?")
    shown = line(state._replace(others=others), 80)
    assert cell_len(shown) == 80
    assert "⚠ config.toml" in shown
    assert "nord meant?" in shown
    tight = state._replace(storage=StorageChanged("mysql", False, 12), others=others)
    assert "meant?" in line(tight, 80)


def test_a_notice_with_room_for_it_keeps_its_folders() -> None:
    notice = "~/.config/quarterdeck/config.toml:14: ui.theme: is nord meant?"
    assert f"⚠ {notice}" in line(FULL._replace(tabs=TABS[1:3], notice=notice), 160)

"""Every key of the Tests screen does what it says, and nothing while it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from screens import editor
from tests.fakes import ROOT, FakeTesting, green, many, run, running, trading
from tests.screens.tests_host import Host, settled

LIMIT = "tests/test_orders.py::test_fill_price[limit]"
STOP = "tests/test_orders.py::test_fill_price[stop]"
WIDE = (160, 48)
SMALL = (80, 24)


@pytest.mark.parametrize(
    ("keys", "call"),
    [
        (("r",), ("run_tests", "trading", "tests/test_orders.py")),
        (("j", "r"), ("run_tests", "trading", LIMIT)),
        (("f",), ("run_failed", "trading")),
        (("a",), ("run_all", "trading")),
        (("L",), ("run_last", "trading")),
        (("w",), ("set_watching", "trading", False)),
        (("n", "space", "space", "r"), ("run_tests", "trading", LIMIT, STOP)),
        (("p", "a"), ("run_all", "quarterdeck")),
        (("p", "p", "a"), ("run_all", "trading")),
    ],
)
async def test_keys_that_run(keys: tuple[str, ...], call: tuple[str, ...]) -> None:
    app = Host(FakeTesting.of(trading(), green(name="quarterdeck")))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(*keys)
        assert app.testing.calls == [call]


async def test_stop_by_x_and_by_esc_only_while_running() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("x", "escape")
        assert app.testing.calls == []
        app.testing.publish(running())
        await settled(pilot)
        await pilot.press("x", "escape")
        assert app.testing.calls == [("stop", "trading"), ("stop", "trading")]


async def test_esc_clears_marks_and_filter_before_it_stops_a_run() -> None:
    app = Host(FakeTesting.of(running()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("space", "v", "enter", "escape")
        assert app.pane.tests.bad_only is False or app.testing.calls == []
        await pilot.press("escape", "escape")
        assert app.pane.tests.marks == ()
        assert app.testing.calls == []
        await pilot.press("escape")
        assert app.testing.calls == [("stop", "trading")]


async def test_next_and_previous_failure() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("n")
        assert app.pane.tests.cursor_row == LIMIT
        await pilot.press("n", "n")
        assert app.pane.tests.cursor_row == "tests/test_settlement.py::test_after_holiday"
        await pilot.press("N")
        assert app.pane.tests.cursor_row == STOP
        await settled(pilot)
        assert app.pane.detail.subject is not None
        assert app.pane.detail.subject.key == STOP


async def test_filter_as_you_type() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("slash", *"GAP[1")
        tree = app.pane.tests
        assert [row for row in tree.rows if not tree.is_file(row)] == [
            "tests/feeds/test_replay.py::test_gap[1 min]",
            "tests/feeds/test_replay.py::test_gap[15 min]",
        ]
        assert app.testing.calls == []
        await pilot.press("enter", "r")
        assert app.testing.calls == [("run_tests", "trading", "tests/feeds/test_replay.py::test_gap[1 min]")]
        assert not app.pane.query("#filter")
        await pilot.press("escape")
        assert tree.filter_text == ""
        assert len(tree.rows) == 41 + 6


async def test_esc_in_the_field_clears_and_leaves() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("slash", *"zzz", "escape")
        await pilot.pause()
        assert not app.pane.query("#filter")
        assert app.pane.tests.filter_text == ""
        assert app.focused is app.pane.tests
        await pilot.press("slash", *"gap", "down", "slash")
        assert app.query_one("#filter", Input).value == "gap"


async def test_failing_only() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        for key in ("v", "exclamation_mark"):
            await pilot.press(key)
            tree = app.pane.tests
            shown = [row for row in tree.rows if not tree.is_file(row)]
            assert shown == [LIMIT, STOP, "tests/test_settlement.py::test_after_holiday"]
            await pilot.press(key)
            assert len(tree.rows) == 47


async def test_open_in_the_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[Path, int]] = []
    monkeypatch.setattr(editor, "open_in_editor", lambda app, path, line, setting="": opened.append((path, line)))
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await pilot.press("e", "n")
        await settled(pilot)
        await pilot.press("e", "enter", "j", "j", "j", "e")
    assert opened == [
        (Path(ROOT) / "tests/test_orders.py", 1),
        (Path(ROOT) / "trading/orders.py", 112),
        (Path(ROOT) / "tests/test_orders.py", 48),
    ]


async def test_copy() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("y")
        assert app.copied == "tests/test_orders.py"
        await pilot.press("n")
        await settled(pilot)
        await pilot.press("y")
        assert app.copied == LIMIT
        await pilot.press("enter", "y")
        assert app.copied == f"{LIMIT}\n\nE   KeyError: 'bid'"


async def test_tab_enter_and_esc_go_between_the_panels() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("tab")
        assert app.focused is app.pane.detail
        await pilot.press("escape", "n", "enter")
        assert app.focused is app.pane.detail
        await pilot.press("tab")
        assert app.focused is app.pane.tests


async def test_enter_folds_a_file() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("enter")
        assert app.pane.tests.rows[1] == "tests/test_risk.py::"
        assert app.focused is app.pane.tests


async def test_small_terminals_show_one_panel_at_a_time() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=SMALL) as pilot:
        tree, detail = app.pane.tests, app.pane.detail
        assert (tree.size.width, detail.size.width) == (78, 0)
        await pilot.press("n", "enter")
        await pilot.pause()
        assert app.focused is detail
        assert (tree.size.width, detail.size.width > 70) == (0, True)
        await pilot.press("escape")
        await pilot.pause()
        assert app.focused is tree
        assert detail.size.width == 0
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert tree.size.width > 30
        assert detail.size.width > 50


async def test_zoom() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("n", "enter", "z")
        await pilot.pause()
        assert app.pane.detail.size.width > 150
        await pilot.press("z")
        await pilot.pause()
        assert app.pane.detail.size.width < 100
        await pilot.press("tab", "z")
        await pilot.pause()
        assert app.pane.tests.size.width > 150


async def test_sections_by_key() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("n")
        await settled(pilot)
        names = []
        for _ in range(5):
            await pilot.press("right_square_bracket")
            names.append(app.pane.detail.section)
        assert names == ["output", "log", "locals", "history", "failure"]
        await pilot.press("left_square_bracket", "enter", "h")
        assert app.pane.detail.section == "locals"
        await pilot.press("escape", "n")
        await settled(pilot)
        assert app.pane.detail.section == "failure"


async def test_library_frames_unfold_by_enter() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("n")
        await settled(pilot)
        detail = app.pane.detail
        before = len(detail.rows)
        await pilot.press("enter", *["j"] * 9, "enter")
        assert len(detail.rows) > before


async def test_run_output(tmp_path: Path) -> None:
    service = FakeTesting.of(trading())
    app = Host(service)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("o")
        await pilot.pause()
        assert "nothing" in app.pane.detail.plain
        service.output = tmp_path / "output.txt"
        service.output.write_bytes(b"hello \xff\x1b[2J\n")
        await pilot.press("escape", "o")
        await pilot.pause()
        assert app.pane.detail.plain == "hello \\xff\x1b[2J\n"
        assert app.pane.detail.render_line(0).text.rstrip() == "hello \\xff"


async def test_the_run_output_follows_the_last_run_while_it_is_open(tmp_path: Path) -> None:
    service = FakeTesting.of(trading(last=run(1)))
    service.output = tmp_path / "first.log"
    service.output.write_text("6 passed\n")
    app = Host(service)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("o")
        assert app.pane.detail.plain == "6 passed\n"
        service.output = tmp_path / "second.log"
        service.output.write_text("4 failed, 2 passed\n")
        service.change("trading", last=run(2))
        await settled(pilot)
        assert app.pane.detail.plain == "4 failed, 2 passed\n"
        assert app.pane.detail.render_line(0).text.rstrip() == "4 failed, 2 passed"
        await pilot.press("escape")
        service.change("trading", last=run(3))
        await settled(pilot)
        assert app.pane.detail.subject is not None
        assert app.pane.detail.subject.key != "output"


async def test_nothing_breaks_without_projects_or_engine() -> None:
    keys = (
        "r",
        "f",
        "a",
        "L",
        "x",
        "w",
        "n",
        "N",
        "e",
        "p",
        "v",
        "space",
        "o",
        "y",
        "enter",
        "escape",
        "z",
        "z",
        "tab",
    )
    for service in (None, FakeTesting.of()):
        app = Host(service)
        async with app.run_test(size=WIDE) as pilot:
            await pilot.press(*keys, "slash", "a", "escape", *keys)
            await pilot.pause()
            assert service is None or service.calls == []


async def test_every_key_has_an_id_a_description_and_a_tooltip() -> None:
    app = Host(FakeTesting.of(many(3)))
    async with app.run_test(size=WIDE):
        for node in (app.pane, app.pane.tests, app.pane.detail):
            for binding in type(node)._merged_bindings.key_to_bindings.values():  # type: ignore[union-attr]  # set for every widget class
                for one in binding:
                    if one.id and one.id.startswith(("tests.", "list.")):
                        assert one.description, one
                        assert one.tooltip, one


async def test_a_filter_given_up_leaves_the_cursor_where_it_was() -> None:
    app = Host(FakeTesting.of(trading()))
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("j", "j", "j")
        await settled(pilot)
        row = app.pane.tests.cursor_row
        await pilot.press("slash", "z", "z", "z")
        await settled(pilot)
        assert app.pane.tests.cursor_row is None
        await pilot.press("escape")
        await settled(pilot)
        assert app.pane.tests.cursor_row == row

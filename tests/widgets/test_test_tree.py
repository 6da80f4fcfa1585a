"""The tree: pytest's order, folds, filter, marks, failures, and its place while results stream in."""

from __future__ import annotations

from dataclasses import replace

from textual.app import App, ComposeResult

from app.testing.model import ProjectSnapshot
from tests.fakes import many, running, snapshot, state, trading, trading_tests
from widgets.test_tree import TestTree, file_row
from widgets.theme import THEMES, complete

ORDERS = "tests/test_orders.py"


class TreeApp(App[None]):
    def __init__(self, shown: ProjectSnapshot) -> None:
        super().__init__()
        self.register_theme(THEMES[0])
        self.theme = THEMES[0].name
        self.tree_widget = TestTree()
        self.shown = shown

    def get_css_variables(self) -> dict[str, str]:
        return complete(self.current_theme, super().get_css_variables())

    def compose(self) -> ComposeResult:
        yield self.tree_widget

    def on_mount(self) -> None:
        self.tree_widget.show(self.shown)
        self.tree_widget.focus()


def lines(tree: TestTree) -> list[str]:
    return [tree.render_line(y).text.rstrip() for y in range(tree.size.height)]


async def test_files_and_tests_in_pytests_order() -> None:
    app = TreeApp(trading())
    async with app.run_test(size=(70, 60)):
        shown = lines(app.tree_widget)
        assert shown[0] == " ▾ ✗ tests/test_orders.py".ljust(64) + "  2/7"
        assert shown[1].startswith("     ✗ test_fill_price[limit]  KeyError: 'bid'")
        assert shown[1].endswith("12 ms")
        assert shown[6].startswith("     x TestBook::test_crossed_book")
        assert shown[7].startswith("     ○ TestBook::test_empty_book")
        assert shown[8].startswith(" ▾ ✓ tests/test_risk.py")
        assert any(line.startswith("     ⚠ test_after_holiday") for line in shown)


async def test_running_queued_and_stale_tests_look_different() -> None:
    app = TreeApp(running())
    async with app.run_test(size=(70, 60)):
        shown = lines(app.tree_widget)
        assert shown[8] == " ▾ ◐ tests/test_risk.py".ljust(63) + "  4/14"
        assert shown[13].startswith("     ◐ test_limit[4]")
        assert shown[14].endswith("…")
    stale = [replace(test, stale=True) for test in trading_tests()]
    app = TreeApp(snapshot(stale))
    async with app.run_test(size=(70, 60)):
        tree = app.tree_widget
        glyph = next(segment for segment in tree.render_line(3) if "✓" in segment.text)
        assert glyph.style == tree.style_of("$muted")


async def test_many_tests_start_folded_except_where_something_fails() -> None:
    app = TreeApp(many(5000))
    async with app.run_test(size=(70, 40)):
        tree = app.tree_widget
        assert len(tree.rows) == 100 + 50
        assert not tree.outline.is_folded(file_row("tests/part_9/test_0099.py"))


async def test_fold_and_unfold_by_key() -> None:
    app = TreeApp(trading())
    async with app.run_test(size=(70, 30)) as pilot:
        tree = app.tree_widget
        await pilot.press("j", "j", "h")
        assert tree.cursor_row == file_row(ORDERS)
        await pilot.press("h")
        assert tree.rows[1] == file_row("tests/test_risk.py")
        await pilot.press("right")
        assert tree.rows[1] == f"{ORDERS}::test_fill_price[limit]"
        await pilot.press("l")
        assert tree.cursor_row == f"{ORDERS}::test_fill_price[limit]"


async def test_a_newly_failing_file_unfolds_and_the_cursor_stays() -> None:
    app = TreeApp(many(1000, bad=0))
    async with app.run_test(size=(70, 30)) as pilot:
        tree = app.tree_widget
        tree.move_to(10)
        row = tree.cursor_row
        nodeid = next(i for i, test in app.shown.tests.items() if "test_0004.py" in test.file)
        bad = replace(app.shown.tests[nodeid], outcome="failed")
        after = snapshot([bad if i == nodeid else test for i, test in app.shown.tests.items()])
        tree.show(after, frozenset({nodeid}))
        await pilot.pause()
        assert nodeid in tree.rows
        assert tree.cursor_row == row
        tree.toggle_fold(file_row(bad.file))
        tree.show(replace(after), frozenset({nodeid}))
        assert nodeid not in tree.rows


async def test_next_failure_goes_round_through_folded_files() -> None:
    app = TreeApp(snapshot(trading_tests(), {"tests/test_broken.py": "SyntaxError"}))
    async with app.run_test(size=(70, 30)):
        tree = app.tree_widget
        tree.outline.fold([file_row("tests/test_settlement.py")], True)
        tree.set_rows(tree.outline.rows)
        seen = []
        for _ in range(5):
            assert tree.next_bad(1)
            seen.append(tree.cursor_row)
        assert seen == [
            f"{ORDERS}::test_fill_price[limit]",
            f"{ORDERS}::test_fill_price[stop]",
            "tests/test_settlement.py::test_after_holiday",
            file_row("tests/test_broken.py"),
            f"{ORDERS}::test_fill_price[limit]",
        ]
        assert tree.next_bad(-1)
        assert tree.cursor_row == file_row("tests/test_broken.py")
        tree.move_to(12)
        assert tree.next_bad(-1)
        assert tree.cursor_row == f"{ORDERS}::test_fill_price[stop]"
        tree.show(many(10, bad=0))
        assert not tree.next_bad(1)


async def test_the_filter_keeps_the_row_under_the_cursor_until_the_cursor_leaves_it() -> None:
    app = TreeApp(trading())
    async with app.run_test(size=(70, 30)):
        tree = app.tree_widget
        tree.set_filter("", True)
        bad = [f"{ORDERS}::test_fill_price[limit]", f"{ORDERS}::test_fill_price[stop]"]
        assert [row for row in tree.rows if row.startswith(ORDERS)] == [file_row(ORDERS), *bad]
        tree.reveal(bad[0])
        passed = [replace(test, outcome="passed") if test.nodeid in bad else test for test in trading_tests()]
        tree.show(snapshot(passed), frozenset(bad))
        assert bad[0] in tree.rows
        assert bad[1] not in tree.rows
        tree.move_to(len(tree.rows) - 1)
        tree.show(snapshot(passed), frozenset(bad))
        assert bad[0] not in tree.rows


async def test_reveal_unfolds_and_drops_a_filter_that_hides() -> None:
    app = TreeApp(many(1000))
    async with app.run_test(size=(70, 30)):
        tree = app.tree_widget
        nodeid = list(app.shown.tests)[310]
        assert tree.reveal(nodeid)
        assert tree.cursor_row == nodeid
        tree.set_filter("case_9", False)
        assert tree.reveal(nodeid)
        assert tree.filter_text == ""
        assert tree.reveal("tests/part_0/test_0001.py")
        assert not tree.reveal("unknown")


async def test_tests_that_vanish_lose_their_marks() -> None:
    app = TreeApp(trading())
    async with app.run_test(size=(70, 30)):
        tree = app.tree_widget
        tree.toggle_mark(f"{ORDERS}::test_cancel")
        tree.toggle_mark(f"{ORDERS}::test_fill_price[limit]")
        tree.show(snapshot([test for test in trading_tests() if "cancel" not in test.nodeid]))
        assert tree.marks == (f"{ORDERS}::test_fill_price[limit]",)


async def test_names_with_any_characters() -> None:
    odd = ["a::b", "[x]", "a\nb", "\x1b[31m", "日本語", "👩‍🚀" * 40, "x" * 5000]
    app = TreeApp(snapshot([state(f"t.py::TestA::test_it[{name}]") for name in odd]))
    async with app.run_test(size=(50, 12)):
        tree = app.tree_widget
        for y in range(12):
            strip = tree.render_line(y)
            assert strip.cell_length == tree.scrollable_content_region.width
            assert "\x1b" not in strip.text
        assert lines(tree)[1].startswith("     ✓ TestA::test_it[a::b]")

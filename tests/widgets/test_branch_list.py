"""The branches: their order and columns, filter and marks, and that only what is seen is drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.content import Content

from tests.git_fakes import branch, many_branches, trading
from tests.widgets.git_lists import ListApp, controls, lines
from widgets.branch_list import BranchList


class Counting(BranchList):
    """Remembers which rows were drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[str] = []

    def draw(self, row: str, width: int) -> list[tuple[str, str]]:
        self.drawn.append(row)
        return super().draw(row, width)


async def test_head_and_default_come_first_then_the_newest_then_those_of_remotes() -> None:
    app = ListApp(BranchList())
    async with app.run_test(size=(100, 20)):
        app.list.show(trading())
        names = [row.removeprefix("refs/heads/") for row in app.list.rows]
        assert names[:3] == ["feature/OPS-41-limit-orders", "main", "chore/OPS-2-lint"]
        assert names[-1] == "refs/remotes/origin/depth-old"


@pytest.mark.parametrize("width", [40, 51, 69, 78, 100, 140])
async def test_figures_stand_in_columns_at_every_width(width: int) -> None:
    app = ListApp(BranchList())
    async with app.run_test(size=(width, 20)) as pilot:
        app.list.show(trading())
        await pilot.pause()
        shown = lines(app)[:15]
        assert {len(line) for line in shown} == {width - 1}, "the age ends in one column"
        assert "feature/OPS-41" in shown[0]
        title = Content.from_markup(str(app.list.border_title)).plain
        assert title.startswith("branches")
        assert title.endswith("age")
        if width >= 69:
            assert any("squashed gone" in line for line in shown)
        if width >= 100:
            assert any("≠ depth" in line and "upstream" in title for line in shown)


async def test_counts_appear_when_they_are_known() -> None:
    app = ListApp(BranchList())
    async with app.run_test(size=(100, 20)) as pilot:
        bare = [
            replace(made, ahead=None, behind=None, ahead_default=None, behind_default=None)
            for made in trading().branches
        ]
        app.list.show(trading(branches=tuple(bare), counted=False))
        await pilot.pause()
        assert lines(app)[0].count("…") == 2
        app.list.show(trading())
        await pilot.pause()
        assert "↑3" in lines(app)[0]
        assert "…" not in lines(app)[0]


async def test_two_thousand_branches_draw_only_what_is_seen() -> None:
    app = ListApp(Counting())
    async with app.run_test(size=(100, 30)) as pilot:
        state = many_branches()
        app.list.show(state)
        await pilot.pause()
        assert len(app.list.rows) == 2003
        assert len(set(app.list.drawn)) <= 31
        app.list.drawn.clear()
        app.list.show(replace(state, branches=(*state.branches[:-1], replace(state.branches[-1], landed="merged"))))
        await pilot.pause()
        assert app.list.drawn == [], "what changed is not on screen"
        await pilot.press("G")
        await pilot.pause()
        assert len(app.list.drawn) <= 31
        assert app.list.branch is not None


async def test_the_cursor_stays_on_its_branch_while_others_come_and_go() -> None:
    app = ListApp(BranchList())
    async with app.run_test(size=(100, 30)) as pilot:
        app.list.show(trading())
        assert app.list.reveal("refs/heads/spike")
        new = branch("aaa", days=0.001)
        app.list.show(trading(branches=(new, *trading().branches)))
        await pilot.pause()
        assert app.list.cursor_row == "refs/heads/spike"
        app.list.toggle_mark("refs/heads/aaa")
        app.list.show(trading())
        assert app.list.marks == ()
        app.list.show(trading(name="other"))
        assert app.list.cursor_index == 0


async def test_filter_and_marks() -> None:
    app = ListApp(BranchList())
    async with app.run_test(size=(100, 30)) as pilot:
        app.list.show(trading())
        app.list.set_filter("gone")
        assert len(app.list.rows) == 4
        app.list.mark_all()
        assert len(app.list.marked()) == 4
        app.list.mark_all()
        assert app.list.marked() == []
        assert app.list.reveal("refs/heads/spike"), "a filter that hides it is dropped"
        assert app.list.filter_text == ""
        app.list.set_filter("remote")
        app.list.mark_all()
        assert app.list.marks == (), "branches of remotes are not marked in bulk"
        await pilot.pause()


async def test_hostile_names_are_harmless() -> None:
    app = ListApp(BranchList())
    async with app.run_test(size=(120, 30)) as pilot:
        app.list.show(many_branches(20))
        await pilot.pause()
        shown = lines(app)
        assert controls(shown) == []
        assert any("[b]bold[/b]" in line for line in shown)
        assert any("-D" in line for line in shown)
        assert any("日本語" in line for line in shown)

"""The repositories: each in one line, errors in place of figures."""

from __future__ import annotations

from dataclasses import replace

from tests.git_fakes import broken, many_repositories, small, trading, workshop
from tests.widgets.git_lists import ListApp, controls, lines
from widgets.repository_list import RepositoryList


async def test_each_state_in_its_line() -> None:
    app = ListApp(RepositoryList())
    async with app.run_test(size=(46, 20)) as pilot:
        app.list.show(workshop())
        await pilot.pause()
        shown = lines(app)
        for number, words in enumerate(
            (
                ("⚠", "trading", "feature/OPS", "↑3", "±6", "⚠2"),
                ("○", "quarterdeck", "main", "±4"),
                ("◐", "notebooks", "fetching origin 42 %"),
                ("⚑", "api", "rebase main", "±2"),
                ("website", "detached"),
                ("fresh", "main empty"),
                ("✓", "mirror.git", "main bare"),
                ("✗", "shared", "another user owns"),
                ("✗", "usb-stick", "the folder is not there"),
                ("✗", "downloads", "this is not a git"),
                ("⚠", "client", "⚠1"),
                ("[red]markup", "main"),
            )
        ):
            for word in words:
                assert word in shown[number]
        assert controls(shown) == []


async def test_only_what_changed_is_drawn_again_and_the_cursor_stays() -> None:
    app = ListApp(RepositoryList())
    async with app.run_test(size=(46, 20)) as pilot:
        states = many_repositories()
        app.list.show(states)
        await pilot.press("j", "j", "space")
        assert app.list.cursor_row == states[2].name
        app.list.toggle_mark(states[2].name)
        app.list.show([replace(state, busy="fetching") if n == 0 else state for n, state in enumerate(states)])
        await pilot.pause()
        assert "fetching" in lines(app)[0]
        assert app.list.cursor_row == states[2].name
        app.list.show([state for state in states if state.name != states[2].name])
        assert app.list.marks == ()


async def test_filter_and_marks() -> None:
    app = ListApp(RepositoryList())
    async with app.run_test(size=(46, 20)):
        app.list.show((trading(), small("api"), broken("x", "gone")))
        app.list.set_filter("problems")
        assert list(app.list.rows) == ["trading", "x"]
        app.list.mark_all()
        assert app.list.marks == ("trading", "x")
        app.list.mark_all()
        assert app.list.marks == ()

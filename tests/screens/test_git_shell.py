"""The Git screen inside the real app: opened by its number, left and opened again, its forms and palette over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from screens.areas import AREAS
from screens.git import GitPane
from screens.git_forms import Form
from tests.fakes import FakeTesting
from tests.git_fake_service import FakeGit
from tests.git_fakes import cut_short, workshop
from tests.screens.shell_host import FakeRuntime, build, close_log
from tests.waiting import until


class Engine(FakeRuntime):
    """Both areas' services."""

    def __init__(self, tmp_path: Path, git: FakeGit) -> None:
        super().__init__(tmp_path)
        self.git = git
        git.bus = self.bus
        self.testing: Any = FakeTesting.of()
        self.testing.bus = self.bus


async def opened(pilot: Any) -> GitPane:
    await pilot.app.engine_ready.wait()
    await pilot.press("3")
    await until(lambda: isinstance(pilot.app.shell.pane, GitPane) and pilot.app.shell.pane.runtime, what="the pane")
    pane = pilot.app.shell.pane
    await until(lambda: pane.active and pane.settled and pilot.app.focused is pane.branches, what="the keyboard")
    return pane  # type: ignore[no-any-return]  # checked above


@pytest.mark.parametrize("size", [(160, 48), (80, 24)])
async def test_opened_left_and_opened_again(tmp_path: Path, size: tuple[int, int]) -> None:
    app = build(Engine(tmp_path, FakeGit.of(*workshop())), AREAS)
    async with app.run_test(size=size) as pilot:
        pane = await opened(pilot)
        assert pane.panel == "branches"
        await pilot.press("j", "tab")
        await until(lambda: app.focused is pane.commits)
        await pilot.press("2")
        await until(lambda: not pane.active)
        await pilot.press("3")
        await until(lambda: pane.active and app.focused is pane.commits, what="the keyboard is where it was")
    close_log()


async def test_as_the_first_area(tmp_path: Path) -> None:
    app = build(Engine(tmp_path, FakeGit.of(*workshop(), cut=(cut_short(),))), AREAS, start="git")
    async with app.run_test(size=(80, 24)) as pilot:
        await app.engine_ready.wait()
        pane = app.shell.pane
        assert isinstance(pane, GitPane)
        await until(lambda: pane.runtime is not None and app.focused is pane.branches, what="the keyboard")
        assert pane.panel == "branches"
        await pilot.press("I")
        await until(lambda: pane.panel == "right")
    close_log()


async def test_a_form_lies_over_it_and_letters_type_there(tmp_path: Path) -> None:
    app = build(Engine(tmp_path, FakeGit.of(*workshop())), AREAS)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot)
        await pilot.press("n")
        await until(lambda: isinstance(app.screen, Form) and isinstance(app.focused, Input))
        await pilot.press(*"q3P")
        assert app.screen.query_one("#field0", Input).value == "q3P"
        await pilot.press("escape")
        await until(lambda: app.focused is pane.branches)
        await pilot.press("question_mark")
        await until(lambda: app.screen is not app.shell)
        keys = str(app.screen.query_one("#keys").content)  # type: ignore[attr-defined]  # a Static
        for words in ("Show which branches can go and why", "Finish", "Journal"):
            assert words.casefold() in keys.casefold()
    close_log()


async def test_leaving_asks_while_something_is_being_done(tmp_path: Path) -> None:
    import asyncio

    git = FakeGit.of(*workshop())
    app = build(Engine(tmp_path, git), AREAS)
    async with app.run_test(size=(100, 30)) as pilot:
        pane = await opened(pilot)
        git.gate = asyncio.Event()
        await pilot.press("P")
        await until(lambda: pane.page == "plan")
        await pilot.press("enter")
        await until(lambda: pane.performing)
        assert app.shell.unsaved() == ["prune in trading"]
        git.gate.set()
        await until(lambda: not pane.performing and pane.page == "text")
    close_log()

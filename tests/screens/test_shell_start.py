"""The engine arrives after the first frame; a configuration that cannot be used is shown in place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import boot, paths
from app.config.problems import Problem as Mistake
from app.config.problems import SettingsError
from app.errors import UserError
from app.events import Badge
from app.quick import quick
from app.testing import lastseen
from app.testing.model import ProjectSnapshot
from app.tui import Quarterdeck
from screens.problem import Problem
from screens.tests import TestsPane
from tests.fakes import trading
from tests.screens.shell_host import AREAS, FakeRuntime, close_log
from tests.waiting import until


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """Each test's log lies in its own home."""
    close_log()
    yield
    close_log()


class Startable(FakeRuntime):
    """Notes its life."""

    async def start(self) -> None:
        """Begin."""
        self.asked.append("start")

    async def close(self) -> None:
        """End."""
        self.asked.append("close")


def page_of(app: Quarterdeck) -> str:
    """All that the problem page says."""
    assert app.shell.problem is not None
    return "\n".join(str(part.render()) for part in app.shell.problem.query("Static"))


async def test_every_mistake_is_shown_and_r_reads_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[ui]\ntheme = 3\n")
    runtime = Startable(tmp_path)
    opened: list[tuple[Path, int]] = []
    wrong = [
        Mistake("config.toml:2", "ui.theme", 'expected text, got 3; write "quarterdeck"'),
        Mistake("config.toml:9", "log.files", "expected at most 100"),
    ]

    def create(path: Path | None) -> Startable:
        if wrong:
            raise SettingsError(wrong)
        return runtime

    monkeypatch.setattr(boot, "create", create)
    monkeypatch.setattr(
        "screens.editor.open_in_editor", lambda app, path, line=0, setting="": opened.append((path, line))
    )
    app = Quarterdeck(quick(config), config=config, areas=AREAS)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(lambda: isinstance(app.shell.problem, Problem) and app.shell.problem.is_mounted)
        await until(lambda: app.focused is not None)
        page = page_of(app)
        assert "ui.theme: expected text, got 3" in page
        assert 'write "quarterdeck"' in page
        assert "log.files: expected at most 100" in page
        assert app.shell.pane is not None
        assert not app.shell.pane.display
        await pilot.press("e")
        assert opened == [(config, 2)]
        await pilot.press("R")
        wrong.clear()
        await pilot.press("r")
        await until(app.engine_ready.is_set)
        assert app.shell.problem is None
        assert app.shell.pane.display
        assert runtime.asked == ["start"]
    assert runtime.asked == ["start", "close"]


async def test_an_engine_that_breaks_names_the_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def create(path: Path | None) -> Startable:
        raise RuntimeError("no engine today")

    monkeypatch.setattr(boot, "create", create)
    app = Quarterdeck(areas=AREAS)
    async with app.run_test(size=(100, 30)):
        await until(lambda: app.shell.problem is not None and app.shell.problem.is_mounted)
        await until(lambda: "no engine today" in page_of(app))
        assert "quarterdeck.log" in page_of(app)


async def test_asked_twice_the_engine_starts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path | None] = []
    go = threading.Event()

    def create(config: Path | None) -> Startable:
        asked.append(config)
        assert go.wait(10)
        raise UserError("no engine today")

    monkeypatch.setattr(boot, "create", create)
    app = Quarterdeck(areas=AREAS)
    async with app.run_test(size=(100, 30)):
        await until(lambda: len(asked) == 1)
        app.start_engine()
        go.set()
        await until(lambda: app.shell.problem is not None and app.shell.problem.is_mounted)
        assert len(asked) == 1
        # Once it has failed, it is tried again.
        app.start_engine()
        await until(lambda: len(asked) == 2)


async def test_the_real_engine_starts_and_stops(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    config = tmp_path / "config.toml"
    config.write_text(f'[tests]\non_start = false\n[[projects]]\nname = "small"\npath = "{project}"\n')
    app = Quarterdeck(quick(config), config=config)
    async with app.run_test(size=(100, 30)):
        await until(app.engine_ready.is_set)
        await until(lambda: app.shell.bar.state.storage is not None)
        assert app.runtime.settings.projects[0].name == "small"
        assert "sqlite ●" in app.shell.bar.render().plain


class FirstFrame(Quarterdeck):
    """Remembers the tab bar as it was painted before the engine was asked for."""

    first_bar = ""

    def start_engine(self) -> None:
        self.first_bar = "".join(segment.text for segment in self.shell.bar.render_line(0))
        super().start_engine()


def last_seen(*snapshots: ProjectSnapshot) -> None:
    path = paths.state_dir().joinpath(*TestsPane.LAST_SEEN)
    path.parent.mkdir(parents=True)
    lastseen.save(path, snapshots)


async def test_the_first_frame_has_the_badge_of_the_last_session(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    last_seen(trading(path=str(project)))
    config = tmp_path / "config.toml"
    config.write_text(f'[tests]\non_start = false\n[[projects]]\nname = "trading"\npath = "{project}"\n')
    app = FirstFrame(quick(config), config=config)
    async with app.run_test(size=(100, 30)):
        assert "Tests ✗3" in app.first_bar
        await until(app.engine_ready.is_set)
        # The engine has taken the same outcomes over: now they are shown in their colour.
        await until(lambda: app.shell.bar.state.badges == (Badge("tests", "✗3", "bad"),))


async def test_what_was_last_seen_of_projects_that_are_configured_no_more_goes(tmp_path: Path) -> None:
    last_seen(trading())
    config = tmp_path / "config.toml"
    config.write_text("")
    app = FirstFrame(quick(config), config=config)
    async with app.run_test(size=(100, 30)):
        assert "Tests ✗3" in app.first_bar
        await until(app.engine_ready.is_set)
        await until(lambda: app.shell.bar.state.badges == (Badge("tests", ""),))
        assert "✗" not in app.shell.bar.render().plain

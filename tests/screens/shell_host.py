"""The real app around two small areas, with a runtime that only notes what it was asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from app.events import Bus
from app.quick import Quick
from app.tui import Quarterdeck
from screens.areas import Area
from screens.base import Command, Pane, Runtime


class NowPane(Pane):
    """Counts what the shell does with it."""

    AREA = "now"
    TITLE = "Now"
    HELP = "What to do next."

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.loss = ""

    def compose(self) -> ComposeResult:
        yield Input(id="field")

    def attach(self, runtime: Runtime) -> None:
        super().attach(runtime)
        self.heard.append("attach")

    def on_activated(self) -> None:
        self.heard.append("on")

    def on_deactivated(self) -> None:
        self.heard.append("off")

    def unsaved(self) -> str:
        return self.loss

    def commands(self) -> Iterable[Command]:
        yield Command("Count the beans", "Beans of today", lambda: self.heard.append("beans"))


class Wild(Static):
    """Fails when it is drawn, once told to."""

    failing = False

    def render(self) -> Content:
        if self.failing:
            raise ZeroDivisionError("drawn")
        return Content("calm")


class TestsLikePane(Pane):
    """Two panels, and every way of breaking."""

    __test__ = False
    AREA = "tests"
    TITLE = "Tests"
    HELP = "Runs tests."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "rerun", "Rerun selected", tooltip="Run this one again", id="tests.rerun"),
        Binding("b", "break_action", "Break an action", id="tests.break_action"),
        Binding("m", "break_handler", "Break a handler", id="tests.break_handler"),
        Binding("v", "break_render", "Break the drawing", id="tests.break_render"),
        Binding("w", "break_worker", "Break a worker", id="tests.break_worker"),
        Binding("l", "break_later", "Break after the next paint", id="tests.break_later"),
    ]

    def compose(self) -> ComposeResult:
        for number in (1, 2):
            with VerticalScroll(id=f"panel{number}", classes="panel"):
                yield Wild("calm")

    def action_rerun(self) -> None:
        self.app.notify("rerun")

    def action_break_action(self) -> None:
        raise KeyError("bid")

    def action_break_handler(self) -> None:
        self.call_later(self._fail)

    def action_break_render(self) -> None:
        wild = self.query(Wild).first()
        wild.failing = True
        wild.refresh()

    def action_break_worker(self) -> None:
        self.run_worker(self._work())

    def action_break_later(self) -> None:
        self.call_after_refresh(self._fail)

    def commands(self) -> Iterable[Command]:
        yield Command("Break a command", "From the palette", self._fail)

    def _fail(self) -> None:
        raise ValueError("handled badly")

    async def _work(self) -> None:
        raise LookupError("worked badly")


class UnmountablePane(Pane):
    """Fails when it is composed."""

    TITLE = "Git"

    def compose(self) -> ComposeResult:
        raise RuntimeError("composed badly")


HERE = "tests.screens.shell_host"
AREAS = (
    Area("now", 1, "Now", f"{HERE}:NowPane"),
    Area("tests", 2, "Tests", f"{HERE}:TestsLikePane"),
)
BROKEN_AREAS = (
    *AREAS,
    Area("git", 3, "Git", f"{HERE}:UnmountablePane"),
    Area("market", 4, "Market", f"{HERE}:NoSuchPane"),
)


class FakeRuntime:
    """Bus, settings and a Tests service that notes what it was asked."""

    def __init__(self, tmp_path: Path, **ui: Any) -> None:
        self.bus = Bus()
        self.asked: list[str] = []
        self.testing = SimpleNamespace(run_failed=lambda name=None: self.asked.append("failed"))
        self.keys: dict[str, str] = {}
        self.ui = SimpleNamespace(**{"theme": "quarterdeck", "clock": False, "editor": "", **ui})
        self.log_path = tmp_path / "quarterdeck.log"
        self.warnings: list[str] = []
        self.refusal = ""

    @property
    def settings(self) -> Any:
        """The settings in force."""
        return SimpleNamespace(ui=self.ui, keys=self.keys, feedback=SimpleNamespace(order="oldest"))

    async def reload(self) -> str:
        """Nothing to read."""
        self.asked.append("reload")
        return self.refusal


def build(runtime: Any, areas: tuple[Area, ...] = AREAS, **more: Any) -> Quarterdeck:
    """The app with number keys for these areas."""
    quick = Quick(start=more.pop("start", "tests"), clock=False)

    class Built(Quarterdeck):
        BINDINGS: ClassVar[list[BindingType]] = [
            Binding(str(area.number), f"open_area('{area.id}')", area.title, id=f"app.{area.id}") for area in areas
        ]

    return Built(quick, runtime=runtime, areas=areas, **more)


def close_log() -> None:
    """Take the log's handlers away, which stay with the first test's home otherwise."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if getattr(handler, "quarterdeck", False)]:
        root.removeHandler(handler)
        handler.close()

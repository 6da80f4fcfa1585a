"""An app that holds nothing but the Tests screen, with a fixed clock."""

from __future__ import annotations

from typing import Any

from textual.app import App, ComposeResult

from screens.tests import TestsPane
from tests.fakes import NOW, FakeTesting
from widgets.theme import THEMES, complete


class Host(App[None]):
    """Mounts the pane and attaches it to a fake service (or to none, for the time before the engine is up)."""

    CSS = "Screen { background: $background; color: $foreground; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, service: FakeTesting | None, theme: str = "quarterdeck") -> None:
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self.service = service
        self.pane = TestsPane()
        self.pane.clock = lambda: NOW
        self.pane.progress.monotonic = lambda: 101.4
        self.copied = ""

    @property
    def testing(self) -> FakeTesting:
        """The fake service."""
        assert self.service is not None
        return self.service

    def get_css_variables(self) -> dict[str, str]:
        return complete(self.current_theme, super().get_css_variables())

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        if self.service is not None:
            self.pane.attach(self.service.runtime())
        self.pane.on_activated()
        self.pane.focus_default()

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text
        super().copy_to_clipboard(text)


async def settled(pilot: Any) -> None:
    """Wait until the detail of the row under the cursor is shown and coloured."""
    pane: TestsPane = pilot.app.pane
    for _ in range(400):
        await pilot.pause(0.01)
        workers = [worker for worker in pilot.app.workers if not worker.is_finished]
        if not workers and pane.settled:
            await pilot.pause()
            return
    raise AssertionError("the screen did not come to rest")

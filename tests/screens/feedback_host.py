"""An app that holds nothing but the Feedback screen, with a fixed clock."""

from __future__ import annotations

from typing import Any

from textual.app import App, ComposeResult

from screens.feedback import FeedbackPane
from tests.fakes import NOW
from tests.feedback_fakes import FakeFeedback
from widgets.theme import THEMES, complete


class Host(App[None]):
    """Mounts the pane and attaches it to a fake service (or to none, for the time before the engine is up)."""

    CSS = "Screen { background: $background; color: $foreground; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS = [("2", "note_area", "Another area")]  # noqa: RUF012

    def __init__(self, service: FakeFeedback | None, theme: str = "quarterdeck") -> None:
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self.service = service
        self.pane = FeedbackPane()
        self.pane.clock = lambda: NOW
        self.copied = ""
        self.areas = 0

    @property
    def feedback(self) -> FakeFeedback:
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

    def action_note_area(self) -> None:
        """A digit that the pane did not want."""
        self.areas += 1

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text
        super().copy_to_clipboard(text)


async def settled(pilot: Any) -> None:
    """Wait until everything asked for has been read and painted."""
    for _ in range(400):
        await pilot.pause(0.01)
        busy = [worker for worker in pilot.app.workers if not worker.is_finished]
        if not busy and pilot.app.pane._follow_soon is None:
            await pilot.pause()
            return
    raise AssertionError("the screen did not come to rest")


def text_of(pilot: Any, name: str) -> str:
    """What a panel shows, line by line."""
    widget = pilot.app.pane.query_one(f"#{name}")
    return "\n".join(strip.text.rstrip() for strip in widget.render_lines(widget.outer_size.region))

"""A page of labels and values over the Feedback screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from screens.dialog import Dialog
from screens.feedback_text import keys
from widgets.lines_view import Build, LinesView

WIDTH = 78
"""Columns of a page that is not tall."""


class Figures(Dialog[None]):
    """Shows what a function makes of the width."""

    DEFAULT_CSS = """
    Figures .dialog { width: 78; max-width: 100%; max-height: 100%; }
    Figures .-tall { width: 90; height: 32; }
    Figures LinesView { background: $surface; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "leave", "Leave", tooltip="Back to the row", id="feedback.figures_leave"),
    ]

    def __init__(self, title: str, build: Build, *, tall: bool = False) -> None:
        """`tall` gives it most of the screen."""
        super().__init__()
        self._title, self._build, self._tall = title, build, tall
        self.lines = LinesView()
        self.hints: tuple[tuple[str, str], ...] = (("esc", "leaves"),)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -tall" if self._tall else "dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = keys(*self.hints)
            yield self.lines

    def on_mount(self) -> None:
        if not self._tall:
            # As high as what it shows; `WIDTH` less frame and padding.
            self.query_one(".dialog").styles.height = len(list(self._build(WIDTH - 7))) + 4
        self.lines.show(self._build)
        self.lines.focus()

    def action_leave(self) -> None:
        """Close."""
        self.dismiss(None)

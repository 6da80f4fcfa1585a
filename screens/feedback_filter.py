"""The field in which the filter of the Feedback screen is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterInput(Input):
    """One line; enter applies it, esc clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "submit", "Apply", show=False, id="feedback.filter_done", tooltip="Apply the filter"),
        Binding("escape", "clear", "Clear", show=False, id="feedback.filter_clear", tooltip="Clear the filter"),
    ]

    def __init__(self) -> None:
        about = 'model:v3 score:<0 tag:tone source:discord text:"late fill" before:2026-11-01 state:waiting'
        super().__init__(placeholder=about, compact=True, id="filter", select_on_focus=False)
        self.cursor_blink = False

    def action_clear(self) -> None:
        """Review everything again."""
        self.value = ""
        self.post_message(self.Submitted(self, ""))

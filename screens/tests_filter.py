"""The field in which the filter of the Tests screen is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterInput(Input):
    """One line; enter or down goes to the list, esc clears."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "submit", "To the list", show=False, id="tests.filter_done", tooltip="Go to the list"),
        Binding("escape", "clear", "Clear", show=False, id="tests.filter_clear", tooltip="Clear the filter"),
    ]

    def __init__(self, value: str) -> None:
        super().__init__(
            value,
            placeholder="filter by file, class, test or parameters; enter keeps it, esc clears it",
            compact=True,
            id="filter",
        )
        self.cursor_blink = False

    def action_clear(self) -> None:
        """Show everything again."""
        self.value = ""
        self.post_message(self.Submitted(self, ""))

"""The field in which the filters of the Git screen are typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterInput(Input):
    """One line; enter or down goes to the list, esc clears."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "submit", "To the list", show=False, id="git.filter_done", tooltip="Go to the list"),
        Binding("escape", "clear", "Clear", show=False, id="git.filter_clear", tooltip="Clear the filter"),
    ]

    def __init__(self, value: str, *, repositories: bool) -> None:
        about = "name, or: ahead behind changed problems broken detached"
        if not repositories:
            about = "name, or: gone merged squashed stale misnamed unpushed behind remote; ! turns a word round"
        super().__init__(value, placeholder=about, compact=True, id="filter")
        self.repositories = repositories
        self.cursor_blink = False

    def action_clear(self) -> None:
        """Show everything again."""
        self.value = ""
        self.post_message(self.Submitted(self, ""))

"""The least that a Textual app can be: what Quarterdeck's start, keys and memory are measured against."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Footer, Header, Static


class Minimal(App[None]):
    """A header, a line of text that a key changes, and a footer."""

    BINDINGS: ClassVar[list[BindingType]] = [("down,up", "count", "Count"), ("q", "quit", "Quit")]

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def compose(self) -> ComposeResult:
        yield Header()
        yield Static("Hello from an app that does nothing", id="text")
        yield Footer()

    def action_count(self) -> None:
        """Show one more."""
        self._count += 1
        self.query_one("#text", Static).update(f"Hello for the {self._count}th time")


if __name__ == "__main__":
    Minimal().run()

"""An app that holds one list."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.app import App, ComposeResult

from tests.fakes import NOW
from widgets.row_list import RowList
from widgets.theme import THEMES, complete

Shown = TypeVar("Shown", bound=RowList)


class ListApp(App[None], Generic[Shown]):
    """Shows a list and remembers what it says."""

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self.register_theme(THEMES[0])
        self.theme = THEMES[0].name
        self.list = shown
        if hasattr(shown, "clock"):
            shown.clock = lambda: NOW
        self.heard: list[str] = []

    def get_css_variables(self) -> dict[str, str]:
        return complete(self.current_theme, super().get_css_variables())

    def compose(self) -> ComposeResult:
        yield self.list

    def on_plan_view_confirmed(self) -> None:
        self.heard.append("confirmed")

    def on_plan_view_ticked(self) -> None:
        self.heard.append("ticked")


def lines(app: ListApp[Shown]) -> list[str]:
    """What is on screen."""
    return [app.list.render_line(y).text.rstrip() for y in range(app.list.size.height)]


def controls(texts: list[str]) -> list[str]:
    """Lines that hold a control character."""
    return [text for text in texts if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)]

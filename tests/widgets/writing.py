"""An app that holds one widget of the Content area, and a text to write on."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from widgets.theme import THEMES, complete

TEXT = """---
title: A day
tags: [one, two]
---
# The *plan* for {{ day }}

Some **bold** words, `code` and [a link](https://example.com), then [[a note]] and _soft_ ones.

- [ ] first
- [x] second, with a line that is wrapped because it is rather long, longer than a screen is wide
> quoted words

```python
print("x")
```
"""


class WritingApp(App[None]):
    """Shows a widget and gives it the keys."""

    CSS = "Screen { background: $background; color: $foreground; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Leave")]

    def __init__(self, shown: Widget, theme: str = "quarterdeck", focus: Widget | None = None) -> None:
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme
        self.shown = shown
        self.first = focus or shown
        self.left = 0

    def get_css_variables(self) -> dict[str, str]:
        return complete(self.current_theme, super().get_css_variables())

    def compose(self) -> ComposeResult:
        yield self.shown

    def on_mount(self) -> None:
        self.first.focus()

    def action_leave(self) -> None:
        """An `esc` that no widget wanted."""
        self.left += 1


def text_of(widget: Widget) -> str:
    """What a widget shows, line by line."""
    return "\n".join(strip.text.rstrip() for strip in widget.render_lines(widget.outer_size.region))

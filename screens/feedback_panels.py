"""The panels of the Feedback screen that differ a little from what other screens have."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from widgets.head_list import HeadList
from widgets.lines_view import LinesView


class Panels(Horizontal):
    """The panels side by side; it shows nothing of its own, which saves painting it below them."""

    BLANK = True


class JumpingList(HeadList):
    """A list whose ends may not have been read yet."""

    jump: Callable[[int], bool] = staticmethod(lambda index: False)

    def action_jump(self, index: int) -> None:
        """To the first row or the last, reading it where it is not here."""
        if not self.jump(index):
            super().action_jump(index)


class RowView(LinesView):
    """One row; what stands in its border depends on its width. A verdict leads to the next row, no other key does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="list.down", tooltip="Scroll a long row down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="list.up", tooltip="Scroll a long row up"),
        Binding("g,home", "jump(0)", "Top", show=False, id="list.top", tooltip="The beginning of the row"),
        Binding("G,end", "jump(-1)", "Bottom", show=False, id="list.bottom", tooltip="The end of the row"),
    ]
    resized: Callable[[], None] = staticmethod(lambda: None)

    def on_resize(self) -> None:
        """Tell the pane."""
        self.resized()

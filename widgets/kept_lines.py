"""A scroll view that keeps its finished lines: scrolling moves them, and only what comes into view is drawn."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal, Self

from textual.content import Content
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip


class KeptLines(ScrollView):
    """Draws a line with its border once, and again only when its place has been refreshed.

    Textual frames every line anew whenever a view scrolls. Here the same strips come back in another place, and with
    them all that strips remember of themselves: how they were cut, and their text for the terminal.
    """

    _holding = False

    def __init__(self) -> None:
        self._border: dict[str, Content] = {}
        self._kept: dict[int, Strip] = {}
        self._kept_for: tuple[object, ...] = ()
        self.painted: dict[int, Hashable] = {}
        """What each line of the viewport shows, for subclasses to note in `render_line`; it moves with the lines."""
        super().__init__()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region of the widget, border included, as the compositor asks for them."""
        width = self.outer_size.width
        # Changes of these are not announced by a refresh.
        made_for = (self.outer_size, self.scrollable_content_region.size, self.get_line_filters())
        if made_for != self._kept_for:
            self._kept.clear()
            self._kept_for = made_for
        kept = self._kept
        wanted = crop.line_range
        y = wanted.start
        while y < wanted.stop:
            start = y
            while y < wanted.stop and y not in kept:
                y += 1
            if y > start:
                drawn = super().render_lines(Region(0, start, width, y - start))
                kept.update(zip(range(start, y), drawn, strict=True))
            y += 1
        lines = [kept[y] for y in wanted]
        x1, x2 = crop.column_span
        return lines if (x1, x2) == (0, width) else [line.crop(x1, x2) for line in lines]

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw these lines (or all) anew, but not the whole view when only its border was written to."""
        if self._holding:
            return self
        if regions:
            top = self.content_offset.y
            for region in regions:
                for y in region.line_range:
                    self._kept.pop(y + top, None)
        else:
            self._kept.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def write_border(self, where: Literal["title", "subtitle"], text: Content) -> None:
        """Write into the upper or lower border what is new there, and repaint that line alone."""
        if text.is_same(self._border.get(where, Content(""))):
            return
        self._border[where] = text
        self._holding = True
        try:
            setattr(self, f"border_{where}", text or None)
        finally:
            self._holding = False
        (width, height), (left, top) = self.outer_size, self.content_offset
        self.refresh(Region(-left, -top if where == "title" else height - 1 - top, width, 1))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Move the lines that stay in view."""
        if self.show_vertical_scrollbar:
            # Textual, too, loads its scrollbars when the first one shows, which may be long after the first frame.
            from widgets import thumb

            thumb.move(self.vertical_scrollbar, new_value)
        by = round(new_value) - round(old_value)
        if by:
            width, height = self.scrollable_content_region.size
            top = self.content_offset.y
            inside = range(top, top + height)
            # Lines of the border stay where they are.
            self._kept = {
                y - by if y in inside else y: line
                for y, line in self._kept.items()
                if y not in inside or y - by in inside
            }
            self.painted = {y - by: what for y, what in self.painted.items() if 0 <= y - by < height}
            super().refresh(Region(0, 0, width, height))

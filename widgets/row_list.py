"""A list of any length that costs only the rows on screen: no widget per row, each row drawn when it is looked at."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from widgets.kept_lines import KeptLines
from widgets.safe_text import shorten, width_of

Part = tuple[str, str]
"""A piece of a row: cleaned text, and its style by role (`$error bold`)."""


class RowList(KeptLines, can_focus=True):
    """Rows by key, with a cursor that stays on its row while rows come and go around it, and marks.

    Subclasses say what a row looks like (`draw`) and what that depends on (`signature`).
    """

    ALLOW_SELECT = False
    FAST_STRIPS: ClassVar[int] = 1024
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="list.down", tooltip="Next row"),
        Binding("k,up", "move(-1)", "Up", show=False, id="list.up", tooltip="Previous row"),
        Binding("g,home", "jump(0)", "Top", show=False, id="list.top", tooltip="First row"),
        Binding("G,end", "jump(-1)", "Bottom", show=False, id="list.bottom", tooltip="Last row"),
        Binding("ctrl+d", "page(0.5)", "Half down", show=False, id="list.half_down", tooltip="Half a page down"),
        Binding("ctrl+u", "page(-0.5)", "Half up", show=False, id="list.half_up", tooltip="Half a page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.page_down", tooltip="A page down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.page_up", tooltip="A page up"),
    ]
    DEFAULT_CSS = """
    RowList {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    """

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, sender: RowList, row: str | None) -> None:
            super().__init__()
            self.list = sender
            self.row = row

        @property
        def control(self) -> RowList:
            """The list, for `@on` selectors."""
            return self.list

        def can_replace(self, message: Message) -> bool:
            """Only where the cursor is now matters."""
            return isinstance(message, RowList.Moved) and message.list is self.list

    class Chosen(Message):
        """A row was clicked while the cursor was on it."""

        def __init__(self, sender: RowList, row: str) -> None:
            super().__init__()
            self.list = sender
            self.row = row

        @property
        def control(self) -> RowList:
            """The list, for `@on` selectors."""
            return self.list

    LIT: ClassVar[bool] = False
    """The cursor's row stands out also while something else has the keyboard, which moves the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[str] = ()
        self._cursor = 0
        self._marks: dict[str, None] = {}
        self._placeholder: Sequence[Sequence[Part]] = ()
        self._strips: LRUCache[Hashable, Strip] = LRUCache(self.FAST_STRIPS)
        self._styles: dict[tuple[str, str], RichStyle] = {}
        self._pale = False

    # What subclasses give

    def draw(self, row: str, width: int) -> Iterable[Part]:
        """The pieces of a row, at most `width` columns of them."""
        return [(shorten(row, width), "")]

    def signature(self, row: str) -> Hashable:
        """All that `draw` depends on besides the width. Cheap: it is taken of each visible row at each update."""
        return None

    def show_cursor(self) -> bool:
        """False where the list is only read, so that no row stands out."""
        return True

    # State

    @property
    def rows(self) -> Sequence[str]:
        """Keys of all rows, in order."""
        return self._rows

    @property
    def cursor_index(self) -> int:
        """Position of the cursor."""
        return self._cursor

    @property
    def cursor_row(self) -> str | None:
        """Key of the row under the cursor; None when there are no rows."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def marks(self) -> tuple[str, ...]:
        """Marked rows, in the order they were marked."""
        return tuple(self._marks)

    def set_rows(self, rows: Sequence[str], *, keep: bool = True) -> None:
        """Take over a new list. The cursor stays on its row, and that row stays where it is on screen."""
        top = int(self.scroll_offset.y)
        before = self.cursor_row
        height = self.scrollable_content_region.height
        seen = top <= self._cursor < top + max(height, 1)
        anchor_index = self._cursor if seen else min(top, len(self._rows) - 1)
        anchor = self._rows[anchor_index] if self._rows else None
        self._rows = rows
        if not keep:
            self._cursor = anchor_index = top = 0
        else:
            cursor = self.find(before)
            self._cursor = max(0, min(self._cursor, len(rows) - 1)) if cursor is None else cursor
            found = self._cursor if seen else self.find(anchor)
            if found is not None:
                top = max(0, found - (anchor_index - top))
        self._resize_content(len(rows))
        if int(self.scroll_offset.y) != top:
            self.scroll_to(y=top, animate=False, force=True)
        self.refresh_changed()
        if (before is None) != (not rows):
            # The lines below the last row hold what is said while there are none, or have to say it now.
            self.refresh(self.size.region)
        if self.cursor_row != before:
            self.post_message(self.Moved(self, self.cursor_row))

    def _resize_content(self, height: int) -> None:
        # Setting `virtual_size` would lay out the whole screen; only a scrollbar that comes or goes needs that.
        if self.virtual_size.height == height:
            return
        size = Size(0, height)
        self.set_reactive(Widget.virtual_size, size)
        if self.is_mounted:
            self._scroll_update(size)

    def find(self, row: str | None) -> int | None:
        """Position of a row."""
        if row is None:
            return None
        try:
            return self._rows.index(row)
        except ValueError:
            return None

    def set_placeholder(self, lines: Sequence[Sequence[Part]]) -> None:
        """What to say in the middle while there are no rows."""
        if lines != self._placeholder:
            self._placeholder = lines
            if not self._rows:
                self.refresh(self.size.region)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and bring it into view."""
        if not self._rows:
            return
        index = max(0, min(index, len(self._rows) - 1))
        old, self._cursor = self._cursor, index
        top, height = int(self.scroll_offset.y), max(self.scrollable_content_region.height, 1)
        if not top <= index < top + height:
            near = index if index < top else index - height + 1
            self.scroll_to(y=near if abs(index - old) <= height else index - height // 2, animate=False, force=True)
        if old != index:
            self.refresh_line(old)
            self.refresh_line(index)
            self.post_message(self.Moved(self, self.cursor_row))

    def toggle_mark(self, row: str) -> None:
        """Mark a row, or take its mark away."""
        if row in self._marks:
            del self._marks[row]
        else:
            self._marks[row] = None
        self.refresh_changed()

    def clear_marks(self) -> bool:
        """Take all marks away; True if there were any."""
        had = bool(self._marks)
        self._marks.clear()
        self.refresh_changed()
        return had

    def set_pale(self, pale: bool) -> None:
        """Draw all rows in one quiet colour, for content that nothing confirms yet."""
        if pale != self._pale:
            self._pale = pale
            self.forget_strips()

    def refresh_changed(self) -> None:
        """Repaint the visible rows that look different now, and no others."""
        top = int(self.scroll_offset.y)
        for y, key in list(self.painted.items()):
            index = top + y
            if self._key(index) != key:
                self.refresh_line(index)

    # Painting

    def style_of(self, spec: str, ground: str = "") -> RichStyle:
        """The terminal style of a role on the list's own ground or another one."""
        style = self._styles.get((spec, ground))
        if style is None:
            parse = self.app.stylesheet.parse_style
            whole = self.visual_style
            for part in (ground, f"{spec} $text-muted".strip() if self._pale else spec):
                if part:
                    whole = whole + parse(part)
            style = self._styles[spec, ground] = whole.rich_style
        return style

    def strip_of(self, parts: Iterable[Part], width: int, ground: str = "") -> Strip:
        """Pieces of a row as a strip of exactly `width` columns."""
        # Fewer segments cost less in every later step of a paint, so neighbours of one style become one.
        merged: list[list[str]] = []
        used = 0
        for text, spec in parts:
            if text:
                used += width_of(text)
                if merged and merged[-1][1] == spec:
                    merged[-1][0] += text
                else:
                    merged.append([text, spec])
        strip = Strip([Segment(text, self.style_of(spec, ground)) for text, spec in merged], used)
        return strip if used == width else strip.adjust_cell_length(width, self.style_of("", ground))

    def _key(self, index: int) -> Hashable:
        if index >= len(self._rows):
            return None
        row = self._rows[index]
        at_cursor = (1 + (self.LIT or self.has_focus)) if index == self._cursor and self.show_cursor() else 0
        return row, self.signature(row), at_cursor, row in self._marks

    def render_line(self, y: int) -> Strip:
        """The strip of one line of the viewport."""
        width = self.scrollable_content_region.width
        index = int(self.scroll_offset.y) + y
        self.painted[y] = key = self._key(index)
        if key is None:
            return self._placeholder_line(y, width)
        cached = (key, width)
        strip = self._strips.get(cached)
        if strip is None:
            ground = ("", "on $surface", "on $cursor")[key[2]]  # type: ignore[index]  # _key returns a tuple
            strip = self.strip_of(self.draw(self._rows[index], width), width, ground)
            self._strips[cached] = strip
        return strip

    def _placeholder_line(self, y: int, width: int) -> Strip:
        lines = self._placeholder
        if not self._rows and lines:
            at = y - max(0, (self.scrollable_content_region.height - len(lines)) // 2)
            if 0 <= at < len(lines):
                used = sum(width_of(text) for text, _ in lines[at])
                return self.strip_of([(" " * ((width - used) // 2), ""), *lines[at]], width)
        return Strip.blank(width, self.style_of(""))

    def forget_strips(self) -> None:
        """Draw every row anew."""
        self._strips.clear()
        self._styles.clear()
        self.painted.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """The theme or a class changed: no strip is right any more."""
        super().notify_style_update()
        self.forget_strips()

    # Keys and mouse

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.move_to(self._cursor + by)

    def action_jump(self, index: int) -> None:
        """Put the cursor on the first row (0) or the last (-1)."""
        self.move_to(index if index >= 0 else len(self._rows) + index)

    def action_page(self, pages: float) -> None:
        """Move the cursor by pages."""
        height = max(self.scrollable_content_region.height, 2)
        step = max(1, round(abs(pages) * height) - (abs(pages) == 1))
        self.move_to(self._cursor + (step if pages > 0 else -step))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the click is; a click on the cursor's row chooses it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = int(self.scroll_offset.y) + offset.y
        if 0 <= index < len(self._rows):
            if index == self._cursor:
                self.post_message(self.Chosen(self, self._rows[index]))
            else:
                self.move_to(index)

    def on_focus(self) -> None:
        """The cursor's row stands out more while the list has the keyboard."""
        self.refresh_line(self._cursor)

    def on_blur(self) -> None:
        """See `on_focus`."""
        self.refresh_line(self._cursor)

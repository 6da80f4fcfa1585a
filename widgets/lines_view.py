"""A page of lines: some can be chosen, the others are only read, and the cursor passes over them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from widgets.row_list import Part, RowList
from widgets.safe_text import clean, fold, shorten, width_of


class TextLine(NamedTuple):
    """One line. With a `key`, which is unique on the page, the cursor stops at it."""

    parts: tuple[Part, ...] = ()
    key: str = ""


Build = Callable[[int], Iterable[TextLine]]
"""Makes the lines of a page for a width in columns."""


class LinesView(RowList):
    """Shows what a function makes of the width. Without any line to choose, the keys scroll."""

    FAST_STRIPS = 512

    def __init__(self) -> None:
        super().__init__()
        self._build: Build | None = None
        self._lines: dict[str, TextLine] = {}
        self._stops: list[int] = []
        self._built_width = -1

    def show(self, build: Build | None, *, keep: bool = False) -> None:
        """Show another page, from its top; with `keep` the same page in another state, from where it stands."""
        self._build = build
        self.rebuild(keep=keep)

    def rebuild(self, *, keep: bool = True) -> None:
        """Make the lines anew. A page that stands at its top stays there, so that what comes above is seen."""
        width, height = self.scrollable_content_region.size
        at_top = int(self.scroll_offset.y) == 0
        self._built_width = width
        made = list(self._build(width - 1)) if self._build is not None and width > 1 else []
        self._stops = [n for n, line in enumerate(made) if line.key]
        names = _numbered(len(made))
        if self._stops:
            names = list(names)
            for n in self._stops:
                names[n] = made[n].key
        self._lines = dict(zip(names, made, strict=True))
        self.set_rows(list(self._lines), keep=keep)
        if self._stops and self._cursor not in self._stops:
            if keep:
                self._snap(self._cursor)
            else:
                self.set_cursor(self._stops[0])
        if at_top and self._cursor < height and int(self.scroll_offset.y):
            self.scroll_to(y=0, animate=False, force=True)

    def set_cursor(self, index: int) -> None:
        """Put the cursor on a row without scrolling to it."""
        if index != self._cursor and 0 <= index < len(self._rows):
            self._cursor = index
            self.refresh_changed()
            self.post_message(self.Moved(self, self.cursor_row))

    @property
    def key(self) -> str:
        """Key of the line under the cursor; empty where there is none to choose."""
        row = self.cursor_row
        return self._lines[row].key if row is not None and row in self._lines else ""

    @property
    def plain(self) -> str:
        """The page as text, to copy."""
        return "\n".join("".join(text for text, _ in line.parts).rstrip() for line in self._lines.values())

    def go_to(self, key: str) -> bool:
        """Put the cursor on the line of this key."""
        index = self.find(key)
        if index is None:
            return False
        self.move_to(index)
        return True

    def signature(self, row: str) -> Hashable:
        """A line depends on nothing but itself."""
        return self._lines.get(row)

    def draw(self, row: str, width: int) -> Sequence[Part]:
        """The pieces of one line."""
        return self._lines[row].parts

    def show_cursor(self) -> bool:
        """Only a page with something to choose has a cursor."""
        return bool(self._stops)

    def on_resize(self) -> None:
        """Fold the lines to the new width."""
        if self.scrollable_content_region.width != self._built_width:
            self.rebuild()

    # Keys

    def _snap(self, index: int, step: int = 1) -> None:
        """Go to the nearest line to choose, first in the direction of the step."""
        after = next((stop for stop in self._stops if stop >= index), None)
        before = next((stop for stop in reversed(self._stops) if stop <= index), None)
        found = (after, before) if step > 0 else (before, after)
        target = next((stop for stop in found if stop is not None), None)
        if target is not None:
            self.move_to(target)

    def action_move(self, by: int) -> None:
        """Go to the next line to choose; beyond the last one, scroll."""
        ahead = [stop for stop in self._stops if (stop > self._cursor if by > 0 else stop < self._cursor)]
        if ahead:
            self.move_to(ahead[0] if by > 0 else ahead[-1])
        else:
            self.scroll_relative(y=by, animate=False, force=True)

    def action_jump(self, index: int) -> None:
        """To the first line to choose and the top of the page, or the last and its bottom."""
        if self._stops:
            self.move_to(self._stops[0] if index >= 0 else self._stops[-1])
        self.scroll_to(y=0 if index >= 0 else len(self._rows), animate=False, force=True)

    def action_page(self, pages: float) -> None:
        """By pages."""
        height = max(self.scrollable_content_region.height, 2)
        step = max(1, round(abs(pages) * height) - (abs(pages) == 1)) * (1 if pages > 0 else -1)
        ahead = self._stops and (self._stops[-1] > self._cursor if step > 0 else self._stops[0] < self._cursor)
        if ahead:
            self._snap(max(0, min(self._cursor + step, len(self._rows) - 1)), step)
        else:
            self.scroll_relative(y=step, animate=False, force=True)


_NUMBERED: list[str] = []


def _numbered(count: int) -> Sequence[str]:
    """Keys of so many lines that have none of their own; long pages are made anew at keys, so they are kept."""
    _NUMBERED.extend(f"\0{n}" for n in range(len(_NUMBERED), count))
    return _NUMBERED[:count]


def folded(text: str, width: int, style: str = "", *, lead: Part = ("", ""), limit: int = 40) -> list[TextLine]:
    """A foreign text as lines at most `width` wide, broken between words; all but the first stand under the text."""
    indent = " " * width_of(lead[0])
    room = max(width - len(indent), 8)
    lines: list[str] = []
    for paragraph in clean(text).split("\n"):
        lines += wrapped(paragraph, room)
    if len(lines) > limit:
        last = lines[limit - 1]
        lines = [*lines[: limit - 1], f"{last} …" if width_of(last) + 2 <= room else shorten(f"{last}…", room)]
    return [TextLine((lead if n == 0 else (indent, ""), (line, style))) for n, line in enumerate(lines)]


def wrapped(text: str, width: int) -> list[str]:
    """A cleaned line broken between words where it can be."""
    if width_of(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width_of(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = fold(word, width)
        lines += whole
    return [*lines, line] if line or not lines else lines


def heading(text: str) -> list[TextLine]:
    """A blank line and a quiet title."""
    return [TextLine(), TextLine(((text, "$text-muted"),))]


def labelled(label: str, text: str, width: int, style: str = "", *, column: int = 8, limit: int = 2) -> list[TextLine]:
    """`label   value`, the value in at most `limit` lines."""
    return folded(text, width, style, lead=(f"{shorten(label, column - 1).ljust(column)}", "$text-muted"), limit=limit)

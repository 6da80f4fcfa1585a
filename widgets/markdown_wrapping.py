"""Where the lines of a text break on screen, and which place of the text stands where."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate, pairwise

from rich.cells import cell_len
from textual.document._document import Location
from textual.document._wrapped_document import WrappedDocument
from textual.geometry import Offset

from widgets.markdown_document import MarkdownDocument
from widgets.markdown_syntax import LONGEST
from widgets.safe_text import TAB_SIZE, in_place

_CHUNK = re.compile(r"\s*\S+\s*|\s+")
_TAB = " " * TAB_SIZE


def shown(text: str) -> str:
    """A piece of a line as the terminal gets it: no control character, tabs as blanks."""
    made = in_place(text)
    return made.replace("\t", _TAB) if "\t" in made else made


def cells(text: str) -> int:
    """Columns that a piece of a line takes on screen."""
    return len(text) if text.isascii() and text.isprintable() else cell_len(shown(text))


def breaks(line: str, width: int) -> tuple[int, ...]:
    """The columns at which a line goes on below itself, between words where that can be."""
    if width <= 0 or (len(line) <= width and line.isascii() and "\t" not in line):
        return ()
    # Of lines that are endless, no more are kept than are being looked at.
    return _breaks(line, width) if len(line) <= LONGEST else _endless_breaks(line, width)


def _made_breaks(line: str, width: int) -> tuple[int, ...]:
    even = line.isascii() and "\t" not in line
    return tuple(_even_breaks(line, width) if even else _uneven_breaks(line, width))


_breaks = lru_cache(maxsize=2048)(_made_breaks)
_endless_breaks = lru_cache(maxsize=4)(_made_breaks)


def _even_breaks(line: str, width: int) -> list[int]:
    """Where each character takes one column."""
    found, at = [], 0
    while len(line) - at > width:
        # A blank may stand in the column that is kept free for the cursor.
        blank = line.rfind(" ", at, at + width + 1)
        at = blank + 1 if blank > at else at + width
        found.append(at)
    if found and found[-1] == len(line):
        found.pop()
    return found


def _uneven_breaks(line: str, width: int) -> list[int]:
    found: list[int] = []
    used = 0
    for match in _CHUNK.finditer(line):
        chunk, at = match[0], match.start()
        size = cells(chunk)
        if used + cells(chunk.rstrip()) <= width:
            used += size
            continue
        if used and size <= width:
            found.append(at)
            used = size
            continue
        for offset, sign in enumerate(chunk):
            # Joined signs count one by one here, which at worst breaks a line early.
            each = cells(sign)
            if used + each > width:
                found.append(at + offset)
                used = 0
            used += each
    return [at for at in found if 0 < at < len(line)]


class Wrapping(WrappedDocument):
    """The lines of a document as they stand on screen. Follows the document by itself."""

    def __init__(self, document: MarkdownDocument) -> None:
        self.text = document
        self._heights: list[int] = []
        self._tops: list[int] | None = None
        super().__init__(document)
        document.on_splice = self._spliced

    def wrap(self, width: int, tab_width: int | None = None) -> None:
        """Break all lines anew for this width in columns; 0 breaks none."""
        if width == self._width and len(self._heights) == self.text.line_count:
            return
        self._width = width
        self._heights = [len(breaks(line, width)) + 1 for line in self.text.lines]
        self._tops = None

    def wrap_range(self, start: Location, old_end: Location, new_end: Location) -> None:
        """Nothing to do: the document tells of every change itself."""

    def _spliced(self, top: int, old: int, new: int) -> None:
        heights = [len(breaks(line, self._width)) + 1 for line in self.text.lines[top : top + new]]
        if heights != self._heights[top : top + old]:
            self._heights[top : top + old] = heights
            self._tops = None

    @property
    def tops(self) -> list[int]:
        """The screen line on which each line begins, and at the end how many there are."""
        if self._tops is None:
            self._tops = [0, *accumulate(self._heights)]
        return self._tops

    @property
    def wrapped(self) -> bool:
        """Whether any line is broken."""
        return self.height != len(self._heights)

    @property
    def lines(self) -> list[list[str]]:
        """The parts of every line."""
        return [self.get_sections(row) for row in range(len(self._heights))]

    @property
    def height(self) -> int:
        """Lines on screen."""
        return self.tops[-1]

    def line_at(self, y: int) -> tuple[int, int]:
        """The line that stands at a screen line, and which of its parts."""
        row = min(max(bisect_right(self.tops, y) - 1, 0), len(self._heights) - 1)
        return row, min(max(y - self.tops[row], 0), self._heights[row] - 1)

    def section(self, row: int, number: int) -> tuple[int, int]:
        """The columns of a part of a line, the end exclusive."""
        cuts = breaks(self.text.lines[row], self._width)
        return (cuts[number - 1] if number else 0), (cuts[number] if number < len(cuts) else len(self.text.lines[row]))

    def get_offsets(self, line_index: int) -> list[int]:
        """The columns at which a line is broken."""
        return list(breaks(self.text.lines[line_index], self._width))

    def get_sections(self, line_index: int) -> list[str]:
        """The parts of a line."""
        line = self.text.lines[line_index]
        cuts = [0, *breaks(line, self._width), len(line)]
        return [line[start:end] for start, end in pairwise(cuts)]

    def get_tab_widths(self, line_index: int) -> list[int]:
        """The width of each tab of a line."""
        return [TAB_SIZE] * self.text.lines[line_index].count("\t")

    def location_to_offset(self, location: Location) -> Offset:
        """Where a place of the text stands on screen."""
        row, column = location
        row = min(max(row, 0), len(self._heights) - 1)
        number = bisect_right(breaks(self.text.lines[row], self._width), column)
        start, _ = self.section(row, number)
        return Offset(cells(self.text.lines[row][start:column]), self.tops[row] + number)

    def offset_to_location(self, offset: Offset) -> Location:
        """The place of the text that stands there; the end where nothing does."""
        x, y = offset
        row, number = self.line_at(max(0, min(y, self.height - 1)))
        return row, self.get_target_document_column(row, max(0, x), number)

    def get_target_document_column(self, line_index: int, x_offset: int, y_offset: int) -> int:
        """The column that stands at `x_offset` of a line's part; `y_offset` may count from the end."""
        line = self.text.lines[line_index]
        count = len(breaks(line, self._width)) + 1
        number = y_offset % count
        start, end = self.section(line_index, number)
        part = line[start:end]
        if part.isascii() and part.isprintable():
            column = start + min(x_offset, len(part))
        else:
            column, used = start, 0
            for sign in part:
                used += cells(sign)
                if used > x_offset:
                    break
                column += 1
        return min(column, end - 1) if number < count - 1 else column

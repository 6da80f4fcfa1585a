"""The Markdown editor's picture: only lines that look different now are drawn, whatever a key changed."""

from __future__ import annotations

import re
import time
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual._text_area_theme import TextAreaTheme
from textual.cache import LRUCache
from textual.content import Content
from textual.document._document import EditResult, Location, Selection
from textual.document._document_navigator import DocumentNavigator
from textual.document._edit import Edit
from textual.geometry import Region, Size
from textual.reactive import Reactive, reactive
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import TextArea

from widgets.kept_lines import KeptLines
from widgets.markdown_document import Mark, MarkdownDocument, Span
from widgets.markdown_search import EndlessError, limited
from widgets.markdown_syntax import LONGEST, pieces
from widgets.markdown_wrapping import Wrapping, cells, shown
from widgets.safe_text import fit, shorten

GUTTER = 2
SIGNS = {"error": ("✗", "$error"), "warn": ("⚠", "$warning"), "info": ("○", "$info")}
"""How the severities of findings are told, the worst first."""
OFFERED = 8
"""Names that are offered at once."""
LINE_S = 0.05
_STEPS = 1_000
BURST_S = 0.02


class Offer(NamedTuple):
    """Names to choose from, below the cursor."""

    names: tuple[str, ...] = ()
    chosen: int = 0
    typed: int = 0
    """Characters before the cursor that the name would take the place of."""


class _Look(NamedTuple):
    """All that a line of the viewport depends on."""

    line: str
    state: str = ""
    start: int = 0
    end: int = 0
    marks: tuple[Mark, ...] = ()
    chosen: tuple[int, int] | None = None
    cursor: int | None = None
    here: bool = False
    hits: re.Pattern[str] | None = None
    over: tuple[int, str, bool] | None = None
    """What lies over the line: its column, its text, whether it is the chosen name."""
    hint: str = ""


class _Unthemed(TextAreaTheme):
    """Textual works a theme of text areas out anew for every paint; ours are painted by roles."""

    def apply_css(self, text_area: TextArea) -> None:
        """Nothing."""


class MarkdownCanvas(KeptLines, TextArea):
    """A text area with lines, wrapping and painting of our own; `MarkdownEditor` adds what keys do."""

    ALLOW_SELECT = False
    # Textual passes these on by the first base class alone.
    COMPONENT_CLASSES = TextArea.COMPONENT_CLASSES
    DEFAULT_CSS = """
    MarkdownCanvas, MarkdownCanvas:focus {
        background: $background;
        color: $foreground;
        border: round $panel;
        padding: 0;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        border-subtitle-align: right;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
    }
    MarkdownCanvas:focus { border: round $accent; border-title-color: $accent; }
    """

    # Without a repaint of its own: that would be of the whole view at every key.
    selection: Reactive[Selection] = reactive(Selection(), init=False, always_update=True, repaint=False)

    _showing = False
    _shown = 0.0

    def __init__(self, text: str = "") -> None:
        self._strips: LRUCache[Hashable, Strip] = LRUCache(512)
        self._looks: dict[str, Style] = {}
        self.hits: re.Pattern[str] | None = None
        """What is being looked for, shown wherever it stands."""
        self.offer = Offer()
        self.hint: tuple[str, ...] = ()
        """Lines that stand in an empty text."""
        super().__init__()
        self.cursor_blink = False
        self.tab_behavior = "indent"
        self.history.max_checkpoints = _STEPS
        self._forget_history()
        self._set_document(text, None)

    def _set_theme(self, theme: str) -> None:
        self._theme = _Unthemed(theme)

    def _forget_history(self) -> None:
        # Textual fixes the length of its stack when it is made.
        self.history.__post_init__()
        self.history.clear()

    # The document

    def _set_document(self, text: str, language: str | None) -> None:
        self.lines = MarkdownDocument(text)
        self.wrapping = Wrapping(self.lines)
        self.document, self.wrapped_document = self.lines, self.wrapping
        self.navigator = DocumentNavigator(self.wrapping)
        self.move_cursor((0, 0))
        self._rewrap_and_refresh_virtual_size()
        if self.is_mounted:
            self.scroll_to(y=0, animate=False, force=True)
            self.refresh()

    @property
    def gutter_width(self) -> int:
        """Columns at the left, in which the worst finding of a line is told."""
        return GUTTER

    def _rewrap_and_refresh_virtual_size(self) -> None:
        self.wrapping.wrap(self.wrap_width)
        self._refresh_size()
        if self.is_mounted:
            self.refresh_changed()

    def _refresh_size(self) -> None:
        # Setting `virtual_size` would lay out the whole screen; the scrollbar is always there.
        size = Size(0, self.wrapping.height)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            if self.is_mounted:
                self._scroll_update(size)

    def edit(self, edit: Edit) -> EditResult:
        """Make a change that can be undone."""
        result = edit.do(self)
        self.history.record(edit)
        self._edited(edit)
        return result

    def put(self, text: str, start: Location, end: Location) -> Location:
        """Write in place of what stands there, as nothing that is undone; the end of what was written."""
        edit = Edit(text, start, end, False)
        result = edit.do(self, record_selection=False)
        self._edited(edit)
        return result.end_location

    def _undo_batch(self, edits: Sequence[Edit]) -> None:
        for edit in reversed(edits):
            edit.undo(self)
        self._edited(edits[0])

    def _redo_batch(self, edits: Sequence[Edit]) -> None:
        for edit in edits:
            edit.do(self, record_selection=False)
        self._edited(edits[-1])

    def _edited(self, last: Edit) -> None:
        self._refresh_size()
        last.after(self)
        self.refresh_changed()
        self._show_soon()
        self.post_message(self.Changed(self))

    def show_findings(self, spans: Sequence[Span]) -> None:
        """Underline these (offsets and severity, one of `SIGNS`) instead of those before; edits move them along."""
        self.lines.set_marks(spans)
        self.refresh_changed()

    # Selection

    def _watch_selection(self, previous_selection: Selection, selection: Selection) -> None:
        if not self.is_mounted:
            return
        self.scroll_cursor_visible()
        self.app.cursor_position = self.cursor_screen_offset
        self.refresh_changed()
        self._show_soon()
        if previous_selection != selection:
            self.post_message(self.SelectionChanged(selection, self))

    def _watch_has_focus(self, focus: bool) -> None:
        self.history.checkpoint()
        if focus:
            self.app.cursor_position = self.cursor_screen_offset
        self.refresh_changed()

    # Painting

    def notify_style_update(self) -> None:
        """The theme or a class changed: no strip is right any more."""
        super().notify_style_update()
        self._strips.clear()
        self._looks.clear()
        self.painted.clear()
        self.refresh()

    def refresh_changed(self) -> None:
        """Repaint the visible lines that look different now, and no others."""
        top = int(self.scroll_offset.y)
        for y, painted in list(self.painted.items()):
            if self._look(top + y) != painted:
                self.refresh_line(top + y)
        self._write_state()

    def _show_soon(self) -> None:
        """Paint once the key is dealt with, rather than with the next frame: a key may wait 16 ms for that one."""
        if not self._showing:
            self._showing = True
            self.call_next(self._show_now)

    def _show_now(self) -> None:
        self._showing = False
        screen = self.screen
        now = time.monotonic()
        # Where keys come all at once, or more than this view changes, one frame shows it all.
        if now - self._shown < BURST_S or self.app._batch_count or not screen.is_current:
            return
        if not (screen._layout_required or screen._scroll_required or screen._repaint_required):
            self._shown = now
            screen._compositor.update_widgets({self})
            screen._compositor_refresh()

    def _write_state(self) -> None:
        if self.read_only and self.hint and not self.lines.words:
            self.write_border("subtitle", Content(""))
            return
        row, column = self.selection.end
        words = f"{self.lines.words:,} word{'' if self.lines.words == 1 else 's'}"
        self.write_border("subtitle", Content(f"{words} · {row + 1}:{column + 1}"))

    def _look(self, y: int) -> _Look:
        over = self._over(y)
        if y >= self.wrapping.height:
            return _Look("", over=over)
        row, number = self.wrapping.line_at(y)
        start, end = self.wrapping.section(row, number)
        line = self.lines.lines[row]
        (first, last), (at_row, at_column) = sorted(self.selection), self.selection.end
        chosen = None
        if first != last and first[0] <= row <= last[0]:
            left = max(first[1] if row == first[0] else 0, start)
            # The line end is chosen, too, where the selection goes on below.
            right = min(last[1] if row == last[0] else len(line) + 1, end if end < len(line) else end + 1)
            chosen = (left, right) if right > left else None
        here = row == at_row and start <= at_column and (at_column < end or end == len(line)) and self.has_focus
        hint = self.hint[0] if y == 0 and self.hint and not line and self.lines.line_count == 1 else ""
        return _Look(
            line, self.lines.states[row], start, end, self.lines.marks_of(row), chosen,
            at_column if here else None, here, self.hits, over, hint,
        )  # fmt: skip

    def _over(self, y: int) -> tuple[int, str, bool] | None:
        names, chosen, typed = self.offer
        if not names:
            return None
        x, at = self.wrapping.location_to_offset(self.selection.end)
        top = max(0, chosen - OFFERED + 1)
        count = min(len(names), OFFERED)
        height, scrolled = self.scrollable_content_region.height, int(self.scroll_offset.y)
        below = at + 1 + count <= scrolled + height or at - scrolled < count
        number = y - at - 1 if below else y - at + count
        if not 0 <= number < count:
            return None
        room = self.scrollable_content_region.width
        width = min(max(cells(name) for name in names[top : top + count]) + 2, max(room - 2, 8), 48)
        left = max(0, min(GUTTER + x - typed - 1, room - width))
        return left, f" {fit(shorten(shown(names[top + number]), width - 2), width - 2)} ", top + number == chosen

    def style_of(self, spec: str) -> Style:
        """The terminal style of a role on the editor's own ground."""
        style = self._looks.get(spec)
        if style is None:
            whole = self.visual_style
            for part in spec.split("/"):
                if part:
                    whole = whole + self.app.stylesheet.parse_style(part)
            style = self._looks[spec] = whole.rich_style
        return style

    def render_line(self, y: int) -> Strip:
        """The strip of one line of the viewport."""
        width = self.scrollable_content_region.width
        self.painted[y] = look = self._look(int(self.scroll_offset.y) + y)
        cached = (look, width)
        strip = self._strips.get(cached)
        if strip is None:
            strip = self._strips[cached] = self._painted(look, width)
        return strip

    def _painted(self, look: _Look, width: int) -> Strip:
        ground = "on $surface" if look.here else ""
        sign, style = _worst(look.marks, look.start, look.end)
        runs = [(f"{sign} ", f"{ground}/{style}" if style else ground), *_runs(look, ground)]
        if look.hint:
            runs.append((shorten(look.hint, width - GUTTER - 1), f"{ground}/$text-muted"))
        segments = [Segment(text, self.style_of(spec)) for text, spec in runs if text]
        strip = Strip(segments, sum(cells(text) for text, _ in runs))
        strip = strip.adjust_cell_length(width, self.style_of(ground))
        if look.over is not None:
            left, text, chosen = look.over
            over = Segment(text, self.style_of("$ink on $accent" if chosen else "on $panel"))
            size = cells(text)
            strip = Strip.join([strip.crop(0, left), Strip([over], size), strip.crop(left + size, width)])
        return strip

    def refresh_line(self, y: int) -> None:
        """Repaint a line of the text as it stands on screen, if it is in view."""
        at = y - int(self.scroll_offset.y)
        width, height = self.scrollable_content_region.size
        if 0 <= at < height:
            self.refresh(Region(0, at, width, 1))


def _worst(marks: tuple[Mark, ...], start: int, end: int) -> tuple[str, str]:
    found = {severity for first, _, severity in marks if start <= first < end or first == end == start}
    return next((sign for severity, sign in SIGNS.items() if severity in found), (" ", ""))


@lru_cache(maxsize=1024)
def _found(line: str, pattern: re.Pattern[str]) -> tuple[tuple[int, int], ...]:
    try:
        with limited(LINE_S):
            return tuple(match.span() for match in pattern.finditer(line) if match.end() > match.start())
    except EndlessError:
        return ()


def _runs(look: _Look, ground: str) -> list[tuple[str, str]]:
    """The visible part of a line as pieces of one style each, ready for the terminal."""
    line, start, end = look.line, look.start, look.end
    # One more than the text has: the cursor and the end of a selection may stand behind it.
    size = end - start + (end == len(line))
    roles = [""] * size

    def lay(first: int, last: int, style: str, *, over: bool = False) -> None:
        for at in range(max(first - start, 0), min(last - start, size)):
            roles[at] = style if over or not roles[at] else f"{roles[at]}/{style}"

    for first, last, style in pieces(line, look.state):
        lay(first, last, style)
    for first, last, severity in look.marks:
        lay(first, last, f"{SIGNS.get(severity, SIGNS['info'])[1]} underline")
    if look.hits is not None and len(line) <= LONGEST:
        for first, last in _found(line, look.hits):
            lay(first, last, "$accent on $panel bold", over=True)
    if look.chosen is not None:
        lay(*look.chosen, "$ink on $accent" if look.hits is not None else "on $panel")
    if look.cursor is not None:
        lay(look.cursor, look.cursor + 1, "$ink on $accent", over=True)
    runs: list[tuple[str, str]] = []
    at = 0
    for stop in range(1, size + 1):
        if stop == size or roles[stop] != roles[at]:
            text = line[start + at : start + stop] + (" " if start + stop > len(line) else "")
            runs.append((shown(text), f"{ground}/{roles[at]}" if ground else roles[at]))
            at = stop
    return runs

"""The line at the top: areas with their badges at the left, notice, database and clock at the right."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from app.events import Badge, StorageChanged, Tone

if TYPE_CHECKING:
    from textual import events
    from textual.timer import Timer

NAME = "quarterdeck"
BADGE_CELLS = 4
POINTER = "  ctrl+p problems"
LEAST_BESIDE_POINTER = 60
"""A longer notice is rather cut than shown without the way to all of them."""
NOTICE_CELLS = 24
"""Tabs fold for a notice until it has this much room; a longer one is cut."""
MIDDLE_CELLS = 20
"""A notice with less room than this keeps only its beginning."""
REMEDY = ": ctrl+p"
"""Where a notice begins to say what to press."""
BEGINNING_CELLS = 10
"""Cells of a notice's beginning without which it would not say what it is about."""
FOLDERS = re.compile(r"^[^:]*/(?=[^/:]+:\d+: )")

TONES: dict[Tone, str] = {
    "plain": "$foreground",
    "good": "$success",
    "warn": "$warning",
    "bad": "$error",
    "busy": "$info",
}


class Tab(NamedTuple):
    """One area as the bar names it."""

    id: str
    number: int
    title: str


class BarState(NamedTuple):
    """All that the bar shows."""

    tabs: tuple[Tab, ...] = ()
    active: str = ""
    badges: tuple[Badge, ...] = ()
    notice: str = ""
    others: int = 0
    """Notices besides the one that shows."""
    storage: StorageChanged | None = None
    clock: str = ""


class Span(NamedTuple):
    """A piece of the bar; `target` is what a click on it opens: an area's id, or `notice`."""

    text: str
    style: str
    target: str = ""


def storage_text(storage: StorageChanged | None, *, short: bool = False) -> str:
    """The database in a word: `sqlite ●`, `mysql ✗ 12 waiting`."""
    if storage is None:
        return ""
    text = f"{storage.backend} {'●' if storage.up else '✗'}"
    if storage.waiting:
        text += f" {storage.waiting}" + ("" if short else " waiting")
    return text


def cut(text: str, cells: int) -> str:
    """`text` in at most `cells` cells, its end replaced by an ellipsis when it does not fit."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "…" if cells > 0 else ""


def _tab(tab: Tab, state: BarState, *, named: bool) -> list[Span]:
    badge = next((badge for badge in state.badges if badge.area == tab.id), None)
    figure = set_cell_size(badge.text if badge else "", BADGE_CELLS)
    title = f"{tab.title} " if named else ""
    if tab.id == state.active:
        return [Span(f" {tab.number} {title}{figure} ", "bold $ink on $accent", tab.id)]
    return [
        Span(f" {tab.number} ", "$text-muted", tab.id),
        Span(title, "$foreground", tab.id),
        Span(f"{figure} ", TONES[badge.tone] if badge else "", tab.id),
    ]


def _left(state: BarState, level: int) -> list[Span]:
    """The tabs, folded the more the higher the level: app name, names of other areas, all names, lines between."""
    spans = [Span(f" {NAME}  " if level < 1 else "", "$text-muted")]
    for index, tab in enumerate(state.tabs):
        if index:
            spans.append(Span("│" if level < 4 else "", "$muted"))
        named = level < 2 or (level == 2 and tab.id == state.active)
        spans.extend(_tab(tab, state, named=named))
    return spans


def _right(state: BarState, level: int) -> str:
    parts = (storage_text(state.storage, short=level >= 2), state.clock if level < 5 else "")
    return "  ".join(part for part in parts if part)


def _cells(spans: list[Span]) -> int:
    return sum(cell_len(span.text) for span in spans)


def arrange(state: BarState, width: int) -> list[Span]:
    """The bar in exactly `width` cells. Badges have a fixed width, so that a changing number moves nothing."""
    least = max(NOTICE_CELLS, _remedy_cells(state.notice) + BEGINNING_CELLS)
    wanted = min(cell_len(state.notice), least) + 4 if state.notice else 0
    left, right, free = _left(state, 0), "", 0
    for level in range(6):
        left, right = _left(state, level), _right(state, level)
        free = width - _cells(left) - cell_len(right) - 3
        if free >= wanted:
            break
    if free < 0:
        left, right = _left(state._replace(storage=None), 5), ""
        free = width - _cells(left) - 3
    notice = _notice(state, free - 2) if state.notice else ""
    gap = max(0, width - _cells(left) - cell_len(notice) - cell_len(right) - 3)
    return [
        *left,
        Span(" " * gap, ""),
        Span(notice, "bold $foreground", "notice"),
        Span(f"  {right} ", "$text-muted" if state.storage is None or state.storage.up else "$foreground"),
    ]


def _notice(state: BarState, cells: int) -> str:
    """The notice, its middle cut when it does not fit: its end tells as much as its beginning."""
    tail = f"  +{state.others}" if state.others else ""
    for pointer in (POINTER, ""):
        if cells - cell_len(tail + pointer) >= min(cell_len(state.notice) + 2, LEAST_BESIDE_POINTER):
            tail += pointer
            break
    text, room = f"⚠ {state.notice}", cells - cell_len(tail)
    if cell_len(text) > room:
        # The folders of the file that is named say least.
        text = f"⚠ {FOLDERS.sub('', state.notice)}"
    if cell_len(text) > room >= MIDDLE_CELLS:
        end = _end_cells(text, room)
        text = set_cell_size(text, room - end - 1).rstrip() + "…" + set_cell_size(text[-end:], end).strip()
    return cut(cut(text, max(room, 0)) + tail, cells)


def _remedy_cells(text: str) -> int:
    """Cells of what a notice says to press; 0 where it says nothing of the kind."""
    return cell_len(text[text.rfind(REMEDY) + 2 :]) if REMEDY in text else 0


def _end_cells(text: str, room: int) -> int:
    """Cells of a notice's end that are kept: half of the room, or more where it says what to press."""
    remedy = _remedy_cells(text)
    return remedy if room // 2 < remedy <= room - BEGINNING_CELLS else room // 2


class TabBar(Widget):
    """One widget, one line. It is told its state and says what was clicked."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = """
    TabBar { height: 1; width: 1fr; background: $background; }
    """

    class Chosen(Message):
        """A tab (its area's id) or the notice (`notice`) was clicked."""

        def __init__(self, target: str) -> None:
            super().__init__()
            self.target = target

    def __init__(self, tabs: tuple[Tab, ...], *, clock: bool = True, now: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.state = BarState(tabs=tabs)
        self._now = now or datetime.now
        self._show_clock = clock
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        self._tick()

    def on_app_focus(self) -> None:
        """Catch up after the machine slept: timers do not count that time."""
        self._tick()

    def show_clock(self, shown: bool) -> None:
        """Turn the clock on or off."""
        if shown != self._show_clock:
            self._show_clock = shown
            self._tick()

    def _tick(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if not self._show_clock:
            self._set(self.state._replace(clock=""))
            return
        now = self._now()
        self._set(self.state._replace(clock=f"{now:%H:%M}"))
        seconds_left = 60 - now.second - now.microsecond / 1e6
        self._timer = self.set_timer(seconds_left + 0.02, self._tick, name="clock")

    def _set(self, state: BarState) -> None:
        if state != self.state:
            self.state = state
            self.refresh()

    def activate(self, area: str) -> None:
        """Mark the tab of `area` as the open one."""
        self._set(self.state._replace(active=area))

    def set_badge(self, badge: Badge) -> None:
        """Show an area's state in place of its earlier one."""
        others = tuple(other for other in self.state.badges if other.area != badge.area)
        self._set(self.state._replace(badges=(*others, badge)))

    def set_storage(self, storage: StorageChanged | None) -> None:
        """Show the database's state."""
        self._set(self.state._replace(storage=storage))

    def set_notice(self, text: str, others: int = 0) -> None:
        """Show one line at the right, and how many more there are; empty takes it away."""
        self._set(self.state._replace(notice=" ".join(text.split()), others=max(others, 0)))

    def render(self) -> Content:
        spans = arrange(self.state, self.size.width)
        return Content.assemble(*((span.text, span.style) for span in spans if span.text), end="")

    def on_click(self, event: events.Click) -> None:
        edge = 0
        for span in arrange(self.state, self.size.width):
            edge += cell_len(span.text)
            if event.x < edge:
                if span.target:
                    self.post_message(self.Chosen(span.target))
                return

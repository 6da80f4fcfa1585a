"""Feedback: one row fills the screen, one key decides it and the next one is there; the queue stands at the left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from screens import feedback_text as words
from screens.base import Runtime
from screens.feedback_filter import FilterInput
from screens.feedback_palette import FeedbackPalette
from screens.feedback_panels import JumpingList, Panels, RowView
from screens.feedback_quarantine import NEXT
from widgets.feedback_lines import Shown, row_lines
from widgets.figures import wall_clock
from widgets.head_list import QueueList, why_of
from widgets.refused_list import RefusedList

if TYPE_CHECKING:
    from textual.timer import Timer

    from app.events import FeedbackChanged, RetrainChanged, SourcesChanged
    from app.feedback.model import Order, State
    from app.feedback.review import FeedbackSnapshot

SAID_S = 10.0
"""Seconds that what was said stays."""
QUEUE_WIDTH = 44
"""Columns of the queue, as in the style sheet."""
BORDER = 6
"""Columns of a border that words in it cannot have."""
NARROW = 100
"""Columns below which the row has the screen for itself."""


class FeedbackPane(FeedbackPalette):
    """The Feedback area."""

    AREA = "feedback"
    TITLE = "Feedback"
    HELP = (
        "What your models answered and what people thought of it, one row at a time: one key decides and the next row "
        "is there. Every decision is kept, also while the database is away, and can be undone."
    )
    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], float] = wall_clock
        self.queue = QueueList()
        self.queue.id = "queue"
        self.list = JumpingList()
        self.list.id = "list"
        self.list.jump = self.jump
        self.refused = RefusedList()
        self.refused.id = "refused"
        self._let_go = []
        self._held_here = {}
        self._given, self._given_back, self._losing = {}, {}, []
        self._turn = asyncio.Lock()
        self.row = RowView()
        self.row.id = "row"
        self.row.resized = self._words_of_row
        self.filter = FilterInput()
        self.filter.display = False
        self.status = Static(Content(""), id="status")
        self._unfollow: tuple[Callable[[], None], ...] = ()
        self._listed: Shown | None = None
        self._configured: Order | None = None
        self._said_until: Timer | None = None

    def compose(self) -> ComposeResult:
        with Panels(id="panels"):
            yield self.queue
            yield self.list
            yield self.refused
            yield self.row
        yield self.filter
        yield self.status

    # Life

    def on_mount(self) -> None:
        """Say that it starts, until the engine is up."""
        self.list.clock = self.refused.clock = self.clock
        self._fold(self.app.size.width)
        self.paint()
        self.set_timer(0.3, self._warm)

    def _warm(self) -> None:
        from widgets import source

        self.run_worker(source.warm, thread=True, group="warm", exit_on_error=False)

    def attach(self, runtime: Runtime) -> None:
        """Follow the engine."""
        super().attach(runtime)
        from app.events import FeedbackChanged, RetrainChanged, SourcesChanged

        self._end_following()
        self._unfollow = (
            runtime.bus.subscribe(FeedbackChanged, self._changed),
            runtime.bus.subscribe(RetrainChanged, self._retrain_changed),
            runtime.bus.subscribe(SourcesChanged, self._sources_changed),
        )
        self.sources = runtime.discord.problems
        self._carry_over(runtime.settings.feedback.order)
        if self.active and self.service is not None:
            self.service.open_review()
        if self.is_mounted:
            self.paint()

    def _carry_over(self, configured: Order) -> None:
        """What was chosen here holds also for a service that another configuration has built."""
        if configured != self._configured:
            self.order, self._configured = None, configured
        if self.service is None:
            return
        if self.order is not None:
            self.service.set_order(self.order)
        if self.narrowed:
            self.attempt(self.service.set_filter(self.narrowed))

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        self._end_following()

    def _end_following(self) -> None:
        for unfollow in self._unfollow:
            unfollow()
        self._unfollow = ()

    def on_activated(self) -> None:
        """Keep rows ready from now on."""
        self.active = True
        if self.service is not None:
            self.service.open_review()
        self._shown_at = time.monotonic()
        self.paint()
        focused = self.screen.focused
        if focused is not None and focused in self.query("*") and not focused.display:
            # The first widget of the first area gets the keyboard before it is known to be hidden.
            self.focus_default()

    def on_deactivated(self) -> None:
        """Claim no more rows."""
        self.active = False
        if self.service is not None:
            self.service.leave_review()

    def focus_default(self) -> None:
        """The row, or the list where that is open."""
        (self.row if self._at_row else self.page_widget).focus(scroll_visible=False)

    def unsaved(self) -> str:
        """Decisions that are not on the disk yet, and what was given to a row without a verdict."""
        snapshot = self.snapshot
        if snapshot is not None and snapshot.unsaved:
            return f"{snapshot.unsaved} decisions on their way to the disk"
        return self.without_verdict()

    # From the service to the screen

    def _changed(self, event: FeedbackChanged) -> None:
        self.note_returned(event.snapshot)
        if self.active:
            self.paint(event.snapshot)

    def _retrain_changed(self, _event: RetrainChanged) -> None:
        if self.active and self.is_mounted:
            self._paint_status(self.snapshot)

    def _sources_changed(self, event: SourcesChanged) -> None:
        self.sources = event.problems
        if self.active and self.is_mounted:
            self._paint_status(self.snapshot)

    def paint(self, snapshot: FeedbackSnapshot | None = None) -> None:
        """Bring everything on screen in line with the review, touching only what differs."""
        if not self.is_mounted:
            return
        snapshot = snapshot or self.snapshot
        current = snapshot.current if snapshot is not None else None
        with self.app.batch_update():
            if current is not None and self._shown is not None and current.row is self._shown.row:
                # The same row, that waits a little longer: what was given to it stays.
                if current is not self._shown:
                    self._shown = current
                    if self.mode == "queue":
                        self.paint_row()
            elif current is not self._shown:
                if self.given is not None:
                    # It was not decided, or this would have gone with the verdict.
                    self.say("what was given to the row waits for it to come again")
                self._shown, self.unfolded = current, False
                self._shown_at = time.monotonic()
                if self.mode == "queue":
                    self.paint_row(keep=False)
                self.refresh_bindings()
            self.set_class(current is None, "-empty")
            if self.mode == "queue":
                # It shows only where the row has the screen for itself.
                width = (self.size.width or self.app.size.width) - 4
                self.row.set_placeholder(words.placeholder(snapshot, width, attached=self.runtime is not None))
            if snapshot is not None:
                upcoming = list({item.row.id: item for item in snapshot.upcoming}.values())
                if list(self.queue.items.values()) != upcoming:
                    self.queue.show(upcoming)
                self.queue.write_border("title", Content(f"queue{words.queue_count(snapshot)}"))
                self.queue.write_border("subtitle", words.queue_state(snapshot, QUEUE_WIDTH - BORDER))
                if self.has_class("-one") and self.mode == "queue":
                    self._title_of_row(snapshot)
            self._paint_status(snapshot)

    def _paint_status(self, snapshot: FeedbackSnapshot | None) -> None:
        retrain = self.runtime.retrain.snapshot().progress if self.runtime is not None else ""
        text = words.status(snapshot, self.size.width or self.app.size.width, self._said, retrain, self.sources)
        if not text.is_same(self.status.content):  # type: ignore[arg-type]  # we only ever set Content
            self.status.update(text, layout=False)

    def paint_row(self, *, keep: bool = True) -> None:
        """Show the row of the queue, or that of the list."""
        item = self._shown
        if self.mode == "quarantine":
            self._show_refused()
            return
        self.row.set_pale(False)
        if self.mode != "queue" and self._listed is not None:
            listed = self._listed
            self.row.show(lambda width: row_lines(listed, width), keep=keep)
        elif item is None or self.mode != "queue":
            self.row.show(None)
        else:
            shown = Shown(item.row, why_of(item), item.decisions, self.given, self.unfolded, self.clock())
            self.row.show(lambda width: row_lines(shown, width), keep=keep)
        self._words_of_row()

    def _words_of_row(self) -> None:
        pairs: tuple[tuple[str, str], ...] = ()
        if self.mode == "quarantine":
            pairs = NEXT if self.refused.rows else ()
        elif self.mode == "list" and not self.list.rows:
            pairs = (("/", "filter"), ("v", "queue"))
        elif self.mode == "list":
            pairs = (("a", "accept"), ("x", "reject"), ("space", "mark"), ("/", "filter"), ("v", "queue"))
        elif self.mode == "queue" and self._shown is not None:
            pairs = (("a", "accept"), ("x", "reject"), ("s", "skip"), ("u", "undo"))
            pairs += (("1…5", "score"), ("t", "tags"), ("e", "correct"), ("o", "note"), ("b", "alike"))
        self._title_of_row(self.snapshot)
        self.row.write_border("subtitle", words.keys(*pairs, room=self.row.outer_size.width - BORDER))

    def _title_of_row(self, snapshot: FeedbackSnapshot | None) -> None:
        title = Content("row" if self.mode != "queue" else "review" if self._shown is not None else "")
        if snapshot is not None and snapshot.filter and title and self.mode == "queue" and self.has_class("-one"):
            # Without the queue beside it, the filter stands here.
            counted = f"review{words.queue_count(snapshot)}  "
            title = Content(counted) + words.filter_words(snapshot, self.row.outer_size.width - BORDER - len(counted))
        self.row.write_border("title", title)

    def say(self, text: str) -> None:
        """A few words in the line below, until the next ones or for some seconds."""
        self._said = text
        if self._said_until is not None:
            self._said_until.stop()
            self._said_until = None
        if self.is_mounted:
            self._paint_status(self.snapshot)
            if text:
                self._said_until = self.set_timer(SAID_S, lambda: self.say(""))

    def show_no_row(self) -> None:
        """The list has no row: none is beside it, to be read, copied or decided."""
        self._listed = None
        self.row.show(None)
        self._words_of_row()

    def restate(self, states: Mapping[str, State]) -> None:
        """Show rows of the list, and that beside it, in other states."""
        super().restate(states)
        listed = self._listed
        if listed is not None and listed.row.id in states:
            # The database may not have heard of it yet: what it says is read when the cursor comes back.
            self._listed = replace(listed, row=replace(listed.row, state=states[listed.row.id]))
            self.paint_row()

    def show_row_of(self, identity: str) -> None:
        """Read a row of the list and show it."""
        service = self.service
        if service is None:
            return

        async def read() -> None:
            row, decisions = await service.read(identity)
            if row is not None and self.mode != "queue" and self.list.cursor_row == identity:
                self._listed = Shown(row, "", decisions, None, self.unfolded, self.clock())
                self.paint_row(keep=False)

        self.attempt(read())

    # Moving about

    def action_open(self) -> None:
        """Unfold long texts; in the list, go to the row."""
        if self.mode != "queue" and not self._at_row:
            if self.page_widget.rows:
                self._go(at_row=True)
            return
        self.unfolded = not self.unfolded
        if self.mode in ("list", "alike") and self.list.cursor_row is not None:
            self.show_row_of(self.list.cursor_row)
        else:
            self.paint_row()

    def action_panel(self) -> None:
        """From the list to the row, and back."""
        if self.mode != "queue":
            self._go(at_row=not self._at_row)

    def _go(self, *, at_row: bool) -> None:
        self._at_row = at_row
        self.set_class(at_row, "-at-row")
        self.screen.set_focus(self.row if at_row else self.page_widget, scroll_visible=False)

    def action_back(self) -> None:
        """One step back: the row, the page, a search, the filter."""
        service = self.service
        if self._at_row:
            self._go(at_row=False)
        elif self.mode != "queue":
            if not (self.mode == "list" and self.end_search()):
                self.leave_page()
        elif service is not None and not service.cancel() and self.snapshot and self.snapshot.filter:
            self.attempt(self._apply(service, ""))
        self.say("")

    def action_refresh(self) -> None:
        """Look for rows again."""
        if self.service is None:
            return
        if self.mode == "quarantine" and self.refused.rows:
            self.try_again()
        elif self.mode == "quarantine":
            self._read_refused(self.service)
        elif self.mode == "list":
            self.load(self.service)
        else:
            self.service.open_review()
            self.say("looking again")

    def text_to_copy(self) -> str | None:
        """The output of the row on show; of a refused one, all that came."""
        if self.mode == "quarantine":
            entry = self.refused.entry
            return entry.raw.decode(errors="replace") if entry is not None else None
        if self.mode != "queue":
            return self._listed.row.output if self._listed is not None else None
        return self._shown.row.output if self._shown is not None else None

    # Size

    def on_resize(self, event: events.Resize) -> None:
        """Below a certain width the row has the screen for itself."""
        self._fold(event.size.width)
        self.paint()

    def _fold(self, width: int) -> None:
        self.set_class(width < NARROW, "-one")

"""Feedback: one row fills the screen, one key decides it and the next one is there; the queue stands at the left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from screens import feedback_text as words
from screens.base import Command, Runtime
from screens.feedback_actions import ORDER
from screens.feedback_filter import FilterInput
from screens.feedback_quarantine import NEXT, FeedbackQuarantine
from widgets.feedback_lines import Shown, row_lines
from widgets.figures import wall_clock
from widgets.head_list import HeadList, QueueList
from widgets.lines_view import LinesView
from widgets.refused_list import RefusedList
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from textual.timer import Timer

    from app.events import FeedbackChanged, RetrainChanged, SourcesChanged
    from app.feedback.review import FeedbackSnapshot

SAID_S = 10.0
"""Seconds that what was said stays."""
NARROW = 100
"""Columns below which the row has the screen for itself."""


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
    """One row; what stands in its border depends on its width."""

    resized: Callable[[], None] = staticmethod(lambda: None)

    def on_resize(self) -> None:
        """Tell the pane."""
        self.resized()


class FeedbackPane(FeedbackQuarantine):
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
        self.row = RowView()
        self.row.id = "row"
        self.row.resized = self._words_of_row
        self.filter = FilterInput()
        self.filter.display = False
        self.status = Static(Content(""), id="status")
        self._unfollow: tuple[Callable[[], None], ...] = ()
        self._listed: Shown | None = None
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
        if self.active and self.service is not None:
            self.service.open_review()
        if self.is_mounted:
            self.paint()

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
        if self.given is not None and self.given.correction is not None:
            return "a correction without a verdict"
        return ""

    # From the service to the screen

    def _changed(self, event: FeedbackChanged) -> None:
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
                self._shown, self.given, self.unfolded = current, None, False
                self._shown_at = time.monotonic()
                if self.mode == "queue":
                    self.paint_row(keep=False)
                self.refresh_bindings()
            self.set_class(current is None, "-empty")
            if self.mode == "queue":
                self.row.set_placeholder(words.placeholder(snapshot, attached=self.runtime is not None))
            if snapshot is not None:
                upcoming = list({item.row.id: item for item in snapshot.upcoming}.values())
                if list(self.queue.items.values()) != upcoming:
                    self.queue.show(upcoming)
                self.queue.write_border("title", Content(words.queue_title(snapshot)))
                self.queue.write_border("subtitle", words.queue_state(snapshot))
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
        elif item is None:
            self.row.show(None)
        else:
            shown = Shown(item.row, item.why, item.decisions, self.given, self.unfolded, self.clock())
            self.row.show(lambda width: row_lines(shown, width), keep=keep)
        self._words_of_row()

    def _words_of_row(self) -> None:
        pairs: tuple[tuple[str, str], ...] = ()
        if self.mode == "quarantine":
            pairs = NEXT if self.refused.rows else ()
        elif self.mode == "list":
            pairs = (("a", "accept"), ("x", "reject"), ("space", "mark"), ("/", "filter"), ("v", "queue"))
        elif self.mode == "queue" and self._shown is not None:
            pairs = (("a", "accept"), ("x", "reject"), ("s", "skip"), ("u", "undo"))
            pairs += (("1…5", "score"), ("t", "tags"), ("e", "correct"), ("o", "note"), ("b", "alike"))
        title = "row" if self.mode != "queue" else "review" if self._shown is not None else ""
        self.row.write_border("title", Content(title))
        self.row.write_border("subtitle", words.keys(*pairs, room=self.row.outer_size.width - 6))

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

    def commands(self) -> Iterable[Command]:
        """Orders, states, and each pipeline's retraining."""
        service = self.service
        if service is None:
            return
        for order in ORDER:
            yield Command(
                f"Feedback: review {words.ORDERS[order]}", "The order of the queue", partial(service.set_order, order)
            )
        for state in ("waiting", "accepted", "rejected", "skipped"):
            yield Command(
                f"Feedback: list {state} rows", f"state:{state}", partial(self._list_filtered, f"state:{state}")
            )
        for name in self.runtime.retrain.names if self.runtime is not None else ():
            yield Command(
                f"Retrain {clean_line(name, 60)}: fire, hold, see what is missing",
                "Conditions, guards and the last runs",
                partial(self.show_retraining, name),
            )

    def _list_filtered(self, text: str) -> None:
        service = self.service
        if service is None:
            return

        async def show() -> None:
            await service.set_filter(text)
            if self.mode != "list":
                self.action_list()
            else:
                self.load(service)

        self.attempt(show())

    # Size

    def on_resize(self, event: events.Resize) -> None:
        """Below a certain width the row has the screen for itself."""
        self._fold(event.size.width)
        self._paint_status(self.snapshot)

    def _fold(self, width: int) -> None:
        self.set_class(width < NARROW, "-one")

"""The pages beside the queue: the list of all rows, rows that are alike, figures; and the filter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import events, on
from textual.content import Content
from textual.widgets import Input

from screens import feedback_text as words
from screens.feedback_actions import FeedbackActions, Mode
from screens.git_faults import told
from widgets.lines_view import LinesView
from widgets.row_list import RowList
from widgets.safe_text import clean_line, shorten

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.worker import Worker

    from app.feedback.model import RowHead
    from screens.feedback_filter import FilterInput
    from screens.feedback_service import FeedbackFace

PAGE = 100
FOLLOW_AFTER_S = 0.07
"""The cursor has to rest this long before the row beside the list follows."""


class FeedbackPages(FeedbackActions):
    """Pages, each of which `esc` leaves."""

    row: LinesView
    filter: FilterInput
    clock: Callable[[], float]
    _at_row = False
    _reading: Worker[None] | None = None
    _follow_soon: Timer | None = None
    _moved_at = 0.0
    _typed: list[events.Key] | None = None
    _searching = False
    """The list is looking for rows, and says how far it is."""
    _so_far = 0
    """Rows that this search has found and shown."""
    sources: tuple[str, ...] = ()
    """What keeps feedback from coming in."""

    def show_row_of(self, identity: str) -> None:
        """Read a row of the list and show it."""
        raise NotImplementedError

    def open_page(self, mode: Mode) -> None:
        """Show another page."""
        self.mode = mode
        self._at_row = False
        self.say("")
        self.set_class(mode in ("list", "alike"), "-list")
        self.set_class(mode == "quarantine", "-refused")
        self.set_class(False, "-at-row")
        if self.active:
            self.screen.set_focus(self.page_widget, scroll_visible=False)
        # The row of another page stays, dimmed, until that of this one is read.
        self.row.set_pale(mode != "queue")
        self.row.set_placeholder(())
        self._words_of_row()
        self.refresh_bindings()

    def _words_of_row(self) -> None:
        """The borders of the row beside the list."""
        raise NotImplementedError

    @property
    def page_widget(self) -> RowList:
        """What has the keyboard on the page that is open."""
        return {"queue": self.row, "quarantine": self.refused}.get(self.mode, self.list)

    @property
    def list_room(self) -> int:
        """Columns of the list, also before it is laid out."""
        return self.size.width // (1 if self.has_class("-one") else 2) - 2

    def leave_page(self) -> None:
        """Back to the queue."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading, self._searching = None, False
        if self.mode != "queue":
            self.list.clear_marks()
            self.open_page("queue")
        self.paint_row(keep=False)
        self.paint()

    # The list

    def action_list(self) -> None:
        """All rows, or back to the queue."""
        if self.mode == "list":
            self.leave_page()
        elif (service := self.service) is not None:
            self.open_page("list")
            self.list.clear_marks()
            self.list.show(())
            self.list.write_border("title", Content("all rows"))
            self.load(service)

    def load(self, service: FeedbackFace, where: str = "") -> None:
        """Read the first rows, or more of them `before` or `after`, or the last ones with `end`."""
        if where in ("before", "after") and self._reading is not None and not self._reading.is_finished:
            return
        self._reading = self.run_worker(
            self._load(service, where), group="feedback-list", exclusive=True, exit_on_error=False
        )

    async def _load(self, service: FeedbackFace, where: str) -> None:
        heads = list(self.list.heads.values())
        after = heads[-1] if where == "after" and heads else None
        before = heads[0] if where == "before" and heads else None
        if not where:
            self.list.set_placeholder(((("reading", "$text-muted"),),))
        self._searching = self._filtered
        # More of a list is looked for behind what there is of it.
        self._so_far = len(heads) if where in ("before", "after") else 0

        def progress(looked_at: int) -> None:
            if self._searching and self.mode == "list":
                text = f"{looked_at:,} rows looked at, esc ends it"
                if not where:
                    self.list.set_placeholder((((text, "$text-muted"),),))
                if self._so_far:
                    self.list.write_border("subtitle", Content(f"{self._so_far:,} so far, {text}"))

        def shown(rows: Sequence[RowHead]) -> None:
            if not where and self.mode == "list":
                self._take_some(rows)

        try:
            found = await service.page(after, before, end=where == "end", progress=progress, shown=shown)
        except Exception as error:
            self._searching = False
            self.list.set_placeholder(words.failed(told(error), self.list_room))
            self.list.write_border("subtitle", Content("" if self.list.rows else "not read"))
            if not self.list.rows:
                self.row.show(None)
            return
        self._searching = False
        if self.mode == "list":
            self._take(found, where)

    def _take_some(self, rows: Sequence[RowHead]) -> None:
        """The first rows of a search that goes on."""
        page, first = self.list, not self._so_far
        self._so_far = len(rows)
        page.complete_before, page.complete_after = True, False
        page.show(rows, keep=not first)
        if first and page.cursor_row is not None:
            self.show_row_of(page.cursor_row)

    def end_search(self) -> bool:
        """End a search of the list that has found some rows, and keep them; False where there is none."""
        if not (self._searching and self._so_far and self._reading is not None):
            return False
        self._reading.cancel()
        self._reading, self._searching = None, False
        self._list_state()
        return True

    def _take(self, found: tuple[RowHead, ...], where: str) -> None:
        page, complete = self.list, len(found) < PAGE
        if where in ("before", "after"):
            page.extend(found, before=where == "before")
            if where == "before":
                page.complete_before = complete
            else:
                page.complete_after = complete
        else:
            page.complete_before = True if where == "" else complete
            page.complete_after = complete if where == "" else True
            page.set_placeholder(((("No row fulfils this filter." if self._filtered else "No row yet.", ""),),))
            # Of a search, some are shown, and the cursor may be on one of them.
            page.show(found, keep=bool(self._so_far))
            if where == "end":
                page.move_to(len(page.rows) - 1)
            if page.cursor_row is not None:
                self.show_row_of(page.cursor_row)
        self._list_state()

    @property
    def _filtered(self) -> bool:
        return bool(self.snapshot and self.snapshot.filter)

    def _list_state(self) -> None:
        page, snapshot = self.list, self.snapshot
        more = "" if page.complete_after and page.complete_before else " and more"
        marked = f"• {len(page.marks):,} marked  " if page.marks else ""
        counts = snapshot.counts if snapshot is not None else None
        title, narrowed, number = f"all rows {counts.total:,}" if counts is not None else "all rows", "", ""
        if snapshot is not None and snapshot.filter:
            title, narrowed = "filtered rows", f"/{shorten(clean_line(snapshot.filter), 24)}  "
            number = f"{len(page.rows):,}{more}, "
        self.list.write_border("title", Content(title))
        self.list.write_border("subtitle", Content.assemble((marked + narrowed, "$accent"), f"{number}newest first"))

    @on(RowList.Moved, "#list")
    def _list_moved(self) -> None:
        self._moved_at = time.monotonic()
        if self.mode not in ("list", "alike"):
            return
        if self._follow_soon is None:
            self._follow_soon = self.set_timer(FOLLOW_AFTER_S, self._follow)
        if self.mode == "list" and (where := self.list.wants) and self.service is not None:
            self.load(self.service, where)

    def _follow(self) -> None:
        left = self._moved_at + FOLLOW_AFTER_S - time.monotonic()
        if left > 0.005:
            self._follow_soon = self.set_timer(left, self._follow)
            return
        self._follow_soon = None
        if self.mode in ("list", "alike") and self.list.cursor_row is not None:
            self.show_row_of(self.list.cursor_row)

    @on(RowList.Chosen, "#list")
    def _row_clicked(self) -> None:
        self.action_open()

    def jump(self, index: int) -> bool:
        """`g` and `G` of a list that is not here whole; False where the list can do it itself."""
        page, service = self.list, self.service
        whole = page.complete_before if index >= 0 else page.complete_after
        if self.mode != "list" or whole or service is None:
            return False
        self.load(service, "" if index >= 0 else "end")
        return True

    def action_mark(self) -> None:
        """Mark the row under the cursor."""
        page = self.page_widget
        if page.cursor_row is not None:
            page.toggle_mark(page.cursor_row)
            page.action_move(1)
            if self.mode == "quarantine":
                self._refused_state()
            elif self.mode == "list":
                self._list_state()

    def _refused_state(self) -> None:
        """Say how much is refused and marked."""
        raise NotImplementedError

    # Rows that are alike

    def action_alike(self) -> None:
        """Show the rows that are nearly the same, all of them marked."""
        item, service = self._shown, self.service
        if item is None or service is None:
            return

        async def look() -> None:
            self.say("looking for rows that are alike")
            found = await service.alike(item.row)
            self.say("")
            if self._shown is not item or self.mode != "queue":
                return
            if not found:
                self.say("no other row that waits is nearly the same")
                return
            from app.feedback.model import RowHead

            rows = [item.row, *(each.row for each in found)]
            heads = [
                RowHead(r.id, r.source, r.captured_at, r.state, r.score, r.model, r.model_version, r.output[:200])
                for r in rows
            ]
            page = self.list
            page.clear_marks()
            page.complete_before = page.complete_after = True
            self.open_page("alike")
            page.show(heads, keep=False)
            for head in heads:
                page.toggle_mark(head.id)
            least = min(each.likeness for each in found)
            how = "the same to the letter" if least >= 1 else f"{int(least * 100)} % the same or more"
            page.write_border("title", Content(f"{len(heads):,} alike, {how}"))
            page.write_border(
                "subtitle", words.keys(("a x s", "decide the marked"), ("space", "mark"), ("esc", "leaves"))
            )

        self.attempt(look())

    # Filter

    def action_filter(self) -> None:
        """Type what is to be reviewed and listed."""
        if self.service is None:
            return
        # It is there all the time, hidden: the very next key must find it focused.
        self.filter.value = self.snapshot.filter if self.snapshot is not None else ""
        self.filter.display = True
        self.screen.set_focus(self.filter, scroll_visible=False)
        self.refresh_bindings()

    async def on_key(self, event: events.Key) -> None:
        """Keys come faster than the keyboard changes hands: what follows the filter's key belongs into its field."""
        if self._typed is not None:
            self._typed.append(event)
        elif self.screen.focused is self.filter:
            # On its way to another widget when the field got the keyboard.
            if not await self._type(event):
                return
        elif self._opens_filter(event.key) and self.check_action("filter", ()):
            self._typed = []
            # Behind the keys before it, which the app may still have to act upon.
            self.app.call_later(self._take_typed)
        else:
            return
        event.stop()

    def _opens_filter(self, key: str) -> bool:
        bindings = self._bindings.copy()
        bindings.apply_keymap(self.app._keymap)
        return any(binding.id == "feedback.filter" for binding in bindings.key_to_bindings.get(key, ()))

    async def _take_typed(self) -> None:
        self.action_filter()
        typed, self._typed = self._typed or [], None
        for event in typed:
            await self._type(event)

    async def _type(self, event: events.Key) -> bool:
        """Let the field have a key; False where it is none of its own."""
        if event.is_printable and event.character is not None:
            self.filter.insert_text_at_cursor(event.character)
        elif event.key == "enter":
            await self.filter.action_submit()
        elif event.key == "backspace":
            self.filter.action_delete_left()
        else:
            return False
        return True

    @on(Input.Submitted, "#filter")
    def _filter_entered(self, event: Input.Submitted) -> None:
        event.stop()
        service = self.service
        if service is not None:
            self.attempt(self._apply(service, event.value))

    async def _apply(self, service: FeedbackFace, text: str) -> None:
        # Raises where it cannot be understood: the field stays open, and the line below says why.
        await service.set_filter(text)
        self.say("")
        self.filter.display = False
        self.screen.set_focus(self.page_widget, scroll_visible=False)
        if self.mode == "list":
            self.load(service)
        self.refresh_bindings()

    # Figures and the retraining

    def action_stats(self) -> None:
        """Figures of the area."""
        service, snapshot = self.service, self.snapshot
        if service is None or snapshot is None:
            return

        async def look() -> None:
            from screens.feedback_figures import Figures
            from screens.feedback_stats import stats_lines

            stats = await service.stats(snapshot.reviewer)
            self.app.push_screen(
                Figures("Feedback", lambda width: stats_lines(stats, service.snapshot(), self.sources, width))
            )

        self.attempt(look())

    def action_retrain(self) -> None:
        """What is missing until the next retraining."""
        self.show_retraining("")

    def show_retraining(self, name: str) -> None:
        """The same, its keys meaning the pipeline of this name."""
        retrain = self.runtime.retrain if self.runtime is not None else None
        if retrain is None or not retrain.names:
            self.say("no pipeline is configured for retraining: add a [[feedback.retrain]] to the configuration")
            return

        from screens.feedback_retraining import Retraining

        assert self.runtime is not None
        page = Retraining(retrain, self.runtime.bus, self.clock)
        page.choose(name)
        self.app.push_screen(page)

    def action_open(self) -> None:
        """Unfold long texts; in the list, go to the row."""
        raise NotImplementedError

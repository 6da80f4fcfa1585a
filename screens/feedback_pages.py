"""The pages beside the queue: the list of all rows, rows that are alike, figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content

from screens import feedback_text as words
from screens.feedback_filtering import FeedbackFiltering
from screens.feedback_verdicts import Mode
from screens.git_faults import told
from widgets.lines_view import LinesView
from widgets.row_list import RowList
from widgets.safe_text import shorten

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.worker import Worker

    from app.feedback.model import RowHead
    from screens.feedback_service import FeedbackFace

PAGE = 100
NEWEST = "newest first"
FOLLOW_AFTER_S = 0.07
"""The cursor has to rest this long before the row beside the list follows."""


class FeedbackPages(FeedbackFiltering):
    """Pages, each of which `esc` leaves."""

    row: LinesView
    clock: Callable[[], float]
    _at_row = False
    _reading: Worker[None] | None = None
    _follow_soon: Timer | None = None
    _moved_at = 0.0
    _searching = False
    """The list is looking for rows, and says how far it is."""
    _so_far = 0
    """Rows that this search has found and shown."""
    _held_here: dict[str, str]
    """Pipelines that were held from this screen, with the reason."""
    sources: tuple[str, ...] = ()
    """What keeps feedback from coming in."""

    def show_row_of(self, identity: str) -> None:
        """Read a row of the list and show it."""
        raise NotImplementedError

    def show_no_row(self) -> None:
        """The list has no row: none is beside it."""
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
                self.show_no_row()
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
            page.set_placeholder(words.none_listed(self.snapshot))
            # Of a search, some are shown, and the cursor may be on one of them.
            page.show(found, keep=bool(self._so_far))
            if where == "end":
                page.move_to(len(page.rows) - 1)
            if page.cursor_row is not None:
                self.show_row_of(page.cursor_row)
            else:
                self.show_no_row()
            self.refresh_bindings()
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
            number = f"{len(page.rows):,}{more}, "
            used = len(f"{marked}{number}{NEWEST}") + 2
            title, narrowed = "filtered rows", words.filter_words(snapshot, self.list_room - 4 - used).plain + "  "
        self.list.write_border("title", Content(title))
        self.list.write_border("subtitle", Content.assemble((marked + narrowed, "$accent"), f"{number}{NEWEST}"))

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
            if self._shown is None or self._shown.row.id != item.row.id or self.mode != "queue":
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
            title = f"{len(heads):,} alike{words.of_model(item.row)}, {how}"
            page.write_border("title", Content(shorten(title, self.list_room - 4)))
            page.write_border(
                "subtitle", words.keys(("a x s", "decide the marked"), ("space", "mark"), ("esc", "leaves"))
            )

        self.attempt(look())

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
        page = Retraining(retrain, self.runtime.bus, self.clock, self._held_here)
        page.choose(name)
        self.app.push_screen(page)

    def action_open(self) -> None:
        """Unfold long texts; in the list, go to the row."""
        raise NotImplementedError

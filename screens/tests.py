"""Live tests: the tree at the left, why a test fails at the right, how the run goes at the bottom."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from screens import tests_text as words
from screens.base import Command, Runtime
from screens.remembering import Remembering
from screens.tests_actions import TestsActions
from screens.tests_feed import LEAST_S, Feed
from screens.tests_projects import ProjectTabs
from widgets.failure_view import FailureView
from widgets.figures import wall_clock
from widgets.progress_line import ProgressLine
from widgets.row_list import RowList
from widgets.test_tree import TestTree

if TYPE_CHECKING:
    from textual.timer import Timer

    from app.events import Badge, ProjectChanged
    from app.testing.model import HistoryPoint, ProjectSnapshot

log = logging.getLogger(__name__)

TITLES_EVERY_S = 0.25
DETAIL_AFTER_S = 0.07
"""The cursor has to rest this long before the detail follows, so that keys never wait for it."""
HISTORY_AFTER_S = 0.15


class Panels(Horizontal):
    """The two panels side by side; it shows nothing of its own, which saves painting it below them."""

    BLANK = True


class TestsPane(Remembering, TestsActions):
    """The Tests area."""

    __test__ = False
    AREA = "tests"
    LAST_SEEN = ("last", "tests.json")
    TITLE = "Tests"
    HELP = (
        "Watches your projects and answers every save: the affected tests first, then the rest. "
        "The tree shows the last outcome of each test, the panel beside it why it failed."
    )
    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], float] = wall_clock
        self.feed = Feed()
        self.tests = TestTree()
        self.tests.id = "tree"
        self.detail = FailureView()
        self.detail.id = "detail"
        self.progress = ProgressLine()
        self.progress.id = "progress"
        self.projects = ProjectTabs()
        self.notice = Static(Content(""), id="notice")
        self._unfollow: Callable[[], None] | None = None
        self._painted_at = 0.0
        self._titled_at = 0.0
        self._moved_at = 0.0
        self._repaint: Timer | None = None
        self._words_soon: Timer | None = None
        self._ages: Timer | None = None
        self._detail_soon: Timer | None = None
        self._history_soon: Timer | None = None
        self._histories: dict[tuple[str, str], tuple[HistoryPoint, ...]] = {}

    def compose(self) -> ComposeResult:
        yield self.projects
        with Panels(id="panels"):
            yield self.tests
            yield self.detail
        yield self.notice
        yield self.progress

    # Life

    def on_mount(self) -> None:
        """Show what was last seen until the engine is up: at once, or just after the first frame if it is much."""
        self.progress.clock = self.clock
        self.fold_panels(self.app.size.width)
        self.remember()
        self.paint()

    def load_last_seen(self, path: Path) -> Badge:
        """Take over what the file holds; how the area stood then."""
        from app.testing import lastseen
        from app.testing.badge import last_seen_badge

        snapshots = lastseen.load(path)
        self.feed.load(snapshots)
        return last_seen_badge(snapshots)

    def attach(self, runtime: Runtime) -> None:
        """Follow the engine."""
        super().attach(runtime)
        from app.events import ProjectChanged
        from app.testing.badge import badge_of

        if self._unfollow is not None:
            self._unfollow()
        self._unfollow = runtime.bus.subscribe(ProjectChanged, self._project_changed)
        self._histories.clear()
        projects = runtime.testing.projects()
        self.feed.load(projects)
        if not projects:
            # The engine tells of projects only: where none is left, what was seen last has to go.
            self.post_message(self.Stands(badge_of(projects)))
        if self.is_mounted:
            self.paint()

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        if self._unfollow is not None:
            self._unfollow()
            self._unfollow = None

    def on_activated(self) -> None:
        """Catch up with what happened while another area was open."""
        self.active = True
        if self.feed.dirty:
            self.paint()
        self._restart_ages()

    def on_deactivated(self) -> None:
        """Measure no ages that nobody sees."""
        self.active = False
        self._restart_ages()

    @property
    def settled(self) -> bool:
        """True when nothing waits to be painted or read."""
        waiting = (self._repaint, self._words_soon, self._detail_soon, self._history_soon)
        return not self.feed.dirty and all(timer is None for timer in waiting)

    def focus_default(self) -> None:
        """The panel that is on show."""
        (self.detail if self.has_class("-one", "-detail") else self.tests).focus(scroll_visible=False)

    def unsaved(self) -> str:
        """A run would be lost."""
        running = [snapshot.name for snapshot in self.feed.snapshots.values() if snapshot.progress is not None]
        return f"a test run in {', '.join(running)}" if running else ""

    def commands(self) -> Iterable[Command]:
        """One entry per project."""
        for name in self.feed.snapshots:
            if name != self.feed.current:
                yield Command(f"Tests: show {name}", "Another project's tests", partial(self.choose, name))

    # From the engine to the screen

    def _project_changed(self, event: ProjectChanged) -> None:
        self.feed.put(event.snapshot, event.changed)
        if not self.active or self._repaint is not None:
            return
        wait = self._painted_at + LEAST_S - time.monotonic()
        if wait <= 0:
            self.paint()
        else:
            self._repaint = self.set_timer(wait, self._paint_late)

    def _paint_late(self) -> None:
        self._repaint = None
        if self.active and self.feed.dirty:
            self.paint()

    def paint(self) -> None:
        """Bring everything on screen in line with the snapshots, touching only what differs."""
        changed = self.feed.take()
        snapshot = self.feed.snapshot
        self._painted_at = time.monotonic()
        with self.app.batch_update():
            self.tests.set_pale(self.runtime is None or (snapshot is not None and snapshot.state in ("broken", "gone")))
            self.tests.show(snapshot, changed)
            self.set_class(snapshot is None, "-empty")
            self.set_class(len(self.feed.snapshots) > 1, "-several")
            self.progress.show(snapshot, self.feed.saved_files())
            self.paint_words(force=changed is None or snapshot is None or snapshot.progress is None)
            if self._output_shown:
                self.follow_output()
            row = self.tests.cursor_row
            if changed is None or row is None or row in changed or self.tests.is_file(row):
                self.show_detail(soon=changed is not None)
        self.refresh_bindings()

    def paint_words(self, *, force: bool = True) -> None:
        """Titles, tabs and notices. While a run streams they change less often than the rows."""
        now = time.monotonic()
        if not force and now - self._titled_at < TITLES_EVERY_S:
            if self._words_soon is None:
                self._words_soon = self.set_timer(self._titled_at + TITLES_EVERY_S - now, self.paint_words)
            return
        if self._words_soon is not None:
            self._words_soon.stop()
            self._words_soon = None
        self._titled_at = now
        snapshot, tree = self.feed.snapshot, self.tests
        tree.set_placeholder(
            words.placeholder(
                snapshot, attached=self.runtime is not None, filter_text=tree.filter_text, bad_only=tree.bad_only
            )
        )
        tree.write_border("title", words.title(snapshot))
        self._paint_state(snapshot)
        if len(self.feed.snapshots) > 1:
            self.projects.show(self.feed.snapshots.values(), self.feed.current)
        text = words.notice(snapshot)
        self.set_class(text is not None, "-notice")
        if text is not None and not text.is_same(self.notice.content):  # type: ignore[arg-type]  # we only ever set Content
            self.notice.update(text)
        self._restart_ages()

    def _paint_state(self, snapshot: ProjectSnapshot | None) -> None:
        tree = self.tests
        parts = words.list_state(
            filter_text=tree.filter_text,
            bad_only=tree.bad_only,
            shown=sum(1 for row in tree.rows if not tree.is_file(row)) if tree.outline.filtered else 0,
            total=len(snapshot.tests) if snapshot else 0,
            marks=len(tree.marks),
        )
        state = words.watch_state(snapshot, self.clock())[0] if snapshot and self.runtime is not None else ""
        tree.write_border("subtitle", Content.assemble(*parts, (state, "")).rstrip())

    # Ages

    def _restart_ages(self) -> None:
        """Wake up only when something on screen will read differently, and never while hidden."""
        if self._ages is not None:
            self._ages.stop()
            self._ages = None
        snapshot = self.feed.snapshot
        if not self.active or snapshot is None or self.runtime is None:
            return
        left = 1.0 if snapshot.progress is not None else words.watch_state(snapshot, self.clock())[1]
        if left is not None:
            self._ages = self.set_timer(max(left, 0.5) + 0.05, self._tick)

    def _tick(self) -> None:
        self._ages = None
        if self.app.app_focus or self.feed.snapshot is None or self.feed.snapshot.progress is None:
            self._paint_state(self.feed.snapshot)
        if self.feed.snapshot is not None and self.feed.snapshot.progress is not None:
            self.progress.refresh()
        self._restart_ages()

    # Detail

    @on(RowList.Moved, "#tree")
    def _tree_moved(self) -> None:
        self._output_shown = False
        self._moved_at = time.monotonic()
        self.show_detail(soon=True)

    @on(RowList.Chosen, "#tree")
    def _tree_chosen(self) -> None:
        self.action_open()

    def show_detail(self, *, soon: bool = False) -> None:
        """Show what the cursor is on, unless a run's output is being read.

        `soon` lets the cursor paint first, and skips rows it only passes.
        """
        if self._detail_soon is not None:
            if soon:
                return
            self._detail_soon.stop()
        self._detail_soon = self.set_timer(DETAIL_AFTER_S, self._follow_cursor) if soon else None
        if not soon:
            self._show_detail()

    def _follow_cursor(self) -> None:
        # The timer is kept while keys come, and only looks again later: a new one for each key would cost more.
        left = self._moved_at + DETAIL_AFTER_S - time.monotonic()
        if left > 0.005:
            self._detail_soon = self.set_timer(left, self._follow_cursor)
        else:
            self._show_detail()

    def _show_detail(self) -> None:
        self._detail_soon = None
        if self._output_shown:
            return
        snapshot, row = self.feed.snapshot, self.tests.cursor_row
        if snapshot is None or row is None:
            self.detail.show(None)
            return
        from screens import tests_detail

        key = (snapshot.name, row)
        service = self.runtime.testing if self.runtime is not None else None
        subject = tests_detail.subject(
            snapshot, self.tests, row, service, now=self.clock(), history=self._histories.get(key, ())
        )
        self.detail.show(subject, snapshot.path)
        if service is not None and not self.tests.is_file(row):
            if self._history_soon is not None:
                self._history_soon.stop()
            self._history_soon = self.set_timer(HISTORY_AFTER_S, self._load_history)

    def _load_history(self) -> None:
        self._history_soon = None
        row = self.tests.cursor_row
        if row is not None and self.is_attached:
            reading = self._read_history(self.feed.current, row)
            self.run_worker(reading, group="history", exclusive=True, exit_on_error=False)

    async def _read_history(self, name: str, row: str) -> None:
        if self.runtime is None:
            return
        try:
            points = await self.runtime.testing.history(name, row)
        except Exception:
            # What is in memory stays on screen; the tab bar tells when the database is down.
            log.warning("the history of a test could not be read", exc_info=True)
            return
        if self._histories.get((name, row), ()) != points:
            if len(self._histories) > 200:
                self._histories.clear()
            self._histories[name, row] = points
            if (self.feed.current, self.tests.cursor_row) == (name, row):
                self._show_detail_with_history()

    def _show_detail_with_history(self) -> None:
        timer, self._history_soon = self._history_soon, None
        if timer is not None:
            timer.stop()
        self._show_detail()
        if self._history_soon is not None:
            self._history_soon.stop()
            self._history_soon = None

    @on(ProjectTabs.Chosen)
    def _project_clicked(self, message: ProjectTabs.Chosen) -> None:
        names = list(self.feed.snapshots)
        if message.number < len(names):
            self.choose(names[message.number])

    # Size and filter

    def on_resize(self, event: events.Resize) -> None:
        """Below a certain width the panels take turns."""
        self.fold_panels(event.size.width)

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.filter(event.value, self.tests.bad_only)

    @on(Input.Submitted, "#filter")
    def _filter_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.close_filter()

"""What the keys of the Tests screen do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from screens import tests_keys
from screens.base import Pane

if TYPE_CHECKING:
    from textual.binding import BindingType

    from app.testing.service import TestingService
    from screens.tests_feed import Feed
    from widgets.failure_view import FailureView
    from widgets.test_tree import TestTree

NEEDS_PROJECT = frozenset(
    (
        "run_selected",
        "run_failed",
        "run_all",
        "run_last",
        "stop",
        "watch",
        "output",
        "edit",
        "next_bad",
        "mark",
        "filter",
    )
)
NARROW = 100
"""Columns below which the two panels take turns."""


class TestsActions(Pane):
    """The keys, and the actions that they and the command palette call."""

    __test__ = False
    BINDINGS: ClassVar[list[BindingType]] = tests_keys.BINDINGS

    feed: Feed
    tests: TestTree
    detail: FailureView
    _zoomed = False
    _output_shown = False
    _output_of: tuple[str, str] | None = None
    """Project and run at whose end the output on show was read."""
    _row_before: str | None = None
    _row_filtered: str | None = None
    _width = 0

    def paint(self) -> None:
        """Bring the screen in line with the snapshots."""
        raise NotImplementedError

    def show_detail(self, *, soon: bool = False) -> None:
        """Show what the cursor is on."""
        raise NotImplementedError

    def paint_words(self, *, force: bool = True) -> None:
        """Bring titles and notices in line."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        if action in NEEDS_PROJECT and (self.runtime is None or self.feed.snapshot is None):
            return None
        if action == "stop":
            return True if self.feed.snapshot is not None and self.feed.snapshot.progress is not None else None
        if action == "next_project":
            return True if len(self.feed.snapshots) > 1 else None
        return True

    # Running

    def _service(self) -> TestingService | None:
        return self.runtime.testing if self.runtime is not None and self.feed.current else None

    def action_run_selected(self) -> None:
        """Run the marked rows, or the one under the cursor."""
        service, row = self._service(), self.tests.cursor_row
        rows: Sequence[str] = self.tests.marks or ((row,) if row is not None else ())
        if service is not None and rows:
            ids = dict.fromkeys(nodeid for marked in rows for nodeid in self.tests.tests_of(marked))
            service.run_tests(self.feed.current, tuple(ids))

    def action_run_failed(self) -> None:
        """Run what failed."""
        if (service := self._service()) is not None:
            service.run_failed(self.feed.current)

    def action_run_all(self) -> None:
        """Run everything."""
        if (service := self._service()) is not None:
            service.run_all(self.feed.current)

    def action_run_last(self) -> None:
        """Run again what ran last."""
        if (service := self._service()) is not None:
            service.run_last(self.feed.current)

    def action_stop(self) -> None:
        """End the run under way."""
        if (service := self._service()) is not None:
            service.stop(self.feed.current)

    def action_watch(self) -> None:
        """Switch watching."""
        service, snapshot = self._service(), self.feed.snapshot
        if service is not None and snapshot is not None:
            service.set_watching(snapshot.name, not snapshot.watching)

    # Moving

    def action_next_bad(self, step: int) -> None:
        """Go to a failure."""
        if self.tests.next_bad(step):
            self.detail.show_first()
            self.paint_words()
        else:
            self.app.notify("Nothing fails.", timeout=2)

    def action_next_project(self) -> None:
        """Show the next project."""
        self.choose(self.feed.after())

    def choose(self, name: str) -> None:
        """Show a project by name."""
        if self.feed.choose(name):
            self.paint()

    def reveal(self, nodeid: str) -> None:
        """Put the cursor on a test or a file."""
        if self.tests.reveal(nodeid):
            self.paint_words()
            self.tests.focus()

    def action_open(self) -> None:
        """Fold a file when there is room to see both; else show the detail."""
        row = self.tests.cursor_row
        if row is None:
            return
        file = self.tests.file_of(row) if self.tests.is_file(row) else None
        if file is not None and not file.error:
            self.tests.toggle_fold(row)
            return
        self._show_panel(detail=True)

    def action_switch(self) -> None:
        """Go to the other panel."""
        self._show_panel(detail=not self.detail.has_focus)

    def action_section(self, step: int) -> None:
        """Turn the detail to another section."""
        self.detail.action_section(step)

    def action_back(self) -> None:
        """One step back: the detail, zoom, filter, marks, and at last the run."""
        if self.detail.has_focus:
            self._show_panel(detail=False)
        elif self._zoomed:
            self.action_zoom()
        elif self.tests.filter_text or self.tests.bad_only or self.query("#filter"):
            self.close_filter(clear=True)
        elif self.tests.clear_marks():
            self.paint_words()
        elif self.feed.snapshot is not None and self.feed.snapshot.progress is not None:
            self.action_stop()

    def _show_panel(self, *, detail: bool) -> None:
        if self.has_class("-empty"):
            return
        if self._output_shown and not detail:
            self._output_shown = False
            self.show_detail()
        self.set_class(detail, "-detail")
        (self.detail if detail else self.tests).focus(scroll_visible=False)

    def action_zoom(self) -> None:
        """Let one panel have the whole width."""
        self._zoomed = not self._zoomed
        self.set_class(self.detail.has_focus, "-detail")
        self.fold_panels(self._width)

    def fold_panels(self, width: int) -> None:
        """Show one panel or both."""
        self._width = width
        one = width < NARROW or self._zoomed
        if one and not self.has_class("-one"):
            self.set_class(self.detail.has_focus, "-detail")
        self.set_class(one, "-one")

    # Marking, filtering

    def action_mark(self) -> None:
        """Mark the row under the cursor and go on to the next."""
        row = self.tests.cursor_row
        if row is not None:
            self.tests.toggle_mark(row)
            self.tests.action_move(1)
            self.paint_words()

    def action_bad_only(self) -> None:
        """Show only what fails, and back."""
        self.filter(self.tests.filter_text, not self.tests.bad_only)

    def filter(self, text: str, bad_only: bool) -> None:
        """Narrow the tree."""
        tree = self.tests
        if not tree.outline.filtered:
            self._row_before = tree.cursor_row
        unmoved = tree.cursor_row in (None, self._row_filtered)
        tree.set_filter(text.casefold().strip(), bad_only)
        before = tree.find(self._row_before)
        if tree.outline.filtered and tree.is_file(tree.cursor_row) and tree.cursor_index + 1 < len(tree.rows):
            tree.action_move(1)
        elif not tree.outline.filtered and unmoved and before is not None:
            tree.move_to(before)
        self._row_filtered = tree.cursor_row
        self.paint_words()

    def action_filter(self) -> None:
        """Open the field to type a filter into."""
        from screens.tests_filter import FilterInput

        field = self.query("#filter")
        if field:
            field.first(FilterInput).focus()
            return
        self._show_panel(detail=False)
        entry = FilterInput(self.tests.filter_text)
        self.mount(entry, before="#progress")
        entry.focus()

    def close_filter(self, *, clear: bool = False) -> None:
        """Leave the field; its filter stays unless it is cleared."""
        self.query("#filter").remove()
        if clear:
            self.filter("", False)
        self.tests.focus(scroll_visible=False)

    # Around

    def action_output(self) -> None:
        """Show what the last run printed outside of its tests."""
        if self._service() is not None:
            self._output_of = None
            self.follow_output()
            self._show_panel(detail=True)
            self._output_shown = True

    def follow_output(self) -> None:
        """Read the output of the last run, unless what is on show is that of this run."""
        service, snapshot = self._service(), self.feed.snapshot
        if service is None or snapshot is None:
            return
        run = snapshot.name, snapshot.last.run_id if snapshot.last is not None else ""
        if run != self._output_of:
            from screens import tests_detail

            self._output_of = run
            self.detail.show(tests_detail.run_output(service.output_path(snapshot.name), snapshot.name))

    def action_edit(self) -> None:
        """Open the failing line, or the test."""
        snapshot, target = self.feed.snapshot, self.detail.target
        if snapshot is None or target is None:
            return
        from screens.editor import open_in_editor

        setting = self.runtime.settings.ui.editor if self.runtime is not None else ""
        open_in_editor(self.app, Path(snapshot.path) / target[0], target[1], setting)

    def action_copy(self) -> None:
        """Copy the node id, or the text of the detail."""
        row = self.tests.cursor_row
        if self.detail.has_focus:
            text, what = self.detail.plain, f"the {self.detail.section}"
        elif row is not None:
            (text,) = self.tests.tests_of(row)
            what = "the path" if self.tests.is_file(row) else "the node id"
        else:
            return
        self.app.copy_to_clipboard(text)
        self.app.notify(f"Copied {what}.", timeout=2, markup=False)

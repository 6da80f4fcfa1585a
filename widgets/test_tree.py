"""Test files and their tests, each with its last outcome, read from the snapshot at the moment of painting."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from widgets.figures import duration
from widgets.outline import Outline
from widgets.row_list import Part, RowList
from widgets.safe_text import clean_line, fit, shorten, shorten_start, width_of

if TYPE_CHECKING:
    from app.testing.model import FileState, ProjectSnapshot, TestState

MANY_TESTS = 200
MANY_BAD_FILES = 20
FIGURE_WIDTH = 8
GLYPHS: dict[str | None, Part] = {
    "passed": ("✓", "$success"),
    "failed": ("✗", "$error"),
    "error": ("⚠", "$warning"),
    "skipped": ("○", "$text-muted"),
    "xfailed": ("x", "$text-muted"),
    "xpassed": ("X", "$warning"),
    None: ("·", "$muted"),
}
RUNNING: Part = ("◐", "$accent")
BAD = ("failed", "error")


def file_row(path: str) -> str:
    """Key of a file's row. No node id ends like this."""
    return f"{path}::"


def glyph_of(state: TestState) -> Part:
    """The sign of a test's state: being run, or its last outcome, pale while nothing confirms it."""
    if state.running:
        return RUNNING
    glyph, style = GLYPHS[state.outcome]
    return glyph, "$muted" if state.stale or state.queued else style


def file_glyph(file: FileState, *, unsure: bool = False) -> Part:
    """The sign of a file: an error while collecting, the worst of its tests, or that it is being run.

    It is pale while nothing confirms any of them (`unsure`).
    """
    if file.running:
        return RUNNING
    if unsure:
        return file_glyph(file)[0], "$muted"
    if file.error:
        return GLYPHS["error"]
    if file.bad:
        return GLYPHS["failed"]
    if file.unknown == file.total:
        return GLYPHS[None]
    return GLYPHS["skipped"] if file.skipped == file.total else GLYPHS["passed"]


class TestTree(RowList):
    """The tree. `show` gives it a snapshot; all else it does itself."""

    __test__ = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "unfold", "Unfold", show=False, id="tests.unfold", tooltip="Show the tests of this file"),
        Binding("h,left", "fold", "Fold", show=False, id="tests.fold", tooltip="Hide the tests of this file"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.snapshot: ProjectSnapshot | None = None
        self.outline = Outline()
        self.filter_text = ""
        self.bad_only = False
        self._ids: list[str] = []
        self._paths: list[str] = []
        self._opened: set[str] = set()
        self._held: str | None = None

    # Content

    def show(self, snapshot: ProjectSnapshot | None, changed: frozenset[str] | None = None) -> None:
        """Take over a project's state; `changed` names the tests that differ from the state shown before."""
        before, self.snapshot = self.snapshot, snapshot
        if snapshot is None or before is None or before.name != snapshot.name:
            self._load(fresh=True)
        elif self._same_tests(snapshot, changed):
            self._unfold_new_failures()
            self._refilter(changed)
            self.refresh_changed()
        else:
            self._load(fresh=False)

    def is_file(self, row: str | None) -> bool:
        """True for a file's row, False for a test's."""
        return row is not None and row in self.outline.groups

    def file_of(self, row: str) -> FileState | None:
        """The file that this row shows or belongs to."""
        group = row if self.is_file(row) else self.outline.parent(row)
        return self.snapshot.files.get(group[:-2]) if self.snapshot and group else None

    def tests_of(self, row: str) -> tuple[str, ...]:
        """What an action on this row means: the test's node id, or the file's path for all of its tests."""
        return (row[:-2],) if self.is_file(row) else (row,)

    def is_bad(self, nodeid: str) -> bool:
        """True when the test's last outcome is a failure or an error."""
        state = self.snapshot.tests.get(nodeid) if self.snapshot else None
        return state is not None and state.outcome in BAD

    def set_filter(self, text: str, bad_only: bool) -> None:
        """Show only tests whose node id holds `text`, and with `bad_only` only those that fail."""
        if (text, bad_only) == (self.filter_text, self.bad_only):
            return
        self.filter_text, self.bad_only = text, bad_only
        self._held = None
        self.outline.set_filter(self._matches if text or bad_only else None)
        self.set_rows(self.outline.rows)

    def reveal(self, nodeid: str) -> bool:
        """Put the cursor on a test or a file (by path), unfolding what hides it; a filter that hides it is dropped."""
        row = file_row(nodeid) if file_row(nodeid) in self.outline.groups else nodeid
        parent = self.outline.parent(row)
        if parent is not None and self.outline.is_folded(parent):
            self._fold([parent], False)
        index = self.find(row)
        if index is None and self.outline.filtered:
            self.set_filter("", False)
            return self.reveal(nodeid)
        if index is not None:
            self.move_to(index)
        return index is not None

    def next_bad(self, step: int) -> bool:
        """Put the cursor on the next failing test or uncollected file in this direction, round the end."""
        # Folded tests count too: the way goes through all of them and not only through the rows on show.
        bad: list[tuple[int, int, str]] = []
        here = (-1, -1)
        at = self.cursor_row
        home = at if at in self.outline.groups else self.outline.parent(at or "")
        for place, (group, members) in enumerate(self.outline.groups.items()):
            if group == home:
                here = (place, -1 if at == home else list(members).index(at or ""))
            file = self.file_of(group)
            if file is not None and file.error:
                bad.append((place, -1, group))
            if file is not None and file.bad:
                bad.extend((place, n, member) for n, member in enumerate(members) if self.is_bad(member))
        if not bad:
            return False
        if step > 0:
            row = next((row for a, b, row in bad if (a, b) > here), bad[0][2])
        else:
            row = next((row for a, b, row in reversed(bad) if (a, b) < here), bad[-1][2])
        return self.reveal(row[:-2] if row in self.outline.groups else row)

    def _is_bad_row(self, row: str) -> bool:
        if row in self.outline.groups:
            file = self.file_of(row)
            return bool(file and file.error)
        return self.is_bad(row)

    def _matches(self, row: str) -> bool:
        if row == self._held:
            return True
        group = row in self.outline.groups
        if self.bad_only and not (self._is_bad_row(row) if group else self.is_bad(row)):
            return False
        return not self.filter_text or self.filter_text in row.casefold()

    def _same_tests(self, snapshot: ProjectSnapshot, changed: frozenset[str] | None) -> bool:
        if len(snapshot.tests) != len(self._ids) or len(snapshot.files) != len(self._paths):
            return False
        if changed is not None and all(nodeid in snapshot.tests for nodeid in changed):
            return all(self.outline.parent(i) is not None for i in changed)
        return list(snapshot.tests) == self._ids and list(snapshot.files) == self._paths

    def _load(self, *, fresh: bool) -> None:
        snapshot = self.snapshot
        groups: dict[str, list[str]] = {}
        if snapshot is not None:
            for path in snapshot.files:
                groups[file_row(path)] = []
            for nodeid, state in snapshot.tests.items():
                groups.setdefault(file_row(state.file), []).append(nodeid)
        self._ids = list(snapshot.tests) if snapshot else []
        self._paths = list(snapshot.files) if snapshot else []
        known = set() if fresh else set(self.outline.groups)
        if fresh:
            self.outline = Outline()
            self.filter_text, self.bad_only, self._held = "", False, None
            self._opened.clear()
            self._marks.clear()
        self.outline.load(groups)
        if len(self._ids) > MANY_TESTS and not self.outline.filtered:
            self.outline.fold((group for group in groups if group not in known), True)
        self._unfold_new_failures()
        if not fresh:
            for row in [row for row in self._marks if row not in groups and self.outline.parent(row) is None]:
                del self._marks[row]
        self.set_rows(self.outline.rows, keep=not fresh)

    def _unfold_new_failures(self) -> None:
        files = self.snapshot.files if self.snapshot else {}
        bad = {file_row(path) for path, file in files.items() if file.bad}
        new = bad - self._opened
        self._opened = bad if len(bad) <= MANY_BAD_FILES else self._opened | bad
        if new and len(bad) <= MANY_BAD_FILES and not self.outline.filtered:
            self._fold(new, False)

    def _refilter(self, changed: frozenset[str] | None) -> None:
        if not self.bad_only:
            return
        # The row under the cursor stays until the cursor leaves it, even if its test passes now.
        self._held = self.cursor_row
        groups = (
            list(self.outline.groups)
            if changed is None
            else {group for nodeid in changed if (group := self.outline.parent(nodeid)) is not None}
        )
        if self.outline.touch(groups):
            self.set_rows(self.outline.rows)

    def _fold(self, groups: Iterable[str], folded: bool) -> None:
        if self.outline.fold(groups, folded):
            self.set_rows(self.outline.rows)

    # Keys

    def action_unfold(self) -> None:
        """Show the tests of the file; on an unfolded file, go to its first test."""
        row = self.cursor_row
        if row is not None and self.is_file(row):
            if self.outline.is_folded(row):
                self._fold([row], False)
            else:
                self.action_move(1)

    def action_fold(self) -> None:
        """Hide the tests of the file; on a test, go to its file first."""
        row = self.cursor_row
        if row is None:
            return
        parent = self.outline.parent(row)
        if parent is not None:
            index = self.find(parent)
            self.move_to(index if index is not None else self.cursor_index)
        elif not self.outline.is_folded(row):
            self._fold([row], True)

    def toggle_fold(self, row: str) -> None:
        """Fold a file's tests, or unfold them."""
        self._fold([row], not self.outline.is_folded(row))

    # Painting

    def signature(self, row: str) -> Hashable:
        """The test's state, or the file's with how much of it has been run."""
        if self.snapshot is None:
            return None
        if self.is_file(row):
            return self.file_of(row), self.outline.is_folded(row), self._done(row), self._unsure(row)
        return self.snapshot.tests.get(row)

    def _unsure(self, row: str) -> bool:
        tests = self.snapshot.tests if self.snapshot else {}
        members = self.outline.members(row)
        return bool(members) and all(
            (state.stale or state.queued) for i in members if (state := tests.get(i)) is not None
        )

    def _done(self, row: str) -> int:
        file = self.file_of(row)
        if self.snapshot is None or file is None or not file.running:
            return 0
        tests = self.snapshot.tests
        states = [tests[i] for i in self.outline.members(row) if i in tests]
        return sum(not state.running and not state.queued for state in states)

    def draw(self, row: str, width: int) -> list[Part]:
        """A file's row or a test's."""
        mark: Part = ("•", "$accent") if row in self._marks else (" ", "")
        file = self.file_of(row)
        if self.is_file(row):
            return self._draw_file(row, file, mark, width)
        state = self.snapshot.tests.get(row) if self.snapshot else None
        return self._draw_test(row, state, mark, width) if state else []

    def _draw_file(self, row: str, file: FileState | None, mark: Part, width: int) -> list[Part]:
        arrow = "▸" if self.outline.is_folded(row) else "▾"
        glyph, style = file_glyph(file, unsure=self._unsure(row)) if file else GLYPHS[None]
        figure, tone = "", "$text-muted"
        if file is not None:
            figure = f"{file.total}"
            if file.running:
                figure, tone = f"{self._done(row)}/{file.total}", "$accent"
            elif file.error:
                figure, tone = "error", "$warning"
            elif file.bad:
                figure, tone = f"{file.bad}/{file.total}", "$error"
        room = max(width - 6 - FIGURE_WIDTH, 8)
        path = shorten_start(clean_line(row[:-2]), room)
        folder, slash, name = path.rpartition("/")
        evidence = f"  {clean_line(file.error, 300)}" if file and file.error and room - width_of(path) > 12 else ""
        return [
            mark,
            (f"{arrow} ", "$muted"),
            (f"{glyph} ", style),
            (folder + slash, "$text-muted"),
            (name, "bold"),
            (fit(evidence, room - width_of(path)), "$text-muted"),
            (f"{figure.rjust(FIGURE_WIDTH)} ", tone),
        ]

    def _draw_test(self, row: str, state: TestState, mark: Part, width: int) -> list[Part]:
        glyph, style = glyph_of(state)
        name = clean_line(row[len(state.file) + 2 :] if row.startswith(f"{state.file}::") else row)
        owner, separator, name = name.rpartition("::") if "[" not in name else _split_owner(name)
        pale = state.stale or state.queued
        bad = state.outcome in BAD
        room = max(width - 8 - FIGURE_WIDTH, 8)
        text = shorten(owner + separator + name, room)
        lead = min(len(owner + separator), len(text))
        evidence = f"  {clean_line(state.message, 300)}" if state.message and room - width_of(text) > 12 else ""
        tone = "$text-muted" if pale else ("bold" if bad else "")
        figure = "…" if state.queued else duration(state.duration_s)
        return [
            mark,
            ("    ", mark[1]),
            (f"{glyph} ", style),
            (text[:lead], "$text-muted"),
            (text[lead:], tone),
            (fit(evidence, room - width_of(text)), "$text-muted"),
            (f"{figure.rjust(FIGURE_WIDTH)} ", "$text-muted"),
        ]


def _split_owner(name: str) -> tuple[str, str, str]:
    """Class and test of a name with parameters, in which the separator may stand too."""
    plain, bracket, parameters = name.partition("[")
    owner, separator, test = plain.rpartition("::")
    return owner, separator, test + bracket + parameters

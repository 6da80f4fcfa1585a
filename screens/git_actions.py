"""What the keys of the Git screen do, besides operations: moving between panels, marking, filtering, copying."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from screens import git_keys
from screens.git_extras import GitExtras

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.widget import Widget

    from screens.git_filter import FilterInput

PANELS = ("side", "branches", "right")
NARROW, MIDDLE = 100, 150
"""Columns below which one panel has the screen, and below which branches and commits stand one above the other."""
LOW = 36
"""Rows below which what is said of a repository gets less room."""
NEEDS_REPOSITORY = frozenset(
    ("new", "sync", "push", "prune", "align", "undo", "redo", "journal", "hygiene", "hooks", "broadcast", "fetch")
)
NEEDS_BRANCH = frozenset(("switch", "rename", "track"))
NEEDS_SOMETHING = frozenset(("refresh", "filter", "mark", "mark_all", "copy", "edit"))


class GitActions(GitExtras):
    """The keys, and the actions that they and the command palette call."""

    BINDINGS: ClassVar[list[BindingType]] = git_keys.BINDINGS

    panel = "branches"
    """The panel that has the keyboard, or had it last."""
    _zoomed = False
    _width = 0
    _height = 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now."""
        if action not in NEEDS_REPOSITORY | NEEDS_BRANCH | NEEDS_SOMETHING | {"interrupted", "remove"}:
            return True
        state = self.feed.state
        if self.git is None or state is None:
            return None
        if action == "remove":
            return self._offer == "hooks" and self.page == "text"
        if action == "interrupted":
            return True if self.git.interrupted() else None
        if action in NEEDS_SOMETHING:
            return True
        if state.error and not self.repositories.marks:
            return None
        if action in NEEDS_BRANCH and not self.branch_targets():
            return None
        return True

    # Panels

    def go_to_panel(self, panel: str) -> None:
        """Give the keyboard to a panel, and where only one has room, the screen."""
        if self.has_class("-empty"):
            panel = "branches"
        self._at(panel)
        if self.active:
            # At once and not when idle: what hides meanwhile would hand the keyboard on to whichever is next.
            self.screen.set_focus(self.panel_widget(panel), scroll_visible=False)

    def panel_widget(self, panel: str) -> Widget:
        """What has the keyboard in a panel."""
        if panel == "side":
            return self.repositories
        return self.page_widget() if panel == "right" else self.branches

    def _at(self, panel: str) -> None:
        self.panel = panel
        for name in PANELS:
            self.set_class(name == panel, f"-at-{name}")
        self.paint_words()

    def action_show_panel(self, panel: str) -> None:
        """A panel's name was clicked."""
        self.go_to_panel(panel)

    def action_panel(self, step: int) -> None:
        """Round all panels."""
        self.go_to_panel(PANELS[(PANELS.index(self.panel) + step) % len(PANELS)])

    def action_step(self, step: int) -> None:
        """To the panel beside, not round the end."""
        self.go_to_panel(PANELS[max(0, min(PANELS.index(self.panel) + step, len(PANELS) - 1))])

    def action_open(self) -> None:
        """Go on to what the row under the cursor holds."""
        if self.panel == "side":
            self.go_to_panel("branches")
        elif self.panel == "branches":
            self.go_to_panel("right")
        elif self.page == "journal":
            self._open_operation()
        elif self.page == "text":
            self._accept()

    def _accept(self) -> None:
        """What `enter` means for what the page tells of."""
        if self._settling is not None:
            self.settle("finish")
        elif self._offer == "hooks":
            self.install_hooks()
        elif self._offer == "broadcast":
            self.send_broadcast()

    def _open_operation(self) -> None:
        from widgets.operation_lines import UNFINISHED

        report = self.journal_page().report
        if report is None or self.git is None:
            return
        waiting = {cut.op_id: cut for cut in self.git.interrupted()}
        if report.state in UNFINISHED and report.op_id in waiting:
            self.show_interrupted(waiting[report.op_id])
        else:
            self.show_operation(report)

    def action_back(self) -> None:
        """One step back: a page, the commits, zoom, filter, marks, and at last what is under way."""
        shown = self.repositories if self.panel == "side" else self.branches
        if self.page != "commits":
            self.workers.cancel_group(self, "git-plan")
            self.close_page()
        elif self.panel == "right":
            self.go_to_panel("branches")
        elif self._zoomed:
            self.action_zoom()
        elif shown.filter_text or self.query("#filter"):
            self.close_filter(clear=True)
        elif shown.clear_marks() or self.branches.clear_marks() or self.repositories.clear_marks():
            self.paint_words()
        elif busy := [name for name, state in self.feed.states.items() if state.busy]:
            # Only fetching ends here: an operation that has begun is carried through, as it is safe only when whole.
            self._cancel(busy)
        elif self.panel == "branches":
            self.go_to_panel("side")

    def _cancel(self, names: list[str]) -> None:
        if self.git is not None:
            for name in names:
                self.git.cancel(name)

    def action_zoom(self) -> None:
        """Let one panel have the whole screen."""
        self._zoomed = not self._zoomed
        self.fold_panels(self._width, self._height)

    def fold_panels(self, width: int, height: int) -> None:
        """Show one panel, or all of them side by side, or the right one below the branches."""
        self._width, self._height = width, height
        self.set_class(width < NARROW or self._zoomed, "-one")
        self.set_class(NARROW <= width < MIDDLE and not self._zoomed, "-two")
        self.set_class(height < LOW, "-low")

    # Marking, filtering

    def action_mark(self) -> None:
        """Mark the row under the cursor and go on to the next."""
        shown = self.repositories if self.panel == "side" else self.branches
        row = shown.cursor_row
        if row is not None and self.panel != "right":
            shown.toggle_mark(row)
            shown.action_move(1)
            self.paint_words()
            self.refresh_bindings()

    def action_mark_all(self) -> None:
        """Mark all rows on show, or none."""
        (self.repositories if self.panel == "side" else self.branches).mark_all()
        self.paint_words()

    def action_filter(self) -> None:
        """Open the field to type a filter into."""
        from screens.git_filter import FilterInput

        self.query("#filter").remove()
        at_side = self.panel == "side"
        self.go_to_panel("side" if at_side else "branches")
        shown = self.repositories if at_side else self.branches
        entry = FilterInput(shown.filter_text, repositories=at_side)
        self.mount(entry, before="#status")
        entry.focus()

    def filter(self, field: FilterInput, text: str) -> None:
        """Narrow the list that the field is for."""
        (self.repositories if field.repositories else self.branches).set_filter(text.strip())
        self.paint_words()

    def close_filter(self, *, clear: bool = False) -> None:
        """Leave the field; its filter stays unless it is cleared."""
        self.query("#filter").remove()
        if clear:
            (self.repositories if self.panel == "side" else self.branches).set_filter("")
        self.go_to_panel(self.panel)

    # Around

    def action_copy(self) -> None:
        """Copy what the cursor is on, or the text of the page."""
        text, what = self._to_copy()
        if text:
            self.app.copy_to_clipboard(text)
            self.app.notify(f"Copied {what}.", timeout=2, markup=False)

    def _to_copy(self) -> tuple[str, str]:
        state = self.feed.state
        if self.panel == "side":
            return (state.path if state is not None else ""), "the path"
        if self.panel == "branches":
            branch = self.branches.branch
            return (branch.name if branch is not None else ""), "the branch's name"
        if self.page == "commits":
            return self.commits.key or self.commits.plain, "the commit" if self.commits.key else "the text"
        if self.page == "plan":
            return self.plan_page().commands_text or self.plan_page().plain, "the commands"
        if self.page == "journal":
            return self.journal_page().key, "the operation's id"
        return self.page_widget().plain, "the text"

    def action_edit(self) -> None:
        """Open the repository, or the file of the finding under the cursor."""
        state = self.feed.state
        if state is None:
            return
        from screens.editor import open_in_editor

        path = Path(state.path)
        if self.panel == "right" and self.page == "findings" and (file := self.findings_page().path):
            path = path / file
        setting = self.runtime.settings.ui.editor if self.runtime is not None else ""
        open_in_editor(self.app, path, setting=setting)

"""Git: the repositories at the left, the branches of one in the middle, commits or an operation's plan at the right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from screens import git_text as words
from screens.base import Command, Runtime
from screens.git_feed import LEAST_S, Feed
from screens.git_pages import RightPanel
from screens.git_reading import GitReading
from screens.remembering import Remembering
from widgets import hints
from widgets.branch_list import BranchList
from widgets.commit_list import CommitList, about_lines
from widgets.figures import wall_clock
from widgets.lines_view import LinesView
from widgets.repository_list import RepositoryList
from widgets.row_list import RowList
from widgets.safe_text import clean_line, shorten

if TYPE_CHECKING:
    from textual.timer import Timer

    from app.events import Badge, GitChanged, GitRepositories
    from screens.git_filter import FilterInput

FOLLOW_AFTER_S = 0.07
"""The cursor has to rest this long before what depends on it follows, so that keys never wait for it."""
AGES_EVERY_S = 30.0


class Group(Container):
    """Panels beside or above one another; it shows nothing of its own, which saves painting it below them."""

    BLANK = True


class PanelTabs(Static):
    """The names of the panels, where only one has room."""

    def __init__(self) -> None:
        super().__init__(Content(""), id="tabs")
        self.auto_links = False

    def action_show_panel(self, panel: str) -> None:
        """A name was clicked."""
        self.run_worker(self.app.run_action(f"show_panel('{panel}')", self.parent), exit_on_error=False)


class GitPane(Remembering, GitReading):
    """The Git area."""

    AREA = "git"
    LAST_SEEN = ("last", "git.json")
    TITLE = "Git"
    HELP = (
        "The branches of all your repositories: what is ahead, gone, merged or misnamed, and one key to mend it. "
        "Operations show their exact commands before they do anything, and every one can be undone."
    )
    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], float] = wall_clock
        self.feed = Feed()
        self.performing = {}
        self.repositories = RepositoryList()
        self.repositories.id = "repositories"
        self.about = LinesView()
        self.about.id = "about"
        self.about.can_focus = False
        self.branches = BranchList()
        self.branches.id = "branches"
        self.commits = CommitList()
        self.commits.id = "commits"
        self.tabs = PanelTabs()
        self.status = Static(Content(""), id="status")
        self._pages = {}
        self._unfollow: list[Callable[[], None]] = []
        self._painted_at = 0.0
        self._repaint: Timer | None = None
        self._follow_soon: Timer | None = None
        self._ages: Timer | None = None
        self._moved_at = 0.0
        self._offered = False
        self._read = {}

    def compose(self) -> ComposeResult:
        yield self.tabs
        with Horizontal(id="panels"):
            # The first in this order gets the keyboard at the start; the style sheet puts the repositories at the left.
            with Group(id="work"):
                yield self.branches
                with RightPanel(id="right"):
                    yield self.commits
            with Vertical(id="side"):
                yield self.repositories
                yield self.about
        yield self.status

    # Life

    def on_mount(self) -> None:
        """Show what was last seen until the engine is up: at once, or just after the first frame if it is much."""
        self.branches.clock = self.commits.clock = self.clock
        self.fold_panels(self.app.size.width, self.app.size.height)
        self._at("branches")
        self.remember()
        self.paint()

    def load_last_seen(self, path: Path) -> Badge:
        """Take over what the file holds; how the area stood then."""
        from app.git import lastseen
        from app.git.badge import last_seen_badge

        states = lastseen.load(path)
        self.feed.load(states)
        return last_seen_badge(states)

    def attach(self, runtime: Runtime) -> None:
        """Follow the engine."""
        super().attach(runtime)
        from app.events import GitChanged, GitRepositories
        from app.git.badge import badge_of

        self._end_following()
        self._unfollow = [
            runtime.bus.subscribe(GitChanged, self._repository_changed),
            runtime.bus.subscribe(GitRepositories, self._repositories_changed),
        ]
        self._read.clear()
        states = runtime.git.snapshot().repositories
        self.feed.load(states)
        # The engine tells only of what changes, and of nothing where no repository is followed.
        self.post_message(self.Stands(badge_of(states)))
        if self.is_mounted:
            self.paint()

    def on_unmount(self) -> None:
        """Follow nothing any more."""
        self._end_following()

    def _end_following(self) -> None:
        for unfollow in self._unfollow:
            unfollow()
        self._unfollow = []

    def on_activated(self) -> None:
        """Catch up with what happened while another area was open."""
        self.active = True
        if self.feed.dirty:
            self.paint()
        self.call_later(self._mend_focus)
        if self._ages is None:
            self._ages = self.set_interval(AGES_EVERY_S, self._tick)

    def _mend_focus(self) -> None:
        """While another area was open, a page may have taken the place of the one that had the keyboard."""
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors and not focused.display:
            self.go_to_panel(self.panel)

    def on_deactivated(self) -> None:
        """Measure no ages that nobody sees."""
        self.active = False
        if self._ages is not None:
            self._ages.stop()
            self._ages = None

    @property
    def settled(self) -> bool:
        """True when nothing waits to be painted or read."""
        return not self.feed.dirty and self._repaint is None and self._follow_soon is None

    def focus_default(self) -> None:
        """The panel that is on show."""
        self.go_to_panel(self.panel)

    def unsaved(self) -> str:
        """An operation would be cut short."""
        return ", ".join(self.performing.values())

    def commands(self) -> Iterable[Command]:
        """One entry per repository."""
        for name in self.feed.states:
            if name != self.feed.current:
                yield Command(f"Git: show {clean_line(name, 80)}", "Another repository", partial(self.choose, name))

    # From the engine to the screen

    def _repository_changed(self, event: GitChanged) -> None:
        self.feed.put(event.state)
        self._paint_soon()

    def _repositories_changed(self, event: GitRepositories) -> None:
        self.feed.load(event.snapshot.repositories)
        self._paint_soon()

    def _paint_soon(self) -> None:
        if not self.active or self._repaint is not None or not self.feed.dirty:
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
        """Bring everything on screen in line with the states, touching only what differs."""
        self.feed.dirty = False
        self._painted_at = time.monotonic()
        states, state = self.feed.states, self.feed.state
        with self.app.batch_update():
            self.set_class(not states, "-empty")
            self.set_class(len(states) == 1, "-single")
            pale = self.runtime is None
            for shown in (self.repositories, self.about, self.branches, self.commits):
                shown.set_pale(pale)
            self.repositories.show(list(states.values()))
            if self.repositories.cursor_row != self.feed.current:
                self.repositories.move_to(self.repositories.find(self.feed.current) or 0)
            self.branches.set_pale(pale or bool(state and not state.read_at))
            self.branches.show(state)
            self._show_about()
            self.show_branch()
            self.paint_words()
        self.refresh_bindings()
        if not self._offered and self.git is not None and (cut := self.git.interrupted()):
            self._offered = True
            self.show_interrupted(cut[0], focus=False)

    def _show_about(self) -> None:
        state = self.feed.state
        if state is not None:
            self.about.show(lambda width: about_lines(state, width), keep=True)
            self.about.write_border("title", Content(shorten(clean_line(state.name, 60), 40)))

    def paint_words(self) -> None:
        """Titles, states and the line below."""
        if not self.is_mounted:
            return
        state, live = self.feed.state, self.runtime is not None
        repositories, branches = self.repositories, self.branches
        narrowed = words.list_state(
            repositories.filter_text, len(repositories.rows), len(repositories.states), len(repositories.marks)
        )
        repositories.write_border("title", Content(f"repositories {len(repositories.states)}"))
        repositories.write_border("subtitle", Content.assemble(*narrowed).rstrip())
        if not self.feed.states:
            branches.caption = "git"
            branches.set_placeholder(words.no_repositories(attached=live))
        else:
            number = f" {len(state.branches):,}" if state is not None and not state.error else ""
            branches.caption = f"{clean_line(self.feed.current, 60)}{number}"
            room = branches.size.width
            branches.set_placeholder(words.no_branches(state, branches.filter_text, room))
        repositories.set_placeholder(
            [[("no repository fits", "")], [], [(hints.key("git", "esc"), "$accent"), (" clears the filter", "")]]
        )
        branches.refresh_title()
        narrowed = words.list_state(branches.filter_text, len(branches.rows), branches.total, len(branches.marks))
        fresh = words.branches_state(state, self.clock()) if live else []
        branches.write_border("subtitle", Content.assemble(*narrowed, *fresh).rstrip())
        cut = self.git.interrupted() if self.git is not None else ()
        width = self._width
        text = words.status(self.feed.states.values(), cut, ", ".join(self.performing.values()), width, live=live)
        text = words.with_hints(text, width, page=self.page != "commits" or not self.feed.states)
        if not text.is_same(self.status.content):  # type: ignore[arg-type]  # we only ever set Content
            self.status.update(text, layout=False)
        if self.has_class("-one"):
            labels = (("side", f"repositories {len(self.feed.states)}"), ("branches", branches.caption))
            right = "commits" if self.page == "commits" else "operation" if self.page in ("plan", "text") else self.page
            self.tabs.update(words.panel_tabs(self.panel, (*labels, ("right", right))), layout=False)

    def _tick(self) -> None:
        if self.app.app_focus:
            self.branches.refresh_changed()
            self.paint_words()

    # Cursor

    def choose(self, name: str) -> None:
        """Show a repository by name."""
        if self.feed.choose(name):
            self.paint()

    def reveal(self, repository: str, ref: str) -> None:
        """Put the cursor on a branch of a repository."""
        self.choose(repository)
        self.branches.reveal(ref)
        self.go_to_panel("branches")

    @on(RowList.Moved, "#repositories,#branches")
    def _list_moved(self, event: RowList.Moved) -> None:
        self._moved_at = time.monotonic()
        if event.list is self.branches and self.page == "text" and self.panel == "branches" and self._settling is None:
            self.close_page()
        if self._follow_soon is None:
            self._follow_soon = self.set_timer(FOLLOW_AFTER_S, self._follow)

    def _follow(self) -> None:
        # The timer is kept while keys come, and only looks again later: a new one for each key would cost more.
        left = self._moved_at + FOLLOW_AFTER_S - time.monotonic()
        if left > 0.005:
            self._follow_soon = self.set_timer(left, self._follow)
            return
        self._follow_soon = None
        name = self.repositories.cursor_row
        if name is not None and self.feed.choose(name):
            self.paint()
        else:
            self.show_branch()

    @on(RowList.Moved, "#commits,#journal")
    def _near_the_end(self) -> None:
        self.load_more()

    @on(RowList.Chosen)
    def _row_clicked(self) -> None:
        self.action_open()

    def on_descendant_focus(self) -> None:
        """A click may have given the keyboard to another panel. What has it now counts: events may be late."""
        widget = self.screen.focused
        panel = "side" if widget is self.repositories else "branches" if widget is self.branches else ""
        panel = "right" if widget is self.page_widget() else panel
        if panel and panel != self.panel:
            self._at(panel)

    # Plans, size and filter

    def on_plan_view_confirmed(self) -> None:
        """What is ticked is to be done."""
        self.confirm_plans()

    def on_finding_list_confirmed(self) -> None:
        """What is ticked is to be mended."""
        self.mend_findings()

    def on_plan_view_ticked(self) -> None:
        """Other commands now."""
        self.recount_commands()

    def on_resize(self, event: events.Resize) -> None:
        """Below certain widths the panels stand otherwise, or take turns."""
        self.fold_panels(event.size.width, event.size.height)
        self.paint_words()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        event.stop()
        self.filter(self._field(event.input), event.value)

    @on(Input.Submitted, "#filter")
    def _filter_entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.close_filter()

    def _field(self, entry: Input) -> FilterInput:
        from screens.git_filter import FilterInput

        assert isinstance(entry, FilterInput)
        return entry

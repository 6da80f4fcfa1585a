"""Reads the commits of the branch under the cursor, and the journal, as far as one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from screens.git_actions import GitActions
from screens.git_faults import told
from widgets.safe_text import clean_line, shorten

if TYPE_CHECKING:
    from app.git.model import Commit
    from widgets.branch_words import AnyBranch

COMMITS = 100
"""Read at once."""
KEPT = 200
"""Branches whose commits are remembered."""


class GitReading(GitActions):
    """Commits by repository and tip: the same tip always has the same ones."""

    _read: dict[tuple[str, str], tuple[tuple[Commit, ...], bool]]

    def show_branch(self) -> None:
        """Show the branch under the cursor, and read its commits if they are not known."""
        state, branch = self.feed.state, self.branches.branch
        self.commits.show_branch(state, branch)
        title = clean_line(branch.name, 200) if branch is not None else "commits"
        # While it is hidden it has no width; what is too long then is cut when it is drawn.
        self.commits.write_border("title", Content(shorten(title, max((self.commits.size.width or 200) - 4, 8))))
        if state is None or branch is None or self.commits.commits or self.commits.complete or self.commits.reading:
            return
        known = self._read.get((state.name, branch.oid))
        if known is not None:
            self.commits.put(known[0], complete=known[1])
        elif not branch.oid:
            self.commits.put((), complete=True)
        elif self.git is not None:
            self._read_commits(state.name, branch)

    def _read_commits(self, name: str, branch: AnyBranch) -> None:
        self.commits.reading = True
        work = self._load_commits(name, branch, self.commits.commits)
        self.run_worker(work, group="git-commits", exclusive=True, exit_on_error=False)

    async def _load_commits(self, name: str, branch: AnyBranch, known: tuple[Commit, ...]) -> None:
        git = self.git
        if git is None:
            return
        try:
            after = known[-1].oid if known else ""
            found = await git.commits(name, branch.ref, limit=COMMITS, after=after)
        except Exception as error:
            if self._shows(name, branch):
                self.commits.put(known, complete=True, problem=told(error))
            return
        if len(self._read) > KEPT:
            self._read.clear()
        commits, complete = (*known, *found), len(found) < COMMITS
        self._read[name, branch.oid] = commits, complete
        if self._shows(name, branch):
            self.commits.put(commits, complete=complete)

    def _shows(self, name: str, branch: AnyBranch) -> bool:
        shown = self.commits.branch
        return self.feed.current == name and shown is not None and shown.oid == branch.oid

    def load_more(self) -> None:
        """Read more commits, or more of the journal, when the cursor comes near the end of what is known."""
        if self.page == "journal":
            page = self.journal_page()
            if not page.complete and page.reports and page.cursor_index > len(page.rows) - 20:
                page.complete = True
                more = self.read_journal(page.repository, more=True)
                self.run_worker(more, group="git-journal", exclusive=True, exit_on_error=False)
        elif self.commits.near_end and not self.commits.reading and self.commits.branch is not None:
            self._read_commits(self.feed.current, self.commits.branch)

"""The right panel of the Git screen: the commits of a branch, or a page that was asked for in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from textual.containers import Vertical
from textual.content import Content

from screens import git_text as words
from screens.base import Pane
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.git.hooks import HooksReport
    from app.git.model import Plan, Report
    from screens.git_feed import Feed
    from screens.git_service import GitFace
    from widgets.commit_list import CommitList
    from widgets.finding_list import FindingList
    from widgets.journal_list import JournalList
    from widgets.lines_view import Build, LinesView
    from widgets.plan_view import PlanView

    Page = TypeVar("Page", bound=LinesView)

JOURNAL_PAGE = 100


class RightPanel(Vertical):
    """Holds the pages, one of which is on show; it shows nothing of its own."""

    BLANK = True


class GitPages(Pane):
    """Which page is on show, and what stands in its borders."""

    feed: Feed
    commits: CommitList
    _pages: dict[str, LinesView]
    page = "commits"
    """Name of the page on show: `commits`, `plan`, `text`, `journal` or `findings`."""
    _page_before = "commits"
    _subject = ""
    """Id of the operation that the text page tells of."""
    _offer = ""
    """What `enter` does on the text page: `hooks` or `broadcast`."""
    _settling: Report | None = None
    """The interrupted operation that the text page offers to finish or undo."""

    @property
    def git(self) -> GitFace | None:
        """The service, once there is one."""
        return self.runtime.git if self.runtime is not None else None

    def go_to_panel(self, panel: str) -> None:
        """Give the keyboard to a panel."""
        raise NotImplementedError

    def paint_words(self) -> None:
        """Bring titles in line."""
        raise NotImplementedError

    # The pages

    def page_widget(self) -> LinesView:
        """The page on show."""
        return self.commits if self.page == "commits" else self._pages[self.page]

    def _mounted(self, name: str, kind: type[Page]) -> Page:
        """A page by name, made and mounted when it is first asked for."""
        page = self._pages.get(name)
        if not isinstance(page, kind):
            self._pages[name] = page = kind()
            page.id = name
            page.add_class("page")
            page.display = False
            self.query_one("#right", RightPanel).mount(page)
        return page

    def text_page(self) -> LinesView:
        """The page of plain lines."""
        from widgets.lines_view import LinesView

        return self._mounted("text", LinesView)

    def plan_page(self) -> PlanView:
        """The page of plans."""
        from widgets.plan_view import PlanView

        return self._mounted("plan", PlanView)

    def journal_page(self) -> JournalList:
        """The page of the journal."""
        from widgets.journal_list import JournalList

        return self._mounted("journal", JournalList)

    def findings_page(self) -> FindingList:
        """The page of the hygiene audit."""
        from widgets.finding_list import FindingList

        return self._mounted("findings", FindingList)

    def open_page(self, name: str, *, focus: bool = True) -> LinesView:
        """Put a page on show."""
        page = self.commits if name == "commits" else self._pages[name]
        if name != "text":
            self._forget()
        if name != self.page:
            with self.app.batch_update():
                before = self.page_widget()
                focus = focus or self.screen.focused is before
                self._page_before = self.page if self.page == "journal" and name == "text" else "commits"
                self.page = name
                page.display = True
                self.set_class(name != "commits", "-page")
                if focus:
                    self.go_to_panel("right")
                before.display = False
        elif focus:
            self.go_to_panel("right")
        self.paint_words()
        self.refresh_bindings()
        return page

    def close_page(self) -> None:
        """Back to the journal, if that led here, else to the commits; and to the branches."""
        back = self._page_before if self.page == "text" else "commits"
        self._page_before = "commits"
        if back == "commits" and self.screen.focused is self.page_widget():
            self.go_to_panel("branches")
        self.open_page(back, focus=back != "commits")

    def show_text(self, title: str, build: Build, hints: Content | None = None, *, focus: bool = True) -> None:
        """Show a page of lines."""
        self._forget()
        page = self.text_page()
        page.show(build)
        page.write_border("title", Content(title))
        page.write_border("subtitle", hints if hints is not None else words.keys(("esc", "leaves")))
        self.open_page("text", focus=focus)

    def _forget(self) -> None:
        self._subject, self._settling, self._offer = "", None, ""

    def show_waiting(self, title: str, text: str, *, focus: bool = True) -> None:
        """Say what is being worked out."""
        from widgets.lines_view import TextLine

        line = TextLine((("◐ ", "$info"), (text, "")))
        self.show_text(title, lambda width: [line], words.keys(("esc", "cancels")), focus=focus)

    def show_plans(self, plans: Sequence[Plan], problems: Sequence[str]) -> None:
        """Show what operations would do."""
        page = self.plan_page()
        page.show_plans(plans, problems)
        kinds = dict.fromkeys(plan.kind for plan in plans)
        names = dict.fromkeys(plan.repository for plan in plans)
        where = next(iter(names)) if len(names) == 1 else f"{len(names)} repositories"
        title = f"{', '.join(kinds)} ─ {clean_line(where, 40)}" if plans else "cannot be done"
        page.write_border("title", Content(title))
        if page.can_perform:
            pairs = [("space", "tick"), ("a", "all")] if any(plan.changes for plan in plans) else []
            hints = words.keys(*pairs, ("enter", "perform"), ("esc", "leaves"))
        else:
            hints = words.keys(("esc", "leaves"))
        page.write_border("subtitle", hints)
        self.open_page("plan")

    def show_reports(self, reports: Sequence[Report], problems: Sequence[str], *, focus: bool) -> None:
        """Show what operations did."""
        from widgets.operation_lines import report_lines, unfinished

        if len(reports) == 1 and not problems and unfinished(reports[0]):
            self.show_interrupted(reports[0], focus=focus)
            return
        hints = [("u", "undoes it")] if len(reports) == 1 and reports[0].state == "done" else []
        kinds = dict.fromkeys(report.kind for report in reports)
        names = dict.fromkeys(report.repository for report in reports)
        where = next(iter(names)) if len(names) == 1 else f"{len(names)} repositories"
        self.show_text(
            f"{', '.join(kinds)} ─ {clean_line(where, 40)}" if reports else "cannot be done",
            lambda width: report_lines(reports, problems, width),
            words.keys(*hints, ("J", "journal"), ("esc", "leaves")),
            focus=focus,
        )
        if len(reports) == 1:
            self._subject = reports[0].op_id

    def show_interrupted(self, report: Report, *, focus: bool = True) -> None:
        """Offer to finish or undo an operation that was cut short."""
        from widgets.operation_lines import interrupted_lines

        hints = words.keys(("enter", "finishes it"), ("u", "undoes it"), ("esc", "leaves it"))
        self.show_text("cut short", lambda width: interrupted_lines(report, width), hints, focus=focus)
        self._subject, self._settling = report.op_id, report

    def show_operation(self, report: Report) -> None:
        """Show one operation of the journal in full."""
        from widgets.operation_lines import journal_detail

        now = self.commits.clock()
        undo = [("u", "undoes it")] if report.state == "done" and not report.undone_by else []
        redo = [("ctrl+r", "does it again")] if report.undone_by or report.state == "undone" else []
        hints = words.keys(*undo, *redo, ("esc", "journal"))
        self.show_text(f"{report.kind}", lambda width: journal_detail(report, now, width), hints)
        self._subject = report.op_id

    def show_hooks(self, name: str, report: HooksReport | None, problem: str = "") -> None:
        """Show the hooks of a repository, and what was done to them."""
        from widgets.hook_lines import hook_lines, installed

        have = report is not None and installed(report)
        hints = [("enter", "brings up to date"), ("x", "removes")] if have else [("enter", "installs")] * bool(report)
        title = f"hooks ─ {clean_line(name, 40)}"
        ruled = self.git is None or bool(self.git.rules.pattern)
        lines = partial(hook_lines, report, problem, ruled=ruled)
        self.show_text(title, lines, words.keys(*hints, ("esc", "leaves")))
        self._offer = "hooks" if report is not None else ""

    def show_broadcast(self, name: str, text: str, *, note: str = "") -> None:
        """Show a summary that can be sent."""
        from widgets.lines_view import TextLine, folded

        def lines(width: int) -> Iterator[TextLine]:
            if note:
                yield from folded(note, width, lead=("✓ ", "$success"))
                yield TextLine()
            yield from folded(text or "nothing to tell", width, limit=2_000)

        hints = words.keys(("enter", "sends it"), ("y", "copies it"), ("esc", "leaves"))
        self.show_text(f"broadcast ─ {clean_line(name, 40)}", lines, hints)
        self._offer = "broadcast"

    # The journal

    def action_journal(self) -> None:
        """Show the operations of this repository."""
        if self.git is None:
            return
        page, name = self.journal_page(), self.feed.current
        if page.repository != name:
            page.show_reports(name, (), complete=False)
        page.write_border("title", Content(f"journal ─ {clean_line(name, 40)}"))
        self._journal_hints()
        self.open_page("journal")
        self.run_worker(self.read_journal(name), group="git-journal", exclusive=True, exit_on_error=False)

    async def read_journal(self, name: str, *, more: bool = False) -> None:
        """Read the newest operations, or those after the last one known."""
        from screens.git_faults import told

        page, git = self.journal_page(), self.git
        if git is None:
            return
        known = list(page.reports.values()) if more else []
        try:
            found = await git.journal(name, limit=JOURNAL_PAGE, after=known[-1].op_id if known else "")
        except Exception as error:
            page.show_reports(name, known, problem=told(error))
            return
        page.show_reports(name, [*known, *found], complete=len(found) < JOURNAL_PAGE)
        self._journal_hints()

    def _journal_hints(self) -> None:
        page = self.journal_page()
        pairs = [("enter", "shows"), ("u", "undoes"), ("ctrl+r", "redoes")] if page.reports else []
        page.write_border("subtitle", words.keys(*pairs, ("esc", "leaves")))

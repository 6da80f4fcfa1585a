"""The operations of a repository, newest first, each with how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from widgets.figures import wall_clock
from widgets.lines_view import LinesView, TextLine, folded
from widgets.operation_lines import journal_line

if TYPE_CHECKING:
    from app.git.model import Report


class JournalList(LinesView):
    """The journal. Its rows are the ids of the operations."""

    def __init__(self) -> None:
        super().__init__()
        self.clock: Callable[[], float] = wall_clock
        self.repository = ""
        self.reports: dict[str, Report] = {}
        self.complete = False
        self.problem = ""

    def show_reports(
        self, repository: str, reports: Sequence[Report], *, complete: bool = True, problem: str = ""
    ) -> None:
        """Take over what is known; the same repository's journal keeps its cursor."""
        same = repository == self.repository
        self.repository, self.complete, self.problem = repository, complete, problem
        self.reports = {report.op_id: report for report in reports}
        self.show(self._made, keep=same)

    @property
    def report(self) -> Report | None:
        """The operation under the cursor."""
        return self.reports.get(self.key)

    def _made(self, width: int) -> Iterator[TextLine]:
        if self.problem:
            yield from folded(self.problem, width, lead=("✗ ", "$error"))
        if not self.reports and not self.problem:
            text = "nothing has been done here yet" if self.complete else "reading the journal"
            yield TextLine(((text, "$text-muted"),))
        now = self.clock()
        for report in self.reports.values():
            yield journal_line(report, width, now)
        if self.reports and not self.complete:
            yield TextLine((("…", "$muted"),))

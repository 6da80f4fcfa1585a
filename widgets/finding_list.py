"""The findings of the hygiene audit, each with what would mend it and a tick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from widgets.figures import count
from widgets.lines_view import LinesView, TextLine, folded
from widgets.row_list import Part
from widgets.safe_text import clean_line, fit

if TYPE_CHECKING:
    from app.git.hygiene.model import Finding, Step

SIGNS: dict[str, Part] = {"error": ("✗ ", "$error"), "warning": ("⚠ ", "$warning"), "note": ("○ ", "$text-muted")}
STEPS = {
    "move": "move {path} to {other}",
    "remove": "delete {path}, which is there twice",
    "untrack": "stop tracking {path}; the file stays",
    "write": "write {path}",
    "ignore": "add {other} to {path}",
}


class FindingList(LinesView):
    """Findings with ticks. `enter` asks for a plan that mends what is ticked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick", show=False, id="git.finding_tick", tooltip="Mend this one, or leave it"),
        Binding("a", "tick_all", "Tick all", show=False, id="git.finding_all", tooltip="Tick all that can be mended"),
        Binding("enter", "mend", "Mend", show=False, id="git.finding_mend", tooltip="Show what mending would do"),
    ]

    class Confirmed(Message):
        """What is ticked is to be mended."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: tuple[Finding, ...] = ()
        self._ticks: set[str] = set()

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show these findings, ticked where the fix is right beyond doubt."""
        self.findings = tuple(findings)
        self._ticks = {finding.key for finding in findings if finding.ticked and finding.steps}
        self.show(self._made)

    @property
    def ticked(self) -> tuple[Finding, ...]:
        """What is to be mended, doubtful ones by the user's word."""
        return tuple(finding._replace(ticked=True) for finding in self.findings if finding.key in self._ticks)

    @property
    def path(self) -> str:
        """The first path of the finding under the cursor; empty when it is about none."""
        found = next((finding for finding in self.findings if finding.key == self.key), None)
        return found.paths[0] if found is not None and found.files else ""

    def action_tick(self) -> None:
        """Mend the finding under the cursor, or leave it."""
        found = next((finding for finding in self.findings if finding.key == self.key), None)
        if found is None:
            return
        if not found.steps:
            self.app.notify("Only a person can mend this one.", timeout=3)
            return
        self._ticks ^= {found.key}
        self.rebuild()
        self.action_move(1)

    def action_tick_all(self) -> None:
        """Tick all that can be mended, or nothing when all of it is."""
        free = {finding.key for finding in self.findings if finding.steps}
        self._ticks = set() if free == self._ticks else free
        self.rebuild()

    def action_mend(self) -> None:
        """Ask for the plan."""
        if self._ticks:
            self.post_message(self.Confirmed())
        else:
            self.app.notify("Nothing is ticked.", timeout=2)

    def _made(self, width: int) -> Iterator[TextLine]:
        if not self.findings:
            yield TextLine((("✓ ", "$success"), ("nothing to mend", "bold")))
            return
        told = f"{count(len(self.findings), 'finding')}, {len(self._ticks)} ticked"
        yield TextLine(((told, "$text-muted"),))
        for finding in self.findings:
            yield TextLine()
            yield from self._finding(finding, width)

    def _finding(self, finding: Finding, width: int) -> Iterator[TextLine]:
        box: Part = ("[✓] ", "$success") if finding.key in self._ticks else ("[ ] ", "$text-muted")
        if not finding.steps:
            box = ("    ", "")
        name = ", ".join(clean_line(path, 200) for path in finding.paths) or finding.kind.replace("_", " ")
        yield TextLine((box, SIGNS[finding.severity], (fit(name, max(width - 6, 8)), "bold")), finding.key)
        yield from folded(finding.detail, width, lead=("      ", ""), limit=4)
        for step in finding.steps[:4]:
            yield from folded(step_words(step), width, "$text-muted", lead=("      ", ""), limit=2)
        if len(finding.steps) > 4:
            yield TextLine(((f"      and {len(finding.steps) - 4} more", "$text-muted"),))


def step_words(step: Step) -> str:
    """What a step does, in words."""
    return STEPS[step.verb].format(path=clean_line(step.path, 300), other=clean_line(step.other, 300))

"""The hooks of a repository as lines: what is there, whose it is, and what ours checks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from widgets.lines_view import TextLine, folded, heading, labelled
from widgets.row_list import Part
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.git.hooks import HooksReport

STATES: dict[str, tuple[Part, str]] = {
    "absent": (("○ ", "$text-muted"), "not installed"),
    "foreign": (("○ ", "$text-muted"), "another one is there; installing keeps it and runs it too"),
    "installed": (("✓ ", "$success"), "installed"),
    "outdated": (("⚠ ", "$warning"), "installed, and out of date"),
    "displaced": (("⚠ ", "$warning"), "another one has taken its place"),
}
CHECKS = (
    "Before a push: names against the rule{rule}, branches against their upstreams, names that clash where "
    "case is ignored, protected branches. Its message ends with the command that mends it."
)
UNRULED = " (there is none until [git.naming].pattern is set)"


def installed(report: HooksReport) -> bool:
    """True when one of the hooks is ours."""
    return any(hook.state in ("installed", "outdated") for hook in report.hooks)


def hook_lines(report: HooksReport | None, problem: str, width: int, *, ruled: bool = True) -> Iterator[TextLine]:
    """How the hooks stand, and what was just done to them. `ruled` says that there is a rule for names of branches."""
    if problem:
        yield from folded(problem, width, lead=("✗ ", "$error"))
        yield TextLine()
    if report is None:
        return
    for text in report.done:
        yield from folded(text, width, lead=("✓ ", "$success"))
    if report.done:
        yield TextLine()
    for hook in report.hooks:
        sign, about = STATES[hook.state]
        yield TextLine((sign, (f"{clean_line(hook.name, 20)}  ", "bold"), (about, "")))
        if hook.before is not None:
            yield from folded(f"runs the one before it: {hook.before}", width, "$text-muted", lead=("  ", ""))
        if hook.note:
            yield from folded(hook.note, width, "$text-muted", lead=("  ", ""))
    yield TextLine()
    yield from labelled("folder", clean_line(str(report.folder), 300), width)
    for note in report.notes:
        yield from folded(note, width, "$text-muted", lead=("○ ", "$text-muted"))
    yield from heading("what it checks")
    yield from folded(CHECKS.format(rule="" if ruled else UNRULED), width)

"""Applies safe fixes. A fix that would make anything worse is left out, so that the text is never worse than before."""

from __future__ import annotations

from collections.abc import Sequence

from app.content.style.linter import Linter
from app.content.style.model import Finding, Fixed, Report

TRIALS = 60
"""Texts that are checked at most to find the fixes of one round that do no good."""

Group = tuple[Finding, ...]


def fix(linter: Linter, text: str) -> Fixed:
    """The text with all safe fixes; doing it again changes nothing."""
    report = linter.lint(text)
    fixed: list[Finding] = []
    while True:
        taken = _taken(linter, text, report, _groups(report))
        if taken is None:
            return Fixed(text, tuple(fixed), report.findings)
        groups, text, report = taken
        fixed += sorted((one for group in groups for one in group), key=lambda one: one.start)


def applied(text: str, findings: Sequence[Finding]) -> str:
    """The text with what these findings say, which must not overlap."""
    pieces, at = [], 0
    for finding in sorted(findings, key=lambda one: one.start):
        pieces += [text[at : finding.start], finding.replacement or ""]
        at = finding.end
    return "".join([*pieces, text[at:]])


def _groups(report: Report) -> list[Group]:
    """The safe fixes that can be made together; of two that overlap the first one."""
    gathered: dict[int, list[Finding]] = {}
    for number, finding in enumerate(report.findings):
        if finding.fix == "safe":
            gathered.setdefault(-number - 1 if finding.group < 0 else finding.group, []).append(finding)
    groups: list[Group] = []
    spans: list[tuple[int, int]] = []
    for group in gathered.values():
        here = [(one.start, one.end) for one in group]
        if not any(start < other_end and other < end for start, end in here for other, other_end in spans[-8:]):
            groups.append(tuple(group))
            spans += here
    return groups


def _taken(linter: Linter, text: str, report: Report, groups: list[Group]) -> tuple[list[Group], str, Report] | None:
    """As many groups as do good together, with what comes out; None where there is none."""
    trials = 0

    def tried(some: list[Group]) -> tuple[list[Group], str, Report] | None:
        nonlocal trials
        if not some or trials >= TRIALS:
            return None
        trials += 1
        new = applied(text, [one for group in some for one in group])
        if new.count("\n") == text.count("\n"):
            after = linter.lint(new)
            if _better(report, after):
                return some, new, after
        if len(some) == 1:
            return None
        half = len(some) // 2
        first, second = tried(some[:half]), tried(some[half:])
        if first and second:
            return together(first[0] + second[0]) or first
        return first or second

    def together(some: list[Group]) -> tuple[list[Group], str, Report] | None:
        new = applied(text, [one for group in some for one in group])
        after = linter.lint(new)
        return (some, new, after) if _better(report, after) else None

    return tried(groups)


def _better(before: Report, after: Report) -> bool:
    """No error more, no token of another type, nothing protected touched, and fewer fixes left."""
    return (
        after.errors <= before.errors
        and after.structure == before.structure
        and after.protected == before.protected
        and _safe(after) < _safe(before)
    )


def _safe(report: Report) -> int:
    return sum(finding.fix == "safe" for finding in report.findings)

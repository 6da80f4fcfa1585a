"""What operations did, as lines: how each ended, what was done, what was refused and why, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from widgets.figures import count, moment, short_age
from widgets.lines_view import TextLine, folded, heading, labelled
from widgets.plan_view import command_lines, config_lines, ref_name, refusal_lines, what_of
from widgets.row_list import Part
from widgets.safe_text import clean_line, fit

if TYPE_CHECKING:
    from app.git.model import RefChange, Report

STATES: dict[str, tuple[Part, str]] = {
    "planned": (("⚠", "$warning"), "interrupted before anything was changed"),
    "pinned": (("⚠", "$warning"), "interrupted while it was under way; some of it may be done"),
    "remote-done": (("⚠", "$warning"), "interrupted: the remote is changed, this repository is not"),
    "local-done": (("⚠", "$warning"), "interrupted before it was checked"),
    "done": (("✓", "$success"), "done"),
    "failed": (("✗", "$error"), "failed"),
    "undone": (("○", "$text-muted"), "undone"),
}
"""The sign of each state of an operation, and what it means for one that is not under way."""
PAST = {"delete": "deleted", "create": "created"}
UNFINISHED = ("planned", "pinned", "remote-done", "local-done")
SHORT = {"planned": "cut short", "pinned": "cut short", "remote-done": "cut short", "local-done": "cut short"}


def unfinished(report: Report) -> bool:
    """True for an operation that stopped half-way; one without an id never began, as there was nothing to do."""
    return bool(report.op_id) and report.state in UNFINISHED


def sign_of(report: Report) -> Part:
    """The sign of how an operation ended."""
    if report.state in UNFINISHED and not report.op_id:
        return STATES["done"][0]
    if report.state == "done" and report.undone_by:
        return STATES["undone"][0]
    if report.state == "done" and report.refused and not report.done:
        return "⊘", "$warning"
    return STATES[report.state][0]


def summary(report: Report) -> str:
    """An operation in a few words: `12 of 14 refs`, or what it says itself."""
    if report.message:
        return clean_line(report.message, 300)
    if report.plan:
        told = f"{len(report.done)} of {count(len(report.plan), 'ref')}"
        return f"{told}, {len(report.refused)} refused" if report.refused else told
    return count(len(report.config), "value") if report.config else "nothing to do"


def report_lines(reports: Sequence[Report], problems: Sequence[str], width: int) -> Iterator[TextLine]:
    """The outcome of operations that were just performed, or of one of the journal."""
    for text in problems:
        yield from folded(text, width, lead=("✗ ", "$error"))
    for number, report in enumerate(reports):
        if number or problems:
            yield TextLine()
        yield from _report(report, width)


def _report(report: Report, width: int) -> Iterator[TextLine]:
    sign, tone = sign_of(report)
    words = STATES[report.state][1] if not report.undone_by else "done, and undone since"
    if report.state in UNFINISHED and not unfinished(report):
        words = "nothing to do"
    title = f"{report.kind} in {clean_line(report.repository, 60)}: {words}"
    yield from folded(title, width, "bold", lead=(f"{sign} ", tone))
    if report.title:
        yield from folded(report.title, width, lead=("  ", ""))
    yield from folded(report.message or summary(report), width, lead=("  ", ""), limit=200)
    yield from _done(report.done, width)
    yield from refusal_lines(report.refused, width, "refused")
    yield from command_lines(report.commands, width)
    yield from config_lines(report.config, width)


def _done(changes: Sequence[RefChange], width: int) -> list[TextLine]:
    lines: list[TextLine] = []
    for change in changes:
        side = clean_line(change.remote, 40) if change.side == "remote" else "here"
        what = PAST.get(what_of(change), what_of(change))
        room = max(width - 2 - len(what) - 12, 8)
        name: Part = (fit(ref_name(change.ref), room), "")
        lines.append(TextLine((("✓ ", "$success"), name, (f" {what} {side}", "$text-muted"))))
    return [*heading("changed"), *lines] if lines else []


def interrupted_lines(report: Report, width: int) -> Iterator[TextLine]:
    """An operation that a crash left in the middle, and the two ways out of it."""
    sign, tone = STATES[report.state][0]
    title = f"{report.kind} in {clean_line(report.repository, 60)} was {STATES[report.state][1]}"
    yield from folded(title, width, "bold", lead=(f"{sign} ", tone))
    if report.message:
        yield from folded(report.message, width, "$text-muted", lead=("  ", ""))
    yield TextLine()
    yield TextLine((("enter ", "$accent bold"), ("finishes it", ""), (": what is left is done", "$text-muted")))
    yield TextLine((("u     ", "$accent bold"), ("undoes it", ""), (": all is as it was before", "$text-muted")))
    yield TextLine((("esc   ", "$accent bold"), ("leaves it", ""), ("; I shows it again", "$text-muted")))
    done = {change.key for change in report.done}
    lines: list[TextLine] = []
    for change in report.plan:
        side = clean_line(change.remote, 40) if change.side == "remote" else "here"
        what = what_of(change)
        box: Part = ("✓ ", "$success") if change.key in done else ("○ ", "$text-muted")
        name = fit(ref_name(change.ref), max(width - 2 - len(what) - 12, 8))
        lines.append(TextLine((box, (name, ""), (f" {what} {side}", "$text-muted"))))
    if lines:
        yield from heading("changes, those already made ticked")
        yield from lines
    yield from command_lines(report.commands, width)


def journal_line(report: Report, width: int, now: float) -> TextLine:
    """One operation of the journal."""
    sign, tone = sign_of(report)
    state = "undone" if report.undone_by else SHORT.get(report.state, report.state)
    when = moment(report.at, now) if report.at else ""
    room = max(width - 2 - 13 - 9 - 10, 8)
    text = clean_line(report.title, 300) or summary(report)
    return TextLine(
        (
            (f"{sign} ", tone),
            (fit(when, 13), "$text-muted"),
            (fit(report.kind, 9), "bold"),
            (fit(text, room), ""),
            (state.rjust(10), "$text-muted" if state in ("done", "undone") else tone),
        ),
        report.op_id,
    )


def journal_detail(report: Report, now: float, width: int) -> Iterator[TextLine]:
    """One operation of the journal in full."""
    yield from report_lines((report,), (), width)
    yield TextLine()
    if report.at:
        yield from labelled("at", f"{moment(report.at, now)}, {short_age(now - report.at)} ago", width)
    yield from labelled("id", clean_line(report.op_id, 80), width)
    if report.undone_by:
        yield from labelled("undone", f"by {clean_line(report.undone_by, 80)}", width)
    if report.undoes:
        yield from labelled("undoes", clean_line(report.undoes, 80), width)

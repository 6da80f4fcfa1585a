"""The words around the lists of the Tests screen: titles, states, notices, and what an empty list says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from widgets import hints
from widgets.figures import age, count
from widgets.progress_line import STOPPED, counts_parts
from widgets.safe_text import clean, clean_line, shorten

if TYPE_CHECKING:
    from app.testing.model import ProjectSnapshot

Part = tuple[str, str]
NOTICE_LINES = 4


def title(snapshot: ProjectSnapshot | None) -> Content:
    """`trading ✗2 ✓418 ○3`."""
    if snapshot is None:
        return Content("tests")
    return Content.assemble((f"{clean_line(snapshot.name, 60)} ", ""), *counts_parts(snapshot.counts)).rstrip()


def watch_state(snapshot: ProjectSnapshot, now: float) -> tuple[str, float | None]:
    """What is being watched and when it last changed, and the seconds after which that reads differently."""
    if snapshot.state in ("broken", "gone"):
        return ("folder gone" if snapshot.state == "gone" else "cannot run"), None
    if not snapshot.watching:
        return "○ watch off", None
    how = "polling" if snapshot.watch_note.startswith("polling") else "watching"
    text = f"{how} {count(snapshot.watched_files, 'file')}" if snapshot.watched_files else how
    if snapshot.saved_at is None:
        return text, None
    ago, left = age(now - snapshot.saved_at)
    return f"{text} · saved {ago}", left


def list_state(*, filter_text: str, bad_only: bool, shown: int, total: int, marks: int) -> list[Part]:
    """What narrows the list: the filter, the failing only, the marks."""
    parts: list[Part] = []
    if marks:
        parts += [(f"• {marks} marked", "$accent"), ("  ", "")]
    if bad_only:
        parts += [("✗ failing only", "$accent"), ("  ", "")]
    if filter_text:
        parts += [(f"/{shorten(clean_line(filter_text), 24)}", "$accent"), ("  ", "")]
    if filter_text or bad_only:
        parts += [(f"{shown:,} of {total:,}", ""), ("  ", "")]
    return parts


def notice(snapshot: ProjectSnapshot | None) -> Content | None:
    """What is wrong with the project or its last run as a whole; None when nothing is."""
    if snapshot is None:
        return None
    lines: list[Content] = []
    if snapshot.problem:
        lines += _lines("✗", "$error", snapshot.problem)
    last = snapshot.last
    if last is not None and last.note and last.note != STOPPED and snapshot.progress is None:
        lines += _lines("⚠", "$warning", last.note)
    if snapshot.watch_note:
        lines += _lines("○", "$text-muted", snapshot.watch_note)
    return Content("\n").join(lines[:NOTICE_LINES]) if lines else None


def _lines(glyph: str, tone: str, text: str) -> list[Content]:
    lines = [line for line in clean(text, 2_000).split("\n") if line.strip()]
    return [
        Content.assemble((f" {glyph} " if n == 0 else "   ", tone), (line, "" if n == 0 else "$text-muted"))
        for n, line in enumerate(lines)
    ]


def placeholder(
    snapshot: ProjectSnapshot | None, *, attached: bool, filter_text: str, bad_only: bool
) -> Sequence[Sequence[Part]]:
    """What an empty list says: what belongs there, and what fills it."""
    if not attached and snapshot is None:
        return [[("starting", "$text-muted")]]
    if snapshot is None:
        return [
            [("Live tests", "bold")],
            [],
            [("A file is saved; its tests have answered before you look up.", "")],
            [],
            [("No project is configured yet.", "$text-muted")],
            [("run ", "$text-muted"), ("qd init", "$accent"), (" inside the project's folder,", "$text-muted")],
            [("then start again", "$text-muted")],
            [],
            [
                (hints.key("app", "?"), "$accent"),
                (" keys   ", "$text-muted"),
                (hints.key("app", "ctrl+p"), "$accent"),
                (" everything by name   ", "$text-muted"),
                (hints.key("app", "q"), "$accent"),
                (" quit", "$text-muted"),
            ],
        ]
    if filter_text or (bad_only and snapshot.tests):
        if not filter_text:
            return [
                [("✓ ", "$success"), ("nothing fails", "")],
                [],
                [(hints.key("tests", "v"), "$accent"), (" shows all", "$text-muted")],
            ]
        what = f"no {'failing ' if bad_only else ''}test matches {shorten(clean_line(filter_text), 30)}"
        return [[(what, "")], [], [(hints.key("tests", "esc"), "$accent"), (" clears the filter", "$text-muted")]]
    if snapshot.state in ("broken", "gone"):
        return [
            [("⚠ ", "$warning"), (f"{clean_line(snapshot.name, 40)} cannot run", "bold")],
            [],
            [("see below; it goes on by itself once that is mended", "$text-muted")],
        ]
    if snapshot.state == "starting":
        return [[("starting", "$text-muted")], [], [(f"looking at {clean_line(snapshot.name, 40)}", "$text-muted")]]
    if snapshot.state == "running":
        return [[("collecting the tests", "$text-muted")]]
    if snapshot.last is None:
        return [
            [("nothing has run yet", "")],
            [],
            [(hints.key("tests", "a"), "$accent"), (" runs all tests", "$text-muted")],
        ]
    return [[("no tests found", "")], [], [(hints.key("tests", "a"), "$accent"), (" looks again", "$text-muted")]]

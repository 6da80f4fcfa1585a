"""The words around the panels of the Feedback screen: titles, the line below, and what an empty panel says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from widgets import hints
from widgets.figures import count
from widgets.lines_view import wrapped
from widgets.safe_text import clean_line, shorten, width_of

if TYPE_CHECKING:
    from app.feedback.model import Counts
    from app.feedback.review import FeedbackSnapshot

Part = tuple[str, str]
RETRAIN_LEAST = 20
"""Columns without which the words about retraining would say nothing."""
RATED_FROM = 5
"""Decisions from which on a rate says something."""
ORDERS = {
    "oldest": "oldest first",
    "worst": "worst score first",
    "uncertain": "most uncertain first",
    "cluster": "largest cluster first",
    "newest_model": "newest model first",
}


def key(default: str) -> str:
    """The key of the area that does what this one does by default."""
    return hints.key("feedback", default)


def keys(*pairs: tuple[str, str], room: int = 0) -> Content:
    """`a accept · x reject`, for a lower border; where there is little room (0: enough) without the last ones."""
    made = Content("")
    for defaults, about in pairs:
        shown = "".join(map(key, re.split("([ …])", defaults)))
        longer = Content.assemble(
            made, (" · " if made else "", "$muted"), (shown, "$accent"), (f" {about}", "$text-muted")
        )
        if room and longer.cell_length > room:
            break
        made = longer
    return made


def placeholder(snapshot: FeedbackSnapshot | None, *, attached: bool) -> Sequence[Sequence[Part]]:
    """What to say while there is no row to review."""
    if snapshot is None or not attached:
        return ((("starting", "$text-muted"),),)
    if not snapshot.up:
        why = shorten(clean_line(snapshot.problem or "it does not answer", 300), 100)
        return (
            (("⚠ ", "$warning"), ("The database is away, and no row is left that was read before.", "")),
            ((why, "$text-muted"),),
            (("The review goes on by itself once it is back.", "$text-muted"),),
        )
    if snapshot.problem:
        why = shorten(clean_line(snapshot.problem, 300), 100)
        return ((("✗ ", "$error"), (why, "")), (), _hint("r", "looks again"))
    if not snapshot.exhausted:
        if snapshot.ended:
            return ((("The search was ended.", ""),), (), _hint("r", "begins it again"))
        looked = f", {snapshot.looked_at:,} looked at, esc ends it" if snapshot.looked_at else ""
        return ((("looking for rows that wait" + looked, "$text-muted"),),)
    if snapshot.filter:
        return (
            (("Nothing that waits fulfils this filter.", ""),),
            ((clean_line(shorten(snapshot.filter, 60)), "$accent"),),
            (),
            (*_hint("esc", "clears it"), ("   ", ""), *_hint("v", "lists all that fulfil it")),
        )
    counts = snapshot.counts
    if counts is None or not counts.total:
        return _first()
    if counts.waiting:
        waits = "row waits" if counts.waiting == 1 else "rows wait"
        return (
            ((f"{counts.waiting:,} {waits}, claimed by another session.", ""),),
            (("What it leaves undecided comes here within a quarter of an hour.", "$text-muted"),),
            (),
            (*_hint("r", "looks again"), ("   ", ""), *_hint("v", "lists all rows")),
        )
    return (
        (("✓ ", "$success"), (_all_decided(counts), "bold")),
        (),
        (*_hint("v", "lists them"), ("   ", ""), *_hint("u", "takes the last decision back")),
        (("qd feedback import FILE", "$accent"), (" brings more", "$text-muted")),
    )


def _all_decided(counts: Counts) -> str:
    if not counts.skipped:
        return f"All {counts.total:,} rows are decided."
    return f"{counts.accepted + counts.rejected:,} rows are decided, {counts.skipped:,} were skipped."


def _hint(default: str, about: str, scope: str = "feedback") -> Sequence[Part]:
    return ((hints.key(scope, default), "$accent"), (f" {about}", "$text-muted"))


def failed(told: str, width: int) -> Sequence[Sequence[Part]]:
    """What kept a list from being read, and what to do, in lines of at most `width` columns."""
    what, _, fix = told.partition("\n")
    room = max(width - 4, 20)
    first, *more = wrapped(clean_line(what, 600), room)
    return (
        (("✗ ", "$error"), (first, "")),
        *(((line, ""),) for line in more),
        *(((line, "$accent"),) for line in wrapped(clean_line(fix, 300), room) if line),
        (),
        _hint("r", "looks again"),
    )


def _first() -> Sequence[Sequence[Part]]:
    """What the area is for, and what fills it."""
    ways = (
        ("qd feedback import FILE", "a file: JSON lines, CSV, …   "),
        ("qd feedback serve      ", "other programs send rows here"),
        ("[feedback.discord]     ", "of config.toml: a bot reads  "),
    )
    return [
        [("Feedback", "bold")],
        [],
        [("What your models answered, and what people thought of it:", "")],
        [("one key decides a row, and the next one is there.", "")],
        [("Every decision is kept, and can be undone.", "")],
        [],
        [("No row has come in yet.", "$text-muted")],
        *([(way, "$accent"), (f"   {about}", "$text-muted")] for way, about in ways),
        [],
        [
            *_hint("?", "keys   ", "app"),
            *_hint("ctrl+p", "everything by name   ", "app"),
            *_hint("q", "quit", "app"),
        ],
    ]


def queue_title(snapshot: FeedbackSnapshot | None) -> str:
    """`queue 128`."""
    counts = snapshot.counts if snapshot is not None else None
    return f"queue {counts.waiting:,}" if counts is not None else "queue"


def queue_state(snapshot: FeedbackSnapshot) -> Content:
    """The order, and the filter."""
    parts: list[Part] = []
    if snapshot.filter:
        parts += [(f"/{shorten(clean_line(snapshot.filter), 18)}", "$accent"), ("  ", "")]
    parts.append((ORDERS[snapshot.order], ""))
    return Content.assemble(*parts)


KEYS_WIDTH = 12
"""Columns that the way to the keys takes at the right, with a space around it."""


def status(
    snapshot: FeedbackSnapshot | None, width: int, said: str = "", retrain: str = "", sources: Sequence[str] = ()
) -> Content:
    """How far the review is, what is wrong, what is missing until the next retraining; at the right the session."""
    if snapshot is None or width < 10:
        return Content("")
    left: list[Part] = []
    if not snapshot.up:
        ready = f", {count(len(snapshot.upcoming), 'row')} ready" if snapshot.upcoming else ""
        left += [("⚠ ", "$warning"), (f"database away{ready}; decisions are kept here  ", "")]
    elif snapshot.problem:
        left += [("✗ ", "$error"), (f"{shorten(clean_line(snapshot.problem, 300), width // 2)}  ", "")]
    counts = snapshot.counts
    if said:
        # Whole or cut: what was asked for is answered before anything else is told.
        taken = sum(width_of(text) for text, _ in left)
        left.append((f"{shorten(said, max(20, width - taken - KEYS_WIDTH))}  ", "$info"))
    if counts is not None and counts.total:
        decided = counts.accepted + counts.rejected
        bar = max(8, min(30, width // 6))
        halves = min(2 * bar, round(2 * bar * decided / counts.total))
        full, half = divmod(halves, 2)
        left += [("━" * full + "╸" * half, "$accent"), ("━" * (bar - full - half), "$panel")]
        left += [(f" {decided:,}", ""), (f" of {counts.total:,} decided", "$text-muted")]
    if snapshot.quarantined:
        left += [("  ⚠ ", "$warning"), (f"{snapshot.quarantined:,} refused ", ""), (key("Q"), "$accent")]
    right: list[Part] = []
    if snapshot.unsaved:
        right += [(f"saving {snapshot.unsaved}", "$info"), ("  ", "")]
    if snapshot.session:
        right += [("session ", "$text-muted"), (f"{snapshot.session:,}", ""), ("  ", "")]
        if snapshot.per_minute and snapshot.session >= RATED_FROM:
            right += [(f"{snapshot.per_minute:.0f}", ""), (" /min  ", "$text-muted")]
        right += [("streak ", "$text-muted"), (f"{snapshot.streak:,}", ""), ("  ", "")]
    right += [(hints.key("app", "?"), "$text-muted"), (" keys", "$muted")]
    used = sum(width_of(text) for text, _ in (*left, *right)) + 2
    if sources:
        # Which one and that there is something; the page of figures has what and what to do.
        left += [("  ⚠ ", "$warning"), (f"{clean_line(sources[0].partition(': ')[0], 60)} is not read ", "")]
        left.append((key("S"), "$accent"))
        used += sum(width_of(text) for text, _ in left[-3:])
    if retrain and not said and width - used >= RETRAIN_LEAST + 6:
        shown = shorten(clean_line(retrain, 300), width - used - 6)
        left += [("  ● ", "$accent"), (shown, "")]
        used += width_of(shown) + 4
    while used > width and len(right) > 2:
        text, _ = right.pop(0)
        used -= width_of(text)
    while used > width and left:
        text, _ = left.pop()
        used -= width_of(text)
    return Content.assemble((" ", ""), *left, (" " * max(width - used, 1), ""), *right)

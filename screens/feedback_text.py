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
    from app.feedback.model import Counts, FeedbackRow
    from app.feedback.review import FeedbackSnapshot, Given

Part = tuple[str, str]
RETRAIN_LEAST = 20
"""Columns without which the words about retraining would say nothing."""
FILTER_LEAST = 12
"""Columns of a filter without which it would say nothing."""
PROBLEM_WIDTH = 104
"""Columns from which on the lines of a problem are no longer."""
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


def _whole(problem: str, width: int) -> list[str]:
    """A problem in lines: at its end stands what to do about it."""
    return wrapped(clean_line(problem, 600), max(min(width, PROBLEM_WIDTH) - 4, 20))


def without_verdict(given: Sequence[Given]) -> str:
    """`a score and a note without a verdict`, of one row or several; empty where nothing was given."""
    if not given:
        return ""
    if len(given) > 1:
        return f"what was given to {len(given):,} rows without a verdict"
    (only,) = given
    named = (only.score, "a score"), (only.tags, "tags"), (only.correction, "a correction"), (only.note, "a note")
    *first, last = [name for value, name in named if value is not None]
    return f"{', '.join(first)}{' and ' if first else ''}{last} without a verdict"


def placeholder(snapshot: FeedbackSnapshot | None, width: int, *, attached: bool) -> Sequence[Sequence[Part]]:
    """What to say, in lines of at most `width` columns, while there is no row to review."""
    if snapshot is None or not attached:
        return ((("starting", "$text-muted"),),)
    if not snapshot.up:
        why = snapshot.problem or "it does not answer"
        return (
            (("⚠ ", "$warning"), ("The database is away, and no row is left that was read before.", "")),
            *(((line, "$text-muted"),) for line in _whole(why, width)),
            (("The review goes on by itself once it is back.", "$text-muted"),),
        )
    if snapshot.problem:
        first, *more = _whole(snapshot.problem, width)
        return ((("✗ ", "$error"), (first, "")), *(((line, ""),) for line in more), (), _hint("r", "looks again"))
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
        ("qd feedback add        ", "one row, by options or JSON  "),
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


def none_listed(snapshot: FeedbackSnapshot | None) -> Sequence[Sequence[Part]]:
    """What a list without rows says."""
    if snapshot is None or not snapshot.filter:
        return ((("No row yet.", ""),),)
    return (
        (("No row fulfils this filter.", ""),),
        ((clean_line(shorten(snapshot.filter, 60)), "$accent"),),
        (),
        (*_hint("/", "changes it"), ("   ", ""), *_hint("v", "the queue")),
    )


def of_model(row: FeedbackRow) -> str:
    """` of fill v3 only`: rows that are nearly the same are looked for among those of one model and version."""
    model = " ".join(clean_line(part, 30) for part in (row.model, row.model_version) if part)
    return f" of {model} only" if model else " without a model only"


def queue_count(snapshot: FeedbackSnapshot | None) -> str:
    """` 128`, or with a filter ` 46 of 128`: so many rows that fulfil it are here, with `+` where there may be more."""
    counts = snapshot.counts if snapshot is not None else None
    if snapshot is None or counts is None:
        return ""
    if not snapshot.filter:
        return f" {counts.waiting:,}"
    here = len({item.row.id for item in snapshot.upcoming})
    return f" {here:,}{'' if snapshot.exhausted else '+'} of {counts.waiting:,}"


def queue_state(snapshot: FeedbackSnapshot, room: int) -> Content:
    """The order, and the filter in what is left of `room` columns."""
    order = ORDERS[snapshot.order]
    if not snapshot.filter:
        return Content(order)
    return Content.assemble(filter_words(snapshot, room - width_of(order) - 2), ("  ", ""), order)


def filter_words(snapshot: FeedbackSnapshot, room: int) -> Content:
    """`/model:v3 score:<0` in at most `room` columns."""
    return Content.styled(f"/{shorten(clean_line(snapshot.filter), max(room - 1, FILTER_LEAST))}", "$accent")


MARKS = frozenset("⚠✗●")
"""Signs that say what kind of thing stands behind them."""
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
        # Whole where there is room: at its end stands what to do about it.
        room = width // 2 if said else width - KEYS_WIDTH - 4
        left += [("✗ ", "$error"), (f"{shorten(clean_line(snapshot.problem, 300), max(room, 10))}  ", "")]
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
    while left and left[-1][0].strip() in MARKS:
        # What it marks had no room.
        used -= width_of(left.pop()[0])
    return Content.assemble((" ", ""), *left, (" " * max(width - used, 1), ""), *right)

"""The words around the panels of the Feedback screen: titles, the line below, and what an empty panel says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from widgets.figures import count
from widgets.safe_text import clean_line, shorten, width_of

if TYPE_CHECKING:
    from app.feedback.model import Stats
    from app.feedback.review import FeedbackSnapshot

Part = tuple[str, str]
RETRAIN_LEAST = 20
"""Columns without which the words about retraining would say nothing."""
ORDERS = {
    "oldest": "oldest first",
    "worst": "worst score first",
    "uncertain": "most uncertain first",
    "cluster": "largest cluster first",
    "newest_model": "newest model first",
}


def keys(*pairs: tuple[str, str]) -> Content:
    """`a accept · x reject`, for a lower border."""
    parts: list[Part] = []
    for key, about in pairs:
        parts += [(" · ", "$muted")] if parts else []
        parts += [(key, "$accent"), (f" {about}", "$text-muted")]
    return Content.assemble(*parts)


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
        return ((("✗ ", "$error"), (shorten(clean_line(snapshot.problem, 300), 100), "")),)
    if snapshot.exhausted and snapshot.filter:
        return (
            (("Nothing that waits fulfils this filter.", ""),),
            (("esc", "$accent"), (" clears it, ", "$text-muted"), ("v", "$accent"), (" lists all", "$text-muted")),
        )
    if snapshot.exhausted:
        return (
            (("Nothing waits for review.", ""),),
            (
                ("qd feedback import FILE", "$accent"),
                (" brings rows, ", "$text-muted"),
                ("v", "$accent"),
                (" lists those decided, ", "$text-muted"),
                ("u", "$accent"),
                (" takes the last decision back", "$text-muted"),
            ),
        )
    looked = f", {snapshot.looked_at:,} looked at" if snapshot.looked_at else ""
    return ((("looking for rows that wait" + looked, "$text-muted"),),)


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


def status(snapshot: FeedbackSnapshot | None, width: int, said: str = "", retrain: str = "") -> Content:
    """How far the review is, and what is missing until the next retraining; at the right how this session goes."""
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
        left.append((f"{said}  ", "$info"))
    if counts is not None and counts.total:
        decided = counts.total - counts.waiting
        bar = max(8, min(30, width // 6))
        halves = min(2 * bar, round(2 * bar * decided / counts.total))
        full, half = divmod(halves, 2)
        left += [("━" * full + "╸" * half, "$accent"), ("━" * (bar - full - half), "$panel")]
        left += [(f" {decided:,}", ""), (f" of {counts.total:,} decided", "$text-muted")]
    right: list[Part] = []
    if snapshot.unsaved:
        right += [(f"saving {snapshot.unsaved}", "$info"), ("  ", "")]
    if snapshot.session:
        right += [("session ", "$text-muted"), (f"{snapshot.session:,}", ""), ("  ", "")]
        if snapshot.per_minute:
            right += [(f"{snapshot.per_minute:.0f}", ""), ("/min  ", "$text-muted")]
        right += [("streak ", "$text-muted"), (f"{snapshot.streak:,}", ""), ("  ", "")]
    right += [("?", "$text-muted"), (" keys", "$muted")]
    used = sum(width_of(text) for text, _ in (*left, *right)) + 2
    if retrain and not said and width - used >= RETRAIN_LEAST + 4:
        shown = shorten(clean_line(retrain, 300), width - used - 4)
        left += [("  ● ", "$accent"), (shown, "")]
        used += width_of(shown) + 4
    while used > width and len(right) > 2:
        text, _ = right.pop(0)
        used -= width_of(text)
    while used > width and left:
        text, _ = left.pop()
        used -= width_of(text)
    return Content.assemble((" ", ""), *left, (" " * max(width - used, 1), ""), *right)


def stats_lines(stats: Stats, reviewer: str) -> list[tuple[str, str]]:
    """Figures, label by label."""
    counts = stats.counts
    agreement = "nothing was shown twice yet" if stats.agreement is None else f"{stats.agreement:.0%}"
    if stats.agreement is not None:
        kappa = "not defined, all verdicts are one" if stats.kappa is None else f"{stats.kappa:.2f}".replace("-", "−")
        agreement += f"  Cohen's kappa {kappa}"
    return [
        ("reviewer", clean_line(reviewer, 60)),
        ("waiting", f"{counts.waiting:,}"),
        ("accepted", f"{counts.accepted:,}"),
        ("rejected", f"{counts.rejected:,}"),
        ("skipped", f"{counts.skipped:,}"),
        ("rate", "" if stats.per_minute is None else f"{stats.per_minute:.1f} /min in the last hour of work"),
        ("the same again", agreement),
    ]

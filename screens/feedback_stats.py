"""The page of figures: rows by state, the review, agreement, and what keeps feedback from coming in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from screens.feedback_text import RATED_FROM
from widgets import hints
from widgets.feedback_lines import GLYPHS
from widgets.figures import count
from widgets.lines_view import TextLine, folded, heading, labelled
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.feedback.model import Stats
    from app.feedback.review import FeedbackSnapshot

COLUMN = 16
STATES = ("waiting", "accepted", "rejected", "skipped")


def stats_lines(stats: Stats, snapshot: FeedbackSnapshot, problems: Sequence[str], width: int) -> Iterator[TextLine]:
    """The whole page."""
    yield TextLine(((f"{stats.counts.total:,} rows", "bold"),))
    room = max(width - COLUMN - 22, 8)
    for name in STATES:
        number = getattr(stats.counts, name)
        share = number / stats.counts.total if stats.counts.total else 0.0
        # Whatever there is shows, however small its share.
        full = max(round(room * share), 1) if number else 0
        sign, tone = GLYPHS[name]
        yield TextLine(
            (
                (f"{sign} ", tone),
                (name.ljust(COLUMN - 2), "$text-muted"),
                (f"{number:>12,}  ", ""),
                ("━" * full, "$accent"),
                ("━" * (room - full), "$panel"),
                (f" {share:>4.0%}".replace("%", " %"), "$text-muted"),
            )
        )
    yield from heading(f"review by {clean_line(snapshot.reviewer, 60)}")
    pace = f", {snapshot.per_minute:.0f} /min" if snapshot.per_minute and snapshot.session >= RATED_FROM else ""
    yield from labelled(
        "this session", f"{snapshot.session:,} decided{pace}, streak {snapshot.streak:,}", width, column=COLUMN
    )
    rate = "nothing was decided yet"
    if stats.per_minute is not None:
        rate = f"{stats.per_minute:.1f} /min in the last hour of work"
    yield from labelled("rate", rate, width, column=COLUMN)
    yield from labelled("agreement", _agreement(stats), width, column=COLUMN)
    yield from heading("coming in")
    for problem in problems:
        yield from folded(problem, width, lead=("⚠ ", "$warning"), limit=5)
    if snapshot.quarantined:
        yield TextLine(
            (
                ("⚠ ", "$warning"),
                (f"{count(snapshot.quarantined, 'row')} refused  ", ""),
                (hints.key("feedback", "Q"), "$accent"),
                (" shows why, and mends", "$text-muted"),
            )
        )
    elif not problems:
        yield TextLine((("✓ ", "$success"), ("nothing is refused", "")))


def _agreement(stats: Stats) -> str:
    if stats.agreement is None:
        return "with yourself is known once rows were shown again"
    kappa = "not defined, all verdicts are one" if stats.kappa is None else f"{stats.kappa:.2f}".replace("-", "−")
    return f"{stats.agreement:.0%} with yourself, Cohen's kappa {kappa}".replace("%", " %")

"""The page about retraining: conditions with value and threshold, guards, what is missing, the last runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from widgets.figures import count, moment
from widgets.lines_view import TextLine, folded, heading
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.feedback.retrain.model import Condition, Evaluation, Look, RetrainSnapshot, Run, Status

COLUMN = 13
CHOSEN = "▸ "
"""Stands before the pipeline that the keys mean."""
RUNS = 5
"""Runs of a pipeline that are listed."""
SIGNS = {
    "fired": ("●", "$info"),
    "frozen": ("●", "$info"),
    "dispatched": ("●", "$info"),
    "succeeded": ("✓", "$success"),
    "failed": ("✗", "$error"),
    "expired": ("✗", "$warning"),
}


def retrain_lines(
    snapshot: RetrainSnapshot,
    runs: Sequence[Run],
    looks: Sequence[Look],
    unread: str,
    now: float,
    width: int,
    *,
    chosen: str = "",
) -> Iterator[TextLine]:
    """The whole page. `unread` says why runs and looks could not be read; keys go to the pipeline `chosen`."""
    if snapshot.problem:
        yield from folded(snapshot.problem, width, lead=("✗ ", "$error"), limit=4)
        yield TextLine()
    if not snapshot.pipelines and not snapshot.problem:
        yield TextLine((("the conditions have not been measured yet", "$text-muted"),))
    for number, status in enumerate(snapshot.pipelines):
        if number:
            yield TextLine()
        yield from _pipeline(status, width, chosen)
        own = [run for run in runs if run.pipeline == status.evaluation.pipeline][:RUNS]
        yield from heading("last runs" if own or not unread else f"last runs: {unread}")
        for run in own:
            yield from _run(run, now, width)
        if not own and not unread:
            yield TextLine((("none yet", "$text-muted"),))
        held = next(
            (look for look in looks if look.pipeline == status.evaluation.pipeline and not look.fired),
            None,
        )
        if held is not None:
            yield from folded(
                f"{moment(held.at.timestamp(), now)}  conditions met, held back: {held.reason}", width, "$text-muted"
            )


def fire_words(found: Evaluation) -> str:
    """What firing by hand would do now: what goes to it, what is not waited for, and which guards forbid it."""
    corrections = f"{count(found.corrections, 'correction')} of rows of earlier runs" if found.corrections else ""
    rows = count(found.new_rows, "new row") if found.new_rows or not corrections else ""
    parts = [f"{' and '.join(part for part in (rows, corrections) if part)} would go to it."]
    wanted = [condition.missing for condition in found.conditions if not condition.met and condition.missing]
    if wanted and not found.met:
        joined = (" or " if found.combine == "any" else " and ").join(wanted)
        parts.append(f"Its conditions are not met yet and are passed over: {joined}.")
    held = [guard.detail for guard in found.guards if not guard.ok]
    if held:
        parts.append(f"Guards keep it from firing, also by hand: {'; '.join(held)}.")
    return " ".join(parts)


def _pipeline(status: Status, width: int, chosen: str) -> Iterator[TextLine]:
    found = status.evaluation
    cursor = "" if not chosen else CHOSEN if chosen == found.pipeline else "  "
    yield from folded(found.progress, width, lead=(f"{cursor}{clean_line(found.pipeline, 40)}  ", "$accent"), limit=3)
    yield from heading("fires when any is met" if found.combine == "any" else "fires when all are met")
    for condition in found.conditions:
        sign = ("✓", "$success") if condition.met else ("·", "$text-muted")
        yield from _signed(sign, condition.id, condition_text(condition), width)
    if not found.conditions:
        yield TextLine((("no condition is configured: it fires by hand only", "$text-muted"),))
    yield from heading("guards")
    for guard in found.guards:
        sign = ("✓", "$success") if guard.ok else ("✗", "$error")
        yield from _signed(sign, guard.id, guard.detail, width)
    if found.missing:
        yield from heading("missing until it fires")
        for text in _missing(found):
            yield from folded(text, width, lead=("  ", ""), limit=3)
    if found.corrections:
        yield TextLine()
        yield from folded(f"{count(found.corrections, 'correction')} of rows of earlier runs go with the next", width)


def condition_text(condition: Condition) -> str:
    """What was measured, and from where on it is met."""
    if condition.id == "reject_rate":
        rise = "" if condition.value is None else f" rise {condition.value:+.1%},".replace("-", "−")
        return f"{condition.detail};{rise} met from +{condition.threshold:.1%}"
    if condition.value is None:
        return f"{condition.detail}; met from {condition.threshold:g}"
    return condition.detail


def _missing(found: Evaluation) -> Iterator[str]:
    wanted = [text for text in found.missing if text]
    conditions = 0 if found.met else sum(not condition.met for condition in found.conditions)
    for number, text in enumerate(wanted):
        word = "or" if number < conditions and found.combine == "any" else "and"
        yield f"{word} {text}" if number else text


def _signed(sign: tuple[str, str], label: str, text: str, width: int) -> Iterator[TextLine]:
    indent = " " * (COLUMN + 2)
    for number, line in enumerate(folded(text, max(width - COLUMN - 2, 8), limit=3)):
        lead = ((f"{sign[0]} ", sign[1]), (label.ljust(COLUMN), "$text-muted")) if number == 0 else ((indent, ""),)
        yield TextLine((*lead, *line.parts[1:]))


def _run(run: Run, now: float, width: int) -> Iterator[TextLine]:
    metrics = (run.result or {}).get("metrics") or {}
    parts = [moment(run.created_at.timestamp(), now), run.state, count(run.row_count, "row")]
    parts += [f"{name} {value:g}" for name, value in metrics.items()]
    if run.error:
        parts.append(run.error.split("\n", 1)[0])
    elif run.reason:
        parts.append(run.reason)
    sign, style = SIGNS[run.state]
    yield from folded("  ".join(parts), width, lead=(f"{sign} ", style), limit=2)
    yield TextLine(((f"  {run.id}", "$text-muted"),))

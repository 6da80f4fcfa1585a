"""A row of feedback as lines: why it is here, what was asked, what was answered, and what was thought of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from widgets.content_lines import INDENT, content_lines
from widgets.figures import moment, short_age
from widgets.lines_view import TextLine, folded, heading, labelled
from widgets.safe_text import clean_line, shorten
from widgets.word_diff import counted, diff_lines

if TYPE_CHECKING:
    from app.feedback.model import Decision, FeedbackRow
    from app.feedback.review import Given

GLYPHS: Mapping[str, tuple[str, str]] = {
    "waiting": ("○", "$text-muted"),
    "accepted": ("✓", "$success"),
    "rejected": ("✗", "$error"),
    "skipped": ("◐", "$warning"),
    "accept": ("✓", "$success"),
    "reject": ("✗", "$error"),
    "skip": ("◐", "$warning"),
}
KINDS = {"json": "JSON", "diff": "diff", "table": "table", "markdown": "Markdown", "code": "code", "text": ""}
COLUMN = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """A row, and how it is to be shown. `given` is what waits for the verdict."""

    row: FeedbackRow
    why: str = ""
    decisions: tuple[Decision, ...] = ()
    given: Given | None = None
    unfolded: bool = False
    now: float = 0.0


def row_lines(shown: Shown, width: int) -> Iterator[TextLine]:
    """Everything about a row."""
    row = shown.row
    yield from _head(shown, width)
    yield from _pending(shown, width)
    yield from _text("input", row.input, width, shown.unfolded)
    yield from _text("output", row.output, width, shown.unfolded)
    if shown.given is not None and shown.given.correction is not None:
        yield from heading("corrected")
        yield from diff_lines(row.output, shown.given.correction, width, INDENT)
    if row.comment:
        yield from _text("comment", row.comment, width, shown.unfolded)
    yield TextLine()
    yield from _meta(row, width)
    if row.context:
        import json

        yield from _text("context", json.dumps(row.context, ensure_ascii=False), width, shown.unfolded)
    if shown.decisions:
        yield from heading("earlier decisions")
        for decision in reversed(shown.decisions):
            yield from _decision(decision, row, width, shown.now)


def _head(shown: Shown, width: int) -> Iterator[TextLine]:
    row = shown.row
    glyph, tone = GLYPHS[row.state]
    model = " ".join(part for part in (row.model, row.model_version) if part)
    facts = [shown.why or row.state, model, row.source, row.author or ""]
    text = " · ".join(clean_line(fact, 120) for fact in facts if fact)
    at = moment(row.captured_at.timestamp(), shown.now)
    score = "" if row.score is None else f"score {signed(row.score)}"
    right = "  ".join(part for part in (score, at) if part)
    room = max(width - len(right) - 4, 8)
    cut = shorten(text, room)
    gap = " " * max(width - 2 - len(right) - _width(cut), 1)
    yield TextLine(((f"{glyph} ", tone), (cut, "bold"), (gap, ""), (right, "$text-muted")))


def _width(text: str) -> int:
    from widgets.safe_text import width_of

    return width_of(text)


def signed(score: float) -> str:
    """`+0.50`, `−1.00`."""
    return f"{score:+.2f}".replace("-", "−")


def pending_words(given: Given | None, output: str) -> list[str]:
    """What waits for the verdict, in a few words."""
    if given is None or given.empty:
        return []
    words = []
    if given.score is not None:
        words.append(f"score {signed(given.score)}")
    if given.tags is not None:
        words.append(f"tags {', '.join(clean_line(tag, 40) for tag in given.tags)}" if given.tags else "no tags")
    if given.correction is not None:
        added, taken = counted(output, given.correction)
        words.append(f"corrected (+{added} −{taken} words)")
    if given.note is not None:
        words.append(f"note: {clean_line(given.note, 60)}")
    return words


def _pending(shown: Shown, width: int) -> Iterator[TextLine]:
    words = pending_words(shown.given, shown.row.output)
    if words:
        yield from folded(" · ".join(words), width, "$accent", lead=("● with the verdict  ", "$accent"), limit=3)


def _text(name: str, text: str, width: int, unfolded: bool) -> Iterator[TextLine]:
    kind, lines, more = content_lines(text, width, unfolded=unfolded)
    label = f"{name}  {KINDS[kind]}" if KINDS[kind] else name
    yield from heading(label)
    if not text:
        yield TextLine(((f"{INDENT}empty", "$muted"),))
        return
    yield from lines
    if more:
        said = f"{INDENT}… {more:,} more line{'s' if more > 1 else ''}"
        hint: tuple[tuple[str, str], ...] = (
            (("  enter", "$accent"), (" unfolds", "$text-muted")) if not unfolded else ()
        )
        yield TextLine(((said, "$text-muted"), *hint))


def _meta(row: FeedbackRow, width: int) -> Iterator[TextLine]:
    raw = "" if row.score_raw is None else f", as given {clean_line(_brief(row.score_raw), 80)}"
    facts: Sequence[tuple[str, str]] = (
        ("tags", ", ".join(clean_line(tag, 64) for tag in row.tags)),
        ("score", "" if row.score is None else f"{signed(row.score)}{raw}"),
        ("prompt", row.prompt_version or ""),
        ("channel", row.channel or ""),
        ("run", row.run_id or ""),
        ("id", row.id),
        ("event", row.source_event_id or ""),
    )
    for label, text in facts:
        if text:
            yield from labelled(label, clean_line(text, 400), width, column=COLUMN)


def _brief(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _decision(decision: Decision, row: FeedbackRow, width: int, now: float) -> Iterator[TextLine]:
    ago = short_age(now - decision.decided_at.timestamp())
    who = clean_line(decision.reviewer, 40)
    if decision.kind != "decide":
        done = "undone" if decision.kind == "undo" else "done again"
        yield TextLine(((f"{INDENT}↺ ", "$text-muted"), (f"{done}  {who}, {ago} ago", "$text-muted")))
        return
    glyph, tone = GLYPHS[decision.verdict or "skip"]
    style = "$text-muted strike" if decision.undone_by is not None else ""
    words: list[str] = [decision.verdict or ""]
    if decision.score is not None:
        words.append(f"score {signed(decision.score)}")
    if decision.tags:
        words.append(", ".join(clean_line(tag, 64) for tag in decision.tags))
    yield TextLine(
        (
            (f"{INDENT}{glyph} ", tone),
            (shorten(" · ".join(words), max(width - 30, 8)), style),
            (f"  {who}, {ago} ago", "$text-muted"),
        )
    )
    if decision.note:
        yield from folded(decision.note, width, "$text-muted", lead=(f"{INDENT}  ", ""), limit=4)
    if decision.correction is not None:
        yield from diff_lines(row.output, decision.correction, width, f"{INDENT}  ")

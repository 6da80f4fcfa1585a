"""How long a text of 10,000 words takes to be checked against the style guide, whole and after one change."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

from markdown_it import MarkdownIt

from app.content.style import rules
from app.content.style.fixing import fix
from app.content.style.linter import Linter
from app.content.style.model import Options
from tests.bench.figures import Judged, Report, Table, percentile, times
from tests.bench.scale import Scale

WORDS = 10_000
ROUNDS = 15
CHANGES = 100
TEXT = (
    "A text of {words:,} words, in headings, paragraphs, lists, tables, quotes and code, with {dashes} dashes and as "
    "many other things to find. It is checked whole by a checker that knows nothing of it; then a word is changed in "
    "one paragraph after the other, and each time the whole text is checked by the one that has seen the text. In "
    "the same rounds markdown-it alone parses the text, which is less than a check has to do. Times are wall clock."
)
_VOCABULARY = (
    "the engine reads every rule once and tells what it found where stands in text with code lists tables links we "
    "you they because while after before strategies market feedback draft"
)


def run(_scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure it."""
    text = text_of(WORDS)
    style = rules.style(Options())
    whole, parsed, again, mended = [], [], [], []
    linter = Linter(style)
    for _ in range(ROUNDS):
        linter = Linter(style)
        whole.append(_timed(lambda one=linter: one.lint(text)))
        parsed.append(_timed(lambda: MarkdownIt("commonmark").enable("table").parse(text)))
        mended.append(_timed(lambda: fix(Linter(style), text)))
    say(f"whole {percentile(whole, 0.5):.0f} ms")
    places = [place for place in range(len(text)) if text.startswith(" rule ", place)]
    for place in places[:CHANGES]:
        text = f"{text[:place]} change{text[place:]}"
        again.append(_timed(lambda one=text: linter.lint(one)))
    report = Report("style", f"Style of a text of {WORDS:,} words")
    report.text.append(TEXT.format(words=WORDS, dashes=text.count(" — ")))
    report.tables.append(
        Table(
            (f"{len(whole)} rounds", "p50", "p95", "÷ parsing"),
            tuple(
                (
                    what,
                    f"{percentile(took, 0.5):.0f} ms",
                    f"{percentile(took, 0.95):.0f} ms",
                    times(percentile(took, 0.5) / percentile(parsed, 0.5)),
                )
                for what, took in (
                    ("markdown-it alone", parsed),
                    ("checked whole", whole),
                    ("checked after a change", again),
                    ("put right", mended),
                )
            ),
        )
    )
    report.judged += [
        Judged("checked whole, p50", percentile(whole, 0.5), "at most", 100, " ms", 0),
        Judged("checked after a change, p95", percentile(again, 0.95), "at most", 50, " ms", 0),
    ]
    return report


def text_of(words: int) -> str:
    """A text of about so many words, with all that a draft has."""
    return "\n\n".join(_blocks(words))


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _blocks(words: int) -> Iterator[str]:
    chance = random.Random(7)
    vocabulary = _VOCABULARY.split()

    def sentence(length: int) -> str:
        return " ".join(chance.choices(vocabulary, k=length)).capitalize() + "."

    made = 0
    while made < words:
        block = chance.choices(
            [
                lambda: f"## {sentence(4).rstrip('.')}",
                lambda: "\n".join(f"- **{sentence(1).rstrip('.')}** — {sentence(12)}" for _ in range(5)),
                lambda: "```python\nx = 'a — b'\n```",
                lambda: "\n".join(["| a | b |", "|---|---|", *(f"| — | {sentence(6)} |" for _ in range(5))]),
                lambda: f"> {sentence(15)} `code` and [link](https://example.com/x).",
                lambda: " ".join(sentence(chance.randint(6, 22)) for _ in range(4)) + " It *was* so — but `not` now...",
            ],
            weights=[2, 2, 1, 1, 2, 12],
        )[0]()
        made += len(block.split())
        yield block

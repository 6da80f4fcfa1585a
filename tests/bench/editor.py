"""The editor under typing: from a key to its sign on the screen, in a draft of 10,000 words and in one of 5 MB."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.app import painted
from tests.bench.figures import Judged, Report, Table, percentile
from tests.bench.projects import ROOT
from tests.bench.scale import Scale
from tests.bench.style import text_of
from tests.e2e.terminal import Terminal

WORDS = 10_000
LARGE_BYTES = 5_000_000
GAPS_S = (0.04, 0.25)
TYPED = "and so the words go on, with **weight** and `code` "
METHOD = (
    "In a pseudo-terminal of 160×48: the editor with its colours, the findings of the style guide (checked 0.3 s after "
    "the last key, in a thread) and the preview of Markdown beside it, the cursor in the middle of the text. A key's "
    "time runs from writing it to the first output that follows. Keys come {least:.0f} to {most:.0f} ms apart, at "
    "random, so that checks and previews are under way while some of them are typed; every eighth is one that breaks a "
    "line, deletes, moves or takes back."
)
OTHERS = ("enter", "backspace", "up", "down", "left", "ctrl+z")


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure it."""
    report = Report("editor", "The editor of drafts", text=[METHOD.format(least=GAPS_S[0] * 1e3, most=GAPS_S[1] * 1e3)])
    draft = text_of(WORDS)
    large = draft * (LARGE_BYTES // len(draft.encode()) + 1)
    rows, p95 = [], {}
    for name, text, keys in (
        (f"{WORDS:,} words", draft, scale.keys * 4),
        (f"{len(large.encode()) / 1e6:.1f} MB", large, scale.keys),
    ):
        took = typed(text, keys)
        figures = (percentile(took, share) * 1e3 for share in (0.5, 0.95, 1.0))
        rows.append((name, str(len(took)), *(f"{figure:.1f} ms" for figure in figures)))
        p95[name] = percentile(took, 0.95) * 1e3
        say(f"{name}: p95 {p95[name]:.1f} ms")
    report.tables.append(Table(("key → output", "keys", "p50", "p95", "most"), tuple(rows)))
    first, second = p95
    report.judged += [
        Judged(f"key → output, {first}, p95", p95[first], "at most", 16.0, " ms", 1),
        Judged(f"key → output, {second}, p95", p95[second], "at most", 250.0, " ms", 1),
    ]
    return report


def typed(text: str, keys: int) -> list[float]:
    """Seconds from each key to what it showed."""
    chance = random.Random(11)
    took = []
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as name:
        folder = Path(name)
        (folder / "draft.md").write_text(text, "utf-8")
        command = [sys.executable, str(ROOT / "tests/bench/programs/writing_app.py"), str(folder / "draft.md")]
        with Terminal(command, home=folder / "home", env={"PYTHONPATH": str(ROOT)}) as terminal:
            terminal.moment(painted, 120.0)
            terminal.settle(2.0, 60.0)
            for number in range(keys):
                key = chance.choice(OTHERS) if number % 8 == 7 else TYPED[number % len(TYPED)]
                at = time.monotonic()
                terminal.press("space" if key == " " else key)
                took.append(terminal.next_output(at, 30.0) - at)
                time.sleep(chance.uniform(*GAPS_S))
            terminal.press("ctrl+q")
            terminal.wait(60.0)
    return took

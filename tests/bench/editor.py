"""The editor under typing, in the whole app: from a key to its sign on the screen, with 10,000 words and with 5 MB."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.app import painted
from tests.bench.figures import Judged, Report, Table, percentile
from tests.bench.scale import Scale
from tests.bench.style import text_of
from tests.e2e.program import ROOT, clean_environment, qd
from tests.e2e.terminal import Terminal

WORDS = 10_000
LARGE_BYTES = 5_000_000
GAPS_S = (0.04, 0.25)
REST_S = 0.6
PAGES = 3
"""From the start of the text to where keys are typed."""
TYPED = "and so the words go on, with **weight** and `code` "
VIEWS = ("Markdown", "Discord", "Text")
METHOD = (
    "The app in a pseudo-terminal of 160×48, with the Content area open on a draft: the editor with its colours, the "
    "preview and the findings of the style guide beside it, what is typed on its way to a recovery file. A key's time "
    "runs from writing it to the first output that follows. Keys come {least:.0f} to {most:.0f} ms apart, at random, "
    "with a rest of 0.6 s after every eleventh, so that checks and previews are under way while some are typed; every "
    "eighth is one that breaks a line, deletes, moves or takes back."
)
OTHERS = ("enter", "backspace", "up", "down", "left", "ctrl+z")
_MAKE = """
import asyncio, sys
from pathlib import Path
from app.commands.content_storage import drafting
from app.content.model import Template
from app.settings import load
async def main():
    async with drafting(load(Path(sys.argv[1]))) as opened:
        template = Template("plain", "plain", "Plain", "", (), "", "plain.md", "0" * 64)
        await opened.drafts.create(template, "The text", Path(sys.argv[2]).read_text("utf-8"), fields={}, context={})
        assert await opened.settled()
asyncio.run(main())
"""


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure it."""
    report = Report("editor", "The editor of drafts", text=[METHOD.format(least=GAPS_S[0] * 1e3, most=GAPS_S[1] * 1e3)])
    draft = text_of(WORDS)
    large = draft * (LARGE_BYTES // len(draft.encode()) + 1)
    rows, p95 = [], []
    cases = [(f"{WORDS:,} words, {view} beside", draft, view, scale.keys * 2) for view in VIEWS]
    cases.append((f"{len(large.encode()) / 1e6:.1f} MB", large, VIEWS[0], scale.keys))
    for name, text, view, keys in cases:
        took = typed(text, keys, view)
        figures = (percentile(took, share) * 1e3 for share in (0.5, 0.95, 1.0))
        rows.append((name, str(len(took)), *(f"{figure:.1f} ms" for figure in figures)))
        p95.append(percentile(took, 0.95) * 1e3)
        say(f"{name}: p95 {p95[-1]:.1f} ms")
    report.tables.append(Table(("key → output", "keys", "p50", "p95", "most"), tuple(rows)))
    for case, figure in zip(cases, p95, strict=True):
        most = 250.0 if case[1] is large else 16.0
        report.judged.append(Judged(f"key → output, {case[0]}, p95", figure, "at most", most, " ms", 1))
    return report


def typed(text: str, keys: int, view: str) -> list[float]:
    """Seconds from each key to what it showed."""
    chance = random.Random(11)
    took = []
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as name:
        home, file = Path(name) / "home", Path(name) / "draft.md"
        file.write_text(text, "utf-8")
        config = Path(name) / "config.toml"
        config.write_text("[content]\n", "utf-8")
        command = [sys.executable, "-c", _MAKE, str(config), str(file)]
        subprocess.run(command, check=True, cwd=ROOT, env=clean_environment(home))
        with Terminal(qd("--config", config, "--start", "content"), home=home) as terminal:
            terminal.moment(painted, 120.0)
            terminal.wait_for("The text", 60.0)
            terminal.press("enter")
            terminal.wait_for(r"version 1", 120.0)
            terminal.settle(1.0, 60.0)
            for key in ("escape", "shift+tab", *["right"] * VIEWS.index(view), "shift+tab"):
                terminal.press(key)
                terminal.settle(0.3, 10.0)
            terminal.press(*["pagedown"] * PAGES)
            terminal.settle(3.0, 120.0)
            for number in range(keys):
                key = chance.choice(OTHERS) if number % 8 == 7 else TYPED[number % len(TYPED)]
                at = time.monotonic()
                terminal.press("space" if key == " " else key)
                took.append(terminal.next_output(at, 30.0) - at)
                # Once in a while one thinks, and what follows the keys catches up.
                time.sleep(REST_S if number % 11 == 10 else chance.uniform(*GAPS_S))
            terminal.press("ctrl+q")
            terminal.wait(60.0)
    return took

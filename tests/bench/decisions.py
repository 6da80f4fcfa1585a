"""A person who decides once a second for minutes: whether every decision is there, in its order."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.figures import Judged, Report, Table, percentile
from tests.bench.scale import Scale
from tests.e2e.house import House
from tests.e2e.reviewed import Decision, acknowledged, decide, name, stored, write_rows

EVERY_S = 1.0
SPARE = 100
"""Rows more than are decided."""
METHOD = (
    "The app in a pseudo-terminal of 160×48 with rows to review. A script presses accept, reject and skip in turn, one "
    "key at each second of the clock, and waits until the screen shows the next row and nothing that is being saved. "
    "Then the app is closed, and the decisions in the database are compared with the keys, one by one. Others may "
    "run meanwhile, so the times say little; what is judged is that nothing is lost."
)


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Decide once a second."""
    report = Report("decisions", "Decisions by keys", text=[METHOD], commands=["qd --start feedback"])
    made: list[Decision] = []
    took: list[float] = []
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        house = House(Path(folder))
        try:
            house.configure()
            write_rows(house.folder / "rows.jsonl", scale.decisions + SPARE)
            house.ask("feedback", "import", str(house.folder / "rows.jsonl"))
            terminal = house.open("--start", "feedback")
            terminal.wait_for(name(0))
            say(f"{scale.decisions} decisions")
            began = time.monotonic()
            for number in range(scale.decisions):
                time.sleep(max(0.0, began + number * EVERY_S - time.monotonic()))
                at = time.monotonic()
                made.append(decide(terminal, number))
                terminal.wait_until(acknowledged(made[-1][0]), "the next row")
                took.append(time.monotonic() - at)
            lasted = time.monotonic() - began
            terminal.press("q")
            terminal.wait()
            found = stored(house.home)
        finally:
            house.close()
    per_min = len(made) * 60 / (lasted + EVERY_S - took[-1])
    p50, p95 = percentile(took, 0.5), percentile(took, 0.95)
    report.tables.append(
        Table(
            ("decisions", "minutes", "a minute", "key → next row, p50", "p95", "worst", "stored"),
            (
                (
                    f"{len(made)}",
                    f"{lasted / 60:.1f}",
                    f"{per_min:.1f}",
                    f"{p50 * 1000:.0f} ms",
                    f"{p95 * 1000:.0f} ms",
                    f"{max(took) * 1000:.0f} ms",
                    f"{len(found)}",
                ),
            ),
        )
    )
    lost = sum(each not in set(found) for each in made)
    report.judged += [
        Judged("decisions lost", lost, "at most", 0, "", 0),
        Judged("decisions that nobody made, or twice", len(found) - (len(made) - lost), "at most", 0, "", 0),
        Judged("in another order", sum(a != b for a, b in zip(made, found, strict=False)), "at most", 0, "", 0),
    ]
    return report

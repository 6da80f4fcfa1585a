"""How fast files of feedback are taken in."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from app.db.engine import Database
from app.feedback.imports.files import import_file
from tests.bench.copying import servers
from tests.bench.figures import Judged, Report, Table
from tests.bench.scale import Scale

LEAST_ROWS_S = {"SQLite": 20_000.0}
LEAST_ROWS_S_SERVER = 6000.0
METHOD = (
    "Rows of about 600 bytes, each with texts, a score, a tag and a context, are imported from JSON lines into an "
    "empty database. Time runs from the call to its end, with the start of the process that makes the rows ready."
)
WORDS = "price order match late fill account limit cents noon trade stop loss margin risk quote bid spread tick"


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure an import into SQLite and into each server that is here."""
    report = Report("feedback", "Feedback", text=[METHOD], commands=["qd feedback import FILE"])
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        place = Path(folder)
        file = made(place / "rows.jsonl", scale.import_rows)
        few = made(place / "few.jsonl", scale.import_rows // 4)
        embedded = [("SQLite", f"sqlite:///{place / 'import.db'}")]
        # Each server lives until the next one is asked for.
        for name, url in chain(embedded, servers(place)):
            say(f"import into {name}")
            speed = asyncio.run(_speed(url, file if name == "SQLite" else few))
            rows.append((f"JSON lines into {name}", f"{speed:,.0f}"))
            least = LEAST_ROWS_S.get(name, LEAST_ROWS_S_SERVER)
            report.judged.append(Judged(f"import into {name}", speed, "at least", least, " rows/s", 0))
    report.tables.append(Table(("what", "rows a second"), tuple(rows)))
    return report


def made(path: Path, number: int) -> Path:
    """A file of so many rows, the same ones each time."""
    draw, words = random.Random(5), WORDS.split()

    def text(count: int) -> str:
        return " ".join(draw.choices(words, k=count))

    with path.open("w", encoding="utf-8") as file:
        for each in range(number):
            row = {
                "source": "import",
                "source_event_id": f"e{each}",
                "captured_at": f"2026-0{1 + each % 9}-1{each % 10}T12:{each % 60:02}:00Z",
                "author": f"user-{each % 500}",
                "model": "m",
                "model_version": f"v{each % 7}",
                "input": f"{each} {text(15)}",
                "output": f"{each} {text(40)}",
                "score": (each % 21 - 10) / 10,
                "comment": text(6),
                "tags": [draw.choice(words)],
                "context": {"channel": "c1", "thread": str(each)},
            }
            file.write(json.dumps(row) + "\n")
    return path


async def _speed(url: str, path: Path) -> float:
    """Rows a second."""
    db = Database(url)
    await db.ready()
    began = time.perf_counter()
    report = await import_file(db, path)
    took = time.perf_counter() - began
    db.close()
    assert report.created == report.rows
    return report.rows / took

"""How fast files of feedback are taken in."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

from app.db.engine import Database
from app.feedback.imports.files import import_file
from app.feedback.ingest import PRAGMAS
from app.feedback.preparing import BATCH_ROWS
from tests.bench.copying import servers
from tests.bench.figures import Judged, Report, Table, ratio
from tests.bench.scale import Scale

LEAST_ROWS_S = 20_000.0
LEAST_ROWS_S_SERVER = 6000.0
LEAST_OF_BARE = 0.4
ROUNDS = 3
METHOD = (
    "Rows of about 600 bytes, each with texts, a score, a tag and a context, are imported from JSON lines into an "
    "empty database. Time runs from the call to its end, with the start of the process that makes the rows ready."
)
BARE = (
    "How fast that is depends on the machine most of all. So the rows that came of it are put into the same tables and "
    "indexes once more, by Python's sqlite3 and nothing else: no reading, no checks, no hashes, no second process. "
    "Imports and that take turns; the share is the median of the ratios of the pairs."
)
WORDS = "price order match late fill account limit cents noon trade stop loss margin risk quote bid spread tick"


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure an import into SQLite, and into each server that is here."""
    report = Report("feedback", "Feedback", text=[METHOD, BARE], commands=["qd feedback import FILE"])
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        place = Path(folder)
        file, few = made(place / "rows.jsonl", scale.import_rows), made(place / "few.jsonl", scale.import_rows // 4)
        say("import into SQLite")
        pairs = [_pair(place / f"round-{number}", file) for number in range(ROUNDS)]
        speeds, bare = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        _add(report, rows, "SQLite", median(speeds), LEAST_ROWS_S)
        rows.append(("the same rows by sqlite3 alone", f"{median(bare):,.0f}"))
        share = ratio(speeds, bare)
        report.judged.append(Judged("import into SQLite / sqlite3 alone", share, "at least", LEAST_OF_BARE))
        # Each server lives until the next one is asked for.
        for name, url in servers(place):
            say(f"import into {name}")
            _add(report, rows, name, asyncio.run(_speed(url, few)), LEAST_ROWS_S_SERVER)
    report.tables.append(Table(("what", "rows a second"), tuple(rows)))
    return report


def _add(report: Report, rows: list[tuple[str, ...]], name: str, speed: float, least: float) -> None:
    rows.append((f"JSON lines into {name}", f"{speed:,.0f}"))
    report.judged.append(Judged(f"import into {name}", speed, "at least", least, " rows/s", 0))


def _pair(place: Path, file: Path) -> tuple[float, float]:
    """Rows a second of an import, and of the bare database."""
    place.mkdir()
    imported, again = place / "import.db", place / "bare.db"
    speed = asyncio.run(_speed(f"sqlite:///{imported}", file))
    bare = asyncio.run(_bare(imported, again))
    shutil.rmtree(place)
    return speed, bare


async def _bare(imported: Path, path: Path) -> float:
    db = Database(f"sqlite:///{path}")
    await db.ready()
    db.close()
    with closing(sqlite3.connect(imported)) as source:
        # In the order in which they came: ids rise.
        tables = {
            table: source.execute(f"SELECT * FROM {table} ORDER BY {key}").fetchall()
            for table, key in (("feedback", "id"), ("feedback_tag", "feedback_id"))
        }
    number = len(tables["feedback"])
    with closing(sqlite3.connect(path, isolation_level=None)) as target:
        for pragma in ("synchronous = NORMAL", *PRAGMAS):
            target.execute(f"PRAGMA {pragma}")
        began = time.perf_counter()
        for at in range(0, number, BATCH_ROWS):
            target.execute("BEGIN IMMEDIATE")
            for table, rows in tables.items():
                marks = ", ".join("?" * len(rows[0]))
                target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows[at : at + BATCH_ROWS])
            target.execute("COMMIT")
        return number / (time.perf_counter() - began)


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

"""How long the search takes among 50,000 notes."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from app.content.notes import words
from app.content.notes.search import search
from app.content.tables import note
from app.db.engine import Database
from tests.bench.figures import Judged, Report, Table, percentile
from tests.bench.scale import Scale

NOTES = 50_000
ROUNDS = 15
BATCH = 2000
WORDS = 120
TEXT = (
    "{notes:,} notes of 4 words in the title and {words} in the text, from 8,000 words of which few are frequent, in a "
    "SQLite file. Each query is asked {rounds} times, with its snippets, for the first 50 notes."
)


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure it."""
    count = min(NOTES, scale.import_rows)
    chance = random.Random(3)
    vocabulary = ["".join(chance.choices("abcdefghijklmnoprstuvwz", k=chance.randint(3, 9))) for _ in range(8000)]
    weights = [1 / (place + 1) ** 0.9 for place in range(len(vocabulary))]
    report = Report("notes", f"Search among {NOTES:,} notes")
    report.text.append(TEXT.format(notes=NOTES, words=WORDS, rounds=ROUNDS))
    rows, all_took = [], []
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        db = Database(f"sqlite:///{Path(folder) / 'notes.db'}")
        for begin in range(0, count, BATCH):
            numbers = range(begin, min(count, begin + BATCH))
            made = [_row(number, chance, partial(chance.choices, vocabulary, weights)) for number in numbers]
            db.run_now(partial(_put, rows=made), True)
        say(f"{count:,} notes")
        for what, asked in (
            ("the most frequent word", vocabulary[0]),
            ("three frequent words", " ".join(vocabulary[7:10])),
            ("a word of the middle", vocabulary[500]),
            ("a frequent and a rare word", f"{vocabulary[3]} {vocabulary[3000]}"),
            ("the beginning of a word", vocabulary[50][:2]),
            ("one letter", vocabulary[0][:1]),
            ("a word that is nowhere", "nowhere"),
        ):
            took = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                found = db.run_now(partial(search, query=words.parse(asked), limit=50))
                took.append((time.perf_counter() - began) * 1000)
            all_took.append(percentile(took, 0.95))
            rows.append((what, str(len(found)), f"{percentile(took, 0.5):.0f} ms", f"{percentile(took, 0.95):.0f} ms"))
        db.close()
    report.tables.append(Table(("query", "shown", "p50", "p95"), tuple(rows)))
    report.judged.append(Judged("the slowest query, p95", max(all_took), "at most", 50, " ms", 0))
    return report


def _row(number: int, chance: random.Random, choose: Callable[..., Sequence[str]]) -> dict[str, Any]:
    title, body = " ".join(choose(k=4)), " ".join(choose(k=WORDS))
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(10**7))
    texts = {"title": title, "body": body, "words": words.index(title, body), "path": "", "front": "", "hash": ""}
    return texts | {
        "id": f"{number:026d}",
        "slug": str(number),
        "state": "active",
        "version": 1,
        "revision": 1,
        "created_at": at,
        "updated_at": at,
    }


def _put(conn: Connection, rows: list[dict[str, Any]]) -> None:
    conn.execute(insert(note), rows)

"""How long the search takes among 50,000 notes."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from app.content.notes import words
from app.content.notes.search import search
from app.content.tables import note, note_tag
from app.db.engine import Database
from tests.bench.copying import servers
from tests.bench.figures import Judged, Report, Table, percentile
from tests.bench.scale import Scale

NOTES = 50_000
ROUNDS = 40
BATCH = 2000
WORDS = 120
TAGS = {"tenth": 10, "rare": 1000}
"""Every how many notes have a tag."""
TEXT = (
    "{notes:,} notes of 4 words in the title and {words} in the text, from 8,000 words of which few are frequent; one "
    "tag at every tenth note, one at every thousandth. Each query is asked {rounds} times, with its snippets, for the "
    "first 50 notes. All databases give the same answers."
)


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure it on SQLite and on each server that is here."""
    count = min(NOTES, scale.import_rows)
    chance = random.Random(3)
    vocabulary = ["".join(chance.choices("abcdefghijklmnoprstuvwz", k=chance.randint(3, 9))) for _ in range(8000)]
    weights = [1 / (place + 1) ** 0.9 for place in range(len(vocabulary))]
    made = [_row(number, chance, partial(chance.choices, vocabulary, weights)) for number in range(count)]
    report = Report("notes", f"Search among {NOTES:,} notes")
    report.text.append(TEXT.format(notes=NOTES, words=WORDS, rounds=ROUNDS))
    asked = _queries(vocabulary)
    answers: dict[str, list[list[str]]] = {}
    cells: dict[str, list[str]] = {what: [] for what in asked}
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:
        # Each server lives until the next one is asked for.
        for name, url in chain([("SQLite", f"sqlite:///{Path(folder) / 'notes.db'}")], servers(Path(folder))):
            db = Database(url)
            for begin in range(0, count, BATCH):
                db.run_now(partial(_put, rows=made[begin : begin + BATCH]), True)
            say(f"{count:,} notes in {name}")
            slowest = 0.0
            for what, query in asked.items():
                found, took = _asked(db, query)
                answers.setdefault(what, []).append(found)
                cells[what].append(f"{percentile(took, 0.5):.0f} / {percentile(took, 0.95):.0f} ms")
                slowest = max(slowest, percentile(took, 0.95))
            db.close()
            report.judged.append(Judged(f"the slowest query, p95 ({name})", slowest, "at most", 50, " ms", 0))
    assert all(found == each[0] for each in answers.values() for found in each)
    names = [one.what.partition("(")[2].rstrip(")") for one in report.judged]
    header = ("query", "shown", *(f"{name}, p50 / p95" for name in names))
    report.tables.append(Table(header, tuple((what, str(len(answers[what][0])), *cells[what]) for what in asked)))
    return report


def _queries(vocabulary: Sequence[str]) -> dict[str, str]:
    return {
        "the most frequent word": vocabulary[0],
        "three frequent words": " ".join(vocabulary[7:10]),
        "eight frequent words": " ".join(vocabulary[1:9]),
        "a word of the middle": vocabulary[500],
        "two words of the middle": f"{vocabulary[300]} {vocabulary[310]}",
        "a frequent and a rare word": f"{vocabulary[3]} {vocabulary[3000]}",
        "the beginning of a word": vocabulary[50][:2],
        "one letter": vocabulary[0][:1],
        "a word of the middle and one letter": f"{vocabulary[900]} b",
        "a frequent word and one that is nowhere": f"{vocabulary[0]} nowhere",
        "a word that is nowhere": "nowhere",
        "a tag": "tag:tenth",
        "a tag and the most frequent word": f"tag:tenth {vocabulary[0]}",
        "a tag and three frequent words": f"tag:tenth {' '.join(vocabulary[7:10])}",
        "a tag and eight frequent words": f"tag:tenth {' '.join(vocabulary[1:9])}",
        "a tag and a word of the middle": f"tag:tenth {vocabulary[500]}",
        "a rare tag and one letter": "tag:rare a",
        "nothing but the newest": "",
    }


def _asked(db: Database, query: str) -> tuple[list[str], list[float]]:
    """The ids that are found, and the milliseconds of each round."""
    took: list[float] = []
    found: list[str] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = [head.id for head in db.run_now(partial(search, query=words.parse(query), limit=50))]
        took.append((time.perf_counter() - began) * 1000)
    return found, took


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
    tags = [
        {"note_id": row["id"], "tag": tag, "updated_at": row["updated_at"]}
        for row in rows
        for tag, each in TAGS.items()
        if not int(row["id"]) % each
    ]
    conn.execute(insert(note_tag), tags)

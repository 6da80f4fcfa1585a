"""Files of rows: each row is created, a duplicate, or quarantined, on every database, however the file looks."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db.engine import Database
from app.db.types import utc_now
from app.feedback import ingest, quarantine
from app.feedback.contract import FeedbackIn, FeedbackRecord, IdempotencyRecord
from app.feedback.imports import csv, jsonl
from app.feedback.imports.items import Item
from app.feedback.ingest import Source, import_rows
from app.feedback.model import ImportReport
from app.feedback.store import counts
from app.feedback.tables import feedback, feedback_import, feedback_tag
from app.ids import new_id


def line(number: int = 0, **fields: Any) -> bytes:
    return json.dumps({"source": "cli", "input": f"question {number}", "output": "answer", **fields}).encode() + b"\n"


async def take(db: Database, data: bytes, source: Source | None = None, **options: Any) -> ImportReport:
    return await import_rows(
        db, source or Source("rows.jsonl"), lambda at, number: jsonl.read(io.BytesIO(data), at, number), **options
    )


HOSTILE = {
    "wrong type": line(1, score="0.5"),
    "too large a score": line(2, score=1.5),
    "true as a score": line(3, score=True),
    "unknown field": line(4, outptu="x"),
    "future": line(5, captured_at="2999-01-01T00:00:00Z"),
    "no time zone": line(6, captured_at="2024-01-01T00:00:00"),
    "five megabytes": line(7, comment="x" * 5_000_000),
    "a field of two": line(8, comment="x" * 2_000_000),
    "not UTF-8": b'{"source": "cli", "input": "\xff\xfe", "output": ""}\n',
    "a list": b"[1, 2]\n",
    "lone surrogate": b'{"source": "cli", "input": "\\ud800", "output": ""}\n',
    "deep": line(9, context={"a": json.loads("[" * 40 + "]" * 40)}),
    "far too deep": b'{"source": "cli", "input": "", "output": "", "context": {"a": '
    + b"[" * 200_000
    + b"]" * 200_000
    + b"}}\n",
    "an endless score": b'{"source": "cli", "input": "", "output": "", "score": 1e999}\n',
    "no number": b'{"source": "cli", "input": "", "output": "", "score": NaN}\n',
    "an endless number within": b'{"source": "cli", "input": "", "output": "", "context": {"a": [-1e999]}}\n',
    "no number within": b'{"source": "cli", "input": "", "output": "", "score_raw": NaN}\n',
    "blank source": line(10, source="  "),
    "cut off": b'{"source": "cli", "input": "a',
}


async def test_every_hostile_row_is_quarantined_with_its_reason_and_bytes(database: Database) -> None:
    report = await take(database, b"".join(HOSTILE.values()))
    assert (report.rows, report.created, report.quarantined) == (len(HOSTILE), 0, len(HOSTILE))
    assert [each.line for each in report.refused] == list(range(1, len(HOSTILE) + 1))
    kept = (await quarantine.entries(database)).entries
    for entry, raw in zip(kept, HOSTILE.values(), strict=True):
        assert entry.reason
        assert raw.strip().startswith(entry.raw)
        assert entry.complete == (len(raw) < 262_144)


async def test_odd_rows_are_kept_without_what_could_do_harm(database: Database) -> None:
    odd = line(1, comment="a\0b\x1b[31mc\r\nd\te", tags=["[bold]x[/]", "é"], context={"k\0": "\u0007v"}, score=1)
    report = await take(database, b"\xef\xbb\xbf" + odd.rstrip() + b"\r\n\r\n   \n" + line(2, output="🎉"))
    assert (report.rows, report.created) == (2, 2)
    rows = database.run_now(lambda conn: conn.execute(select(feedback).order_by(feedback.c.input)).all())
    assert rows[0].comment == "ab[31mc\nd\te"
    assert rows[0].context == {"k": "v"}
    assert rows[0].tags == ["[bold]x[/]", "é"]
    assert rows[1].output == "🎉"
    assert database.run_now(lambda conn: conn.scalar(select(func.count()).select_from(feedback_tag))) == 2


async def test_the_same_rows_again_are_duplicates_and_other_content_is_a_conflict(database: Database) -> None:
    rows = [line(1), line(2, source_event_id="e"), line(3, id="given")]
    assert (await take(database, b"".join(rows))).created == 3
    again = [
        line(1, output=" answer\n"),
        rows[1],
        line(2, source_event_id="e", output="other"),
        line(4, id="given"),
        line(5),
        line(5),
    ]
    report = await take(database, b"".join(again))
    assert (report.rows, report.created, report.duplicate, report.quarantined) == (6, 1, 5, 0)
    assert [each.line for each in report.conflicts] == [3, 4]
    assert await quarantine.waiting(database) == 2
    assert database.run_now(counts).waiting == 4


async def test_an_import_that_was_interrupted_goes_on_where_it_stopped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.feedback.preparing.BATCH_ROWS", 3)
    data, source = b"".join(line(number) for number in range(10)), Source("a", ingest.fingerprint("a"))

    def broken(at: int, number: int) -> Any:
        for item in jsonl.read(io.BytesIO(data), at, number):
            if item.line == 8:
                raise OSError("gone")
            yield item

    with pytest.raises(OSError, match="gone"):
        await import_rows(database, source, broken)
    assert database.run_now(counts).waiting == 6
    report = await take(database, data, source)
    assert (report.resumed_at, report.rows, report.created, report.duplicate) == (6, 10, 10, 0)
    assert database.run_now(lambda conn: conn.scalar(select(func.count()).select_from(feedback_import))) == 1


async def test_a_helper_process_prepares_the_same_rows(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.feedback.preparing.BATCH_ROWS", 50)
    data = b"".join(line(number, context={"text": "x" * 3000}) for number in range(500)) + b"{\n"
    report = await take(database, data, Source("large", large=True))
    assert (report.rows, report.created, report.quarantined) == (501, 500, 1)


async def test_a_row_that_the_database_refuses_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.feedback.preparing.PIECE_ROWS", 2)
    db = Database(f"sqlite:///{tmp_path / 'picky.db'}")
    picky = "CREATE TRIGGER picky BEFORE INSERT ON feedback WHEN NEW.input = 'bad' BEGIN SELECT json('{'); END"
    db.run_now(lambda conn: conn.exec_driver_sql(picky), write=True)
    try:
        report = await take(db, line(1) + line(2) + line(3, input="bad") + line(4) + line(5))
        assert (report.rows, report.created, report.quarantined) == (5, 4, 1)
        assert [each.line for each in report.refused] == [3]
        assert "the database refuses it: malformed JSON" in report.refused[0].why
        assert db.run_now(counts).waiting == 4
    finally:
        db.close()


async def test_empty_files_hold_no_rows(database: Database) -> None:
    assert (await take(database, b"")).rows == 0
    assert (await take(database, b"\xef\xbb\xbf\r\n")).rows == 0


async def test_what_was_quarantined_can_be_mended_retried_and_dropped(database: Database) -> None:
    await take(database, line(1, score=5) + line(2, other="kept") + b"nothing\n")
    first, second, third = (await quarantine.entries(database)).entries
    assert (await quarantine.mend(database, first.id, line(1, score=0.5))).created == 1
    assert (await quarantine.retry(database, (second.id,), extra="context")).created == 1
    assert (await quarantine.retry(database)).left == (third,)
    await quarantine.drop(database, third.id)
    assert await quarantine.waiting(database) == 0
    assert database.run_now(counts).waiting == 2


def test_csv_keeps_line_ends_within_cells_and_says_which_rows_are_wrong() -> None:
    data = b'source,input,output\r\ncli,"a\r\nb",c\r\n\r\ncli,x\r\ncli,\xff,y\r\n'
    items: list[Item] = list(csv.read(io.BytesIO(data)))
    assert items[0].value == {"source": "cli", "input": "a\r\nb", "output": "c"}
    assert [(item.line, item.fault is None) for item in items] == [(2, True), (5, False), (6, False)]
    assert items[2].raw == b"cli,\xff,y"


async def test_rows_of_the_journal_may_come_again_with_their_key(database: Database) -> None:
    def apply(number: int, key: str, body: str) -> None:
        record = FeedbackRecord(
            id=new_id(),
            received_at=utc_now(),
            row=FeedbackIn(source="cli", input=f"question {number}", output="answer"),
            idempotency=IdempotencyRecord(key=key, body_hash=body * 64, answer={"id": "first"}),
        )
        payload = record.model_dump(mode="json", exclude_none=True)
        database.run_now(lambda conn: ingest.apply_row(conn, payload), write=True)

    apply(1, "one", "a")
    apply(1, "one", "a")
    apply(2, "one", "b")
    apply(3, "two", "c")
    assert database.run_now(lambda conn: sorted(conn.scalars(select(feedback.c.input)))) == ["question 1", "question 3"]
    (refused,) = (await quarantine.entries(database)).entries
    assert "idempotency key" in refused.reason

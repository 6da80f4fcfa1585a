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
from app.errors import UserError
from app.feedback import ingest, quarantine
from app.feedback.contract import FeedbackIn, FeedbackRecord, IdempotencyRecord
from app.feedback.imports import csv, jsonl
from app.feedback.imports.items import Item
from app.feedback.imports.reader import Reader
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
        assert entry.complete == (len(raw) < 4 * 1024 * 1024)
        assert (await quarantine.one(database, entry.id)).raw == raw.strip()[: 4 * 1024 * 1024]
    endless = next(entry for entry in kept if not entry.complete)
    start = endless.reason.partition(" from byte ")[2].partition(" ")[0]
    assert b"".join(HOSTILE.values())[int(start) :].startswith(endless.raw)


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
    assert (report.rows, report.created, report.duplicate, report.quarantined) == (6, 1, 3, 2)
    assert [each.line for each in report.conflicts] == [each.line for each in report.refused] == [3, 4]
    assert await quarantine.waiting(database) == 2
    assert database.run_now(counts).waiting == 4


async def test_a_file_given_again_refuses_nothing_twice(database: Database) -> None:
    """Equal lines of one file are as many entries; of the file given again they are the same ones."""
    broken = b'{"source": \n'
    rows = [line(1, id="a"), broken, broken, line(2, score=7), line(3, id="a")]
    first = await take(database, b"".join(rows))
    again = await take(database, b"\n" + b"".join(rows))
    assert (first.created, first.duplicate, first.quarantined, len(first.conflicts)) == (1, 0, 4, 1)
    assert (again.created, again.duplicate, again.quarantined, len(again.conflicts)) == (0, 1, 4, 1)
    assert [each.line for each in again.refused] == [3, 4, 5, 6]
    entries = (await quarantine.entries(database)).entries
    assert [(entry.line, entry.batch) for entry in entries] == [(number, again.batch) for number in (3, 4, 5, 6)]
    other = await take(database, b"".join(rows), Source("other.jsonl"))
    assert (other.quarantined, await quarantine.waiting(database)) == (4, 8)


async def test_what_was_mended_or_let_go_is_not_refused_again(database: Database) -> None:
    rows = line(1, score=7) + line(2, score=8) + line(3, score=9)
    await take(database, rows)
    first, second, _third = (await quarantine.entries(database)).entries
    await quarantine.mend(database, first.id, line(1, score=0.7))
    await quarantine.drop(database, second.id)
    again = await take(database, rows)
    assert (again.rows, again.created, again.duplicate, again.quarantined) == (3, 0, 2, 1)
    assert [each.line for each in again.refused] == [3]
    assert await quarantine.waiting(database) == 1


async def test_a_row_of_megabytes_is_mended_from_what_was_kept(database: Database) -> None:
    raw = line(1, comment="x" * 2_000_000, tags="one")
    await take(database, raw)
    (listed,) = (await quarantine.entries(database)).entries
    assert (len(listed.raw), listed.kept, listed.complete) == (64 * 1024, len(raw) - 1, True)
    whole = json.loads((await quarantine.one(database, listed.id)).raw)
    mended = json.dumps({**whole, "comment": whole["comment"][:1_000_000], "tags": ["one"]}).encode()
    assert (await quarantine.mend(database, listed.id, mended)).created == 1
    comment = database.run_now(lambda conn: conn.scalar(select(feedback.c.comment)))
    assert comment == "x" * 1_000_000


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


async def test_a_helper_process_reads_and_prepares_the_same_rows(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.feedback.preparing.BATCH_ROWS", 300)
    rows = [line(number, context={"text": "x" * 3000}, tags=["a", f"t{number % 7}"]) for number in range(700)]
    rows[650] = rows[3]
    rows[660] = line(4, source_event_id="one")
    rows[670] = line(5, source_event_id="one")
    path = tmp_path / "large.jsonl"
    path.write_bytes(b"".join(rows) + b"{\n")
    with path.open("rb") as stream:
        # The first bytes are told from the format before.
        stream.read(10)
        # Another file under the same name is none of the import's business.
        path.rename(tmp_path / "renamed")
        path.write_bytes(line(1))
        report = await import_rows(database, Source("large", large=True), Reader(stream))
    assert (report.rows, report.created, report.duplicate, report.quarantined) == (701, 698, 1, 2)
    assert [each.line for each in report.refused] == [671, 701]
    kept = (await quarantine.entries(database)).entries
    assert {each.line: each.raw for each in kept} == {671: rows[670].strip(), 701: b"{"}
    found = database.run_now(lambda conn: conn.execute(select(feedback.c.id, feedback.c.tags)).all())
    tags = database.run_now(lambda conn: conn.execute(select(feedback_tag.c.feedback_id, feedback_tag.c.tag)).all())
    assert {(row.id, tag) for row in found for tag in row.tags or ()} == {tuple(row) for row in tags}
    assert len(tags) == 2 * 697


async def test_what_goes_wrong_in_the_helper_process_is_told_as_it_is(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "no.parquet"
    path.write_bytes(b"PAR1 and nothing more")
    with path.open("rb") as stream, pytest.raises(UserError, match=r"no\.parquet: the file is no Parquet"):
        await import_rows(database, Source("large", large=True), Reader(stream, "parquet", str(path)))


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


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_quote_of_a_table_that_is_never_closed_is_told_where_its_row_begins(end: bytes) -> None:
    data = b'source,input,output\ncli,q,"closed"\ncli,q,"never closed\ncli,q,a\ncli,q,a' + end
    items = list(csv.read(io.BytesIO(data)))
    assert [(item.line, item.fault is None) for item in items] == [(2, True), (3, False)]
    assert "never closed" in str(items[1].fault)
    assert items[1].raw == b'cli,q,"never closed\ncli,q,a\ncli,q,a'


def test_a_quote_of_a_large_table_that_is_never_closed_takes_a_bounded_part() -> None:
    rows = [b"cli,q," + b"a" * 1000] * 6000
    items = list(csv.read(io.BytesIO(b'source,input,output\ncli,q,"never closed\n' + b"\n".join(rows))))
    assert (items[0].line, "quotes of its cells" in str(items[0].fault)) == (2, True)
    assert len(items[0].raw) < 5_000_000
    assert all(item.fault is None for item in items[1:])
    assert items[0].raw.count(b"\n") + len(items) - 1 == len(rows)


def test_a_row_of_a_table_with_other_cells_than_the_header_is_told() -> None:
    items = list(csv.read(io.BytesIO(b"source,input,output\ncli\ncli,q\n")))
    assert [str(item.fault) for item in items] == ["has 1 cell, the header has 3", "has 2 cells, the header has 3"]


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

"""Files of every format and of other tools: told by their content, every row accounted for."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db.engine import Database
from app.errors import UserError
from app.feedback import quarantine
from app.feedback.imports import array, maps, pieces, tools
from app.feedback.imports.files import import_file, look
from app.feedback.rows import ViolationError, parse_object
from app.feedback.tables import feedback

ROWS = [{"source": "cli", "input": f"q{n}", "output": "a\n[é]", "score": n / 4, "tags": ["x", "y"]} for n in range(4)]
ARGILLA = {
    "id": "1",
    "status": "completed",
    "_server_id": "abc",
    "fields": {"prompt": "2+2?", "response": "4", "note": "kept"},
    "metadata": {"model": "m"},
    "responses": {"rating": [{"value": 5, "user_id": "u1"}], "label": [{"value": "good", "user_id": "u1"}]},
    "suggestions": {},
}
LABEL_STUDIO = {
    "id": 7,
    "data": {"text": "2+2?", "response": "4"},
    "created_at": "2026-01-09T21:52:49.513742Z",
    "annotations": [{"completed_by": 10, "result": [{"type": "choices", "value": {"choices": ["right", "short"]}}]}],
}
LANGFUSE = {
    "id": "t1",
    "timestamp": "2026-01-29 13:46:19.963000",
    "userId": "u",
    "sessionId": "s",
    "input": [{"role": "user", "content": "2+2?"}],
    "output": "4",
    "scores": [{"value": "correct"}, {"value": 0.75, "comment": "fine"}],
}


def stored(db: Database) -> list[Any]:
    return list(db.run_now(lambda conn: conn.execute(select(feedback).order_by(feedback.c.input)).all()))


def written(path: Path, form: str) -> Path:
    if form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    elif form == "json":
        path.write_text(json.dumps(ROWS, indent=1), "utf-8")
    elif form == "wrapped":
        path.write_text(json.dumps({"data": ROWS}), "utf-8")
    elif form == "csv":
        cells = "\r\n".join(f'cli;q{n};"a\n[é]";{n / 4};"x, y";' for n in range(4))
        path.write_text("\ufeffsource;input;output;score;tags;comment\r\n" + cells, "utf-8")
    else:
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(ROWS), path, row_group_size=3)
    return path


@pytest.mark.parametrize("form", ["jsonl", "json", "wrapped", "csv", "parquet"])
async def test_each_format_is_told_by_its_content_and_holds_the_same_rows(
    database: Database, tmp_path: Path, form: str
) -> None:
    report = await import_file(database, written(tmp_path / "rows.bin", form))
    assert (report.rows, report.created, report.quarantined) == (4, 4, 0)
    found = stored(database)
    assert [(row.input, row.output, row.score, row.tags) for row in found] == [
        (row["input"], row["output"], row["score"], row["tags"]) for row in ROWS
    ]
    again = await import_file(database, written(tmp_path / "again.bin", "json" if form == "csv" else form))
    assert (again.created, again.duplicate) == (0, 4)


async def test_exports_of_tools_are_told_and_mapped_and_the_rest_is_context(database: Database, tmp_path: Path) -> None:
    for name, row in (("a", ARGILLA), ("b", LABEL_STUDIO), ("c", LANGFUSE)):
        (tmp_path / name).write_text(json.dumps([row], indent=2), "utf-8")
        report = await import_file(database, tmp_path / name)
        assert (report.created, report.refused) == (1, ())
    found = {row.source: row for row in stored(database)}
    argilla, studio, langfuse = found["argilla"], found["label-studio"], found["langfuse"]
    assert (argilla.input, argilla.output, argilla.author) == ("2+2?", "4", "u1")
    assert (argilla.score, argilla.score_raw, argilla.tags) == (1.0, 5, ["good"])
    assert argilla.context["fields"] == {"note": "kept"}
    assert (studio.source_event_id, studio.tags, studio.author) == ("7", ["right", "short"], "10")
    assert studio.captured_at == datetime(2026, 1, 9, 21, 52, 49, 513742, UTC)
    assert (langfuse.score, langfuse.score_raw, langfuse.comment) == (0.5, 0.75, "fine")
    assert json.loads(langfuse.input) == LANGFUSE["input"]
    assert langfuse.captured_at == datetime(2026, 1, 29, 13, 46, 19, 963000, UTC)
    assert langfuse.context["sessionId"] == "s"


async def test_a_map_of_the_user_reads_tables_and_objects(database: Database, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(
        '[map]\ninput = "Question"\noutput = ["missing", "a.b"]\nscore = "vote"\ntags = "labels"\n'
        '[constants]\nsource = "old"\n[score]\nwords = { Up = 1, down = -1 }\n[options]\nrest = true\n',
        "utf-8",
    )
    (tmp_path / "t.csv").write_text('Question,a.b,vote,labels,other\nq,r,UP,"one,two",o\nq,s,sideways,,\n', "utf-8")
    report = await import_file(database, tmp_path / "t.csv", using=str(tmp_path / "my.toml"))
    assert (report.created, report.quarantined) == (1, 1)
    assert (report.refused[0].line, report.refused[0].why) == (3, "score: 'sideways' is no number")
    row = stored(database)[0]
    assert (row.source, row.output, row.score, row.tags, row.context) == (
        "old",
        "r",
        1.0,
        ["one", "two"],
        {"other": "o"},
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[map]\nimput = 'a'", "imput is no field"),
        ("[map]\ninput = 3", "is no path"),
        ("[mapp]\ninput = 'a'", r"\[mapp\] is no part"),
        ("", r"has no \[map\]"),
        ("[map]\nscore = 'a'\n[score]\nlow = 5\nhigh = 1", "no range"),
        ("[map", "not TOML"),
    ],
)
def test_a_wrong_map_is_refused_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "m.toml").write_text(text, "utf-8")
    with pytest.raises(UserError, match=says):
        maps.load(tmp_path / "m.toml")


def test_a_score_outside_of_the_scale_is_a_violation() -> None:
    with pytest.raises(ViolationError, match="outside of the scale"):
        maps.mapped(tools.LANGFUSE, {**LANGFUSE, "scores": [{"value": 4}]})


@pytest.mark.parametrize(
    ("given", "score"), [("4", 0.5), (" 4.0 ", 0.5), (4, 0.5), ("good", None), ("nan", None), (True, None)]
)
def test_scores_as_text_are_scores_also_among_the_judgements_of_many(given: Any, score: float | None) -> None:
    results = [{"value": {"rating": "no number"}}, {"value": {"rating": given}}]
    row = maps.mapped(tools.LABEL_STUDIO, {**LABEL_STUDIO, "annotations": [{"result": results}]})
    assert (row.get("score"), row.get("score_raw")) == (score, None if score is None else given)
    if score is not None:
        assert maps.mapped(tools.LABEL_STUDIO, {"id": 7, "rating": given})["score"] == score


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("1704061231205", datetime(2023, 12, 31, 22, 20, 31, 205000, UTC)),
        (1704061231205, datetime(2023, 12, 31, 22, 20, 31, 205000, UTC)),
        ("1704067200000", datetime(2024, 1, 1, tzinfo=UTC)),
        ("1704067200", datetime(2024, 1, 1, tzinfo=UTC)),
        ("1704067200.5", datetime(2024, 1, 1, 0, 0, 0, 500000, UTC)),
        ("20240131", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31 07:00", datetime(2024, 1, 31, 7, tzinfo=UTC)),
    ],
)
def test_figures_alone_are_seconds_or_milliseconds_since_1970(given: Any, moment: datetime) -> None:
    row = maps.mapped(tools.ARGILLA, {**ARGILLA, "inserted_at": given})
    assert parse_object(row).captured_at == moment


def test_formats_are_told_and_packed_files_are_refused() -> None:
    assert look(b'{"source": "a", "in').format == "jsonl"
    assert look(b'\xef\xbb\xbf{\n "source": "a"\n}').format == "json"
    assert look(b"a,b\n1,2").format == "csv"
    assert look(b"[]", given="csv").format == "csv"
    for data, says in ((b"\x1f\x8b\x08", "gzip"), (b"PK\x03\x04", "zip"), (b"\xff\xfea\0", "UTF-16")):
        with pytest.raises(UserError, match=says):
            look(data)


async def test_without_pyarrow_parquet_is_refused_with_how_to_get_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "x").write_bytes(b"PAR1")
    with pytest.raises(UserError) as caught:
        await import_file(database, tmp_path / "x")
    assert "quarterdeck[parquet]" in caught.value.fix


async def test_a_table_s_broken_row_can_be_mended_as_json(database: Database, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("source,input,output,score\ncli,q,a,7\n", "utf-8")
    assert (await import_file(database, tmp_path / "x.csv")).quarantined == 1
    entry = (await quarantine.entries(database)).entries[0]
    row = json.loads(entry.raw)
    assert row == {"source": "cli", "input": "q", "output": "a", "score": 7}
    assert (await quarantine.mend(database, entry.id, json.dumps({**row, "score": 0.7}).encode())).created == 1


def test_an_array_goes_on_behind_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "CHUNK", 7)
    data = b'\n[{"a": 1.5},\n {"a": oops, "b": {}}, {"c": "}, {"},{"d": "\xff"}, 12, {"e": [1'
    items = list(array.read(io.BytesIO(data)))
    assert [(item.line, item.end, item.fault is None) for item in items] == [
        (2, 1, True),
        (3, 2, False),
        (3, 3, True),
        (3, 4, True),
        (3, 5, True),
        (3, 6, False),
    ]
    assert [item.raw for item in items[:4]] == [
        b'{"a": 1.5}',
        b'{"a": oops, "b": {}}',
        b'{"c": "}, {"}',
        b'{"d": "\xff"}',
    ]
    assert [item.end for item in array.read(io.BytesIO(data), 4)] == [5, 6]


ROW = b'{"source": "h", "input": "%d", "output": "o"}'
FIRST = {
    "no JSON": (b"not json", "rows.txt"),
    "a list": (b"[1, 2]", "rows.txt"),
    "an object with a list": (b'{"data": [1]}', "rows.txt"),
    "zeros": (b"\0\0", "rows.txt"),
    "the mark of UTF-16": (b'\xff\xfe{"source": 1}', "rows.txt"),
    "a text": (b'"source"', "rows.txt"),
    "an object begun": (b'{"source":', "rows.txt"),
}


@pytest.mark.parametrize("first", FIRST)
def test_json_lines_are_told_whatever_the_first_one_is(first: str, database: Database, tmp_path: Path) -> None:
    line, name = FIRST[first]
    path = tmp_path / name
    path.write_bytes(line + b"\n" + ROW % 1 + b"\n\n" + ROW % 2 + b"\n")
    report = asyncio.run(import_file(database, path))
    assert (report.rows, report.created, [each.line for each in report.refused]) == (3, 2, [1])


@pytest.mark.parametrize("content", [b"\0" * 100, b"not json\n", b'"a", "b"'])
def test_a_file_of_json_lines_by_name_is_one(content: bytes) -> None:
    assert look(content, "rows.jsonl").format == "jsonl"


@pytest.mark.parametrize("content", [b"input,output\na,b\n", b'"input","output"\n"{""a"": 1}",b\n', b"input\n{a}\n"])
def test_a_table_stays_a_table(content: bytes) -> None:
    assert look(content, "rows").format == "csv"


@pytest.mark.parametrize("behind", [b"trailing", b"[%s]" % (ROW % 9), b"]", ROW % 9])
def test_what_follows_an_array_is_not_passed_over(behind: bytes, database: Database, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(b"[" + ROW % 1 + b",\n" + ROW % 2 + b"]\n" + behind)
    report = asyncio.run(import_file(database, path))
    created = 3 if behind == ROW % 9 else 2
    assert (report.rows, report.created, report.quarantined) == (3, created, 3 - created)

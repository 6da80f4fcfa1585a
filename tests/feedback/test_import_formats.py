"""The format of a file is told by its beginning, also where that is broken; what holds no rows is refused whole."""

from __future__ import annotations

import asyncio
import json
import random
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.db.engine import Database
from app.errors import UserError
from app.feedback.imports.files import import_file, look
from app.feedback.imports.formats import LOOKED_AT
from app.feedback.tables import feedback_import

ROW = b'{"source": "f", "input": "%d", "output": "o"}\n'
ROWS = b"".join(ROW % number for number in range(3))
BEGUN = {
    "within a text": b'{"source": "f", "inp\nnot json\n',
    "within a list": b'{"tags": [\n"a", oops\n',
    "behind a comma": b'{"source": "f",\nnot json\n',
}


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.NDJSON", "rows", "rows.json"])
@pytest.mark.parametrize("begun", BEGUN)
def test_a_first_line_that_is_cut_off_is_one_line(begun: str, name: str) -> None:
    assert look(BEGUN[begun] + ROWS, name).format == "jsonl"


@pytest.mark.parametrize("name", ["rows.jsonl", "rows"])
@pytest.mark.parametrize("end", [None, 1000, -9])
def test_an_object_over_many_lines_stays_one(end: int | None, name: str) -> None:
    row = {"source": "f", "context": {"l": [{}] * 50}, "input": "i" * 2000, "tags": ["a"], "output": "o"}
    assert look(json.dumps(row, indent=1).encode()[:end], name).format == "json"
    wide = json.dumps({"data": [row] * 50}, indent=1).encode()[:LOOKED_AT]
    assert look(wide, name).format == "json"


def test_an_object_over_many_lines_that_is_broken_stays_one() -> None:
    assert look(b'{\n "source": "f",\n "context": {"l": [\n{},\n{}\n]},\n oops\n}', "rows").format == "json"
    assert look(b'{\n "source": oops,\n "context": {"l": [\n{},\n{}\n]}\n}', "rows").format == "json"


def test_lines_below_one_that_is_cut_off_are_read(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(BEGUN["within a text"] + ROWS)
    report = asyncio.run(import_file(database, path))
    assert (report.rows, report.created, [each.line for each in report.refused]) == (5, 3, [1, 2])


CELL = b'source,input,output\nf,q,"say:\n{}\n{""k"": 1}\n{}\n"\nf,r,a\n'


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows", "rows.txt"])
def test_a_table_with_objects_on_lines_of_its_cells_is_a_table(name: str) -> None:
    assert look(CELL, name).format == "csv"


def test_a_table_by_name_is_one_whatever_its_cells_hold() -> None:
    assert look(b"input\n{}\n{}\n", "rows.csv").format == "csv"


@pytest.mark.parametrize("first", [b"a, b, c\n", b"two, columns\n", b'"open, quote\n'])
def test_lines_below_what_could_be_a_header_are_lines(first: bytes) -> None:
    assert look(first + ROWS, "rows").format == "jsonl"


def test_every_row_of_such_a_table_is_taken(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(CELL)
    report = asyncio.run(import_file(database, path))
    assert (report.rows, report.created) == (2, 2)


def test_pages_on_lines_are_told_from_rows_that_hold_a_list() -> None:
    page = b'{"data": [{"source": "f", "input": "i", "output": "o"}], "total": 9}\n'
    assert look(page * 2, "rows.jsonl").format == "json"
    assert look(b'{"meta": {"page": 1}, "data": [{"source": "f", "input": "i", "output": "o"}]}\n' * 2).format == "json"
    assert look(b'[{"source": "f"}]\n[{"source": "f"}]\n').format == "json"
    assert look(page * 2, mapped=True).format == "jsonl"
    row = b'{"items": [{"a": 1}], "source": "f", "input": "i", "output": "o"}\n'
    assert look(row * 2).format == "jsonl"


NOISE = random.Random(7).randbytes(LOOKED_AT)
LATIN = "Schöne Grüße aus Köln\n".encode("latin-1")
FOREIGN = {
    "an image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + NOISE[:3000], "a PNG image"),
    "a document": (b"%PDF-1.7\n" + ROWS, "a PDF document"),
    "noise": (NOISE, "no text in UTF-8"),
    "a little noise": (NOISE[:300], "no text in UTF-8"),
    "UTF-16 without its mark": (ROWS.decode().encode("utf-16-le"), "no text in UTF-8"),
    "another encoding": (b"source;input;output\n" + LATIN * 200, "no text in UTF-8"),
    "lines in another encoding": (b'{"source": "f", "input": "\xe4", "output": ""}\n' * 30, "no text in UTF-8"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_text_is_refused_before_any_row(what: str, database: Database, tmp_path: Path) -> None:
    data, says = FOREIGN[what]
    path = tmp_path / "rows"
    path.write_bytes(data)
    with pytest.raises(UserError, match=f"{re.escape(str(path))}: the file is {says}; ") as caught:
        asyncio.run(import_file(database, path))
    assert caught.value.fix
    assert database.run_now(lambda conn: conn.scalar(select(func.count()).select_from(feedback_import))) == 0


BROKEN = b'{"source": "f", "input": "\xff\xfe\0", "output": ""}\n'
KEPT = {
    "one broken row": (BROKEN, 0),
    "few broken rows": (BROKEN * 10, 0),
    "many broken rows, and others": (BROKEN * 30 + ROWS * 2, 3),
    "zeros first": (b"\0" * 1000 + b"\n" + ROWS, 3),
    "a row behind zeros": (b"\0" * 1000 + ROWS, 2),
    "a table with one broken row": (b"source,input,output\nf,\xff,\0\n", 0),
}


@pytest.mark.parametrize("what", KEPT)
def test_broken_rows_are_quarantined_one_by_one(what: str, database: Database, tmp_path: Path) -> None:
    data, created = KEPT[what]
    path = tmp_path / "rows"
    path.write_bytes(data)
    report = asyncio.run(import_file(database, path))
    assert (report.created, report.quarantined > 0) == (created, True)
    assert report.rows == report.created + report.duplicate + report.quarantined


def test_a_format_that_is_given_reads_what_is_hardly_readable() -> None:
    assert look(BROKEN * 30, given="jsonl").format == "jsonl"
    with pytest.raises(UserError, match="a PNG image"):
        look(FOREIGN["an image"][0], given="jsonl")

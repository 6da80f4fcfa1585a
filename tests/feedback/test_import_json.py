"""JSON documents as they come: pages one behind the other, several arrays, cut off, broken within."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from app.db.engine import Database
from app.feedback import quarantine
from app.feedback.imports import array, pieces
from app.feedback.imports.files import import_file
from app.feedback.imports.items import Item


def row(number: int, **fields: object) -> str:
    return json.dumps({"source": "arr", "input": f"q{number}", "output": "o", **fields})


def read(text: str) -> list[Item]:
    return list(array.read(io.BytesIO(text.encode())))


def taken(db: Database, path: Path, text: str) -> tuple[int, int, list[tuple[int, str]]]:
    """Rows, rows created, and line and reason of what is in quarantine."""
    path.write_text(text, "utf-8")
    report = asyncio.run(import_file(db, path))
    assert report.rows == report.created + report.duplicate + report.quarantined
    return report.rows, report.created, [(each.line, each.why) for each in report.refused]


PAGES = {
    "one behind the other": f'{{"data": [{row(1)}, {row(2)}]}}{{"data": [{row(3)}, {row(4)}]}}',
    "on lines of their own": f'{{"data": [{row(1)}, {row(2)}]}}\n{{"data": [{row(3)}, {row(4)}], "total": 4}}\n',
    "over many lines": f'{{\n"data": [\n{row(1)},\n{row(2)}\n]\n}}\n{{\n"data": [\n{row(3)},\n{row(4)}\n]\n}}\n',
    "two arrays": f'{{"traces": [{row(1)}, {row(2)}], "observations": [{row(3)}, {row(4)}]}}',
    "something about them": f'{{"data": [{row(1)}, {row(2)}, {row(3)}, {row(4)}], "meta": {{"page": 1}}, "ids": [7]}}',
    "something before them": (
        '{"meta": {"page": 1, "of": "a \\"}"}, "total": 4, "next": null, "data": ['
        f"{row(1)}, {row(2)}]}}"
        f'{{"object": "list", "results": [{row(3)}, {row(4)}], "has_more": false}}'
    ),
    "one that is no array": f'{{"data": [{row(1)}, {row(2)}, {row(3)}], "items": {row(4)}}}',
}


@pytest.mark.parametrize("pages", PAGES)
def test_rows_of_every_page_are_taken(pages: str, database: Database, tmp_path: Path) -> None:
    assert taken(database, tmp_path / "rows.json", PAGES[pages]) == (4, 4, [])


CUT = {
    "behind a comma": (f"[{row(1)},\n{row(2)},\n", 3, "`]` is missing"),
    "behind an object": (f"[{row(1)},\n{row(2)}", 2, "`]` is missing"),
    "within an object": (f"[{row(1)},\n{row(2)},\n{row(3)[:9]}", 3, "not valid JSON"),
    "within a page": (f'{{"data": [{row(1)},\n{row(2)}', 2, "`]` is missing"),
    "behind an array": (f'{{"data": [{row(1)}, {row(2)}],\n', 2, "`}` is missing"),
    "within another key": (f'{{"data": [{row(1)}, {row(2)}],\n"meta": {{"page"', 2, "not valid JSON"),
    "before a page": (f'{{"data": [{row(1)}]\n{{"data": [{row(2)}]}}', 2, "`}` is missing"),
}


@pytest.mark.parametrize("where", CUT)
def test_a_document_that_is_cut_off_is_told(where: str, database: Database, tmp_path: Path) -> None:
    text, line, why = CUT[where]
    rows, created, ((at, reason),) = taken(database, tmp_path / "rows.json", text)
    assert (rows, created, at) == (3, 2, line)
    assert reason.startswith(why)


def test_objects_under_another_key_are_no_rows_and_are_told(database: Database, tmp_path: Path) -> None:
    text = f'{{"data": [{row(1)}],\n "users": [{{"id": 1}},\n {{"id": 2}}, 3], "rows": [{row(2)}]}}'
    rows, created, refused = taken(database, tmp_path / "rows.json", text)
    assert (rows, created, [line for line, _ in refused]) == (4, 2, [2, 3])
    assert refused[0][1].startswith("stands under `users`; rows stand under data, items,")


def test_a_broken_element_is_one_entry_that_can_be_mended(database: Database, tmp_path: Path) -> None:
    inner = f'"context": {{"l": [{row(7)}, {row(8)}]}}'
    broken = f'{{"source": "arr", {inner}, "source_event_id": bad,\n "input": "q2", "output": "o"}}'
    text = f"[ {row(1)},\n {broken},\n {row(3)} ]"
    assert taken(database, tmp_path / "rows.json", text) == (3, 2, [(2, "not valid JSON: Expecting value")])
    (entry,) = asyncio.run(quarantine.entries(database)).entries
    assert (entry.raw.decode(), entry.complete) == (broken, True)
    mended = broken.replace("bad", '"e"').encode()
    assert asyncio.run(quarantine.mend(database, entry.id, mended)).created == 1


BROKEN = {
    "a line end in a text": '{"a": "x\ny", "l": [{}, {}]}',
    "quotes in a text": '{"a": "he said "hi" there", "l": [{}, {}]}',
    "brackets in a text": r'{"a": "}, {\"", oops, "l": [{}, {}]}',
    "a quote too few": '{"a": "oops}',
    "a bracket too few": '{"a": [oops}',
    "the last bracket too few": '{"a": {"b": 1}',
    "a key too few": '{"a": 1, {"b": [{}, {}]}}',
    "no comma": '{"a": 1 "l": [{}, {}]}',
}


@pytest.mark.parametrize("chunk", [7, pieces.CHUNK])
@pytest.mark.parametrize("broken", BROKEN)
def test_what_follows_a_broken_element_is_read(broken: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "CHUNK", chunk)
    others = [row(number, tags=["a", "b"]) for number in range(2, 9)]
    items = read(f"[{row(1)}, {BROKEN[broken]}, {', '.join(others)}]")
    assert [item.raw.decode() for item in items] == [row(1), BROKEN[broken], *others]
    assert [item.fault is None for item in items] == [True, False] + [True] * len(others)


def test_an_element_that_is_too_long_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    long = json.dumps({"source": "arr", "l": [{"x": "y" * 1000}] * 7000})
    items = read(f"[{row(1)}, {long}, {row(2)}]")
    assert [(item.fault is None, item.kept()[1]) for item in items] == [
        (True, len(row(1))),
        (False, len(long)),
        (True, len(row(2))),
    ]


def test_ends_are_looked_for_nearby_once_much_was_counted_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "COUNTED", 100)
    monkeypatch.setattr(pieces, "NEAR", 50)
    lost = f'{{"a": [oops, {row(1)}, {row(2)}, {{"b": 1}}'
    near, far = '{"l": [{}, {}, oops]}', f'{{"l": [{row(3)}, {row(4)}, oops]}}'
    items = read(f"[{far}, {lost}, {near}, {far}, {row(5)}]")
    assert next(item.raw.decode() for item in items if item.fault is not None) == far
    assert near in [item.raw.decode() for item in items]
    assert far not in [item.raw.decode() for item in items[1:]]
    assert items[-1].raw.decode() == row(5)

"""Folded rows are the same rows again, whatever they have in common."""

from __future__ import annotations

import json
import marshal
from pathlib import Path
from typing import Any

import pytest

from app.db.engine import Database
from app.db.types import utc_now
from app.feedback.folding import CHUNK, Folded, fold
from app.feedback.identities import identities
from app.feedback.rows import Prepared, parse, prepare
from app.feedback.store import counts, insert_new
from app.feedback.tables import feedback, feedback_tag


def made(number: int, **fields: Any) -> Prepared:
    given = {"source": "s", "input": f"question {number}", "output": "o", **fields}
    return prepare(parse(json.dumps(given)), now=utc_now())


def alike(number: int) -> Prepared:
    return made(number, model="m", score=0.5, tags=["a", "b"])


def unlike(number: int) -> Prepared:
    odd = {"id": f"row-{number // 2}", "context": {"channel": f"c{number}"}} if number % 3 else {"score": 0}
    return made(number, source=f"s{number % 2}", model=f"m{number % 4}", tags=[f"t{number % 5}"], **odd)


@pytest.mark.parametrize("number", [0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
@pytest.mark.parametrize("make", [alike, unlike])
def test_folded_rows_are_the_same_rows_again(number: int, make: Any) -> None:
    rows = [make(each) for each in range(number)]
    folded = Folded(*marshal.loads(marshal.dumps(fold(rows, identities()).packed())))
    assert folded.count == number
    assert folded.rows() == rows
    assert folded.column("unique_key") == [row.unique_key for row in rows]
    assert folded.column("source") == [row.values[3] for row in rows]


@pytest.mark.parametrize("number", [1, CHUNK + 1])
def test_rows_that_are_all_new_go_in_as_they_lie_there(tmp_path: Path, number: int) -> None:
    db = Database(f"sqlite:///{tmp_path / 'm.db'}")
    try:
        rows = [alike(each) for each in range(number)]
        assert db.run_now(lambda conn: insert_new(conn, fold(rows, identities())), True)
        # One that is there already is enough to look at them one by one.
        more = [rows[0], made(-1)]
        assert not db.run_now(lambda conn: insert_new(conn, fold(more, identities())), True)
        twice = [made(-2), made(-2)]
        assert not db.run_now(lambda conn: insert_new(conn, fold(twice, identities())), True)
        assert db.run_now(counts).waiting == number
        found = db.run_now(lambda conn: conn.execute(feedback.select().order_by(feedback.c.id)).all())
        assert sorted(row.id for row in rows) == [row.id for row in found]
        assert {(row.source, row.model, row.score, row.comment, row.state) for row in found} == {
            ("s", "m", 0.5, None, "waiting")
        }
        tags = db.run_now(lambda conn: conn.execute(feedback_tag.select()).all())
        assert {(tag.feedback_id, tag.tag, tag.state) for tag in tags} == {
            (row.id, tag, "waiting") for row in rows for tag in "ab"
        }
    finally:
        db.close()

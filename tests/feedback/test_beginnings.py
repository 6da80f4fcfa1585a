"""Ids written as far as they differ, on every database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.db.engine import Database
from app.errors import UserError
from app.feedback.beginnings import whole_id
from app.feedback.retrain.control import Retrain
from app.feedback.tables import feedback
from tests.feedback.retraining import START, accept, fire, know, pipeline
from tests.feedback.reviewing import given, put


async def test_a_beginning_is_enough_where_it_is_the_only_one(database: Database) -> None:
    put(database, [given(1, id="row-a"), given(2, id="row-a1"), given(3, id="row-b"), given(4, id="Row-b")])

    async def meant(text: str) -> str:
        return await whole_id(database, feedback.c.id, text, "row", "see the list")

    found = [await meant(text) for text in ("row-a", "row-a1", "row-b", "Row-", "Row-b")]
    assert found == ["row-a", "row-a1", "row-b", "Row-b", "Row-b"]
    with pytest.raises(UserError, match="row- begins the id of more than one row: row-a, row-a1, row-b; write more"):
        await meant("row-")
    for text in ("row", "ROW-", "row-a12", "row-é", "x" * 500, "", "%", "row-a'"):
        with pytest.raises(UserError, match="no row has the id"):
            await meant(text)


async def test_a_run_is_found_by_its_beginning(database: Database, tmp_path: Path) -> None:
    wanted = pipeline(tmp_path)
    know(database, wanted, START)
    accept(database, "abcd")
    run = fire(database, wanted, forced="by hand")
    assert run is not None
    nowhere: Any = None
    control = Retrain(database, nowhere, (wanted,), tmp_path)
    assert [await control.whole(text) for text in (run.id, run.id[:20])] == [run.id, run.id]
    with pytest.raises(UserError, match="there is no run nothing"):
        await control.whole("nothing")

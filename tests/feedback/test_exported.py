"""What is exported comes in again as it was, with every decision; what is mended later brings its decisions, too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from app.db.engine import Database
from app.db.types import utc_now
from app.errors import UserError
from app.feedback import quarantine
from app.feedback.contract import DecisionRecord
from app.feedback.decisions import apply_decision
from app.feedback.export import exported
from app.feedback.filters import Filter
from app.feedback.imports.files import import_file
from app.feedback.model import ImportReport
from app.feedback.restoring import Restored, import_export, is_export
from app.feedback.tables import feedback, feedback_decision, feedback_tag
from app.ids import new_id
from tests.feedback.reviewing import given as row_of
from tests.feedback.reviewing import put
from tests.feedback.test_contract_properties import ROWS

NOW = utc_now()
STEPS = st.lists(
    st.fixed_dictionaries(
        {"at": st.integers(-50, 50), "row": st.integers(0, 9), "what": st.sampled_from(("decide", "undo", "redo"))},
        optional={
            "verdict": st.sampled_from(("accept", "reject", "skip")),
            "tags": st.lists(st.sampled_from(("a", "ü b", "[red]")), unique=True).map(tuple),
            "correction": st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
            "note": st.just("a\nnote"),
            "score": st.floats(-1, 1).map(lambda score: score + 0.0),
            "reviewer": st.sampled_from(("ann", "ben")),
            "duration_ms": st.integers(0, 2**31 - 1),
            "reshow": st.booleans(),
        },
    ),
    max_size=12,
)


def record(row: str, at: float, kind: str, supersedes: str | None = None, **fields: Any) -> DecisionRecord:
    values = {"reviewer": "ann", "reshow": False, **fields}
    if kind == "decide":
        values = {"verdict": "accept", **values}
    else:
        values = {name: values[name] for name in ("reviewer", "reshow")}
    return DecisionRecord(
        id=new_id(), feedback_id=row, kind=kind, decided_at=NOW + timedelta(seconds=at), supersedes=supersedes, **values
    )


def apply(db: Database, *records: DecisionRecord) -> None:
    for each in records:
        db.run_now(lambda conn, each=each: apply_decision(conn, each.model_dump(mode="json")), True)


def decide(db: Database, steps: Sequence[dict[str, Any]]) -> None:
    """Decisions, undone and done again, at times in no order."""
    ids = db.run_now(lambda conn: list(conn.scalars(select(feedback.c.id).order_by(feedback.c.id))))
    made: dict[str, str] = {}
    for step in steps if ids else ():
        fields = dict(step)
        row, kind, at = ids[fields.pop("row") % len(ids)], fields.pop("what"), fields.pop("at")
        if kind == "decide" or row in made:
            entry = record(row, at, kind, None if kind == "decide" else made[row], **fields)
            apply(db, entry)
            made[row] = entry.id if kind == "decide" else made[row]


def lines(db: Database) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        return [each.document async for each in exported(db, Filter())]

    return asyncio.run(read())


def state(db: Database) -> list[Any]:
    def read(conn: Connection) -> list[Any]:
        rows = select(feedback.c.id, feedback.c.state, feedback.c.decided_at).order_by(feedback.c.id)
        tags = select(feedback_tag).order_by(feedback_tag.c.feedback_id, feedback_tag.c.tag)
        log = select(feedback_decision).order_by(feedback_decision.c.id)
        return [tuple(row) for query in (rows, tags, log) for row in conn.execute(query)]

    return db.run_now(read)


def clear(db: Database) -> None:
    from app.db.tables import all_tables

    def delete(conn: Connection) -> None:
        for name, table in all_tables().tables.items():
            if name.startswith(("feedback", "retrain")):
                conn.execute(table.delete())

    db.run_now(delete, True)


def take(db: Database, file: Path) -> tuple[ImportReport, Restored]:
    return asyncio.run(import_export(db, file, progress=lambda report: None))


def write(file: Path, values: Sequence[Any]) -> Path:
    file.write_text("".join(json.dumps(value) + "\n" for value in values))
    return file


@given(rows=st.lists(ROWS, min_size=1, max_size=6), steps=STEPS)
@settings(
    max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
def test_an_export_taken_in_elsewhere_is_the_same(
    database: Database, tmp_path: Path, rows: list[dict[str, Any]], steps: list[dict[str, Any]]
) -> None:
    clear(database)
    file = write(tmp_path / "rows.jsonl", rows)
    report = asyncio.run(import_file(database, file, form="jsonl"))
    assert report.rows == len(rows) == report.created + report.duplicate + report.quarantined
    decide(database, steps)
    before, told = lines(database), state(database)
    write(file, before)
    clear(database)
    report, restored = take(database, file)
    assert (report.created, report.quarantined, restored.refused) == (len(before), 0, ())
    assert (lines(database), state(database)) == (before, told)
    # Once more changes nothing.
    report, restored = take(database, file)
    assert (report.duplicate, report.conflicts, restored.refused) == (len(before), (), ())
    assert state(database) == told


def export_of_one(db: Database) -> dict[str, Any]:
    """A row of which a decision was undone and another holds, as it is exported; afterwards the database is empty."""
    (identity,) = put(db, [row_of(1, source_event_id="e1")])
    first, second = record(identity, 1, "decide"), record(identity, 3, "decide", verdict="reject", tags=("tone",))
    apply(db, first, record(identity, 2, "undo", first.id), second)
    (line,) = lines(db)
    clear(db)
    return line


def quarantined(db: Database) -> list[quarantine.Quarantined]:
    return list(asyncio.run(quarantine.entries(db)).entries)


@pytest.mark.parametrize("whole", [True, False])
def test_a_mended_row_brings_its_decisions(database: Database, tmp_path: Path, whole: bool) -> None:
    line = export_of_one(database)
    report, restored = take(database, write(tmp_path / "out.jsonl", [{**line, "score": 7}]))
    assert (report.quarantined, restored.decisions) == (1, 0)
    (entry,) = quarantined(database)
    assert json.loads(entry.raw) == {**line, "score": 7}
    mended = line if whole else {name: value for name, value in line.items() if name != "decisions"}
    done = asyncio.run(quarantine.mend(database, entry.id, json.dumps(mended).encode()))
    assert (done.created, lines(database)) == (1, [line])


def test_a_row_that_is_tried_again_brings_its_decisions(database: Database, tmp_path: Path) -> None:
    line = export_of_one(database)
    take(database, write(tmp_path / "out.jsonl", [{**line, "more": 1}]))
    (entry,) = quarantined(database)
    done = asyncio.run(quarantine.retry(database, (entry.id,), extra="context"))
    assert (done.created, lines(database)) == (1, [{**line, "context": {"more": 1}}])


def test_decisions_that_break_the_contract_are_told(database: Database, tmp_path: Path) -> None:
    line = export_of_one(database)
    broken = {**line, "decisions": [{**line["decisions"][0], "verdict": "maybe"}]}
    report, restored = take(database, write(tmp_path / "out.jsonl", [broken]))
    assert (report.created, restored.decisions, [each.line for each in restored.refused]) == (1, 0, [1])
    take(database, write(tmp_path / "out.jsonl", [{**broken, "score": 7, "source_event_id": "e2", "id": "other"}]))
    (entry,) = quarantined(database)
    mended = json.dumps({**broken, "source_event_id": "e2", "id": "other"}).encode()
    with pytest.raises(UserError, match="decisions:"):
        asyncio.run(quarantine.mend(database, entry.id, mended))
    assert len(quarantined(database)) == 1


FIRST_DAY = "0001-01-01T00:00:00+05:00"
WRONG: dict[str, tuple[dict[str, Any] | None, str]] = {
    "no time of any database": ({"decided_at": FIRST_DAY}, "decided_at: is no time that can be kept"),
    "before 1970": ({"decided_at": "1969-12-31T23:59:59Z"}, "decided_at: lies before 1970"),
    "the future": ({"decided_at": "9000-01-01T00:00:00Z"}, "decided_at: lies in the future"),
    "a blank tag": ({"tags": ["x", " "]}, "tags: one is blank"),
    "no object": (None, "is no object"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_decision_takes_no_other_with_it(database: Database, tmp_path: Path, wrong: str) -> None:
    more, why = WRONG[wrong]
    line = export_of_one(database)
    good, bad = line["decisions"], {**line, "id": "bad", "source_event_id": "e2"}
    bad["decisions"] = [{**good[0], "id": new_id()}, 7 if more is None else {**good[0], "id": new_id(), **more}]
    file = write(tmp_path / "out.jsonl", [bad, line])
    for _ in range(2):
        report, restored = take(database, file)
        assert (report.rows, report.quarantined, restored.decisions) == (2, 0, len(good))
        assert [(each.line, each.why) for each in restored.refused] == [(1, f"decisions: entry 2: {why}")]
    assert [each["decisions"] for each in lines(database)] in ([good, []], [[], good])


def test_tags_of_decisions_are_made_as_those_of_rows(database: Database, tmp_path: Path) -> None:
    line = export_of_one(database)
    line["decisions"][-1]["tags"] = ["x", "x ", "e\u0301\t y", "\u00e9 y"]
    _, restored = take(database, write(tmp_path / "out.jsonl", [line]))
    assert (restored.decisions, restored.refused) == (3, ())
    assert lines(database)[0]["decisions"][-1]["tags"] == ["x", "\u00e9 y"]
    found = select(feedback_tag.c.tag).order_by(feedback_tag.c.tag)
    assert database.run_now(lambda conn: list(conn.scalars(found))) == ["x", "\u00e9 y"]


def test_decisions_that_the_database_refuses_take_no_other_with_them(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'picky.db'}")
    picky = "CREATE TRIGGER picky BEFORE INSERT ON feedback_decision WHEN NEW.note = 'bad' BEGIN SELECT json('{'); END"
    try:
        line = export_of_one(db)
        db.run_now(lambda conn: conn.exec_driver_sql(picky), write=True)
        bad = {**line, "id": "bad", "source_event_id": "e2"}
        bad["decisions"] = [{**each, "id": new_id()} for each in line["decisions"][:1]] * 2
        bad["decisions"][1] = {**bad["decisions"][1], "id": new_id(), "note": "bad"}
        _, restored = take(db, write(tmp_path / "out.jsonl", [bad, line]))
        assert [each.why for each in restored.refused] == ["decisions: the database refuses them: malformed JSON"]
        assert [len(each["decisions"]) for each in sorted(lines(db), key=lambda each: each["id"])] == [0, 3]
    finally:
        db.close()


def test_a_wrong_decision_in_quarantine_stays_there_alone(database: Database, tmp_path: Path) -> None:
    line = export_of_one(database)
    bad = {**line, "id": "bad", "source_event_id": "e2"}
    bad["decisions"] = [{**line["decisions"][0], "id": new_id(), "decided_at": FIRST_DAY}]
    take(database, write(tmp_path / "out.jsonl", [{**each, "more": 1} for each in (bad, line)]))
    first, _ = quarantined(database)
    assert [entry.id for entry in asyncio.run(quarantine.retry(database, (first.id,), extra="context")).left] == [
        first.id
    ]
    done = asyncio.run(quarantine.retry(database, extra="context"))
    assert (done.created, [entry.id for entry in done.left]) == (1, [first.id])
    assert lines(database) == [{**line, "context": {"more": 1}}]


def test_what_is_there_already_is_told_from_what_is_new(database: Database, tmp_path: Path) -> None:
    line = export_of_one(database)
    file = write(tmp_path / "out.jsonl", [{**line, "decisions": line["decisions"][:1]}])
    assert take(database, file)[1] == Restored(1, 1)
    assert take(database, write(file, [line]))[1] == Restored(3, 2)
    assert take(database, file)[1] == Restored(3, 0)
    assert lines(database) == [line]


@pytest.mark.parametrize("junk", ["junk", {"id": "x"}, 0, False])
def test_decisions_that_are_no_list_are_not_dropped(database: Database, tmp_path: Path, junk: Any) -> None:
    line = export_of_one(database)
    bad = {**line, "id": "bad", "source_event_id": "e2", "decisions": junk}
    none = {**line, "id": "none", "source_event_id": "e3", "decisions": None}
    report, restored = take(database, write(tmp_path / "out.jsonl", [line, bad, none]))
    assert (report.created, report.quarantined, restored) == (2, 1, Restored(3, 3))
    assert [(each.line, each.why) for each in report.refused] == [(2, "decisions: expected a list")]
    (entry,) = quarantined(database)
    assert json.loads(entry.raw) == bad
    assert len(asyncio.run(quarantine.retry(database)).left) == 1
    mended = {**bad, "decisions": []}
    assert asyncio.run(quarantine.mend(database, entry.id, json.dumps(mended).encode())).created == 1


def test_decisions_do_not_go_to_another_row(database: Database, tmp_path: Path) -> None:
    line = export_of_one(database)
    put(database, [row_of(2, source_event_id="e1")])
    report, restored = take(database, write(tmp_path / "out.jsonl", [line]))
    assert (report.duplicate, len(report.conflicts), restored.decisions, len(restored.refused)) == (0, 1, 0, 1)
    # The conflict keeps all: as another event it is a row of its own, with its decisions.
    (entry,) = quarantined(database)
    mended = {**line, "source_event_id": "e3"}
    asyncio.run(quarantine.mend(database, entry.id, json.dumps(mended).encode()))
    assert mended in lines(database)
    # And a decision is on one row only.
    _, restored = take(database, write(tmp_path / "out.jsonl", [{**line, "id": "copy", "source_event_id": "e4"}]))
    assert (restored.decisions, len(restored.refused)) == (0, 1)


def test_an_export_whose_first_line_is_broken_is_one(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text('{"source": \n{"source": "x", "decisions": []}\n')
    assert is_export(file)
    file.write_text('{"source": \n{"source": "x"}\n')
    assert not is_export(file)

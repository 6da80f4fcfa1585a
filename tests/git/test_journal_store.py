"""Operations in the local journal and in the database: kept as they were, in pages, the latest state winning."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import event

from app import storage
from app.db.engine import Database
from app.db.spool import Spool
from app.errors import UserError
from app.events import Bus
from app.git import journal_store
from app.git.entries import Entry, dump, load, payload
from app.git.journal import Journal
from app.git.model import ConfigChange, Plan, RefChange, Refusal

A, B = "a" * 40, "b" * 40


def op_id(number: int) -> str:
    """Identifiers that sort like the operations."""
    return f"01ARZ3NDEKTSV4RRFFQ6{number:06}"


def entry(number: int, repository: str = "desk", **changes: Any) -> Entry:
    plan = Plan(
        "prune",
        repository,
        "Delete 2 branches",
        (
            RefChange("refs/heads/caf\udce9", "local", A, "", "merged", commits=2),
            RefChange("refs/heads/\u202egone", "remote", B, "", "merged", remote="origin"),
        ),
        (ConfigChange("branch.a.remote", "origin", None),),
        (("git", "push", "origin", ":refs/heads/\x1bx"), ("git", "branch", "-D", "--", "caf\udce9")),
        (Refusal("refs/heads/main", "the default branch"),),
        ("closed pull requests stay closed",),
        {"request": {"local": True}},
        ("what is deleted is kept",),
    )
    made = Entry(
        op_id(number),
        repository,
        "/home/ada/caf\udce9",
        f"/home/ada/{repository}/.git",
        plan,
        at=1_700_000_000.25 + number,
        updated_at=1_700_000_001.5 + number,
        done=frozenset({plan.changes[0].key}),
        pins={"refs/quarterdeck/trash/x/heads/caf\udce9": A},
        remotes={"origin": "https://example.test/a.git"},
        data={"tree": A},
    )
    return replace(made, **changes)


def test_an_entry_survives_being_written(tmp_path: Path) -> None:
    made = entry(1, state="remote-done", undoes=op_id(0), message="é\udcff")
    assert load(dump(made)) == made
    journal = Journal(tmp_path / "deep" / "operations.db")
    assert journal.get(made.op_id) is None
    assert not journal.path.exists()
    journal.put(made)
    assert Journal(journal.path).get(made.op_id) == made
    assert journal.path.stat().st_mode & 0o077 == 0


def test_what_a_newer_version_added_is_left_out() -> None:
    text = dump(entry(1)).replace('"message":', '"mood":"good","message":').replace('"side":', '"shade":1,"side":')
    assert load(text) == entry(1)


def test_open_operations_are_found_oldest_first_and_by_place(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "operations.db")
    journal.put(*(entry(n, state=state) for n, state in enumerate(("done", "planned", "failed", "pinned", "undone"))))
    journal.put(entry(9, "other", state="local-done"))
    assert [each.op_id for each in journal.open_ones()] == [op_id(1), op_id(3), op_id(9)]
    assert [each.op_id for each in journal.open_ones("/home/ada/other/.git")] == [op_id(9)]
    assert [each.op_id for each in journal.latest("/home/ada/desk/.git", 2, before=op_id(4))] == [op_id(3), op_id(2)]
    assert [each.op_id for each in journal.everywhere(2)] == [op_id(9), op_id(4)]


def test_expired_are_the_old_and_the_many_but_never_the_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "operations.db")
    for number in range(6):
        journal.put(entry(number, state="pinned" if number == 1 else "done", unpinned=number == 0))
    place = "/home/ada/desk/.git"
    assert [each.op_id for each in journal.expired(place, 0.0, 3)] == [op_id(2)]
    assert [each.op_id for each in journal.expired(place, 1_700_000_004.0, 100)] == [op_id(2), op_id(3)]
    assert journal.expired(place, 0.0, 6) == []


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="journal of git operations"):
        Journal(tmp_path / "file" / "operations.db").put(entry(1))
    (tmp_path / "damaged.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(UserError, match="journal of git operations"):
        Journal(tmp_path / "damaged.db").open_ones()


async def test_two_threads_write_beside_each_other(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "operations.db")
    await asyncio.gather(*(asyncio.to_thread(journal.put, entry(number)) for number in range(20)))
    assert len(journal.everywhere()) == 20


async def test_through_the_spool_an_operation_arrives_in_its_last_state(database: Database, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    storage.register(spool)
    spool.start(database, Bus())
    first = entry(1)
    await journal_store.put(spool, first)
    last = replace(first, state="done", revision=3, undone_by=op_id(2))
    await journal_store.put(spool, last)
    await journal_store.put(spool, last)
    assert await spool.flush(20)
    (found,) = (await journal_store.operations(database, "desk")).operations
    assert (found.op_id, found.state, found.undone_by, found.title) == (op_id(1), "done", op_id(2), last.plan.title)
    assert [change.ref for change in found.plan] == ["refs/heads/caf\\udce9", "refs/heads/\u202egone"]
    assert found.commands[0] == last.plan.commands[0]
    assert found.refused == last.plan.refused or found.refused == ()
    assert found.at == first.at
    await spool.close()


async def test_an_earlier_state_that_comes_late_changes_nothing(database: Database) -> None:
    for state, revision in (("done", 4), ("planned", 0)):
        given = payload(entry(1, state=state, revision=revision))
        database.run_now(lambda conn, given=given: journal_store.apply_operation(conn, given), True)
    assert (await journal_store.operations(database)).operations[0].state == "done"


async def test_operations_come_in_pages_through_an_index(database: Database) -> None:
    for number in range(1, 8):
        for name in ("desk", "other"):
            given = payload(entry(number + (50 if name == "other" else 0), name))
            database.run_now(lambda conn, given=given: journal_store.apply_operation(conn, given), True)
    first = await journal_store.operations(database, "desk", limit=4)
    rest = await journal_store.operations(database, "desk", limit=4, after=first.after)
    assert [each.op_id for page in (first, rest) for each in page.operations] == [op_id(n) for n in range(7, 0, -1)]
    assert rest.after is None
    assert len((await journal_store.operations(database, limit=100)).operations) == 14
    for repository, index in (("desk", "ix_git_operation_repository_id"), ("", "PRIMARY")):
        plan = explained(database, repository)
        assert index in plan or (database.url.get_backend_name() == "sqlite" and "sqlite_autoindex" in plan)
        assert "filesort" not in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    "wrong", [{"state": "odd"}, {"kind": "odd"}, {"op_id": "../x"}, {"repository": ""}, {"more": 1}, {"revision": -1}]
)
def test_what_breaks_the_contract_is_refused(wrong: dict[str, Any]) -> None:
    from app.git.records import OperationRecord

    OperationRecord.model_validate(payload(entry(1)))
    with pytest.raises(ValidationError):
        OperationRecord.model_validate(payload(entry(1)) | wrong)


def explained(database: Database, repository: str) -> str:
    """How the database would read the first page."""
    said: list[str] = []

    def listen(conn: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if not statement.lstrip().upper().startswith("SELECT") or "git_operation" not in statement:
            return
        lead = "EXPLAIN QUERY PLAN " if database.url.get_backend_name() == "sqlite" else "EXPLAIN "
        cursor.execute(lead + statement, values)
        said.extend(str(row) for row in cursor.fetchall())

    def read(conn: Any) -> None:
        event.listen(conn, "before_cursor_execute", listen)
        try:
            journal_store.operations_page(conn, repository, 4, None)
        finally:
            event.remove(conn, "before_cursor_execute", listen)

    database.run_now(read)
    return "\n".join(said)

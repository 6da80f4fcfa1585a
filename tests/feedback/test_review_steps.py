"""Undo and redo where something goes wrong in between: stores that fail, other reviewers, clocks, searches."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.db.engine import Database
from app.errors import UserError
from app.events import Bus, FeedbackChanged
from app.feedback import queue, steps
from app.feedback.model import QueueItem
from app.feedback.review import Done, Given
from app.feedback.service import FeedbackService
from app.feedback.tables import feedback, feedback_claim, feedback_decision
from tests.feedback.reviewing import NOW, given, put
from tests.feedback.session import ready, reviewing, ticking
from tests.feedback_fakes import row
from tests.waiting import until


def log(db: Database) -> list[tuple[str, str]]:
    columns = feedback_decision.c
    asked = select(columns.kind, columns.feedback_id).order_by(columns.decided_at, columns.id)
    return db.run_now(lambda conn: [(row.kind, row.feedback_id) for row in conn.execute(asked)])


def state(db: Database, identity: str) -> str:
    return str(db.run_now(lambda conn: conn.scalar(select(feedback.c.state).where(feedback.c.id == identity))))


def top(service: FeedbackService) -> str:
    current = service.snapshot().current
    return current.row.id if current is not None else ""


def failing(service: FeedbackService, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of one kind cannot be kept."""
    keep = service._spool.put

    async def refuse(name: str, payload: Any, *more: Any, **others: Any) -> Any:
        if payload.get("kind") == kind:
            raise UserError("there is no space left")
        return await keep(name, payload, *more, **others)

    monkeypatch.setattr(service._spool, "put", refuse)


async def test_a_decision_that_was_taken_back_before_it_failed_is_not_made_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, [given(n) for n in range(3)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 3)
        failing(service, "decide", monkeypatch)
        service.decide("accept", Given(correction="better"))
        assert await service.undo() is not None
        await until(lambda: service.snapshot().returned)
        snapshot = service.snapshot()
        assert snapshot.returned is not None
        assert [each.correction for each in snapshot.returned.given] == ["better"]
        assert (top(service), snapshot.undone) == ("row-00000", 0)
        # What was kept after it does not hide that it failed.
        await until(lambda: not service.snapshot().unsaved)
        assert "no space left" in service.snapshot().problem
        assert await service.redo() is None


async def test_an_undo_that_is_not_kept_did_not_happen(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, [given(n) for n in range(3)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 3)
        service.decide("accept")
        await until(lambda: log(database))
        failing(service, "undo", monkeypatch)
        assert await service.undo() is not None
        await until(lambda: not service.snapshot().unsaved)
        snapshot = service.snapshot()
        assert (top(service), snapshot.session, snapshot.undone) == ("row-00001", 1, 0)
        assert snapshot.last is not None
        assert "the decision stands" in snapshot.problem
        assert state(database, "row-00000") == "accepted"


async def test_a_redo_that_is_not_kept_leaves_the_row_on_top(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, [given(n) for n in range(3)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 3)
        service.decide("accept", Given(note="mine"))
        await service.undo()
        await until(lambda: len(log(database)) == 2)
        failing(service, "redo", monkeypatch)
        assert await service.redo() is not None
        await until(lambda: not service.snapshot().unsaved)
        snapshot = service.snapshot()
        assert (top(service), snapshot.session, snapshot.undone) == ("row-00000", 0, 1)
        assert snapshot.returned is not None
        assert [each.note for each in snapshot.returned.given] == ["mine"]
        assert state(database, "row-00000") == "waiting"
        monkeypatch.undo()
        assert await service.redo() is not None
        await until(lambda: state(database, "row-00000") == "accepted")


def claimed(db: Database) -> set[str]:
    return db.run_now(lambda conn: set(conn.scalars(select(feedback_claim.c.feedback_id))))


async def test_nobody_else_gets_a_row_that_was_taken_back(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(4)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 4)
        service.decide("accept")
        await until(lambda: "row-00000" not in claimed(database))
        await service.undo()
        await until(lambda: "row-00000" in claimed(database))
        assert top(service) == "row-00000"


async def test_rows_that_others_review_are_not_alike(database: Database, tmp_path: Path) -> None:
    put(database, [given(n, output=f"Your order {n} was filled at 10.{n}0 today") for n in range(8)])
    async with reviewing(database, tmp_path / "a", ahead=4) as mara:
        await ready(mara, 4)
        async with reviewing(database, tmp_path / "b", ahead=2, reviewer="jo") as jo:
            mine = await ready(jo, 2)
            item = jo.snapshot().current
            assert item is not None
            found = {each.row.id for each in await jo.alike(item.row)}
            assert found == {"row-00005", "row-00006", "row-00007"}
            # One of them is claimed, another one decided, before the key is pressed.
            mara._ahead = 6
            mara.decide("accept")
            mara.decide("accept")
            await until(lambda: len(mara.snapshot().upcoming) >= 4 and not mara.snapshot().reading)
            theirs = {each.row.id for each in mara.snapshot().upcoming}
            rows = await jo.claim_these([*mine, *sorted(found)])
            assert {row.id for row in rows} == {*mine, *found} - theirs
            assert found & theirs


async def test_a_row_that_came_back_is_not_dropped_with_what_a_search_brings_late(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, [given(n, model="v1" if n % 2 else "v2") for n in range(8)])
    claim, begun, go = queue.claim, threading.Event(), threading.Event()

    def slow(*given: Any, **more: Any) -> Any:
        begun.set()
        assert go.wait(30)
        return claim(*given, **more)

    async with reviewing(database, tmp_path, ahead=2) as service:
        await ready(service, 2)
        monkeypatch.setattr(queue, "claim", slow)
        service.decide("accept")
        await until(begun.is_set)
        monkeypatch.setattr(queue, "claim", claim)
        await service.set_filter("model:v1")
        await service.undo()
        assert top(service) == "row-00000"
        go.set()
        await until(lambda: not service.snapshot().reading and not service._letting_go)
        assert top(service) == "row-00000"
        assert service.decide("reject", row="row-00000")
        # What the search had claimed is free again, but for what the filter lets through.
        await until(lambda: not service.snapshot().reading and len(service.snapshot().upcoming) == 2)
        await until(lambda: claimed(database) == {each.row.id for each in service.snapshot().upcoming})


async def test_a_service_that_was_closed_says_and_decides_nothing_more(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(3)])
    bus = Bus()
    said: list[FeedbackChanged] = []
    async with reviewing(database, tmp_path, bus=bus) as service:
        await ready(service, 3)
    bus.subscribe(FeedbackChanged, said.append)
    service.open_review()
    service._publish()
    assert not service.decide("accept")
    assert (said, service._open, service.snapshot().session) == ([], False, 0)


async def test_only_the_row_that_is_meant_is_decided(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(3)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 3)
        assert not service.decide("accept", row="row-00001")
        assert (top(service), service.snapshot().session) == ("row-00000", 0)
        assert service.decide("accept", row="row-00000")


async def test_after_a_sleep_rows_that_others_have_leave_the_queue(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(8)])
    now = [NOW]

    def clock() -> datetime:
        now[0] += timedelta(microseconds=1)
        return now[0]

    async with reviewing(database, tmp_path, clock=clock) as service:
        await ready(service, 6)
        later = NOW + queue.LEASE + timedelta(hours=1)
        theirs = feedback_claim.c.feedback_id.in_(["row-00001", "row-00002"])
        values = {"session": "other", "reviewer": "jo", "claimed_until": later + queue.LEASE}
        database.run_now(lambda conn: conn.execute(update(feedback_claim).where(theirs).values(values)), write=True)
        now[0] = later
        service.decide("accept")
        await until(lambda: top(service) == "row-00003")


async def test_an_undo_leaves_the_verdict_of_somebody_else(database: Database, tmp_path: Path) -> None:
    put(database, [given(0)])
    async with reviewing(database, tmp_path / "a", reviewer="jo") as jo:
        await ready(jo, 1)
        jo.decide("reject")
        await until(lambda: state(database, "row-00000") == "rejected")
    async with reviewing(database, tmp_path / "b", clock=ticking(NOW + timedelta(hours=1))) as mara:
        mara.decide_many(await mara.rows(["row-00000"]), "accept")
        await until(lambda: state(database, "row-00000") == "accepted")
    async with reviewing(database, tmp_path / "c", clock=ticking(NOW + timedelta(hours=2))) as again:
        await until(lambda: again.snapshot().counts)
        done = await again.undo()
        assert done is not None
        assert done.items[0].row.state == "rejected"
        await until(lambda: state(database, "row-00000") == "rejected")
        assert top(again) == ""
        counts = again.snapshot().counts
        assert counts is not None
        assert (counts.waiting, counts.rejected) == (0, 1)


async def test_it_can_be_told_that_a_newer_decision_stands(database: Database, tmp_path: Path) -> None:
    put(database, [given(0)])
    async with reviewing(database, tmp_path / "a") as mara:
        await ready(mara, 1)
        mara.decide("accept")
        await mara.undo()
        await until(lambda: len(log(database)) == 2)
        async with reviewing(database, tmp_path / "b", reviewer="jo", clock=ticking(NOW + timedelta(hours=1))) as jo:
            jo.decide_many(await jo.rows(["row-00000"]), "reject")
            await until(lambda: state(database, "row-00000") == "rejected")
        assert await mara.redo() is not None
        assert await mara.standing(["row-00000"]) == {"row-00000": "rejected"}


def step(number: int, size: int = 10) -> Done:
    shown = replace(row(0), id=f"row-{number}", output="x" * size, input="")
    return Done((QueueItem(shown, "", NOW),), (f"d{number}",), "accept", (Given(),))


def test_steps_are_bounded_by_number_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = steps.Steps()
    for number in range(steps.STEPS + 5):
        stack.push(step(number))
    assert len(stack) == steps.STEPS
    monkeypatch.setattr(steps, "CHARACTERS", 100)
    stack.clear()
    for number in range(12):
        stack.push(step(number))
    assert [each.decisions for each in stack.recent(20)] == [(f"d{n}",) for n in range(2, 12)]
    stack.push(step(99, 1000))
    assert [stack.pop().decisions, len(stack)] == [("d99",), 0]
    stack.push(step(1))
    assert stack.take_out(step(2), [True]) is None
    assert stack.take_out(step(1), [True]) == step(1)
    assert len(stack) == 0

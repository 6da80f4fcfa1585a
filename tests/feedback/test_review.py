"""A review session on real databases: nothing decided is ever lost, and keys never wait."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db.engine import Database
from app.errors import UserError
from app.events import Badge, Bus, FeedbackChanged
from app.feedback import claims, queue
from app.feedback.review import Given
from app.feedback.tables import feedback, feedback_claim, feedback_decision
from tests.feedback.reviewing import NOW, given, put
from tests.feedback.session import AHEAD, ready, reviewing, ticking
from tests.servers import PrivateMariaDB
from tests.waiting import until


def states(db: Database) -> dict[str, str]:
    return db.run_now(lambda conn: {row.id: row.state for row in conn.execute(select(feedback.c.id, feedback.c.state))})


def stored(db: Database) -> list[Any]:
    columns = feedback_decision.c
    return db.run_now(lambda conn: list(conn.execute(select(feedback_decision).order_by(columns.decided_at))))


async def test_decisions_in_the_order_of_the_keys(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(20)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, AHEAD)
        seen = []
        for verdict in ("accept", "reject", "skip"):
            item = service.snapshot().current
            assert item is not None
            seen.append(item.row.id)
            service.decide(verdict)  # type: ignore[arg-type]
        snapshot = service.snapshot()
        assert snapshot.current is not None
        assert snapshot.current.row.id == "row-00003"
        # What was skipped is left for later.
        assert (snapshot.session, snapshot.streak) == (2, 2)
        await until(lambda: len(stored(database)) == 3)
        assert [(row.feedback_id, row.verdict) for row in stored(database)] == list(
            zip(seen, ("accept", "reject", "skip"), strict=True)
        )
        found = states(database)
        assert [found[identity] for identity in seen] == ["accepted", "rejected", "skipped"]


async def test_rows_grow_older_while_they_wait(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.feedback.service.LOOK_EVERY_S", 0.02)
    put(database, [given(n) for n in range(3)])
    at = [NOW]
    async with reviewing(database, tmp_path, clock=lambda: at[0]) as service:
        await ready(service, 3)
        before = service.snapshot().current
        assert before is not None
        service.decide("accept")
        await service.undo()
        assert [item.why for item in service.snapshot().upcoming] == ["waits 30 d", "waits 29 d", "waits 29 d"]
        at[0] += timedelta(days=3)
        older = ["waits 33 d", "waits 32 d", "waits 32 d"]
        await until(lambda: [item.why for item in service.snapshot().upcoming] == older)
        after = service.snapshot().current
        assert after is not None
        # The very same row, so that what was given to it on the screen stays.
        assert after.row is before.row


async def test_skipping_takes_no_part_in_session_and_streak(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(6)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, AHEAD)
        for verdict in ("accept", "skip", "reject"):
            service.decide(verdict)  # type: ignore[arg-type]
        assert (service.snapshot().session, service.snapshot().streak) == (2, 2)
        await service.undo()
        await service.undo()
        assert (service.snapshot().session, service.snapshot().streak) == (1, 1)
        await service.redo()
        assert (service.snapshot().session, service.snapshot().streak) == (1, 1)


async def test_the_queue_is_filled_again_and_ends(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(25)])
    async with reviewing(database, tmp_path) as service:
        seen = []
        while len(seen) < 25:
            await ready(service)
            item = service.snapshot().current
            assert item is not None
            seen.append(item.row.id)
            service.decide("accept")
        assert seen == [f"row-{n:05}" for n in range(25)]
        await until(lambda: service.snapshot().exhausted)
        await until(lambda: set(states(database).values()) == {"accepted"})


async def test_what_goes_with_a_verdict_is_stored(database: Database, tmp_path: Path) -> None:
    put(database, [given(1, tags=("old",))])
    async with reviewing(database, tmp_path) as service:
        await ready(service)
        service.decide("reject", Given(-0.5, ("tone", "price"), "a better answer", "too long", 1200))
        (row,) = await until(lambda: stored(database))
    assert (row.score, row.tags, row.correction, row.note) == (-0.5, ["tone", "price"], "a better answer", "too long")
    assert (row.duration_ms, row.reviewer) == (1200, "mara")


async def test_undo_and_redo_over_many_steps(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(4)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 4)
        for _ in range(3):
            service.decide("accept")
        assert await service.undo()
        assert await service.undo()
        assert [item.row.id for item in service.snapshot().upcoming] == ["row-00001", "row-00002", "row-00003"]
        assert service.snapshot().undone == 2
        await until(lambda: len(stored(database)) == 5)
        await until(lambda: states(database)["row-00001"] == "waiting")
        assert await service.redo()
        await until(lambda: states(database)["row-00001"] == "accepted")
        assert states(database)["row-00002"] == "waiting"
        service.decide("reject")
        assert service.snapshot().undone == 0
        await until(lambda: states(database)["row-00002"] == "rejected")


async def test_undo_goes_back_into_earlier_sessions(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(3)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 3)
        service.decide("accept", Given(note="one"))
        service.decide("reject")
    later = NOW + timedelta(hours=1)
    async with reviewing(database, tmp_path, clock=ticking(later)) as service:
        assert await service.undo()
        assert await service.undo()
        assert not await service.undo()
        upcoming = service.snapshot().upcoming
        assert [item.row.id for item in upcoming[:2]] == ["row-00000", "row-00001"]
        assert upcoming[0].decisions[0].note == "one"
        await until(lambda: set(states(database).values()) == {"waiting"})


async def test_rows_that_are_alike_are_decided_at_once(database: Database, tmp_path: Path) -> None:
    put(database, [given(n, output=f"Your order {n} was filled at 10.{n}0 today") for n in range(5)])
    put(database, [given(9, output="something else altogether, which nobody asked for")])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 6)
        item = service.snapshot().current
        assert item is not None
        found = await service.alike(item.row)
        assert {each.row.id for each in found} == {f"row-{n:05}" for n in range(1, 5)}
        assert all(each.likeness > 0.92 for each in found)
        service.decide_many([item.row, *(each.row for each in found)], "reject")
        assert [each.row.id for each in service.snapshot().upcoming] == ["row-00009"]
        await until(lambda: sorted(states(database).values()) == ["rejected"] * 5 + ["waiting"])
        assert await service.undo()
        await until(lambda: set(states(database).values()) == {"waiting"})
        assert len(service.snapshot().upcoming) == 6


async def test_leaving_lets_others_have_the_rows(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(4)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 4)
        claimed = database.run_now(lambda conn: set(conn.scalars(select(feedback_claim.c.feedback_id))))
        assert len(claimed) == 4
    assert database.run_now(lambda conn: list(conn.scalars(select(feedback_claim.c.feedback_id)))) == []


async def test_another_order_keeps_the_row_on_screen(database: Database, tmp_path: Path) -> None:
    put(database, [given(n, score=-n / 10) for n in range(6)])
    async with reviewing(database, tmp_path, ahead=4) as service:
        await ready(service, 4)
        service.set_order("worst")
        await until(lambda: len(service.snapshot().upcoming) > 3 and not service.snapshot().reading)
        assert [item.row.id for item in service.snapshot().upcoming][:4] == [
            "row-00000",
            "row-00005",
            "row-00004",
            "row-00003",
        ]


async def test_no_row_is_looked_for_before_those_of_the_other_order_are_let_go(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = threading.Event()
    after: list[bool] = []
    release, search = claims.release, queue.search
    held = True

    def slowly(*given: Any) -> None:
        nonlocal held
        # As long as on a busy machine, unless a search shows that it was not waited for.
        searched.wait(0.5)
        release(*given)
        held = False

    def noting(*given: Any, **more: Any) -> Any:
        after.append(not held)
        searched.set()
        return search(*given, **more)

    put(database, [given(n, score=-n / 10) for n in range(6)])
    async with reviewing(database, tmp_path, ahead=4) as service:
        await ready(service, 4)
        monkeypatch.setattr(claims, "release", slowly)
        monkeypatch.setattr(queue, "search", noting)
        service.set_order("worst")
        service.open_review()
        await until(lambda: len(service.snapshot().upcoming) > 3 and not service.snapshot().reading)
        assert [item.row.id[-1] for item in service.snapshot().upcoming] == list("0543")
        assert all(after)


async def test_the_largest_cluster_is_counted_first(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(3)])
    put(database, [given(n, output=f"Filled {n} shares.") for n in (10, 11, 12)])
    async with reviewing(database, tmp_path, order="cluster") as service:
        assert (await ready(service, 6))[:3] == ["row-00010", "row-00011", "row-00012"]
        assert service.snapshot().upcoming[0].why == "one of 3 alike"


async def test_decided_rows_come_again_in_silence(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(30)])
    first: dict[str, str] = {}
    async with reviewing(database, tmp_path) as service:
        while len(first) < 10:
            await ready(service)
            item = service.snapshot().current
            assert item is not None
            first[item.row.id] = "accept"
            service.decide("accept")
        await until(lambda: len(stored(database)) == 10)
    later = NOW + timedelta(days=9)
    async with reviewing(database, tmp_path, share=0.5, clock=ticking(later), chance=random.Random(2)) as service:
        await ready(service, 3)
        again = [item for item in service.snapshot().upcoming if item.reshow]
        assert again
        assert {item.row.id for item in again} <= set(first)
        assert all(item.row.state == "waiting" and item.decisions == () for item in again)
        assert all(item.why.startswith("waits ") for item in again)
        before = states(database)
        shown = 0
        while shown == 0:
            item = service.snapshot().current
            assert item is not None
            shown += item.reshow
            service.decide("reject" if item.reshow else "skip")
        await until(lambda: any(row.reshow for row in stored(database)))
        decided = next(row for row in stored(database) if row.reshow)
        assert states(database)[decided.feedback_id] == before[decided.feedback_id] == "accepted"
        stats = await service.stats("mara")
        assert (stats.agreement, stats.kappa) == (0.0, 0.0)


async def test_the_badge_tells_the_backlog(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(7)])
    bus, badges = Bus(), []
    bus.subscribe(Badge, badges.append)
    async with reviewing(database, tmp_path, bus=bus) as service:
        await until(lambda: badges)
        assert badges[-1] == Badge("feedback", "7")
        await ready(service)
        service.decide("accept")
        assert badges[-1] == Badge("feedback", "6")


@pytest.mark.server
async def test_the_review_goes_on_while_the_database_is_away(mariadb: PrivateMariaDB, tmp_path: Path) -> None:
    with mariadb.database() as url:
        db = Database(url, connect_timeout_s=2, read_timeout_s=5)
        put(db, [given(n) for n in range(30)])
        async with reviewing(db, tmp_path, ahead=12) as service:
            await ready(service, 12)
            mariadb.kill()
            for _ in range(10):
                service.decide("accept")
            assert len(service.snapshot().upcoming) == 2
            await until(lambda: not service.snapshot().unsaved)
            await until(lambda: not service.snapshot().up)
            assert await service.undo()
            mariadb.start()
            service._spool.nudge()
            await until(lambda: len(stored(db)) == 11)
            await until(lambda: len(service.snapshot().upcoming) > 6)
            assert service.snapshot().up
            found = states(db)
            assert sum(state == "accepted" for state in found.values()) == 9
            assert service.snapshot().upcoming[0].row.id == "row-00009"
        db.close()


async def test_a_disk_that_is_full_gives_the_row_back(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(3)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 3)

        async def refuse(*_: Any) -> None:
            raise UserError("there is no space left")

        service._spool.put = refuse  # type: ignore[method-assign,assignment]
        service.decide("accept", Given(note="on time"))
        await until(lambda: not service.snapshot().unsaved)
        snapshot = service.snapshot()
        assert snapshot.returned is not None
        assert [each.note for each in snapshot.returned.given] == ["on time"]
        assert snapshot.current is not None
        assert snapshot.current.row.id == "row-00000"
        assert "no space left" in snapshot.problem
        assert states(database)["row-00000"] == "waiting"


async def test_of_many_rows_only_those_that_could_not_be_kept_come_back(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(4)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, 4)
        keep = service._spool.put

        async def refuse(kind: str, payload: Any, *more: Any, **others: Any) -> Any:
            if payload["feedback_id"] == "row-00001":
                raise UserError("there is no space left")
            return await keep(kind, payload, *more, **others)

        service._spool.put = refuse  # type: ignore[method-assign]
        rows = [item.row for item in service.snapshot().upcoming[:3]]
        service.decide_many(rows, "accept", {"row-00001": Given(note="mine"), "row-00002": Given(score=0.5)})
        await until(lambda: not service.snapshot().unsaved)
        snapshot = service.snapshot()
        assert [item.row.id for item in snapshot.upcoming] == ["row-00001", "row-00003"]
        assert snapshot.returned is not None
        assert [each.note for each in snapshot.returned.given] == ["mine"]
        await until(lambda: len(stored(database)) == 2)
        assert {row.feedback_id: row.score for row in stored(database)} == {"row-00000": None, "row-00002": 0.5}
        # The others are still one step of undo.
        done = await service.undo()
        assert done is not None
        assert [item.row.id for item in done.items] == ["row-00000", "row-00002"]
        assert [each.score for each in done.given] == [None, 0.5]
        await until(lambda: set(states(database).values()) == {"waiting"})


async def test_the_next_row_is_there_before_the_key_returns(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(4)])
    bus = Bus()
    tops: list[str] = []
    bus.subscribe(FeedbackChanged, lambda event: tops.append(event.snapshot.current.row.id))
    async with reviewing(database, tmp_path, bus=bus) as service:
        await ready(service, 4)
        tops.clear()
        service.decide("accept")
        assert tops == ["row-00001"]

"""Filters and the list of a review: what takes long tells so, and can be ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from app.db.engine import Database
from app.errors import UserError
from app.feedback import queue, stride
from app.feedback.tables import feedback_claim
from tests.db.endless import ENDLESS
from tests.feedback.reviewing import given, put
from tests.feedback.session import AHEAD, ready, reviewing
from tests.waiting import until


async def test_a_search_that_takes_long_tells_and_can_be_ended(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, [given(n) for n in range(20)])
    over = threading.Event()

    def endless(conn: Any, *_given: Any, progress: Callable[[int], None], **_more: Any) -> None:
        progress(3)
        try:
            conn.execute(text(ENDLESS[database.backend]))
        finally:
            over.set()

    with monkeypatch.context() as slow:
        slow.setattr(queue, "search", endless)
        async with reviewing(database, tmp_path) as service:
            await until(lambda: service.snapshot().looked_at == 3)
            assert service.snapshot().reading
            assert service.cancel()
            await until(over.is_set)
            await until(lambda: not service.snapshot().reading)
            assert service.snapshot().ended
            assert not service.cancel()
            slow.undo()
            service.open_review()
            assert await ready(service, AHEAD)
            assert not service.snapshot().ended


async def test_another_filter_ends_the_search_before_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, [given(n, source="a" if n % 2 else "b") for n in range(20)])
    monkeypatch.setattr(stride, "FIRST", 1)
    monkeypatch.setattr(stride, "MOST", 1)
    async with reviewing(database, tmp_path) as service:
        for asked in ("nothing", "source:a", "nowhere", "source:b"):
            await service.set_filter(asked)
        found = await ready(service, AHEAD)
        assert [int(identity[-1]) % 2 for identity in found] == [0] * AHEAD
        claimed = database.run_now(lambda conn: set(conn.scalars(select(feedback_claim.c.feedback_id))))
        assert claimed == set(found)


async def test_a_filter_narrows_queue_and_list(database: Database, tmp_path: Path) -> None:
    put(database, [given(n, comment="late fill" if n % 4 == 0 else None) for n in range(20)])
    async with reviewing(database, tmp_path) as service:
        await ready(service, AHEAD)
        assert not service.snapshot().exhausted
        await service.set_filter('comment:"late fill"')
        await until(lambda: len(service.snapshot().upcoming) == 5 and not service.snapshot().reading)
        expected = [f"row-{n:05}" for n in (0, 4, 8, 12, 16)]
        assert [item.row.id for item in service.snapshot().upcoming] == expected
        # Fewer were found than were looked for: these are all.
        assert service.snapshot().exhausted
        looked_at: list[int] = []
        heads = await service.page(progress=looked_at.append)
        assert [head.id for head in heads] == expected[::-1]
        assert looked_at
        with pytest.raises(UserError, match="did you mean"):
            await service.set_filter("modle:v3")
        assert service.snapshot().filter == 'comment:"late fill"'
        await service.set_filter("state:accepted")
        await until(lambda: service.snapshot().exhausted)
        assert service.snapshot().upcoming == ()
        await service.set_filter("")
        assert (await ready(service, AHEAD))[0] == "row-00000"


async def test_pages_of_the_list_in_both_directions(database: Database, tmp_path: Path) -> None:
    put(database, [given(n) for n in range(250)])
    async with reviewing(database, tmp_path) as service:

        def heard(_: int) -> None:
            pass

        first = await service.page(progress=heard)
        second = await service.page(after=first[-1], progress=heard)
        last = await service.page(end=True, progress=heard)
        before = await service.page(before=second[0], progress=heard)
    newest = [f"row-{n:05}" for n in reversed(range(250))]
    assert [head.id for head in (*first, *second)] == newest[:200]
    assert [head.id for head in last] == newest[-100:]
    assert before == first

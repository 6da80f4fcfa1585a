"""Drafts and their versions."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from app.content.drafts import store
from app.content.drafts.drafts import Drafts, words
from app.content.drafts.records import BODY_LENGTH
from app.db.engine import Database
from app.db.spool import Spool
from app.errors import UserError
from tests.content.drafting import NOTE, drafting

HARD = "emoji 👩‍👧, NUL \x00, [red]markup[/], \x1b[31m, é, ..., \ud800 end "


async def _flushed(spool: Spool) -> None:
    assert await spool.flush(20)


async def test_versions_are_kept_and_restored(database: Database, tmp_path: Path) -> None:
    async with drafting(database, tmp_path) as (drafts, spool):
        made = await drafts.create(
            NOTE, " A\ntitle ", HARD, fields={"when": "2026-11-21"}, context={"git": {"data": [1]}}
        )
        second = await drafts.save(made, "two words")
        assert await drafts.save(second, "two words") is second
        await drafts.save(second, "third", title="Other", fields={"when": None}, reason="fixed")
        await _flushed(spool)
        found = await drafts.find(made.id)
        assert (found.title, found.body, found.version, found.fields) == ("Other", "third", 3, {"when": None})
        assert found.context == {"git": {"data": [1]}}
        kept = await drafts.versions(made.id)
        assert [(each.number, each.reason, each.words) for each in kept] == [
            (3, "fixed", 1),
            (2, "saved", 2),
            (1, "created", words(HARD)),
        ]
        assert kept[2].body == HARD.replace("\ud800", "\\ud800")
        assert kept[2].title == "A title"
        restored = await drafts.restore(found, kept[2])
        await _flushed(spool)
        again = await drafts.find(made.id)
        assert again == restored
        assert (again.body, again.title, again.version) == (kept[2].body, "A title", 4)
        assert (await drafts.versions(made.id))[0].reason == "restored"


async def test_two_who_change_one_draft_lose_no_text(database: Database, tmp_path: Path) -> None:
    async with (
        drafting(database, tmp_path / "a") as (one, spool_one),
        drafting(database, tmp_path / "b") as (two, spool_two),
    ):
        made = await one.create(NOTE, "t", "start", fields={}, context={})
        await _flushed(spool_one)
        await one.save(made, "by one")
        await two.save(await two.find(made.id), "by two")
        await _flushed(spool_two)
        await _flushed(spool_one)
        assert {each.body for each in await one.versions(made.id)} == {"start", "by one", "by two"}
        # Both wrote revision 2: the later one stands.
        assert (await one.find(made.id)).body == "by two"


async def test_applied_twice_and_out_of_order(database: Database, tmp_path: Path) -> None:
    payloads = []

    async def keep(spool: Spool, record: store.DraftRecord) -> None:
        payloads.append(record.model_dump(mode="json"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "put", keep)
        drafts = Drafts(database, Spool(tmp_path / "spool.db"))
        made = await drafts.create(NOTE, "t", "one", fields={}, context={})
        await drafts.set_state(await drafts.save(made, "two"), "archived")
    for payload in (payloads[2], payloads[0], payloads[1], payloads[0], payloads[2]):
        database.run_now(lambda conn, payload=payload: store.apply(conn, payload), True)
    found = await drafts.find(made.id)
    assert (found.state, found.body) == ("archived", "two")
    assert [each.body for each in await drafts.versions(made.id)] == ["two", "one"]


async def test_the_list_is_read_a_page_at_a_time(database: Database, tmp_path: Path) -> None:
    async with drafting(database, tmp_path) as (drafts, spool):
        made = [await drafts.create(NOTE, f"t{n}", "x", fields={}, context={}, number=n + 1) for n in range(7)]
        await drafts.set_state(made[2], "scheduled")
        await drafts.set_state(made[4], "trashed")
        await _flushed(spool)
        for states, expected in (
            (("draft",), ["t6", "t5", "t3", "t1", "t0"]),
            (("draft", "scheduled"), ["t2", "t6", "t5", "t3", "t1", "t0"]),
            (("trashed",), ["t4"]),
        ):
            titles, after = [], None
            while True:
                page = await drafts.page(states, limit=2, after=after)
                titles += [each.title for each in page.drafts]
                after = page.after
                if after is None:
                    break
            assert titles == expected
        assert (await drafts.page(template="another")).drafts == ()
        assert await drafts.counts() == {"draft": 5, "scheduled": 1, "trashed": 1}
        assert await drafts.next_number("devlog") == 8
        assert await drafts.next_number("adr") == 1


async def test_a_draft_is_found_by_the_end_of_its_id(database: Database, tmp_path: Path) -> None:
    async with drafting(database, tmp_path) as (drafts, spool):
        made = await drafts.create(NOTE, "t", "x", fields={}, context={})
        await drafts.create(NOTE, "u", "x", fields={}, context={})
        await _flushed(spool)
        assert (await drafts.find(made.id[-10:].lower())).id == made.id
        for name, told in (("", "there is no draft"), ("%", "there is no draft"), ("nope-", "there is no draft")):
            with pytest.raises(UserError, match=told):
                await drafts.find(name)


async def test_several_that_end_alike_are_named(database: Database, tmp_path: Path) -> None:
    async with drafting(database, tmp_path) as (drafts, spool):
        made = await drafts.create(NOTE, "t", "x", fields={}, context={})
        twin = "0" * 20 + made.id[-6:]
        await store.put(spool, store.DraftRecord(**{**asdict(made), "id": twin}))
        await _flushed(spool)
        with pytest.raises(UserError, match="several drafts end in") as caught:
            await drafts.find(made.id[-6:])
        assert made.id in str(caught.value)
        assert twin in str(caught.value)


async def test_a_text_that_is_too_long_is_refused_whole(database: Database, tmp_path: Path) -> None:
    async with drafting(database, tmp_path) as (drafts, spool):
        with pytest.raises(UserError, match="at most"):
            await drafts.create(NOTE, "t", "x" * (BODY_LENGTH + 1), fields={}, context={})
        made = await drafts.create(NOTE, "t" * 2000, "x" * (5 * 1024 * 1024), fields={}, context={})
        await _flushed(spool)
        found = await drafts.find(made.id)
        assert (len(found.body), len(found.title)) == (5 * 1024 * 1024, 500)


def test_words() -> None:
    assert words("Don't re-run the 3.5 s test... it's flaky (twice)") == 9

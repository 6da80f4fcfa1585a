"""What drafts are filled with: real repositories, runs and rows, and sources that are missing, late or broken."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from app.content.context import registry
from app.content.context.registry import Ask, as_json, from_json, gather, known, register
from app.content.tables import publication
from app.db.engine import Database
from app.git.model import RepositorySpec
from app.ids import new_id
from app.testing.model import Counts
from tests.feedback.reviewing import given, put
from tests.git.repos import START, Place
from tests.testing.test_store import state, summary, write

NOW = datetime.fromtimestamp(START + 3600, UTC)


@pytest.fixture(autouse=True)
def only_shipped() -> Iterator[None]:
    """What a test registers is gone after it."""
    yield
    registry._joined.clear()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place whose home is also this process's."""
    made = Place(tmp_path / "place")
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    return made


def ask(**changes: Any) -> Ask:
    """What sources are asked with, an hour after the places' clock began."""
    return replace(Ask("devlog", NOW, ZoneInfo("Europe/Berlin"), "Ada"), **changes)


async def test_git_tells_what_was_committed_since(place: Place) -> None:
    repo = place.repo()
    early = repo.commit("feat(store): a journal", {"a.txt": "one\n"})
    repo.commit("fix!: it waits [x] @everyone", {"a.txt": "one\ntwo\n", "b.txt": "three\n"})
    repo.git("branch", "idle")
    spec = RepositorySpec("work", repo.path)
    parts = await gather(["git"], ask(repositories=(spec,)))
    found = parts["git"].data
    assert (found["total"], found["branch"], found["repository"]) == (3, "main", "work")
    assert [group["title"] for group in found["groups"]] == ["Features", "Fixes", "Other changes"]
    assert found["commits"][0]["oid"] == early
    assert found["breaking"][0]["text"] == "it waits [x] @everyone"
    assert (found["files"], found["insertions"], found["deletions"]) == (3, 4, 0)
    assert {branch["name"] for branch in found["branches"]} == {"main", "idle"}
    assert found["published_before"] is False
    later = await gather(["git"], ask(repositories=(spec,), since=datetime.fromtimestamp(START + 150, UTC)))
    assert later["git"].data["total"] == 1
    assert later["git"].data["published_before"] is True
    assert later["git"].data["insertions"] == 2


async def test_a_repository_that_cannot_be_read_stops_no_other(place: Place, tmp_path: Path) -> None:
    good, empty = place.repo(), place.init("empty")
    specs = [RepositorySpec(name, path) for name, path in (("gone", tmp_path / "gone"), ("work", good.path))]
    found = (await gather(["git"], ask(repositories=(*specs, RepositorySpec("empty", empty.path)))))["git"].data
    assert "error" in found["repositories"][0]
    assert found["total"] == 1
    alone = (await gather(["git"], ask(repositories=specs[:1])))["git"]
    assert alone.data is None
    assert alone.why
    assert (await gather(["git"], ask()))["git"].data is None


async def test_the_last_publication_is_where_things_begin(database: Database, place: Place) -> None:
    repo = place.repo()
    repo.commit("second", {"a": "b"})
    sent = datetime.fromtimestamp(START + 90, UTC)
    row = {
        "id": new_id(),
        "template": "devlog",
        "target": "t",
        "kind": "files",
        "queue": "t",
        "state": "sent",
        "title": "x",
        "payload": {},
        "payload_hash": "0",
        "parts": 1,
        "parts_sent": 1,
        "zone": "UTC",
        "attempts": 1,
        **dict.fromkeys(("due_at", "created_at", "updated_at", "sent_at"), sent),
    }
    other = {**row, "id": new_id(), "template": "standup", "sent_at": NOW}
    failed = {**row, "id": new_id(), "state": "unknown", "sent_at": NOW}
    await database.run(lambda conn: conn.execute(insert(publication), [row, other, failed]), write=True)
    asked = ask(db=database, repositories=(RepositorySpec("work", repo.path),))
    found = (await gather(["git"], asked))["git"].data
    assert (found["since"], found["published_before"]) == (sent.isoformat(), True)
    assert [commit["text"] for commit in found["commits"]] == ["second"]


async def test_tests_tell_what_failed_and_what_was_mended(database: Database) -> None:
    bad = {"error_class": "abc", "message": "assert 1 == 2"}
    write(database, summary(1), [state("t.py::a", "failed"), state("t.py::b"), state("t.py::c", "error")])
    write(database, summary(2), [state("t.py::c", "failed", **bad)])
    write(database, summary(3, counts=Counts(passed=1, failed=2)), [
        state("t.py::a"), state("t.py::b", "failed", **bad), state("t.py::c", "failed", **bad),
        state("t.py::new", "error"),
    ])  # fmt: skip
    write(database, summary(4, name="other"), [state("x.py::a")])
    found = (await gather(["tests", "coverage"], ask(db=database)))["tests"].data
    assert [one["name"] for one in found["projects"]] == ["desk", "other"]
    assert [test["nodeid"] for test in found["failing"]] == ["t.py::b", "t.py::c", "t.py::new"]
    assert [test["nodeid"] for test in found["new_failures"]] == ["t.py::b", "t.py::new"]
    assert [test["nodeid"] for test in found["fixed"]] == ["t.py::a"]
    assert found["classes"] == [{"error_class": "abc", "count": 2, "project": "desk"}]
    assert found["passed"] == 1 + 3
    one = (await gather(["tests"], ask(db=database, projects=("other",))))["tests"].data
    assert [each["name"] for each in one["projects"]] == ["other"]
    assert (await gather(["tests"], ask(db=database, projects=("nobody",))))["tests"].data is None


async def test_feedback_is_counted(database: Database) -> None:
    assert (await gather(["feedback"], ask(db=database)))["feedback"].data is None
    put(database, [given(number) for number in range(3)])
    found = (await gather(["feedback"], ask(db=database)))["feedback"].data
    assert (found["total"], found["waiting"], found["retrain"]) == (3, 3, [])


async def test_a_source_that_fails_or_waits_is_no_data() -> None:
    async def broken(_: Ask) -> Any:
        raise RuntimeError("the wheel came off")

    async def late(_: Ask) -> Any:
        await asyncio.Event().wait()

    async def foreign(_: Ask) -> Any:
        return {"row": object()}

    async def good(asked: Ask) -> Any:
        return {"for": asked.template}

    for name, source in {"broken": broken, "late": late, "foreign": foreign, "good": good}.items():
        register(name, source)
    parts = await gather(["broken", "late", "foreign", "good", "market"], ask(), within_s=0.2)
    assert {name: part.data for name, part in parts.items() if name != "draft"} == {
        **dict.fromkeys(("broken", "late", "foreign", "market")),
        "good": {"for": "devlog"},
    }
    assert parts["broken"].why == "the wheel came off"
    assert parts["late"].why == "it took longer than 0.2 s"
    assert parts["market"].why == "there is no such source"
    assert "good" in known()
    assert "market" not in known()


async def test_sources_are_gathered_at_once() -> None:
    barrier = asyncio.Barrier(3)

    async def together(_: Ask) -> Any:
        await barrier.wait()
        return 1

    for name in ("a", "b", "c"):
        register(name, together)
    parts = await gather(["a", "b", "c"], ask(), within_s=20)
    assert [parts[name].data for name in ("a", "b", "c")] == [1, 1, 1]


async def test_a_database_that_is_away_is_no_data() -> None:
    away = Database("mysql://nobody@127.0.0.1:1/none", connect_timeout_s=1)
    parts = await gather(["tests", "feedback"], ask(db=away), within_s=5)
    assert parts["tests"].data is parts["feedback"].data is None
    assert parts["tests"].why
    away.close()


async def test_parts_have_their_time_and_hash_and_come_back_from_a_draft() -> None:
    async def one(_: Ask) -> Any:
        return {"b": [1, "é"], "a": None}

    async def same(_: Ask) -> Any:
        return {"a": None, "b": (1, "é")}

    register("one", one)
    register("same", same)
    parts = await gather(["one", "same"], ask())
    assert parts["one"].hash == parts["same"].hash
    assert len(parts["one"].hash) == 64
    assert datetime.now(UTC) - parts["one"].captured_at < timedelta(minutes=1)
    assert from_json(json.loads(json.dumps(as_json(parts)))) == parts


async def test_every_draft_knows_its_day_where_its_author_is() -> None:
    night = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    part = (await gather([], ask(now=night)))["draft"]
    assert (part.data["today"], part.data["author"]) == ("2026-11-22", "Ada")
    assert part.data["now"] == "2026-11-22T00:30:00+01:00"

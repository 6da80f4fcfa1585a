"""Notion as a target: pages that are created once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.content.publishing.model import Text
from app.db.engine import Database
from tests.content.notion_fake import KEY, PARENT, FakeNotion, notion
from tests.content.publishing import publishing, target

TEXT = Text("A title", "Some *text*.\n")
SOURCE = {"parent_kind": "data_source", "id_property": "Our id"}


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Database]:
    db = Database(f"sqlite:///{tmp_path}/qd.db")
    yield db
    db.close()


@pytest.fixture
def fake() -> Iterator[FakeNotion]:
    with notion() as fake:
        yield fake


def _target(fake: FakeNotion, **more: Any) -> Any:
    return target("notion", **{"api": fake.api, "token": KEY, "parent": PARENT, **more})


def _created(fake: FakeNotion) -> int:
    return sum(named[:2] == ("POST", "/pages") for named in fake.requests)


@pytest.mark.parametrize("options", [{}, SOURCE, {"blocks": True}, {**SOURCE, "blocks": True}])
async def test_a_page_is_made_changed_and_put_in_the_trash(
    embedded: Database, tmp_path: Path, fake: FakeNotion, options: dict[str, Any]
) -> None:
    async with publishing(embedded, tmp_path, _target(fake, **options)) as work:
        sent = await work.send(TEXT)
        assert (sent.state, sent.remote, sent.error) == ("sent", ("page-0",), "")
        assert sent.url == "https://www.notion.so/page-0"
        page = fake.pages["page-0"]
        assert page["title"] == "A title"
        assert sent.id in str(page)
        if not options.get("blocks"):
            again = await work.send(Text("A title", "Changed.\n"), replaces=sent)
            assert (again.state, again.remote) == ("sent", ("page-0",))
            assert page["markdown"].endswith("Changed.\n")
            sent = again
        await work.publisher.delete(sent)
        assert page["in_trash"]


async def test_many_blocks_go_in_several_requests(embedded: Database, tmp_path: Path, fake: FakeNotion) -> None:
    body = "\n\n".join(f"Paragraph {number}." for number in range(101)) + "\n\n" + "x" * 2001
    async with publishing(embedded, tmp_path, _target(fake, blocks=True)) as work:
        sent = await work.send(Text("Long", body))
        assert (sent.state, sent.parts, sent.error) == ("sent", 2, "")
        assert len(fake.pages["page-0"]["blocks"]) == 103


@pytest.mark.parametrize("options", [{}, SOURCE])
@pytest.mark.parametrize(("status", "code"), [(None, ""), (500, "internal_server_error"), (504, "gateway_timeout")])
async def test_a_page_that_was_made_without_an_answer_is_found(
    embedded: Database, tmp_path: Path, fake: FakeNotion, options: dict[str, Any], status: int | None, code: str
) -> None:
    fake.fail("POST /pages", status, code, done=True)
    async with publishing(embedded, tmp_path, _target(fake, **options)) as work:
        sent = await work.send(TEXT)
        assert (sent.state, sent.remote, _created(fake)) == ("sent", ("page-0",), 1)


async def test_a_page_that_is_not_found_is_asked_about_and_looked_for_once_more(
    embedded: Database, tmp_path: Path, fake: FakeNotion
) -> None:
    fake.fail("POST /pages", None)
    async with publishing(embedded, tmp_path, _target(fake)) as work:
        sent = await work.send(TEXT)
        assert sent.state == "unknown"
        await work.publisher.dispatcher.once()
        assert _created(fake) == 1
        before = len(fake.requests)
        await work.publisher.decide(sent, "resend")
        await work.publisher.dispatcher.once()
        assert (await work.find(sent.id)).state == "sent"
        assert [named[1] for named in fake.requests[before:]] == ["/search", "/pages"]


@pytest.mark.parametrize(
    ("status", "code", "state", "told"),
    [
        (429, "rate_limited", "failed_transient", "wait 7 s"),
        (529, "service_overload", "failed_transient", "wait 7 s"),
        (401, "unauthorized", "failed_permanent", "the token is wrong"),
        (404, "object_not_found", "failed_permanent", "not shared with the integration"),
        (400, "validation_error", "failed_permanent", "it is validation_error"),
        (409, "conflict_error", "failed_transient", "conflict"),
    ],
)
async def test_what_notion_answers(
    embedded: Database, tmp_path: Path, fake: FakeNotion, status: int, code: str, state: str, told: str
) -> None:
    fake.fail("POST /pages", status, code, Retry_After="7")
    async with publishing(embedded, tmp_path, _target(fake)) as work:
        sent = await work.send(TEXT)
        assert sent.state == state
        assert told in sent.error
        assert KEY not in sent.error
        work.clock.on(seconds=8)
        await work.publisher.dispatcher.once()
        assert (await work.find(sent.id)).state == ("sent" if state == "failed_transient" else state)


async def test_a_property_that_is_not_there_is_told(embedded: Database, tmp_path: Path, fake: FakeNotion) -> None:
    async with publishing(embedded, tmp_path, _target(fake, **{**SOURCE, "id_property": "Nothing"})) as work:
        sent = await work.send(TEXT)
        assert sent.state == "failed_permanent"
        assert "`Nothing`" in sent.error
        assert _created(fake) == 0

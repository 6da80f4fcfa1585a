"""Traps of publishing that no other file of this folder tries; TRAPS.md names the test of each trap."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.content.publishing.model import Text
from app.content.publishing.moments import moment
from app.content.style.model import Options
from app.content.style.service import StyleService
from app.db.engine import Database
from app.errors import UserError
from tests.content.discord_fake import discord
from tests.content.publishing import publishing, target

FENCED = (
    "Before.\n\n```python\n" + "\n".join(f"line_{number} = {number}" for number in range(300)) + "\n```\n\nAfter.\n"
)


async def test_an_embed_is_sent_changed_into_messages_and_back_and_taken_away(
    database: Database, tmp_path: Path
) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url, embed=True)) as work:
            sent = await work.send(Text("A title", "Short, @everyone."))
            ((only,),) = [message["embeds"] for message in fake.posted]
            assert only == {"title": "A title", "description": "Short, @everyone."}
            longer = await work.send(Text("A title", "word " * 1200), replaces=sent)
            assert (longer.state, longer.parts > 1, longer.remote[0]) == ("sent", True, sent.remote[0])
            assert all(message["embeds"] == [] for message in fake.messages.values())
            assert " ".join(fake.texts).split() == ["word"] * 1200
            shorter = await work.send(Text("A title", "Short again."), replaces=longer)
            (left,) = fake.messages.values()
            assert (left["content"], left["embeds"][0]["description"]) == ("", "Short again.")
            await work.publisher.delete(shorter)
            assert fake.messages == {}
            written = [body for method, _, _, body, _ in fake.requests if method in ("POST", "PATCH")]
            assert all(body["allowed_mentions"] == {"parse": []} for body in written)


async def test_code_that_is_divided_is_whole_in_every_message(database: Database, tmp_path: Path) -> None:
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            assert (await work.send(Text("t", FENCED))).state == "sent"
            assert len(fake.texts) > 2
            for text in fake.texts:
                assert text.count("```") % 2 == 0
            assert all(text.startswith("```python\n") for text in fake.texts[1:-1])
            lines = [line for text in fake.texts for line in text.split("\n") if line.startswith("line_")]
            assert lines == [f"line_{number} = {number}" for number in range(300)]


async def test_a_dash_in_a_title_is_found_and_comes_into_no_file_name(database: Database, tmp_path: Path) -> None:
    style = StyleService(Options(vale=False))
    folder = tmp_path / "site"
    there = target("files", folder=str(folder))
    async with publishing(database, tmp_path, there, check=lambda text: style.check(text).findings) as work:
        titled = Text("One — two", "A text.\n", "<html>")
        with pytest.raises(UserError, match="title: no dash between thoughts"):
            await work.order(titled)
        assert not folder.exists()
        assert (await work.send(titled, override="a test")).state == "sent"
        assert [path.name for path in folder.iterdir() if "—" in path.name] == []
        assert len(list(folder.glob("2*-one-two.md"))) == 1


async def test_a_time_within_a_change_of_the_clocks_comes_once(database: Database, tmp_path: Path) -> None:
    """Ordered for an hour that does not come and one that comes twice: each goes out once, when it was told."""
    berlin = partial(moment, zone=ZoneInfo("Europe/Berlin"))
    with discord() as fake:
        async with publishing(database, tmp_path, target("discord", url=fake.url)) as work:
            for named, due in (
                ("2027-03-28 2:30", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
                ("2027-10-31 2:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
            ):
                work.clock.now = due - timedelta(days=2)
                when = berlin(named, now=work.clock.now)
                assert when.at == due
                identity = await work.order(Text("t", named), when=when)
                for minutes in (-1, 1, 61):
                    work.clock.now = due + timedelta(minutes=minutes)
                    before = len(fake.posted)
                    await work.publisher.dispatcher.once()
                    assert len(fake.posted) - before == (minutes == 1)
                assert (await work.find(identity)).state == "sent"


def test_every_test_that_the_table_names_is_there() -> None:
    here = Path(__file__).parent
    file, named = here / "none", 0
    for path, test in re.findall(r"`([\w/]+\.py)?(?:::(test_\w+))?`", (here / "TRAPS.md").read_text("utf-8")):
        if path:
            file = here.parents[1] / path if "/" in path else here / path
            assert file.is_file()
        if test:
            named += 1
            assert f"def {test}(" in file.read_text("utf-8")
    assert named > 50

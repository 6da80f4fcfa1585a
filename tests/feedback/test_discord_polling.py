"""Reading channels of a small Discord on this machine: each message and reaction once, nothing passed over."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse

from app import __version__
from app.feedback.discord.api import agent
from app.feedback.discord.messages import Reading
from app.feedback.discord.poller import NO_CONTENT, DiscordOptions, Poller
from tests.feedback.discord_server import CHANNEL, TOKEN, Discord
from tests.feedback.receiving import PEOPLE, Receiving, receiving


class Waits(list[float]):
    """Notes for how long somebody would have waited."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def polling(
    folder: Path, discord: Discord, url: str = "", token: str = TOKEN, **more: Any
) -> AsyncIterator[tuple[Receiving, Poller, Waits]]:
    """A poller, and where its rows go."""
    waits = Waits()
    options = DiscordOptions(token, (CHANNEL,), Reading(PEOPLE), api=discord.url, **more)
    async with receiving(folder, url) as to:
        poller = Poller(options, to.spool, to.db, sleep=waits)
        try:
            yield to, poller, waits
        finally:
            await poller.close()


async def test_messages_and_replies_become_rows_and_the_cursor_is_kept(database_url: str, tmp_path: Path) -> None:
    async with Discord().running() as discord:
        answer = discord.write(1, "the answer", "7", author={"id": "7", "username": "bot", "bot": True})
        discord.write(2, "a thought of mine")
        discord.write(3, "wrong price", "200", type=19, referenced_message=answer)
        discord.write(4, "", type=7)
        async with polling(tmp_path, discord, database_url) as (to, poller, _):
            found = await poller.poll(CHANNEL)
            assert (found.messages, found.reactions, found.problem) == (2, 0, "")
            rows = {each.source_event_id.partition(":")[0] + (each.comment or ""): each for each in await to.rows()}
            reply = rows["messagewrong price"]
            assert (reply.output, reply.author, reply.channel) == ("the answer", PEOPLE.of("200"), CHANNEL)
            assert rows["message"].output == "a thought of mine"
        discord.write(5, "later")
        discord.asked.clear()
        async with polling(tmp_path, discord, database_url) as (to, poller, _):
            assert (await poller.poll(CHANNEL)).messages == 1
            assert any("after=" in asked for asked in discord.asked)
            assert len(await to.rows()) == 3


async def test_many_messages_come_page_by_page(tmp_path: Path) -> None:
    async with Discord().running() as discord:
        for number in range(1, 331):
            discord.write(number, f"message {number}")
        async with polling(tmp_path, discord, history=250) as (to, poller, _):
            assert (await poller.poll(CHANNEL)).messages == 250
            for number in range(331, 561):
                discord.write(number, f"message {number}")
            assert (await poller.poll(CHANNEL)).messages == 230
            assert (await poller.poll(CHANNEL)).messages == 0
            assert {each.output for each in await to.rows()} == {f"message {number}" for number in range(81, 561)}


async def test_reactions_are_read_when_their_number_changes(tmp_path: Path) -> None:
    async with Discord().running() as discord:
        answer = discord.write(1, "the answer", author={"id": "7", "username": "bot", "bot": True})
        discord.react(answer, "👍", *(str(1000 + number) for number in range(150)))
        discord.react(answer, "🎉", "1")
        async with polling(tmp_path, discord) as (to, poller, _):
            assert (await poller.poll(CHANNEL)).reactions == 150
            discord.asked.clear()
            assert (await poller.poll(CHANNEL)).reactions == 0
            assert not any("/reactions/" in asked for asked in discord.asked)
            await to.settled()
            discord.react(answer, "👎", "1000")
            answer["content"] = "the answer, edited"
            assert (await poller.poll(CHANNEL)).reactions == 1
            rows = await to.rows()
            assert sorted(each.score for each in rows) == [-1.0, *[1.0] * 150]
            assert {each.output for each in rows if each.score == 1} == {"the answer"}
        async with polling(tmp_path, discord) as (to, poller, _):
            # What was read before is known, also to a new process and after an edit.
            assert (await poller.poll(CHANNEL)).reactions == 0
            assert await to.quarantined() == 0


async def test_a_reaction_in_the_place_of_another_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.feedback.discord.poller.AGAIN_EVERY", 3)
    async with Discord().running() as discord:
        answer = discord.write(1, "the answer", author={"id": "7", "username": "bot", "bot": True})
        discord.react(answer, "👍", "1", "2")
        async with polling(tmp_path, discord) as (_, poller, _):
            assert (await poller.poll(CHANNEL)).reactions == 2
            discord.reacted[(answer["id"], "👍")].pop()
            discord.react(answer, "👍", "3")
            assert (await poller.poll(CHANNEL)).reactions == 0
            assert (await poller.poll(CHANNEL)).reactions == 1


async def test_without_the_intent_it_says_so_and_passes_nothing_over(tmp_path: Path) -> None:
    async with Discord().running() as discord:
        discord.write(1, "first")
        discord.may_read = False
        async with polling(tmp_path, discord) as (to, poller, _):
            found = await poller.poll(CHANNEL)
            assert (found.messages, found.problem) == (0, NO_CONTENT)
            discord.may_read = True
            assert (await poller.poll(CHANNEL)).messages == 1
            discord.write(2, "second")
            discord.may_read = False
            assert (await poller.poll(CHANNEL)).problem == NO_CONTENT
            discord.may_read = True
            discord.write(3, "")  # A kind of message that is unknown here, and empty for good.
            discord.write(4, "third")
            assert (await poller.poll(CHANNEL)).messages == 2
            assert [each.output for each in await to.rows()] == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (JSONResponse({"message": "slow down", "retry_after": 0.53, "global": False}, 429), 0.53),
        (JSONResponse({"message": "slow", "retry_after": 9}, 429, {"Retry-After": "3"}), 3.0),
        (HTMLResponse("<html>limited</html>", 429, {"Retry-After": "2"}), 2.0),
    ],
)
async def test_it_waits_as_long_as_it_is_told(answer: JSONResponse, seconds: float, tmp_path: Path) -> None:
    async with Discord().running() as discord:
        discord.write(1, "first")
        discord.answers.append(answer)
        async with polling(tmp_path, discord) as (_, poller, waits):
            found = await poller.poll(CHANNEL)
            assert (found.messages, found.problem) == (1, "")
            assert waits == [seconds]


async def test_a_bucket_that_is_empty_is_left_to_fill(tmp_path: Path) -> None:
    async with Discord().running() as discord:
        discord.answers.append(
            JSONResponse([], headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.25"})
        )
        async with polling(tmp_path, discord) as (_, poller, waits):
            await poller.poll(CHANNEL)
            assert waits == [1.25]


async def test_trouble_is_told_and_the_token_is_not(tmp_path: Path) -> None:
    async with Discord().running() as discord:
        for status, denied in ((401, True), (403, True), (404, True), (500, False), (502, False)):
            discord.answers.extend([JSONResponse({"message": "no", "code": 1}, status)] * (1 if denied else 4))
            async with polling(tmp_path, discord) as (_, poller, _waits):
                found = await poller.poll(CHANNEL)
                assert found.denied is denied
                assert f"Discord answered {status}: no" in found.problem
                assert TOKEN not in found.problem
        async with polling(tmp_path, discord, token="another") as (_, poller, _waits):
            assert "correct feedback.discord.token" in (await poller.poll(CHANNEL)).problem
    async with polling(tmp_path, discord) as (_, poller, waits):
        found = await poller.poll(CHANNEL)
        assert "no answer" in found.problem
        assert len(waits) == 3


async def test_what_breaks_the_contract_goes_to_the_quarantine(tmp_path: Path) -> None:
    async with Discord().running() as discord:
        discord.write(1, "from the future", timestamp="2999-01-01T00:00:00+00:00")
        discord.write(2, "no time at all", timestamp="yesterday")
        discord.write(3, "fine")
        async with polling(tmp_path, discord) as (to, poller, _):
            await poller.poll(CHANNEL)
            assert [each.output for each in await to.rows()] == ["fine"]
            assert await to.quarantined() == 2


def test_discord_is_told_which_bot_asks() -> None:
    name = base64.urlsafe_b64encode(b"1043267811540201532").decode().rstrip("=")
    assert agent(f"{name}.made.up") == f"DiscordBot (https://discord.com/users/1043267811540201532, {__version__})"
    for token in ("", "no token", "YWJj.x.y", "\u00e9.x"):
        assert agent(token) == f"DiscordBot (https://discord.com, {__version__})"

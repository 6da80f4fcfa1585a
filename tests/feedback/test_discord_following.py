"""What keeps Discord's channels from being read is told to whoever listens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.config.model import DiscordSettings
from app.events import Bus, SourcesChanged
from app.feedback.discord.configured import Following
from app.feedback.discord.messages import Reading
from app.feedback.discord.poller import DiscordOptions, Polled, Poller
from tests.feedback.discord_server import CHANNEL, TOKEN, Discord
from tests.feedback.receiving import PEOPLE, receiving
from tests.waiting import until


async def test_the_app_tells_which_channel_is_not_read_and_when_it_is_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path))
    told: list[tuple[str, ...]] = []
    bus = Bus()
    bus.subscribe(SourcesChanged, lambda event: told.append(event.problems))
    async with Discord().running() as discord, receiving(tmp_path) as to:
        settings = DiscordSettings(token=SecretStr("wrong"), channels=(CHANNEL,), api=discord.url)
        following = Following(settings, to.spool, to.db, bus)
        await following.start()
        await until(lambda: bool(told))
        await following.close()
        assert told == [following.problems]
        assert told[0][0].startswith(f"Discord's channel {CHANNEL}: ")
        assert "correct feedback.discord.token" in told[0][0]
        following._tell(Polled(CHANNEL))
        assert told[1] == following.problems == ()


async def test_an_error_that_nobody_thought_of_is_told_and_reading_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Polled] = []

    def tell(found: Polled) -> None:
        told.append(found)
        if found.problem:
            raise BrokenPipeError("nobody listens")

    def broken(*_: object) -> None:
        raise KeyError("author")

    async with Discord().running() as discord, receiving(tmp_path) as to:
        discord.write(1, "the answer")
        options = DiscordOptions(TOKEN, (CHANNEL,), Reading(PEOPLE), poll_s=0.01, api=discord.url)
        poller = Poller(options, to.spool, to.db)
        with monkeypatch.context() as patch:
            patch.setattr("app.feedback.discord.poller.row_of_message", broken)
            following = asyncio.create_task(poller.follow(tell))
            await until(lambda: len(told) > 1)
        await until(lambda: any(each.messages for each in told))
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await poller.close()
        assert told[0].problem.startswith("KeyError: 'author'; the log")
        assert "row_of_message" in caplog.text
        assert len(await to.rows()) == 1


async def test_only_the_latest_messages_are_remembered(tmp_path: Path) -> None:
    async with Discord().running() as discord, receiving(tmp_path) as to:
        poller = Poller(DiscordOptions(TOKEN, (CHANNEL,), Reading(PEOPLE), api=discord.url), to.spool, to.db)
        for number in range(1, 301):
            discord.react(discord.write(number, f"answer {number}"), "👍", "200")
            if number % 100 == 0:
                assert (await poller.poll(CHANNEL)).reactions == 100
        assert sum(map(len, poller._counted.values())) == 100
        discord.asked.clear()
        assert (await poller.poll(CHANNEL)).reactions == 0
        assert not [path for path in discord.asked if "reactions" in path]
        await poller.close()

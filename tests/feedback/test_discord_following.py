"""What keeps Discord's channels from being read is told to whoever listens."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from app.config.model import DiscordSettings
from app.events import Bus, SourcesChanged
from app.feedback.discord.configured import Following
from app.feedback.discord.poller import Polled
from tests.feedback.discord_server import CHANNEL, Discord
from tests.feedback.receiving import receiving
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

"""The area in the running app: as configured, and anew when the configuration changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from app.feedback.review import Given
from app.feedback.store import counts
from app.feedback.tables import feedback_decision
from app.runtime import Runtime
from tests.feedback.discord_server import CHANNEL, TOKEN, Discord
from tests.waiting import until

CONFIG = """
[feedback]
reviewer = "mara"
rubric_version = "r2"
order = "worst"
reshow_share = 0.0

[feedback.discord]
token = "{token}"
channels = ["{channel}"]
api = "{api}"
poll_s = 5.0

[[feedback.retrain]]
name = "support"
command = ["true"]
accepted_rows = 9
"""


async def test_the_app_reads_reviews_and_counts_as_configured(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("QUARTERDECK_DATABASE__URL", empty_database_url)
    file = tmp_path / "config.toml"
    async with Discord().running() as discord:
        discord.write(1, "one answer")
        discord.write(2, "another answer")
        text = CONFIG.format(token=TOKEN, channel=CHANNEL, api=discord.url)
        file.write_text(text)
        runtime = Runtime.create(file)
        try:
            await runtime.start()
            await until(lambda: runtime.db.run_now(counts).waiting == 2, what="the rows of the channel")
            runtime.feedback.open_review()
            await until(lambda: len(runtime.feedback.snapshot().upcoming) == 2)
            snapshot = runtime.feedback.snapshot()
            assert (snapshot.reviewer, snapshot.order) == ("mara", "worst")
            runtime.feedback.decide("accept", Given())
            progress = "8 more accepted rows until retrain fires"
            await until(lambda: runtime.retrain.snapshot().progress == progress)
            logged = await runtime.db.run(
                lambda conn: conn.execute(
                    select(feedback_decision.c.reviewer, feedback_decision.c.rubric_version)
                ).all()
            )
            assert logged == [("mara", "r2")]

            file.write_text(text.replace('"mara"', '"jo"').replace(f'["{CHANNEL}"]', "[]"))
            before = runtime.discord
            assert await runtime.reload() == ""
            runtime.feedback.open_review()
            assert runtime.feedback.snapshot().reviewer == "jo"
            assert runtime.discord is not before
            await until(lambda: len(runtime.feedback.snapshot().upcoming) == 1)
        finally:
            await runtime.close()


async def test_what_is_not_in_force_is_told_until_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NO_SUCH_BOT", raising=False)
    file = tmp_path / "config.toml"
    file.write_text("")
    runtime = Runtime.create(file)
    try:
        assert runtime.warnings == ()
        file.write_text('[database]\nurl = "sqlite:///other.db"\n[feedback.discord]\ntoken = "env:NO_SUCH_BOT"\n')
        assert await runtime.reload() == ""
        database, secret = runtime.warnings
        assert "[database] has changed: restart to use it" in database
        assert "feedback.discord.token: the environment has no NO_SUCH_BOT" in secret
        file.write_text("")
        assert await runtime.reload() == ""
        assert runtime.warnings == ()
    finally:
        await runtime.close()

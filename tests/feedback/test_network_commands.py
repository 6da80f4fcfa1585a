"""`qd feedback serve` and `qd feedback poll` as programs."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from app.commands.schema import find
from tests.cli.schemas import errors
from tests.feedback.discord_server import CHANNEL, TOKEN, Discord
from tests.feedback.receiving import SECRET, environment, post


def variables(discord: Discord) -> dict[str, str]:
    return {
        "BOT": TOKEN,
        "QUARTERDECK_FEEDBACK__DISCORD__TOKEN": "env:BOT",
        "QUARTERDECK_FEEDBACK__DISCORD__CHANNELS": json.dumps([CHANNEL]),
        "QUARTERDECK_FEEDBACK__DISCORD__API": discord.url,
    }


async def program(home: Path, *arguments: str, **more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "feedback", *arguments),
        env=environment(home, **more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_serving_says_where_and_ends_when_asked_to(tmp_path: Path) -> None:
    async with Discord().running() as discord:
        discord.write(1, "seen meanwhile")
        process = await program(tmp_path, "serve", "--port", "0", "--json", **variables(discord))
        assert process.stdout is not None
        document = json.loads(await process.stdout.readline())
        assert errors(find("feedback serve"), document) == []
        assert (document["signed"], document["channels"]) == (False, [CHANNEL])
        port = int(document["url"].rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(b'{"source": "s", "input": "i", "output": "o"}'))
        assert b" 202 " in await reader.readline()
        process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(process.communicate(), 30)
        writer.close()
        assert (process.returncode, out, err) == (0, b"", b"")


async def test_it_listens_elsewhere_only_with_a_secret(tmp_path: Path) -> None:
    process = await program(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0")
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"without a secret anybody on the network could send feedback" in err
    given = {"QUARTERDECK_FEEDBACK__RECEIVER__SECRET": SECRET}
    process = await program(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", "--json", **given)
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["signed"] is True
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0


async def test_a_look_at_the_channels_tells_what_came(tmp_path: Path) -> None:
    async with Discord().running() as discord:
        discord.write(1, "first")
        process = await program(tmp_path, "poll", "--json", **variables(discord))
        out, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")
        document = json.loads(out)
        assert errors(find("feedback poll"), document) == []
        counts = {"messages": 1, "reactions": 0, "quarantined": 0, "problem": None}
        assert document["channels"] == [{"channel": CHANNEL, **counts}]
        discord.write(2, "second")
        discord.may_read = False
        process = await program(tmp_path, "poll", **variables(discord))
        out, err = await process.communicate()
        assert (process.returncode, err) == (1, b"")
        assert b"Message Content intent" in out


async def test_without_a_bot_there_is_nothing_to_read(tmp_path: Path) -> None:
    process = await program(tmp_path, "poll")
    _, err = await process.communicate()
    assert process.returncode == 2
    assert b"[feedback.discord]" in err

"""`qd feedback serve` and `qd feedback poll`: feedback that comes over the network."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.feedback_storage import FLUSH_S, opened
from app.commands.text import clean
from app.errors import UserError

if TYPE_CHECKING:
    from app.feedback.discord.poller import DiscordOptions, Polled
    from app.feedback.receiver.options import ReceiverOptions
    from app.settings import FeedbackSettings, Loaded

SWITCH_S = 0.0005


@click.command(epilog="\b\nExamples:\n  qd feedback serve\n  qd feedback serve --port 9000 --no-discord")
@click.option("--host", metavar="ADDRESS", help="Where to listen; other than this machine needs a secret.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="PORT", help="The port; 0 takes a free one.")
@click.option("--discord/--no-discord", default=True, help="Read the configured channels meanwhile (the default).")
@config_option
@json_option
def serve(host: str | None, port: int | None, discord: bool, config: Path | None, as_json: bool) -> int:
    """Take feedback from other programs until interrupted.

    What a sender is told to be taken would survive a power loss, whether or not the database is up. The document at
    /openapi.json says what may be sent; `qd feedback client` writes a client for Python programs. With --json one
    document is printed as soon as requests are answered.
    """
    loaded = load_settings(config)
    options = _receiver(loaded.settings.feedback, host, port)
    # Threads that write to the database must not keep the one that answers waiting for its turn.
    sys.setswitchinterval(SWITCH_S)
    return asyncio.run(_serve(loaded, options, discord, as_json))


@click.command(epilog="\b\nExamples:\n  qd feedback poll\n  qd feedback poll --json")
@config_option
@json_option
def poll(config: Path | None, as_json: bool) -> int:
    """Read the configured Discord channels once. Exits with 1 where one of them could not be read to its end."""
    from app.feedback.discord.configured import options_of

    loaded = load_settings(config)
    options = options_of(loaded.settings.feedback.discord)
    if options is None:
        raise UserError(
            "there is nothing to read",
            where=str(loaded.located.path),
            fix="set token and channels of [feedback.discord]",
        )
    found = asyncio.run(_poll(loaded, options))
    if as_json:
        emit({"channels": [_polled(each) for each in found]})
    else:
        for each in found:
            click.echo(_line(each))
    return 1 if any(each.problem for each in found) else 0


async def _serve(loaded: Loaded, options: ReceiverOptions, discord: bool, as_json: bool) -> int:
    from app.feedback.discord.configured import options_of, reading_of
    from app.feedback.discord.poller import Poller
    from app.feedback.receiver.running import running

    reading = reading_of(loaded.settings.feedback.discord)
    channels = options_of(loaded.settings.feedback.discord) if discord else None
    leave = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Who started it with nohup wants it to stay.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, leave.set)
    async with (
        opened(loaded) as storage,
        running(options, storage.spool, storage.db, reading, tell=_refused) as receiver,
    ):
        document = {
            "url": receiver.url,
            "signed": bool(options.secrets),
            "interactions": bool(options.discord_key),
            "channels": list(channels.channels) if channels else [],
        }
        if as_json:
            emit(document)
        else:
            click.echo(f"listening on {receiver.url}" + ("" if options.secrets else ", for this machine only"))
        sys.stdout.flush()
        # What is loaded by now stays: collections would only stop requests while they look through it.
        gc.collect()
        gc.freeze()
        tasks = {asyncio.create_task(leave.wait()), receiver.done}
        poller = Poller(channels, storage.spool, storage.db) if channels else None
        following = asyncio.create_task(poller.follow(_tell)) if poller else None
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if poller is not None and following is not None:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                await poller.close()
    return 0


async def _poll(loaded: Loaded, options: DiscordOptions) -> list[Polled]:
    from app.feedback.discord.poller import Poller

    async with opened(loaded) as storage:
        poller = Poller(options, storage.spool, storage.db)
        try:
            found = [await poller.poll(channel) for channel in options.channels]
        finally:
            await poller.close()
        await storage.spool.flush(FLUSH_S)
    return found


def _receiver(settings: FeedbackSettings, host: str | None, port: int | None) -> ReceiverOptions:
    from app.config.secrets import revealed
    from app.feedback.receiver.options import ReceiverOptions

    given = settings.receiver
    secrets = (revealed(given.secret.get_secret_value()), revealed(given.previous_secret.get_secret_value()))
    return ReceiverOptions(
        host=(host or given.host).removeprefix("[").removesuffix("]"),
        port=given.port if port is None else port,
        secrets=tuple(secret for secret in secrets if secret),
        rate_per_s=given.rate_per_s,
        burst=given.burst,
        discord_key=settings.discord.public_key,
    )


def _polled(found: Polled) -> Mapping[str, Any]:
    document = asdict(found)
    document.pop("denied")
    return {**document, "problem": found.problem or None}


def _line(found: Polled) -> str:
    counts = f"{found.messages} messages, {found.reactions} reactions"
    if found.quarantined:
        counts += f", {found.quarantined} quarantined"
    return clean(f"{found.channel}: {counts}" + (f"; {found.problem}" if found.problem else ""))


def _refused(line: str) -> None:
    """On standard error, with the time: whoever sent it may not look at what was answered."""
    click.echo(clean(f"quarterdeck: {datetime.now(UTC).astimezone():%H:%M:%S} {line}"), err=True)


def _tell(found: Polled) -> None:
    """On standard error, what keeps a channel from being read, as often as it does."""
    if found.problem:
        click.echo(f"quarterdeck: {_line(found)}", err=True)

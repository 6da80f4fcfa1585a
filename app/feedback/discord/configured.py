"""The channels as the configuration names them, and reading them for as long as a program runs."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from app import paths

if TYPE_CHECKING:
    from app.config.model import DiscordSettings
    from app.db.engine import Database
    from app.db.spool import Spool
    from app.feedback.discord.messages import Reading
    from app.feedback.discord.poller import DiscordOptions, Polled

log = logging.getLogger(__name__)


def reading_of(settings: DiscordSettings) -> Reading:
    """How messages and reactions become rows."""
    from app.feedback.discord.messages import Reading
    from app.feedback.discord.people import Pseudonyms

    people = Pseudonyms.in_folder(paths.data_dir())
    return Reading(people, frozenset(settings.good), frozenset(settings.bad), settings.names)


def options_of(settings: DiscordSettings) -> DiscordOptions | None:
    """What to read; None where no bot or no channel is configured."""
    token = settings.token.get_secret_value()
    if not token or not settings.channels:
        return None
    from app.feedback.discord.poller import DiscordOptions

    return DiscordOptions(
        token=token,
        channels=settings.channels,
        reading=reading_of(settings),
        poll_s=settings.poll_s,
        history=settings.history,
        api=settings.api,
    )


class Following:
    """Reads the configured channels in the background; does nothing where none is configured."""

    def __init__(self, settings: DiscordSettings, spool: Spool, db: Database) -> None:
        self._settings, self._spool, self._db = settings, spool, db
        self._task: asyncio.Task[None] | None = None
        self._problems: dict[str, str] = {}

    async def start(self) -> None:
        """Begin to read; returns at once."""
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop. What was read is in the journal, or is read again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        try:
            options = await asyncio.to_thread(options_of, self._settings)
            if options is None:
                return
            from app.feedback.discord.poller import Poller

            poller = Poller(options, self._spool, self._db)
            try:
                await poller.follow(self._tell)
            finally:
                await poller.close()
        except Exception:
            log.exception("Discord's channels are not read any more")

    def _tell(self, found: Polled) -> None:
        """Into the log, what keeps a channel from being read, once for each reason."""
        if found.problem and self._problems.get(found.channel) != found.problem:
            log.warning("Discord's channel %s: %s", found.channel, found.problem)
        self._problems[found.channel] = found.problem

"""The channels as the configuration names them, and reading them for as long as a program runs."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from app import paths
from app.config.secrets import revealed
from app.errors import UserError
from app.events import SourcesChanged

if TYPE_CHECKING:
    from app.config.model import DiscordSettings
    from app.db.engine import Database
    from app.db.spool import Spool
    from app.events import Bus
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
    """What to read; None where no bot or no channel is configured. Raises UserError where the token is not known."""
    if not settings.token.get_secret_value() or not settings.channels:
        return None
    token = revealed(settings.token.get_secret_value())
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
    """Reads the configured channels in the background; does nothing where none is configured.

    What keeps a channel from being read comes over the bus as SourcesChanged.
    """

    def __init__(self, settings: DiscordSettings, spool: Spool, db: Database, bus: Bus) -> None:
        self._settings, self._spool, self._db, self._bus = settings, spool, db, bus
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
        except UserError as error:
            log.warning("Discord's channels are not read: %s", error)
            self._problems = {"": str(error)}
            self._publish()
        except Exception as error:
            log.exception("Discord's channels are not read any more")
            self._problems = {"": f"reading ended with {type(error).__name__}: {error}; the log has the traceback"}
            self._publish()

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps channels from being read: where, what, and what to do."""
        return tuple(
            f"Discord's channel {channel}: {problem}" if channel else f"Discord: {problem}"
            for channel, problem in self._problems.items()
            if problem
        )

    def _tell(self, found: Polled) -> None:
        """Say what keeps a channel from being read, once for each reason."""
        if self._problems.get(found.channel, "") == found.problem:
            return
        if found.problem:
            log.warning("Discord's channel %s: %s", found.channel, found.problem)
        else:
            log.info("Discord's channel %s is read again", found.channel)
        self._problems[found.channel] = found.problem
        self._publish()

    def _publish(self) -> None:
        self._bus.publish(SourcesChanged(self.problems))

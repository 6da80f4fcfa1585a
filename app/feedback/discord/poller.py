"""Reads channels again and again. What is new becomes rows; the cursor moves in the transaction that writes them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.db.types import utc_now
from app.errors import UserError
from app.feedback import capture
from app.feedback.capture import CaptureRecord, CursorRecord, RefusedRecord
from app.feedback.contract import FeedbackRecord
from app.feedback.discord.api import API, PAGE, Api, DeniedError
from app.feedback.discord.messages import SOURCE, Reading, emoji_of, is_empty, row_of_message, row_of_reaction, text_of
from app.feedback.identities import identities
from app.feedback.rows import ViolationError, parse_object, prepare
from app.http import Sleep
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool

log = logging.getLogger(__name__)

NO_CONTENT = (
    "Discord gives messages without their content: the bot lacks the Message Content intent; switch it on under "
    "Bot in Discord's developer portal. Nothing is skipped meanwhile"
)
FLUSH_S = 5.0
AGAIN_EVERY = 15
"""Looks at a channel after which its reactions are read whatever their number is."""

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DiscordOptions:
    """What is read. `history` is how many earlier messages count when a channel is read for the first time."""

    token: str = field(repr=False)
    channels: tuple[str, ...]
    reading: Reading
    poll_s: float = 60.0
    history: int = 100
    api: str = API


@dataclass(frozen=True, slots=True)
class Polled:
    """What a look at a channel brought: rows handed on (some may be known already), and what was in the way."""

    channel: str
    messages: int = 0
    reactions: int = 0
    quarantined: int = 0
    problem: str = ""
    denied: bool = False


@dataclass(frozen=True, slots=True)
class _Taken:
    """What becomes of some messages or reactions."""

    rows: list[FeedbackRecord] = field(default_factory=list)
    refused: list[RefusedRecord] = field(default_factory=list)


class Poller:
    """Follows the channels of one bot. The spool must be started, so that what is handed on arrives."""

    def __init__(
        self,
        options: DiscordOptions,
        spool: Spool,
        db: Database,
        *,
        sleep: Sleep = asyncio.sleep,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._options, self._spool, self._db, self._now, self._sleep = options, spool, db, now, sleep
        self._api = Api(options.token, options.api, sleep)
        self._cursors: dict[str, str] = {}
        self._counted: dict[str, dict[tuple[str, str], int]] = {}
        """How many had reacted, by message and emoji of a channel's latest messages, when they were read last."""
        self._looks: dict[str, int] = {}
        """How often the reactions of a channel were looked at."""

    async def follow(self, tell: Callable[[Polled], None]) -> None:
        """Look at every channel, again after `poll_s`, until cancelled. A channel that is denied is left alone; what
        else goes wrong, whatever it is, is told, and the channel looked at again."""
        channels = list(self._options.channels)
        while channels:
            for channel in tuple(channels):
                try:
                    found = await self.poll(channel)
                except Exception as error:
                    log.exception("Discord's channel %s could not be read", channel)
                    why = f"{type(error).__name__}: {error}; the log has the traceback"
                    found = Polled(channel, problem=why)
                try:
                    tell(found)
                except Exception:
                    # Nobody may be there any more to hear it.
                    log.exception("what became of Discord's channel %s could not be told", channel)
                if found.denied:
                    channels.remove(channel)
            await self._sleep(self._options.poll_s)

    async def poll(self, channel: str) -> Polled:
        """Take what is new in a channel. Never raises for what Discord or the database do."""
        done = Polled(channel)
        try:
            done, problem = await self._messages(channel, done)
            done = await self._reactions(channel, done)
        except DeniedError as error:
            return replace(done, problem=str(error), denied=True)
        except UserError as error:
            return replace(done, problem=str(error))
        return replace(done, problem=problem)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _messages(self, channel: str, done: Polled) -> tuple[Polled, str]:
        after = await self._cursor(channel)
        while True:
            first = after is None
            page = await (self._api.messages(channel, after=after) if after is not None else self._first(channel))
            readable, problem = await self._readable(page)
            rows = [row_of_message(message, channel, self._options.reading) for message in readable]
            taken = self._taken(row for row in rows if row is not None)
            if readable or (first and not problem):
                after = str(readable[-1]["id"]) if readable else "0"
                await self._put(channel, taken, after)
            done = replace(
                done, messages=done.messages + len(taken.rows), quarantined=done.quarantined + len(taken.refused)
            )
            if problem or first or len(page) < PAGE:
                return done, problem

    async def _first(self, channel: str) -> list[Message]:
        """The latest messages, as many as are wanted."""
        wanted = self._options.history
        found: list[Message] = []
        before = ""
        while True:
            page = await self._api.messages(channel, before=before)
            found = page + found
            if len(page) < PAGE or len(found) >= wanted:
                return found[-wanted:]
            before = str(page[0]["id"])

    async def _readable(self, page: Sequence[Message]) -> tuple[Sequence[Message], str]:
        """The messages up to the first one whose content is withheld, and what to do about it."""
        for place, message in enumerate(page):
            if is_empty(message):
                if await self._api.may_read_content():
                    return page, ""
                return page[:place], NO_CONTENT
        return page, ""

    async def _reactions(self, channel: str, done: Polled) -> Polled:
        """Reactions come late: the latest messages are looked at each time, and read where their number changed; now
        and then all of them are."""
        reading = self._options.reading
        before = self._counted.get(channel, {})
        seen: dict[tuple[str, str], int] = {}
        rows: list[dict[str, Any]] = []
        look = self._looks[channel] = self._looks.get(channel, 0) + 1
        # One who takes a reaction back while another one reacts leaves the number as it was.
        again = look % AGAIN_EVERY == 0
        for message in await self._api.messages(channel):
            if not text_of(message):
                # Withheld, or a picture alone: there is nothing that a reaction could judge.
                continue
            for reaction in message.get("reactions") or []:
                emoji = emoji_of(reaction)
                if reading.score(emoji) is None:
                    continue
                place = (str(message["id"]), emoji)
                seen[place] = int(reaction.get("count") or 0)
                if before.get(place) == seen[place] and not again:
                    continue
                users = await self._api.reacted(channel, place[0], emoji)
                rows += [
                    row_of_reaction(message, channel, emoji, user, reading)
                    for user in users
                    if user.get("id") and not user.get("bot")
                ]
        taken = await self._new(self._taken(rows))
        await self._put(channel, taken, None)
        self._counted[channel] = seen
        return replace(done, reactions=len(taken.rows), quarantined=done.quarantined + len(taken.refused))

    def _taken(self, rows: Iterable[Mapping[str, Any]]) -> _Taken:
        taken = _Taken()
        make = identities()
        for row in rows:
            try:
                taken.rows.append(FeedbackRecord(id=next(make), received_at=self._now(), row=parse_object(row)))
            except ViolationError as error:
                found = error.violation
                raw = json.dumps(row)
                taken.refused.append(RefusedRecord(source=SOURCE, raw=raw, field=found.field, reason=found.reason))
        return taken

    async def _new(self, taken: _Taken) -> _Taken:
        """Without the rows that are kept already: what they say of an edited message would be a conflict each time."""
        if not taken.rows:
            return taken
        # The look before may have left some on their way.
        await self._spool.flush(FLUSH_S)
        keys = [prepare(each.row, now=each.received_at).unique_key for each in taken.rows]
        known = await self._db.run(lambda conn: capture.known_events(conn, set(keys)))
        return replace(taken, rows=[each for each, key in zip(taken.rows, keys, strict=True) if key not in known])

    async def _put(self, channel: str, taken: _Taken, position: str | None) -> None:
        groups = list(_chunks(taken.rows, capture.GROUP_ROWS)) or [()]
        for number, rows in enumerate(groups):
            last = number == len(groups) - 1
            refused = tuple(taken.refused) if last else ()
            moved = None
            if last and position is not None:
                moved = CursorRecord(source=_name(channel), position=position, at=self._now())
            if rows or refused or moved:
                record = CaptureRecord(id=new_id(), at=self._now(), rows=rows, refused=refused, cursor=moved)
                await capture.put(self._spool, record)
        if position is not None:
            self._cursors[channel] = position

    async def _cursor(self, channel: str) -> str | None:
        """How far the channel was read: what this process knows, else the database with all that waits for it."""
        if channel not in self._cursors:
            await self._spool.flush(FLUSH_S)
            position = await self._db.run(lambda conn: capture.cursor(conn, _name(channel)))
            if position is None:
                return None
            self._cursors[channel] = position
        return self._cursors[channel]


def _name(channel: str) -> str:
    return f"discord:{channel}"


def _chunks(records: Sequence[FeedbackRecord], size: int) -> Iterator[tuple[FeedbackRecord, ...]]:
    rest = iter(records)
    while group := tuple(islice(rest, size)):
        yield group

"""The few calls of Discord's API that reading feedback needs."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from app import __version__
from app.errors import UserError
from app.http import Answer, Client, Sleep

API = "https://discord.com/api/v10"
PAGE = 100
CONTENT_FLAGS = 1 << 18 | 1 << 19
"""Of an application: it may read the content of messages, as a verified one or as one in few servers."""


def agent(token: str) -> str:
    """What Discord wants to be told about who asks, as `DiscordBot (URL, VERSION)`. The URL is the page of the bot
    itself, whose id is the first part of its token, and no secret."""
    first = token.partition(".")[0]
    try:
        bot = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except ValueError:
        bot = ""
    page = f"https://discord.com/users/{bot}" if bot.isdigit() else "https://discord.com"
    return f"DiscordBot ({page}, {__version__})"


class DeniedError(UserError):
    """Discord will not give this, now or later, until the user changes something."""


class Api:
    """Discord for a bot. One request at a time, none sooner than Discord allows."""

    def __init__(self, token: str, base: str, sleep: Sleep) -> None:
        self._client = Client(base, headers={"Authorization": f"Bot {token}", "User-Agent": agent(token)}, sleep=sleep)
        self._sleep = sleep
        self._pause_s = 0.0

    async def messages(self, channel: str, *, after: str = "", before: str = "") -> list[dict[str, Any]]:
        """At most 100 messages, oldest first: those that follow `after`, those before `before`, or the latest."""
        query: dict[str, str | int] = {"limit": PAGE}
        if after:
            query["after"] = after
        elif before:
            query["before"] = before
        found = await self._list(f"/channels/{channel}/messages", query)
        return sorted((each for each in found if str(each.get("id", "")).isdigit()), key=lambda each: int(each["id"]))

    async def reacted(self, channel: str, message: str, emoji: str) -> list[dict[str, Any]]:
        """Everybody who reacted to a message with an emoji."""
        path = f"/channels/{channel}/messages/{message}/reactions/{quote(emoji, safe='')}"
        users: list[dict[str, Any]] = []
        after = ""
        while True:
            query: dict[str, str | int] = {"limit": PAGE}
            if after:
                query["after"] = after
            page = await self._list(path, query)
            users += page
            if len(page) < PAGE or str(page[-1].get("id", "")) in ("", after):
                return users
            after = str(page[-1]["id"])

    async def may_read_content(self) -> bool:
        """Whether the bot has the Message Content intent."""
        found = await self._get("/applications/@me", {})
        flags = found.get("flags") if isinstance(found, dict) else None
        return isinstance(flags, int) and bool(flags & CONTENT_FLAGS)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _list(self, path: str, query: dict[str, str | int]) -> list[dict[str, Any]]:
        found = await self._get(path, query)
        if not isinstance(found, list):
            raise UserError("Discord answered something else than a list", where=self._client.base)
        return [each for each in found if isinstance(each, dict)]

    async def _get(self, path: str, query: dict[str, str | int]) -> Any:
        if self._pause_s:
            await self._sleep(self._pause_s)
        answer = await self._client.get(path, query)
        self._pause_s = _pause(answer)
        if answer.ok:
            return answer.json()
        raise _refusal(answer, path, self._client.base)


def _pause(answer: Answer) -> float:
    """Seconds to wait before the next request, where this one was the last that is free."""
    if answer.headers.get("x-ratelimit-remaining") != "0":
        return 0.0
    try:
        return max(0.0, min(60.0, float(answer.headers.get("x-ratelimit-reset-after", "0"))))
    except ValueError:
        return 0.0


def _refusal(answer: Answer, path: str, base: str) -> UserError:
    value = answer.json()
    told = value.get("message") if isinstance(value, dict) else None
    says = f"Discord answered {answer.status}" + (f": {told}" if isinstance(told, str) else "")
    where = base + path
    match answer.status:
        case 401:
            return DeniedError(says, where=where, fix="correct feedback.discord.token")
        case 403:
            return DeniedError(says, where=where, fix="let the bot view the channel and read its message history")
        case 404:
            return DeniedError(says, where=where, fix="correct feedback.discord.channels")
        case 429:
            wait = answer.retry_after_s
            return UserError(says, where=where, fix=f"ask again in {wait:.0f} s" if wait else "ask again later")
        case _:
            return UserError(says, where=where, fix="try again later")

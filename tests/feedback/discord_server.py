"""A small Discord on this machine: messages, reactions, applications, limits, in the shapes that are documented."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.feedback.receiver.addresses import listening_socket
from app.feedback.receiver.server import make_server, serve

TOKEN = "a-token-of-the-bot"
CHANNEL = "645027906669510667"
EPOCH_MS = 1420070400000


def snowflake(number: int) -> str:
    """The id of the message sent `number` seconds after a fixed moment."""
    return str((1_700_000_000_000 + number * 1000 - EPOCH_MS) << 22)


class Discord:
    """What it holds, and what it was asked. `answers` go out before anything else."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.reacted: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.may_read = True
        self.answers: deque[Response] = deque()
        self.asked: list[str] = []
        self.url = ""

    def write(self, number: int, content: str, user: str = "100", **more: Any) -> dict[str, Any]:
        """A message of a person."""
        message = {
            "id": snowflake(number),
            "type": 0,
            "channel_id": CHANNEL,
            "content": content,
            "author": {"id": user, "username": f"user{user}", "discriminator": "0"},
            "timestamp": "2024-05-01T10:00:00.123000+00:00",
            "edited_timestamp": None,
            "embeds": [],
            "attachments": [],
            "mentions": [],
            "flags": 0,
            "components": [],
            **more,
        }
        self.messages[message["id"]] = message
        return message

    def react(self, message: dict[str, Any], emoji: str, *users: str) -> None:
        """People react."""
        self.reacted.setdefault((message["id"], emoji), []).extend(
            {"id": user, "username": f"user{user}"} for user in users
        )

    def _shown(self, message: dict[str, Any]) -> dict[str, Any]:
        shown = dict(message)
        counts = {emoji: len(users) for (identity, emoji), users in self.reacted.items() if identity == message["id"]}
        if counts:
            shown["reactions"] = [
                {"count": count, "emoji": {"id": None, "name": emoji}, "me": False} for emoji, count in counts.items()
            ]
        if not self.may_read and not message["author"].get("bot"):
            shown |= {"content": "", "embeds": [], "attachments": [], "components": []}
        return shown

    async def _answer(self, request: Request) -> Response:
        self.asked.append(request.url.path + ("?" + request.url.query if request.url.query else ""))
        if request.headers["authorization"] != f"Bot {TOKEN}":
            return JSONResponse({"message": "401: Unauthorized", "code": 0}, 401)
        assert request.headers["user-agent"].startswith("DiscordBot (")
        if self.answers:
            return self.answers.popleft()
        parts = request.path_params["path"].split("/")
        if parts == ["applications", "@me"]:
            return JSONResponse({"id": "1", "flags": 1 << 19 if self.may_read else 0})
        if parts[:2] != ["channels", CHANNEL]:
            return JSONResponse({"message": "Unknown Channel", "code": 10003}, 404)
        limit = int(request.query_params.get("limit", 50))
        after = int(request.query_params.get("after", 0))
        if len(parts) == 6:
            users = [user for user in self.reacted[(parts[3], parts[5])] if int(user["id"]) > after]
            return JSONResponse(sorted(users, key=lambda user: int(user["id"]))[:limit])
        before = int(request.query_params.get("before", 1 << 63))
        found = sorted((each for each in self.messages if after < int(each) < before), key=int)
        page = found[:limit] if after else found[-limit:]
        return JSONResponse([self._shown(self.messages[each]) for each in reversed(page)])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Discord]:
        """Answer on a free port of this machine."""
        listener = listening_socket("127.0.0.1", 0, signed=False)
        server = make_server(Starlette(routes=[Route("/{path:path}", self._answer)]))
        done = asyncio.create_task(serve(server, listener))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield self
        finally:
            server.stop()
            await done
            listener.close()

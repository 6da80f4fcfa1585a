"""A receiver on a free port of this machine, spoken to in plain bytes; what it keeps lies in a database of the test."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select

from app import storage
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.feedback.discord.messages import Reading
from app.feedback.discord.people import Pseudonyms
from app.feedback.receiver.options import ReceiverOptions
from app.feedback.receiver.running import running
from app.feedback.tables import feedback, feedback_quarantine
from tests.waiting import PATIENCE_S

SECRET = "a secret of many characters"
PEOPLE = Pseudonyms(b"k" * 32)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Receiving:
    """A receiver that runs, and what is behind it."""

    url: str
    db: Database
    spool: Spool

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    async def send(self, value: Any, **headers: str) -> Reply:
        """Send a row. Names of headers are written with underscores."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return await self.exchange(post(body, **headers))

    async def exchange(self, raw: bytes, *, end: bool = False) -> Reply:
        """Write these bytes, with `end` nothing after them, and read one answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(raw)
        if end:
            writer.write_eof()
        try:
            return await read_reply(reader)
        finally:
            writer.close()

    async def settled(self) -> None:
        """Wait until the database has all that the journal had; it may be just coming back."""
        async with asyncio.timeout(PATIENCE_S):
            while not await self.spool.flush(PATIENCE_S):
                pass

    async def rows(self) -> list[Any]:
        """Everything kept, once nothing waits any more."""
        await self.settled()
        return await self.db.run(lambda conn: list(conn.execute(select(feedback).order_by(feedback.c.id))))

    async def quarantined(self) -> int:
        """How much was quarantined."""
        await self.settled()
        found: int = await self.db.run(lambda conn: conn.scalar(select(func.count()).select_from(feedback_quarantine)))
        return found


def row(number: int = 0, **more: Any) -> dict[str, Any]:
    """A row that keeps the contract."""
    return {"source": "test", "input": f"question {number}", "output": f"answer {number}", **more}


def post(body: bytes, path: str = "/v1/feedback", **headers: str) -> bytes:
    """The bytes of a request; a header given as "" is left out."""
    given = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value), "", ""]
    return "\r\n".join(lines).encode() + body


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """One answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
    return Reply(int(head[0].split()[1]), headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@asynccontextmanager
async def receiving(folder: Path, url: str = "", **options: Any) -> AsyncIterator[Receiving]:
    """Run a receiver whose journal is in `folder`; its options are the usual ones but for those given."""
    db = Database(url or f"sqlite:///{folder / 'feedback.db'}", connect_timeout_s=1, read_timeout_s=5)
    spool = Spool(folder / "spool.db")
    storage.register(spool)
    spool.start(db, Bus())
    clock = options.pop("clock", None)
    more: dict[str, Any] = {} if clock is None else {"clock": clock}
    if (tell := options.pop("tell", None)) is not None:
        more["tell"] = tell
    try:
        async with running(ReceiverOptions(port=0, **options), spool, db, Reading(PEOPLE), **more) as receiver:
            yield Receiving(receiver.url, db, spool)
    finally:
        await spool.close()
        await asyncio.to_thread(db.close)


def environment(home: Path, **more: str) -> dict[str, str]:
    """For the program, with a home of its own."""
    return {**os.environ, "HOME": str(home), "QUARTERDECK_HOME": str(home), **more}


def started(home: Path, *arguments: str, **more: str) -> tuple[subprocess.Popen[str], int]:
    """The program as it is started by hand, on a free port, and the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "feedback", "serve", "--port", "0", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home, **more),
    )
    assert process.stdout is not None
    return process, urlsplit(json.loads(process.stdout.readline())["url"]).port or 0


async def until_cut(port: int, numbers: range, acknowledged: dict[int, str], unknown: set[int]) -> None:
    """Send rows over one connection until it ends; notes ids by number, and numbers whose answer did not come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        unknown.add(number)
        try:
            writer.write(post(json.dumps(row(number)).encode()))
            reply = await read_reply(reader)
        except (OSError, EOFError):
            break
        assert reply.status == 202
        acknowledged[number] = reply.json()["id"]
        unknown.discard(number)
    writer.close()


async def left_behind(journal: Path, url: str) -> dict[int, str]:
    """The ids of rows by number, once all of the journal is in the database; each number is there once."""
    spool, db = Spool(journal), Database(url)
    storage.register(spool)
    spool.start(db, Bus())
    assert await spool.flush(PATIENCE_S)
    rows = await db.run(lambda conn: conn.execute(select(feedback.c.id, feedback.c.input)).all())
    await spool.close()
    db.close()
    found = {int(each.input.split()[1]): each.id for each in rows}
    assert len(found) == len(rows)
    return found

"""The receiver with all its parts, put together, started and taken down."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.feedback.discord.messages import Reading
from app.feedback.receiver.addresses import listening_socket
from app.feedback.receiver.application import Receiver
from app.feedback.receiver.intake import Intake
from app.feedback.receiver.interactions import Interactions
from app.feedback.receiver.options import ReceiverOptions
from app.feedback.receiver.refusals import Refusals, Tell
from app.feedback.receiver.server import Server, make_server, serve

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool


@dataclass(frozen=True, slots=True)
class Running:
    """A receiver that listens. `done` ends when it has been stopped and every request is answered."""

    url: str
    server: Server
    done: asyncio.Task[None]


@asynccontextmanager
async def running(
    options: ReceiverOptions,
    spool: Spool,
    db: Database,
    reading: Reading,
    *,
    clock: Callable[[], float] = time.time,
    tell: Tell = lambda line: None,
) -> AsyncIterator[Running]:
    """Listen for one block. The spool has to be started; the database may be down. `tell` hears of refused requests.

    Raises UserError where the address cannot be had, or needs a secret.
    """
    listener = listening_socket(options.host, options.port, signed=bool(options.secrets))
    intake, refusals = Intake(spool, db), Refusals(tell)
    try:
        await intake.start()
        interactions = Interactions(intake, reading) if options.discord_key else None
        receiver = Receiver(options, intake, interactions, clock, refusals)
        server = make_server(receiver.application(), options.head_s)
        done = asyncio.create_task(serve(server, listener), name="receiver")
        try:
            yield Running(_url(options.host, listener), server, done)
        finally:
            server.stop()
            await done
            refusals.sum_up()
            await intake.close()
    finally:
        listener.close()


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

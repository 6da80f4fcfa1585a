"""uvicorn, taught not to wait for ever: a request whose head does not come in time is ended."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.feedback.receiver.options import CONNECTIONS, HEAD_BYTES, HEAD_S

KEEP_ALIVE_S = 30
CLOSING_S = 10
_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Protocol(H11Protocol):
    """A connection. The time for a head runs from its first byte, however slowly the others follow."""

    head_s = HEAD_S
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
            self._stop_waiting()
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.head_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.write(_LATE)
            self.transport.close()


class Server(uvicorn.Server):
    """Serves until `stop`. Signals are the business of whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Take no new requests, answer those that are there, and end."""
        self.should_exit = True


def make_server(application: Starlette, head_s: float = HEAD_S) -> Server:
    """A server for the application, not running yet."""
    protocol: Any = type("Protocol", (Protocol,), {"head_s": head_s})
    return Server(
        uvicorn.Config(
            application,
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONNECTIONS,
            backlog=CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=CLOSING_S,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
    )


async def serve(server: Server, listener: socket.socket) -> None:
    """Serve until the server is stopped."""
    await server.serve(sockets=[listener])

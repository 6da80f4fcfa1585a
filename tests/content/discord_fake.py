"""A Discord that runs on a port of this machine, counts what it was sent, and has the faults of the real one."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FIRST = 1_300_000_000_000_000_000
TOKEN = "the-Secret_token-of-this-webhook"


@dataclass
class Fault:
    """One answer that is not the usual one. `store`: the message is there all the same. `cut`: no answer follows."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    store: bool = False
    cut: bool = False
    wait: threading.Event | None = None


def refusal(status: int, code: int, message: str, **more: Any) -> Fault:
    """An error as Discord writes it."""
    body = json.dumps({"code": code, "message": message, **more}).encode()
    return Fault(status, body, {"Content-Type": "application/json"})


@dataclass
class FakeDiscord:
    """What came, what stands in the channel now, and the faults to come."""

    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, list[str]], Any, Mapping[str, str]]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def texts(self) -> list[str]:
        """The messages of the channel, in order."""
        return [message["content"] for message in self.messages.values()]

    def wait_for(self, true: Callable[[], bool], timeout_s: float = 30.0) -> bool:
        """Wait until something holds of what came."""
        with self.arrived:
            return self.arrived.wait_for(true, timeout_s)


@contextmanager
def discord() -> Iterator[FakeDiscord]:
    """Listen for one block."""
    fake = FakeDiscord()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(raw) if raw else None
            parts = urlsplit(self.path)
            with fake.arrived:
                fake.at_once += 1
                fake.most_at_once = max(fake.most_at_once, fake.at_once)
                fault = fake.faults.pop(0) if fake.faults else None
            try:
                if fault is not None and fault.wait is not None:
                    self._told(parts, body)
                    answer = self._act(parts.path, body)
                    fault.wait.wait(60)
                    self._answer(*answer)
                elif fault is not None:
                    if fault.store:
                        self._act(parts.path, body)
                    self._told(parts, body)
                    if fault.cut:
                        # A reset, as of a line that breaks.
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        self.close_connection = True
                        self.connection.close()
                        return
                    self._answer(fault.status, fault.body, fault.headers)
                else:
                    answer = self._act(parts.path, body)
                    self._told(parts, body)
                    self._answer(*answer)
            finally:
                with fake.arrived:
                    fake.at_once -= 1

        def _told(self, parts: Any, body: Any) -> None:
            with fake.arrived:
                headers = {name.lower(): value for name, value in self.headers.items()}
                fake.requests.append((self.command, parts.path, parse_qs(parts.query), body, headers))
                fake.arrived.notify_all()

        def _act(self, path: str, body: Any) -> tuple[int, bytes, Mapping[str, str]]:
            _, _, tail = path.partition("/messages/")
            if not path.startswith("/api/v10/webhooks/42/"):
                return _error(404, 0, "404: Not Found")
            if f"/{TOKEN}" not in path:
                return _error(401, 50027, "Invalid Webhook Token")
            if self.command == "POST":
                if not body.get("content") and not body.get("embeds"):
                    return _error(400, 50006, "Cannot send an empty message")
                if len(body.get("content", "")) > 2000:
                    return _error(400, 50035, "Invalid Form Body")
                with fake.arrived:
                    identity = str(FIRST + len(fake.posted))
                    message = {"id": identity, "channel_id": "7", "content": "", "embeds": [], **body}
                    fake.messages[identity] = message
                    fake.posted.append(message)
                return 200, json.dumps(message).encode(), {}
            if tail not in fake.messages:
                return _error(404, 10008, "Unknown Message")
            if self.command == "DELETE":
                del fake.messages[tail]
                return 204, b"", {}
            fake.messages[tail] |= body
            return 200, json.dumps(fake.messages[tail]).encode(), {}

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._serve
            raise AttributeError(name)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Nothing: what came is remembered."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                # Who asked was killed.
                return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/api/webhooks/42/{TOKEN}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _error(status: int, code: int, message: str) -> tuple[int, bytes, Mapping[str, str]]:
    return status, json.dumps({"code": code, "message": message}).encode(), {"Content-Type": "application/json"}

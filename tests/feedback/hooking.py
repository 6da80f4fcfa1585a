"""A webhook on a port of this machine that answers as it is told to, and remembers what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hook:
    """What came, and what is answered: one status after the other, the last one for ever. 0 never answers."""

    statuses: list[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    received: list[Mapping[str, str]] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@contextmanager
def hooking(*statuses: int, **headers: str) -> Iterator[Hook]:
    """Listen for one block. Names of headers are written with underscores."""
    hook = Hook(list(statuses) or [200], {name.replace("_", "-"): value for name, value in headers.items()})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            hook.paths.append(self.path)
            hook.received.append({name.lower(): value for name, value in self.headers.items()})
            hook.came.set()
            status = hook.status()
            if status == 0:
                hook.released.wait(60)
                return
            self.send_response(status)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Nothing: what came is remembered."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/train"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hook
    finally:
        hook.released.set()
        server.shutdown()
        server.server_close()
        thread.join()

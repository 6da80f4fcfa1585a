"""Remotes that refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@contextmanager
def http_that_asks_for_a_password() -> Iterator[tuple[str, list[str]]]:
    """A server on the loopback that answers 401 to everything: its address, and what was asked of it."""
    asked: list[str] = []

    class Asking(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="here"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 -- the name that the library looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asking)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/repository.git", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

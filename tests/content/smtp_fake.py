"""A mail server on a port of this machine that keeps what it was handed, and has faults."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Literal


@dataclass
class FakeMail:
    """What came. `answers` replaces the usual answer to a verb or to a whole command; an empty one breaks the
    connection there."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)
    said: list[tuple[str, bool]] = field(default_factory=list)
    """Every command, and whether it came encrypted."""


@contextmanager
def mail(
    tls: Literal["none", "starttls", "implicit"] = "none", context: SSLContext | None = None
) -> Iterator[FakeMail]:
    """Listen for one block; with `context`, which has a certificate, encrypted from the start or when asked."""
    fake = FakeMail()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.encrypted = False
            with suppress(OSError):
                if tls == "implicit":
                    self._encrypt()
                self._talk()

        def _encrypt(self) -> None:
            assert context is not None
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
            self.encrypted = True

        def _talk(self) -> None:
            self._say("220 fake")
            while line := self.rfile.readline():
                command = line.decode().strip()
                fake.said.append((command, self.encrypted))
                verb = command.split(" ")[0].split(":")[0].upper()
                if verb == "QUIT":
                    self._say("221 bye")
                    return
                if verb == "RCPT":
                    fake.readers.append(command)
                offered = "250-fake\r\n250-STARTTLS\r\n" if tls == "starttls" and not self.encrypted else "250-fake\r\n"
                usual = {
                    "DATA": "354 go on",
                    "EHLO": f"{offered}250 AUTH PLAIN",
                    "STARTTLS": "220 go on",
                    "AUTH": "235 in",
                }
                answer = fake.answers.get(command) or fake.answers.get(verb, usual.get(verb, "250 ok"))
                if not answer:
                    return
                self._say(answer)
                if verb == "STARTTLS" and answer.startswith("2"):
                    self._encrypt()
                if verb == "DATA" and answer.startswith("3") and not self._mail():
                    return

        def _mail(self) -> bool:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            fake.mails.append(b"".join(lines))
            answer = fake.answers.get(".", "250 taken")
            if answer:
                self._say(answer)
            return bool(answer)

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    fake.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

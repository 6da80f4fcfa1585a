"""A mail server on a port of this machine that keeps what it was handed, and has faults."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class FakeMail:
    """What came. `answers` replaces the usual answer to a command; an empty one breaks the connection there."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    mails: list[bytes] = field(default_factory=list)
    readers: list[str] = field(default_factory=list)


@contextmanager
def mail() -> Iterator[FakeMail]:
    """Listen for one block."""
    fake = FakeMail()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 fake")
            while line := self.rfile.readline():
                command = line.decode().strip()
                verb = command.split(" ")[0].split(":")[0].upper()
                if verb == "QUIT":
                    self._say("221 bye")
                    return
                if verb == "RCPT":
                    fake.readers.append(command)
                answer = fake.answers.get(verb, {"DATA": "354 go on", "EHLO": "250 fake"}.get(verb, "250 ok"))
                if not answer:
                    return
                self._say(answer)
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

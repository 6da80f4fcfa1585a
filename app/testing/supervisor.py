"""Our end of the supervisor process that starts and ends everything a project's tests run in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.errors import UserError

AGENT = Path(__file__).parent / "agent" / "_quarterdeck_agent" / "__main__.py"
_CLOSE_S = 8.0


class Attempt:
    """One run as the supervisor sees it."""

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        self.pid: asyncio.Future[int] = loop.create_future()
        self.ended: asyncio.Future[Mapping[str, Any]] = loop.create_future()

    def end(self, message: Mapping[str, Any]) -> None:
        """Note the end once."""
        if not self.pid.done():
            self.pid.set_result(0)
        if not self.ended.done():
            self.ended.set_result(message)


class Supervisor:
    """Starts the process on demand, sends it what to do, and hears of what became of it."""

    def __init__(self, on_server: Callable[[Mapping[str, Any]], None]) -> None:
        self._on_server = on_server
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._buffer = b""
        self._attempt: Attempt | None = None
        self._count = 0

    @property
    def pid(self) -> int:
        """Of the supervisor process; 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    def ensure(self) -> None:
        """Start the process unless it is there."""
        if self._control is not None:
            return
        self._discard()
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(AGENT), "supervise", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
            )
        except OSError as error:
            ours.close()
            raise UserError(f"cannot start a process: {error.strerror}", fix="free memory or processes") from error
        finally:
            theirs.close()
        ours.setblocking(False)
        self._buffer = b""
        self._control = ours
        asyncio.get_running_loop().add_reader(ours, self._hear)

    def run(self, payload: bytes, events_fd: int, *, warm: bool) -> Attempt:
        """Ask for a run. Its events arrive at the other end of `events_fd`, which stays the caller's to close."""
        self._count += 1
        attempt = self._attempt = Attempt(self._count, asyncio.get_running_loop())
        message = {"do": "run", "id": self._count, "warm": warm}
        with _Document(payload) as document:
            if not self._send(message, [document, events_fd]):
                attempt.end({"why": "lost", "status": 0})
        return attempt

    def cancel(self, attempt: Attempt) -> None:
        """Ask for the end of a run and of all it has spawned."""
        self._send({"do": "cancel", "id": attempt.number})

    def warm(self, generation: int, payload: bytes) -> None:
        """Ask for a new warm server, beside any that there is."""
        with _Document(payload) as document:
            self._send({"do": "warm", "generation": generation}, [document])

    def serve(self, generation: int) -> None:
        """Let a server do the next runs, in place of older ones."""
        self._send({"do": "serve", "generation": generation})

    def cool(self, generation: int = 0) -> None:
        """Ask for the end of one warm server, or of all."""
        self._send({"do": "cool", "generation": generation})

    async def close(self) -> None:
        """End the process and all below it, and wait until they are gone."""
        process = self._process
        self._hang_up()
        if process is None:
            return
        loop = asyncio.get_running_loop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await loop.run_in_executor(None, process.wait, _CLOSE_S)
        self._discard()
        if self._attempt is not None:
            self._attempt.end({"why": "cancelled", "status": 0})

    def _send(self, message: Mapping[str, Any], fds: list[int] | None = None) -> bool:
        if self._control is None:
            return False
        fds = fds or []
        line = json.dumps({**message, "nfds": len(fds)}).encode() + b"\n"
        try:
            socket.send_fds(self._control, [line], fds) if fds else self._control.sendall(line)
        except OSError:
            self._lost()
            return False
        return True

    def _hear(self) -> None:
        if self._control is None:
            return
        try:
            data = self._control.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message: Mapping[str, Any]) -> None:
        attempt = self._attempt
        if message["is"] in ("ready", "cooled"):
            self._on_server(message)
        elif attempt is None or attempt.number != message["id"]:
            return
        elif message["is"] == "run":
            if not attempt.pid.done():
                attempt.pid.set_result(message["pid"])
        elif message["is"] == "ended":
            attempt.end(message)

    def _hang_up(self) -> None:
        control, self._control = self._control, None
        if control is not None:
            asyncio.get_running_loop().remove_reader(control)
            control.close()

    def _lost(self) -> None:
        """The process ended by itself, which it never should; whoever waits for it must not wait on."""
        self._hang_up()
        attempt = self._attempt
        if attempt is not None and not attempt.ended.done():
            if attempt.pid.done() and attempt.pid.result():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(attempt.pid.result(), 9)
            attempt.end({"why": "lost", "status": 0})
        self._on_server({"is": "cooled", "generation": 0, "status": 0, "words": "its supervisor ended"})

    def _discard(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                process.kill()
            process.wait()


class _Document:
    """A document of any size in memory, or in a nameless file where the system has no such memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._file: Any = None

    def __enter__(self) -> int:
        if hasattr(os, "memfd_create"):
            self._file = os.fdopen(os.memfd_create("quarterdeck"), "wb")
        else:
            self._file = tempfile.TemporaryFile()
        self._file.write(self._content)
        self._file.flush()
        number: int = self._file.fileno()
        return number

    def __exit__(self, *_: object) -> None:
        self._file.close()

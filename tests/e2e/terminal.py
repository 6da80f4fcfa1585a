"""A terminal without a window: runs a program in a pseudo-terminal of its own, types, and reads its screen.

It answers what programs ask a terminal, so that none waits; it keeps the time of every piece of output, so that
latencies can be measured; and it takes down everything that it started.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

from app import stalls as stalls_log
from tests.e2e import processes
from tests.e2e.escapes import Piece, Reader
from tests.e2e.program import Program

SIZE = (160, 48)
FUNCTION_KEYS = {
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "insert": "\x1b[2~",
    "delete": "\x1b[3~",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "shift+tab": "\x1b[Z",
    "tab": "\t",
    "enter": "\r",
    "space": " ",
    "backspace": "\x7f",
    "escape": "\x1b",
}


def key_bytes(name: str) -> bytes:
    """What a terminal sends for a key, named as Textual names it."""
    if name in FUNCTION_KEYS:
        return FUNCTION_KEYS[name].encode()
    modifier, plus, key = name.partition("+")
    if plus and key and modifier == "ctrl":
        return bytes([ord(key.upper()) & 0x1F])
    if plus and key and modifier == "alt":
        return b"\x1b" + key_bytes(key)
    if len(name) != 1:
        raise ValueError(f"no such key: {name}")
    return name.encode()


@dataclass(frozen=True, slots=True)
class Output:
    """A piece of output: when it came, how many bytes, and what the program's own process had used by then."""

    at: float
    size: int
    cpu_s: float


class Terminal(Program):
    """A program and the terminal it runs in. Use it in a `with`: leaving it ends everything that was started."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        home: Path,
        size: tuple[int, int] = SIZE,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.frames: list[float] = []
        """When each frame was complete, for programs that mark their frames (synchronised output)."""
        self.output: list[Output] = []
        self._size = size
        self._reader = Reader()
        self._pending: deque[tuple[Output, Piece]] = deque()
        self._news = threading.Condition(threading.RLock())
        self._closed = False
        self._screens = [pyte.Screen(*size), pyte.Screen(*size)]
        self._streams = [pyte.ByteStream(screen) for screen in self._screens]
        self._shown = 0
        self._master, slave = pty.openpty()
        self._leaving, self._leave = os.pipe()
        self._set_size(size)
        super().__init__(
            command,
            home=home,
            cwd=cwd,
            env=env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._thread = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._thread.start()

    # Looking

    def text(self) -> str:
        """The screen as lines without the blanks at their ends."""
        with self._news:
            self._draw_all()
            screen = self._screens[self._shown]
            lines = []
            for row in range(screen.lines):
                line = screen.buffer[row]
                lines.append("".join(line[column].data for column in range(screen.columns)).rstrip())
            return "\n".join(lines)

    def line(self, pattern: str) -> str:
        """The first line of the screen that the pattern is found in; empty when there is none."""
        return next((line for line in self.text().splitlines() if re.search(pattern, line)), "")

    def colours(self, pattern: str) -> tuple[str, str]:
        """Foreground and background, as six hexadecimal digits, where the screen first shows the pattern."""
        with self._news:
            text = self.text()
            match = re.search(pattern, text)
            if match is None:
                raise LookupError(f"no {pattern!r} on the screen:\n{text}")
            line = text.count("\n", 0, match.start())
            cell = self._screens[self._shown].buffer[line][match.start() - text.rfind("\n", 0, match.start()) - 1]
            return cell.fg, cell.bg

    def wait_for(self, pattern: str, timeout: float = 30.0) -> str:
        """Wait until the screen shows the pattern; the screen then."""
        return self.wait_until(lambda text: re.search(pattern, text) is not None, f"{pattern!r}", timeout)

    def wait_gone(self, pattern: str, timeout: float = 30.0) -> str:
        """Wait until the screen no longer shows the pattern; the screen then."""
        return self.wait_until(lambda text: re.search(pattern, text) is None, f"no {pattern!r}", timeout)

    def wait_until(self, holds: Callable[[str], bool], what: str, timeout: float = 30.0) -> str:
        """Wait until the screen's text satisfies `holds`; that text. TimeoutError shows the screen."""
        end = time.monotonic() + timeout
        while True:
            with self._news:
                seen, closed = len(self.output), self._closed
            text = self.text()
            if holds(text):
                return text
            left = end - time.monotonic()
            if left <= 0 or closed:
                why = f"ended with {self.process.poll()}" if closed else f"{timeout:g} s over"
                raise TimeoutError(f"waited for {what}, {why}, {self._last_seen()}; the screen:\n{text}")
            with self._news:
                if len(self.output) == seen and not self._closed:
                    self._news.wait(left)

    def moment(self, holds: Callable[[str], bool], timeout: float = 30.0) -> Output:
        """The output that first made the screen satisfy `holds`."""
        end = time.monotonic() + timeout
        while True:
            with self._news:
                while not self._pending:
                    left = end - time.monotonic()
                    if left <= 0 or self._closed:
                        raise TimeoutError(f"the screen did not come to it:\n{self.text()}")
                    self._news.wait(left)
                output = self._pending[0][0]
                while self._pending and self._pending[0][0] is output:
                    self._draw(self._pending.popleft()[1])
            if holds(self.text_so_far()):
                return output

    def text_so_far(self) -> str:
        """The screen without output that has arrived but is not drawn yet."""
        with self._news:
            waiting, self._pending = self._pending, deque()
            try:
                return self.text()
            finally:
                waiting.extend(self._pending)
                self._pending = waiting

    def next_output(self, after: float, timeout: float = 5.0) -> float:
        """When the first output later than `after` came."""
        end = time.monotonic() + timeout
        with self._news:
            while not self.output or self.output[-1].at <= after:
                left = end - time.monotonic()
                if left <= 0 or self._closed:
                    raise TimeoutError(f"no output; the screen:\n{self.text()}")
                self._news.wait(left)
            index = len(self.output) - 1
            while index and self.output[index - 1].at > after:
                index -= 1
            return self.output[index].at

    def settle(self, quiet_s: float = 0.3, timeout: float = 10.0) -> None:
        """Wait until nothing has been written for `quiet_s`, at most `timeout`."""
        end = time.monotonic() + timeout
        with self._news:
            while (now := time.monotonic()) < end and not self._closed:
                left = (self.output[-1].at if self.output else now) + quiet_s - now
                if left <= 0:
                    return
                self._news.wait(min(left, end - now))

    # Typing

    def press(self, *names: str) -> None:
        """Press keys, named as Textual names them: `down`, `ctrl+p`, `R`."""
        for name in names:
            # With the keyboard protocol on, escape has a sequence of its own and cannot be taken for the start of one.
            kitty_escape = name == "escape" and bool(self._reader.kitty)
            os.write(self._master, b"\x1b[27u" if kitty_escape else key_bytes(name))

    def type(self, text: str) -> None:
        """Type text."""
        os.write(self._master, text.encode())

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size, as dragging its window's corner does."""
        with self._news:
            self._draw_all()
            self._size = (width, height)
            for screen in self._screens:
                screen.resize(height, width)
            self._set_size(self._size)

    # Processes

    def usage(self, *, memory: bool = True) -> processes.Usage:
        """What the program and all below it have used."""
        return processes.usage(self.pid, memory=memory)

    def kill(self) -> None:
        """End the program alone, as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def wait(self, timeout: float = 30.0) -> int:
        """Wait until the program has ended; its exit code."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"still running after {timeout:g} s; the screen:\n{self.text()}") from None
        self._thread.join(2.0)
        return code

    def hang_up(self) -> None:
        """Take the terminal away from the program, as when a window is closed or a connection lost."""
        if self._leave < 0:
            return
        os.close(self._leave)
        self._leave = -1
        self._thread.join(2.0)
        os.close(self._leaving)
        os.close(self._master)

    def close(self) -> None:
        """End the program and whatever it left behind, and the terminal with it."""
        super().close()
        self.hang_up()

    # Inside

    def _last_seen(self) -> str:
        """When something last came: a program that is slow goes on writing, one that hangs does not."""
        if not self._thread.is_alive():
            return "nobody reads any more"
        ago = f"the last output {time.monotonic() - self.output[-1].at:.1f} s ago" if self.output else "no output"
        stalls = "".join(path.read_text("utf-8") for path in self.home.rglob(stalls_log.FILE_NAME))
        return f"{ago}, stalls:\n{stalls}" if stalls else ago

    def _set_size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def _read(self) -> None:
        while True:
            try:
                ready, _, _ = select.select([self._master, self._leaving], [], [])
                data = b"" if self._leaving in ready else os.read(self._master, 65536)
            except OSError:
                data = b""
            now = time.monotonic()
            process = processes.read(self.pid)
            output = Output(now, len(data), process.cpu_s if process else 0.0)
            with self._news:
                if not data:
                    self._closed = True
                    self._news.notify_all()
                    return
                self.output.append(output)
                for piece in self._reader.read(data):
                    if piece.kind == "frame":
                        self.frames.append(now)
                    elif piece.kind == "ask":
                        self._answer(piece.data)
                    else:
                        self._pending.append((output, piece))
                self._news.notify_all()

    def _answer(self, question: bytes) -> None:
        width, height = self._size
        if question.startswith(b"cursor"):
            self._draw_all()
            cursor = self._screens[self._shown].cursor
            private = b"?" if question == b"cursor?" else b""
            answer = b"\x1b[%s%d;%dR" % (private, cursor.y + 1, min(cursor.x + 1, width))
        elif question == b"size14":
            answer = b"\x1b[4;%d;%dt" % (height * 16, width * 8)
        elif question == b"size16":
            answer = b"\x1b[6;16;8t"
        elif question == b"size18":
            answer = b"\x1b[8;%d;%dt" % (height, width)
        else:
            answer = question
        with contextlib.suppress(OSError):
            os.write(self._master, answer)

    def _draw_all(self) -> None:
        while self._pending:
            self._draw(self._pending.popleft()[1])

    def _draw(self, piece: Piece) -> None:
        if piece.kind == "alternate":
            if piece.on and not self._shown:
                self._screens[1].reset()
            self._shown = int(piece.on)
        else:
            self._streams[self._shown].feed(piece.data)

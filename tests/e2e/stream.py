"""`qd test watch --json` as a script uses it: events come out, commands go in."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.program import Program

Event = dict[str, Any]


class Watch(Program):
    """A running `qd test watch --json`. Leaving the `with` ends it and whatever it left behind."""

    def __init__(
        self, command: Sequence[str], *, home: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.events: list[Event] = []
        self._news = threading.Condition()
        self._ended = False
        self._errors = home / "watch-stderr.txt"
        home.mkdir(parents=True, exist_ok=True)
        with self._errors.open("wb") as errors:
            super().__init__(
                command,
                home=home,
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._thread = threading.Thread(target=self._read, name="watch", daemon=True)
        self._thread.start()

    def tell(self, do: str, **more: object) -> float:
        """Write a command; when, on the monotonic clock, it was about to be written."""
        assert self.process.stdin is not None
        line = json.dumps({"do": do, **more}).encode() + b"\n"
        now = time.monotonic()
        self.process.stdin.write(line)
        self.process.stdin.flush()
        return now

    def wait_for(
        self,
        *kinds: str,
        after: float = 0.0,
        timeout: float = 30.0,
        holds: Callable[[Event], bool] = lambda event: True,
    ) -> Event:
        """The first event of one of these kinds, later than `after` on the monotonic clock, that `holds`."""
        end = time.monotonic() + timeout
        seen = 0
        with self._news:
            while True:
                for event in self.events[seen:]:
                    if event["event"] in kinds and event["t"] > after and holds(event):
                        return event
                seen = len(self.events)
                left = end - time.monotonic()
                if left <= 0 or self._ended:
                    tail = "\n".join(json.dumps(event)[:300] for event in self.events[-12:])
                    why = f"ended with {self.process.poll()}" if self._ended else f"{timeout:g} s over"
                    raise TimeoutError(f"no {' or '.join(kinds)}, {why}\n{tail}\n{self.errors()}")
                self._news.wait(left)

    def between(self, kind: str, after: float, until: float) -> list[Event]:
        """The events of one kind in a stretch of time."""
        with self._news:
            return [event for event in self.events if event["event"] == kind and after < event["t"] <= until]

    def errors(self) -> str:
        """What it has written to standard error."""
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def quit(self, timeout: float = 15.0) -> int:
        """Ask it to leave; its exit code."""
        self.tell("quit")
        code = self.process.wait(timeout)
        self._thread.join(2.0)
        return code

    def close(self) -> None:
        """End it and whatever it left behind, and its streams."""
        super().close()
        self._thread.join(2.0)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            with self._news:
                self.events.append(event)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

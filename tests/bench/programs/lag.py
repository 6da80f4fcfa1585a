"""Runs the app with a probe of its own on its event loop: `python lag.py FILE QD-ARGUMENTS…`.

Every tick that came more than 20 ms late is a line of FILE: when, on the monotonic clock, and how late, in seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from app import cli, tui

STEP_S = 0.005
WORTH_S = 0.02


class Recorder:
    """Ticks every few milliseconds, whatever else the loop does."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._due = 0.0

    def start(self) -> None:
        """Tick for the first time."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + STEP_S
        loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        late = time.monotonic() - self._due
        if late > WORTH_S:
            self._file.write(f"{time.monotonic():.4f} {late:.4f}\n")
        self.start()


def main() -> int:
    """Open the app as `qd` does."""
    with Path(sys.argv[1]).open("w", buffering=1, encoding="ascii") as file:
        ready = tui.Quarterdeck.on_ready

        def on_ready(self: tui.Quarterdeck) -> None:
            ready(self)
            Recorder(file).start()

        tui.Quarterdeck.on_ready = on_ready  # type: ignore[method-assign]  # the measured app has no probe this fine
        return cli.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())

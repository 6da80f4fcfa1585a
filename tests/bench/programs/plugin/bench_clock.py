"""A pytest plugin that appends to the file $BENCH_CLOCK when, on the monotonic clock, each test had its result."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


class Clock:
    """Holds the file of one session."""

    def __init__(self, path: str) -> None:
        self.file = Path(path).open("a", buffering=1)  # noqa: SIM115 - closed at the end of the session

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Write a line per test: at its call phase, or at the set-up that kept it from having one."""
        if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
            self.file.write(f"{time.monotonic():.6f}\n")

    def pytest_unconfigure(self) -> None:
        """Close the file, so that projects that turn warnings into errors see none."""
        self.file.close()


def pytest_configure(config: Any) -> None:
    """Begin where a file is named."""
    path = os.environ.get("BENCH_CLOCK")
    if path:
        config.pluginmanager.register(Clock(path), "bench-clock")

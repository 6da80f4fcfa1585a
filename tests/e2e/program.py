"""How the tests start Quarterdeck, and programs beside it: as users do, each in a home of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e import processes

ROOT = Path(__file__).resolve().parents[2]
HOME = "QUARTERDECK_HOME"
DROPPED = ("PYTEST", "COV_", "COVERAGE", "TEXTUAL", "QUARTERDECK", "PYTHON", "VIRTUAL_ENV", "NO_COLOR", "FORCE_COLOR")
PATIENCE_S = 5.0


def qd(*arguments: str | Path) -> list[str]:
    """The command line of `qd` with these arguments; works in an environment that has only the dependencies, too."""
    script = Path(sys.executable).with_name("qd")
    start = [str(script)] if script.exists() else [sys.executable, str(ROOT / "tests/e2e/qd.py")]
    return [*start, *(str(argument) for argument in arguments)]


def clean_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would change how the program or its pytest behaves."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    env.pop("COLUMNS", None)
    env.pop("LINES", None)
    env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    return env | {HOME: str(home)} | dict(extra or {})


class Program:
    """A program in a session of its own. Leaving the `with` ends it and whatever it left behind."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        home: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        **streams: Any,
    ) -> None:
        """`streams` are the further arguments of `subprocess.Popen`."""
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.started = time.monotonic()
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=clean_environment(home, env),
            start_new_session=True,
            **streams,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The program's own process."""
        return self.process.pid

    def family(self) -> tuple[processes.Process, ...]:
        """Every process that came of it, whoever its parent is by now."""
        return processes.family(self.pid, HOME, str(self.home))

    def close(self) -> None:
        """End the program and whatever it left behind."""
        family = self.family()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_S)
        processes.kill((*family, *self.family()))
        self.process.wait()

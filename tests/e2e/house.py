"""Real projects, a real configuration and the real program, all under one temporary folder."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e import processes
from tests.e2e.program import HOME, clean_environment, qd
from tests.e2e.stream import Watch
from tests.e2e.terminal import SIZE, Terminal

SHOP = {
    "pytest.ini": "[pytest]\npythonpath = .\n",
    "pricing.py": "def price(net, rate):\n    return net + rate\n",
    "stock.py": "def left(have, sold):\n    return have - sold\n",
    "tests/test_pricing.py": """
        from pricing import price

        def test_price_of_one():
            assert price(100, 19) == 119

        def test_price_without_tax():
            assert price(100, 0) == 100
        """,
    "tests/test_stock.py": """
        from stock import left

        def test_left_after_sale():
            assert left(5, 2) == 3

        def test_left_of_nothing():
            assert left(0, 0) == 0
        """,
}
BROKEN_PRICING = "def price(net, rate):\n    return {'gross': net}['tax'] if rate else net\n"
HANGS = """
    import os, pathlib, subprocess, sys, threading

    def test_hangs():
        child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
        pathlib.Path({pids!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
        threading.Event().wait()
    """


class House:
    """What one test needs. `close` ends every program that was started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.config = folder / "config.toml"
        self._open: list[Terminal | Watch] = []

    def project(self, files: Mapping[str, str] = SHOP, name: str = "shop") -> Path:
        """Write a project."""
        path = self.folder / name
        for file, text in files.items():
            self.write(path / file, text)
        return path

    def write(self, path: Path, text: str) -> None:
        """Save a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")

    def hanging(self, project: Path) -> Path:
        """Add a test that never ends and has a child that does not either; the file where they write their pids."""
        pids = self.folder / "pids.txt"
        self.write(project / "tests/test_zz_hangs.py", textwrap.dedent(HANGS).format(pids=str(pids)))
        return pids

    def configure(self, *projects: Path, tests: str = "", extra: str = "") -> None:
        """Write a configuration that watches these projects with the interpreter of this very test run."""
        tables = "".join(
            f"\n[[projects]]\nname = {path.name!r}\npath = {str(path)!r}\npython = {sys.executable!r}\n"
            for path in projects
        )
        self.config.write_text(f"{extra}\n[tests]\nverify = false\n{tests}\n{tables}", "utf-8")

    def open(self, *arguments: str, size: tuple[int, int] = SIZE, env: Mapping[str, str] | None = None) -> Terminal:
        """Open the app."""
        terminal = Terminal(
            qd("--config", self.config, *arguments), home=self.home, size=size, cwd=self.folder, env=env
        )
        self._open.append(terminal)
        return terminal

    def watch(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Watch:
        """Start `qd test watch --json`."""
        watch = Watch(qd("test", "watch", *arguments, "--json"), home=self.home, cwd=self.folder, env=env)
        self._open.append(watch)
        return watch

    def command(self) -> list[str]:
        """`qd` without arguments, for the configuration that the home has (or has not)."""
        return qd()

    def ask(self, *arguments: str) -> Any:
        """What a command prints as JSON."""
        done = subprocess.run(
            [*qd(*arguments), "--config", str(self.config), "--json"],
            env=clean_environment(self.home),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return json.loads(done.stdout)

    def processes(self) -> tuple[processes.Process, ...]:
        """Everything that runs with this house as its home."""
        return processes.marked(HOME, str(self.home))

    def close(self) -> None:
        """End what was opened, and whatever else has this house as its home."""
        for opened in self._open:
            opened.close()
        processes.kill(self.processes())


def pids_in(path: Path) -> tuple[processes.Process, ...]:
    """The processes whose pids a test has written down; empty until it has."""
    if not path.exists():
        return ()
    found = [processes.read(int(pid)) for pid in path.read_text("ascii").split()]
    return tuple(process for process in found if process is not None)


def hung(path: Path, timeout: float = 20.0) -> tuple[processes.Process, ...]:
    """The hanging test and its child, as soon as both run."""
    return processes.until(lambda: pids_in(path), 2, timeout)

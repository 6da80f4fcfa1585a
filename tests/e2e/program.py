"""How the tests start Quarterdeck: as its users do, from the environment that runs the tests."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def qd(*arguments: str | Path) -> list[str]:
    """The command line of `qd` with these arguments; works in an environment that has only the dependencies, too."""
    script = Path(sys.executable).with_name("qd")
    start = [str(script)] if script.exists() else [sys.executable, str(ROOT / "tests/e2e/qd.py")]
    return [*start, *(str(argument) for argument in arguments)]

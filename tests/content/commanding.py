"""`qd content` as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from app.commands.schema import find
from tests.cli.schemas import errors


def qd(*arguments: str, given: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `qd content`, which ends with this code."""
    done = subprocess.run(
        [sys.executable, "-m", "app", "content", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def document(command: str, *arguments: str, given: str = "") -> dict[str, Any]:
    """The one document that a command prints, which fits its schema."""
    printed: dict[str, Any] = json.loads(qd(command, *arguments, "--json", given=given).stdout)
    assert errors(find(f"content {command}"), printed) == []
    return printed

"""Commands that read standard input, where it is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", ["feedback add -", "feedback import -", "notes add A --body -", "content lint -"])
def test_closed_input_is_told(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-P", "-m", "app", *command.split()],
        env={**os.environ, "QUARTERDECK_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "standard input: it is closed" in done.stderr
    assert "unexpected" not in done.stderr

"""The screen may not make the first frame late."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUDGET = 32
CODE = """
import json, sys
from textual.app import App
from textual.widgets import Footer, Header, Input, Static
Header(), Static(), Footer(), Input()
before = set(sys.modules)
import screens.feedback
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_the_pane_imports_little() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert len(loaded) <= BUDGET, sorted(loaded)
    assert {name.partition(".")[0] for name in loaded} <= {"screens", "widgets"}, sorted(loaded)
    for late in ("screens.feedback_forms", "screens.feedback_figures"):
        assert late not in loaded

"""What was typed since the last version outlives the program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from app.content.drafts.recovery import Recovery
from app.content.model import Draft

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
PROGRAM = """
import sys
from pathlib import Path
from app.content.drafts.recovery import Recovery
from tests.content.test_draft_recovery import draft
recovery = Recovery(Path(sys.argv[1]))
for number in range(1_000_000):
    recovery.keep(draft(f"text {number}"))
    print(number, flush=True)
"""


def draft(body: str, name: str = "A") -> Draft:
    """A draft with this text."""
    return Draft(name, "devlog", "0" * 64, "devlog", "t", body, "draft", 1, 1, NOW, NOW, None, {"a": 1}, {"git": {}})


def test_a_process_that_lives_keeps_its_own(tmp_path: Path) -> None:
    one, two = Recovery(tmp_path), Recovery(tmp_path)
    one.keep(draft("one"))
    two.keep(draft("two"))
    assert one.left() == two.left() == ()
    one.close()
    (left,) = two.left()
    assert left.draft == draft("one")
    two.settle(left)
    assert two.left() == ()
    two.forget("A")
    two.forget("A")
    two.close()
    assert list(tmp_path.iterdir()) == []


def test_the_text_outlives_kill(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 20:
            break
    os.kill(process.pid, signal.SIGKILL)
    said = [int(line) for line in process.stdout if line.endswith("\n")]
    process.wait()
    (left,) = Recovery(tmp_path).left()
    # The file of the last word said, or of one that was written but not said any more.
    assert int(left.draft.body.removeprefix("text ")) >= (said[-1] if said else 20)


def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    one = Recovery(tmp_path)
    one.keep(draft("one"))
    one.close()
    (folder,) = tmp_path.iterdir()
    (folder / "B.json").write_text("{")
    (folder / "C.json").write_bytes(b"\xff")
    two = Recovery(tmp_path)
    (left,) = two.left()
    two.settle(left)
    assert two.left() == ()
    assert {path.name for path in folder.iterdir()} == {"B.json", "C.json", "lock"}

"""What is kept between two starts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.testing.lastseen import load, save
from app.testing.model import Counts, FileState, Progress, ProjectSnapshot, RunSummary, TestState

RUN = RunSummary(
    run_id="01J0",
    project="shop",
    trigger="save",
    level="L1",
    level_reason="",
    started_at="2025-01-02T03:04:05.000006Z",
    first_result_s=0.12,
    duration_s=1.5,
    exit=1,
    counts=Counts(passed=3, failed=1, deselected=2),
    affected_done_s=0.2,
    affected_bad=1,
    superseded=False,
    note="a note — ünï \ud800",
)


def snapshot(tests: int = 3) -> ProjectSnapshot:
    states = [
        TestState(
            nodeid=f"tests/test_a{number // 20}.py::TestThing::test_it[{number} \u2013 [x]]",
            file=f"tests/test_a{number // 20}.py",
            line=number + 1,
            outcome="failed" if number % 7 == 0 else "passed",
            duration_s=number / 1000,
            message="AssertionError: assert 1 == 2" if number % 7 == 0 else "",
            error_class="abc" if number % 7 == 0 else None,
            run_id="01J0",
            stale=number % 5 == 0,
        )
        for number in range(tests)
    ]
    elsewhere = TestState(nodeid="moved::test_b", file="tests/test_b.py")
    return ProjectSnapshot(
        name="shop",
        path="/home/me/shop",
        state="idle",
        level="L1",
        level_reason="why not",
        watched_files=12,
        saved_at=1700000000.5,
        tests={state.nodeid: state for state in (*states, elsewhere)},
        files={"tests/test_a0.py": FileState("tests/test_a0.py", 20, 3, 1, 0, error="SyntaxError")},
        counts=Counts(passed=10, failed=3),
        last=RUN,
        recent=(RUN, replace(RUN, run_id="01J1", first_result_s=None, affected_done_s=None)),
    )


def test_comes_back_as_it_was_but_starting(tmp_path: Path) -> None:
    path = tmp_path / "state/last.json"
    kept = snapshot()
    save(path, [kept, replace(kept, name="other", last=None, recent=(), tests={}, files={})])
    first, second = load(path)
    assert first == replace(kept, state="starting")
    assert list(first.tests) == list(kept.tests)
    assert second.name == "other"
    assert second.last is None


def test_what_is_only_true_now_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "last.json"
    busy = replace(
        snapshot(),
        state="running",
        watching=False,
        problem="something",
        watch_note="polling",
        progress=Progress("01J2", "save", "L1", 1, 3, 0, 5.0),
        tests={"t.py::a": TestState("t.py::a", "t.py", running=True, queued=True, outcome="passed")},
        files={"t.py": FileState("t.py", 1, 0, 0, 0, running=True)},
    )
    save(path, [busy])
    (loaded,) = load(path)
    assert loaded.progress is None
    assert (loaded.state, loaded.watching, loaded.problem, loaded.watch_note) == ("starting", True, "", "")
    assert loaded.tests == {"t.py::a": TestState("t.py::a", "t.py", outcome="passed")}
    assert not loaded.files["t.py"].running


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'{"format": 0, "projects": []}',
        b'{"format": 999, "projects": []}',
        b'{"format": 1}',
        b'{"format": 1, "projects": [7]}',
        b'{"format": 1, "projects": [{"name": "x"}]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_anything_else_loads_as_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "last.json"
    path.write_bytes(content)
    assert load(path) == ()


def test_nothing_there(tmp_path: Path) -> None:
    assert load(tmp_path / "no/such/file.json") == ()
    assert load(tmp_path) == ()


def test_every_damage_is_survived(tmp_path: Path) -> None:
    """Cut off anywhere, or with any value of the first test replaced."""
    path = tmp_path / "last.json"
    save(path, [snapshot()])
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        assert load(path) == ()
    document = json.loads(whole)
    for position in range(len(document["projects"][0]["tests"][0])):
        damaged = json.loads(whole)
        damaged["projects"][0]["tests"][0][position] = {"not": "this"}
        path.write_text(json.dumps(damaged))
        load(path)


def test_failed_save_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.json"
    save(path, [snapshot()])

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        save(path, [])
    assert len(load(path)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.json"]


def test_five_thousand_tests_load_quickly(tmp_path: Path) -> None:
    path = tmp_path / "last.json"
    save(path, [snapshot(5000)])
    times = []
    for _ in range(5):
        started = time.process_time()
        (loaded,) = load(path)
        times.append(time.process_time() - started)
    assert len(loaded.tests) == 5001
    # Measured at 23 ms of processor time; the bound is for slow machines.
    assert min(times) < 0.15


def test_needs_nothing_heavy() -> None:
    heavy = ("textual", "tempfile", "asyncio")
    code = f"import app.testing.lastseen, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

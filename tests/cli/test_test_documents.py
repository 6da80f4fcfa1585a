"""What `qd test` really prints fits the schemas that are published for it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.commands.schema import find
from tests.cli.conftest import Qd
from tests.cli.schemas import errors
from tests.e2e.stream import Watch

pytestmark = pytest.mark.slow

TESTS = """
import pytest
def test_right(): pass
def test_wrong(): assert 1 == 2
@pytest.mark.skip(reason="why not")
def test_left_out(): pass
@pytest.mark.xfail
def test_known(): assert False
@pytest.fixture
def broken(): raise OSError("no such thing")
def test_error(broken): pass
"""


@pytest.fixture
def config(home: Path) -> Path:
    """A configuration with one project, which has outcomes of most kinds and a file that cannot be collected."""
    here = home.parent / "here"
    (here / "tests").mkdir()
    (here / "tests" / "test_a.py").write_text(TESTS)
    (here / "tests" / "test_b.py").write_text("import nothing_of_that_name")
    (here / "pytest.ini").write_text("[pytest]\n")
    path = here / "config.toml"
    path.write_text(f"[[projects]]\nname = 'p'\npath = '.'\npython = '{sys.executable}'\n")
    return path


def test_run_and_history(config: Path, qd: Qd) -> None:
    done = qd("test", "run", "--config", str(config), "--json", "--", "--continue-on-collection-errors")
    assert done.returncode == 1, done.stderr
    run = json.loads(done.stdout)
    assert errors(find("test run"), run) == []
    assert {test["outcome"] for test in run["tests"]} == {"passed", "failed", "skipped", "xfailed", "error"}
    assert [error["nodeid"] for error in run["collection_errors"]] == ["tests/test_b.py"]
    runs = qd("test", "history", "--config", str(config), "--json")
    assert errors(find("test history"), json.loads(runs.stdout)) == [], runs.stderr
    assert [run["exit"] for run in json.loads(runs.stdout)["runs"]] == [1]
    points = qd("test", "history", "tests/test_a.py::test_wrong", "--config", str(config), "--json")
    assert errors(find("test history"), json.loads(points.stdout)) == [], points.stderr
    assert [point["outcome"] for point in json.loads(points.stdout)["results"]] == ["failed"]


def test_history_for_people(config: Path, qd: Qd) -> None:
    nothing = qd("test", "history", "--config", str(config))
    assert nothing.stdout == "nothing is kept yet\n"
    for arguments in ((), ("--", "-k", "right")):
        qd("test", "run", "--config", str(config), "tests/test_a.py", *arguments)
    shown = qd("test", "history", "--config", str(config), TZ="Asia/Tokyo")
    head, latest, first = shown.stdout.splitlines()
    assert head.split() == ["started", "trigger", "level", "took", "commit", "result"]
    assert {line.index("cold") for line in (latest, first)} == {head.index("level")}
    assert latest.index("✓ 1 passed") == first.index("✗ 1 failed") == head.index("result")
    runs = json.loads(qd("test", "history", "--config", str(config), "--json").stdout)["runs"]
    tokyo = datetime.fromisoformat(runs[0]["started_at"]).astimezone(timezone(timedelta(hours=9)))
    assert latest.startswith(f"{tokyo:%Y-%m-%d %H:%M:%S}  cli ")
    points = qd("test", "history", "tests/test_a.py::test_wrong", "--config", str(config)).stdout.splitlines()
    assert points[0].split() == ["started", "outcome", "took", "commit"]
    assert [line[21:28] for line in points] == ["outcome", "failed "]


def test_history_knows_the_commit_of_a_run(config: Path, qd: Qd) -> None:
    here = config.parent
    git = ["git", "-C", str(here), "-c", "user.name=Mara", "-c", "user.email=mara@example.org"]
    test = "tests/test_a.py::test_wrong"
    qd("test", "run", "--config", str(config), test)
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "First"]):
        subprocess.run([*git, *arguments], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    qd("test", "run", "--config", str(config), test)
    (here / "tests" / "test_a.py").write_text(TESTS.replace("1 == 2", "1 == 1"))
    qd("test", "run", "--config", str(config), test)
    latest_first = [(commit, True), (commit, False), (None, None)]
    for name, arguments in (("runs", ()), ("results", (test,))):
        document = json.loads(qd("test", "history", *arguments, "--config", str(config), "--json").stdout)
        assert errors(find("test history"), document) == []
        assert [(kept["git_commit"], kept["dirty"]) for kept in document[name]] == latest_first
        head, *lines = qd("test", "history", *arguments, "--config", str(config)).stdout.splitlines()
        shown = [line[head.index("commit") :][:8].strip() for line in lines]
        assert shown == [f"{commit[:7]}*", commit[:7], ""]
    assert [point["outcome"] for point in document["results"]] == ["passed", "failed", "failed"]


def command(config: Path) -> list[str]:
    """Watches the configured project."""
    return [sys.executable, "-m", "app", "test", "watch", "--config", str(config), "--json"]


def watching(config: Path, environ: dict[str, str]) -> Watch:
    """The command, running."""
    return Watch(command(config), home=Path(environ["QUARTERDECK_HOME"]), env=environ)


def test_watch(config: Path, environ: dict[str, str]) -> None:
    with watching(config, environ) as watch:
        ready = watch.wait_for("ready")
        (config.parent / "tests" / "test_b.py").write_text("def test_now(): pass")
        changed = watch.wait_for("changed", after=ready["t"])
        watch.wait_for("finished", after=changed["t"])
        assert watch.quit(30) == 0
        assert [problem for event in watch.events for problem in errors(find("test watch"), event)] == []
        seen = {event["event"] for event in watch.events}
        assert seen >= {"started", "result", "affected_done", "finished", "ready", "changed", "level"}


def test_orders_wait_for_the_first_run(config: Path, environ: dict[str, str]) -> None:
    (config.parent / "tests" / "test_b.py").unlink()
    with watching(config, environ) as watch:
        watch.tell("failed")
        first = watch.wait_for("finished", "superseded")
        second = watch.wait_for("finished", "superseded", after=first["t"])
        assert watch.quit(30) == 0
        assert [event["event"] for event in (first, second)] == ["finished"] * 2
        counts = [[event["counts"][name] for name in ("passed", "failed", "error")] for event in (first, second)]
        assert counts == [[1, 1, 1], [0, 1, 1]]


def test_stop_and_quit_wait_for_nothing(config: Path, environ: dict[str, str]) -> None:
    (config.parent / "tests" / "test_b.py").write_text("import signal\ndef test_hangs(): signal.pause()")
    done = subprocess.run(
        command(config),
        env=environ,
        input='{"do": "all"}\n{"do": "stop"}\n{"do": "quit"}\n',
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr

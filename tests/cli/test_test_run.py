"""`qd test run` in trouble: its answer and its exit code are those of the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Qd

pytestmark = pytest.mark.slow


@pytest.fixture
def project(home: Path) -> Path:
    """A configured project with a test that passes."""
    here = home.parent / "here"
    (here / "test_a.py").write_text("def test_right(): pass\n")
    (here / "pytest.ini").write_text("[pytest]\n")
    (here / "config.toml").write_text(f"[[projects]]\nname = 'p'\npath = '.'\npython = '{sys.executable}'\n")
    return here


@pytest.fixture
def full_disk(home: Path) -> Iterator[None]:
    """The data folder lies on a file system that has no byte left."""
    data = home / "data"
    data.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(data)], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here ({done.stderr.decode().strip()}); run the tests as root")
    subprocess.run(["dd", "if=/dev/zero", f"of={data / 'filler'}"], stderr=subprocess.DEVNULL, check=False)
    yield
    subprocess.run(["umount", "--lazy", str(data)], check=True)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_does_not_take_the_answer_away(project: Path, qd: Qd) -> None:
    done = qd("test", "run", "--config", "config.toml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["passed"] == 1
    assert done.stderr.startswith("quarterdeck: this run is not kept: ")
    assert "there is no space left to keep this write; free some space" in done.stderr
    (project / "test_a.py").write_text("def test_wrong(): assert False\n")
    done = qd("test", "run", "--config", "config.toml")
    assert done.returncode == 1
    assert "✗ 1 failed" in done.stdout
    assert "this run is not kept" in done.stderr


def test_a_data_folder_that_cannot_be_made(project: Path, home: Path, qd: Qd) -> None:
    home.mkdir()
    (home / "data").write_text("")
    done = qd("test", "run", "--config", str(project / "config.toml"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["exit"] == 0
    assert "this run is not kept" in done.stderr


def test_the_level_stands_without_a_reason_where_there_is_none(project: Path, qd: Qd) -> None:
    done = qd("test", "run", "--path", str(project), "--python", sys.executable, "--warm")
    assert done.returncode == 0, done.stderr
    assert "(L1)" in done.stdout or "(L2)" in done.stdout


def test_what_pytest_cannot_use_is_a_wrong_argument(project: Path, qd: Qd) -> None:
    done = qd("test", "run", "--config", str(project / "config.toml"), "tests/nofile.py", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["exit"] == 4
    assert done.stderr.startswith("quarterdeck: pytest could not run: ERROR: file or directory not found: tests/nofile")
    done = qd("test", "run", "--config", str(project / "config.toml"), "tests/nofile.py")
    assert done.returncode == 2
    assert "file or directory not found" in done.stderr
    assert "file or directory not found" not in done.stdout


def test_no_test_at_all_is_no_success(project: Path, qd: Qd) -> None:
    done = qd("test", "run", "--config", str(project / "config.toml"), "--json", "--", "-k", "nothing")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["exit"] == 5


def test_a_folder_that_is_gone_is_told_with_its_line(project: Path, qd: Qd) -> None:
    (project / "config.toml").write_text("[ui]\n[[projects]]\nname = 'p'\npath = 'gone'\n")
    for arguments in ((), ("--affected",)):
        done = qd("test", "run", "--config", "config.toml", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"quarterdeck: config.toml:4: projects[0].path: no such folder: {project / 'gone'}\n"
            "bring it back or correct the path\n"
        )


def test_a_folder_without_tests_is_told_once(project: Path, qd: Qd) -> None:
    (project / "test_a.py").unlink()
    done = qd("test", "run", "--config", "config.toml")
    assert done.returncode == 1
    assert done.stdout.count("no tests ran") == 1
    assert qd("test", "history", "--config", "config.toml").stdout.count("no tests ran") == 1

"""What a run tells of itself besides its tests: the files it writes, and why it cannot be had in parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.testing.model import Counts
from app.testing.run import Collected, FileWritten, TestReported
from tests.testing.running import BARE, LEVELS, Ran, run_once, write

NO_BYTECODE = {**BARE, "PYTHONDONTWRITEBYTECODE": ""}


def _written(ran: Ran, project: Path) -> list[str]:
    return [str(Path(event.path).relative_to(project)) for event in ran.only(FileWritten)]


@pytest.mark.parametrize("level", LEVELS)
async def test_files_that_tests_write(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "kept.txt": "kept",
            "old.txt": "old",
            "tree/leaf/data.txt": "",
            "test_w.py": """
                import os, pathlib, shutil, subprocess, sys
                def test_reads():
                    assert open("kept.txt").read() == "kept"
                    os.close(os.open("kept.txt", os.O_RDONLY))
                def test_writes(tmp_path):
                    for _ in range(3): pathlib.Path("out.json").write_text("{}")
                    os.close(os.open(b"log", os.O_WRONLY | os.O_CREAT | os.O_APPEND))
                    with open("kept.txt", "r+") as file: pass
                    (tmp_path / "elsewhere").write_text("")
                def test_moves(monkeypatch):
                    os.replace("old.txt", "new.txt")
                    shutil.rmtree("tree")
                    os.mkdir("sub")
                    monkeypatch.chdir("sub")
                    open("../new.txt", "a").close()
                    open("inner", "x").close()
                    os.remove("inner")
                def test_odd():
                    for name in (None, 3.5, "a\\0b", ""):
                        for call in (lambda: open(name, "w"), lambda: os.remove(name), lambda: os.rename(name, "x")):
                            try: call()
                            except (TypeError, ValueError, OSError): pass
                def test_other_processes():
                    if not os.fork():
                        open("forked", "w").close()
                        os._exit(0)
                    os.wait()
            """,
        },
    )
    ran = await run_once(project, level, env=NO_BYTECODE)
    assert ran.finished.counts == Counts(passed=5), ran.output()
    written = [path for path in _written(ran, project) if path not in ("x", ".")]
    assert written == ["out.json", "log", "kept.txt", "old.txt", "new.txt", "tree/leaf/data.txt", "sub/inner"]
    assert list((project / "__pycache__").iterdir())
    # Each is told while its test is still running.
    kinds = [event for event in ran.events if isinstance(event, FileWritten | TestReported)]
    first = next(n for n, event in enumerate(kinds) if isinstance(event, FileWritten))
    assert [event.nodeid for event in kinds[:first] if isinstance(event, TestReported)] == ["test_w.py::test_reads"]


async def test_threads_that_write_at_once(tmp_path: Path) -> None:
    text = """
        import sys, threading
        def work(number):
            for count in range(200): open(f"{'n' * 100}{number}-{count}", "w").close()
        def test_t():
            sys.setswitchinterval(1e-6)
            threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
    """
    project = write(tmp_path / "p", {"test_t.py": text})
    ran = await run_once(project, "L1")
    assert ran.finished.counts == Counts(passed=1)
    assert len(set(_written(ran, project))) == len(_written(ran, project)) == 800


COVERAGE = """
    def pytest_addoption(parser, pluginmanager):
        class CovPlugin: _disabled = {off}
        pluginmanager.register(CovPlugin(), "_cov")
"""
WORKERS = "def pytest_addoption(parser): parser.addoption('--numprocesses', type=int, default=2)\n"


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("conftest", "args", "reason"),
    [
        ("", [], ""),
        ("", ["-x"], "the run stops at a failure"),
        ("", ["--maxfail=3"], "the run stops at a failure"),
        (COVERAGE.format(off=False), [], "pytest-cov measures the whole run"),
        (COVERAGE.format(off=True), [], ""),
    ],
)
async def test_why_a_run_stays_in_one_process(
    tmp_path: Path, level: str, conftest: str, args: list[str], reason: str
) -> None:
    project = write(tmp_path / "p", {"conftest.py": conftest, "test_a.py": "def test_a(): pass\n"})
    ran = await run_once(project, level, *args)
    assert [event.indivisible for event in ran.only(Collected)] == [reason]


async def test_workers_keep_a_run_in_one_process(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"conftest.py": WORKERS, "test_a.py": "def test_a(): pass\n"})
    ran = await run_once(project, "cold")
    assert [event.indivisible for event in ran.only(Collected)] == ["pytest-xdist distributes the tests"]

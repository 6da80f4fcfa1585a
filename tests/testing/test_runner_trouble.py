"""Tests that crash, hang, flood, or cannot even be collected: the run ends, says why, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from app.testing.model import Counts
from app.testing.run import RunFinished, RunLimits, RunRequest, TestReported, TestStarted
from tests.testing.running import BARE, LEVELS, Ran, alive, plain, run, run_once, runner_for, until_file, write

GOOD = "def test_before(): pass\n"


@pytest.mark.parametrize("level", LEVELS)
async def test_what_cannot_be_collected(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_syntax.py": "def test_x(:\n",
            "test_import.py": "import there_is_no_such_module\n",
            "test_raises.py": "from lib import broken\n",
            "lib/__init__.py": "",
            "lib/broken.py": "def f():\n    return 1 +\n",
            "test_good.py": GOOD,
        },
    )
    async with runner_for(project, level) as runner:
        ran = await run(runner)
        assert set(ran.broken) == {"test_syntax.py", "test_import.py", "test_raises.py"}
        assert ran.broken["test_syntax.py"].message.startswith("SyntaxError")
        assert "there_is_no_such_module" in ran.broken["test_import.py"].message
        assert ran.broken["test_raises.py"].failure.exceptions[-1].type == "SyntaxError"
        assert ran.broken["test_raises.py"].failure.text
        assert ran.finished.exit == 2
        assert ran.finished.counts == Counts(error=3)
        assert ran.finished.note == "3 errors during collection"
        assert not ran.collected
        on = await run(runner, "--continue-on-collection-errors")
    assert on.finished.counts == Counts(passed=1, error=3)
    assert on.outcomes == {"test_good.py::test_before": "passed"}


@pytest.mark.parametrize("level", LEVELS)
async def test_a_broken_conftest(tmp_path: Path, level: str) -> None:
    project = write(tmp_path / "p", {"conftest.py": "import nothing_like_it\n", "test_good.py": GOOD})
    ran = await run_once(project, level)
    assert "nothing_like_it" in ran.broken["conftest.py"].message
    assert ran.broken["conftest.py"].failure.exceptions[-1].frames[-1].path == str(project / "conftest.py")
    assert ran.finished.exit == 4
    assert "conftest" in ran.finished.note


@pytest.mark.parametrize("level", LEVELS)
async def test_usage_error_no_tests_and_internal_error(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "conftest.py": """
                import os
                def pytest_collection(session):
                    if os.environ.get("BREAK"): raise ZeroDivisionError("in a hook")
            """
        },
    )
    async with runner_for(project, level) as runner:
        usage = await run(runner, "--no-such-option")
        none = await run(runner)
        internal = await run(runner, env={"BREAK": "1"})
    assert usage.finished.exit == 4
    assert "--no-such-option" in usage.finished.note
    assert (none.finished.exit, none.finished.note) == (5, "no tests ran")
    assert internal.finished.exit == 3
    assert "ZeroDivisionError: in a hook" in internal.finished.note


CRASHES = {
    "segfault": ("import ctypes; ctypes.string_at(0)", "segmentation fault"),
    "exit": ("import os; os._exit(7)", "the process ended itself with exit code 7"),
    "exit0": ("import os; os._exit(0)", "the process ended itself with exit code 0"),
    "kill": ("import os; os.kill(os.getpid(), 9)", "killed"),
    "abort": ("import os; os.abort()", "aborted"),
}


@pytest.mark.parametrize("level", LEVELS)
async def test_a_test_that_ends_the_process(tmp_path: Path, level: str) -> None:
    files = {f"test_{name}.py": f"{GOOD}def test_it():\n    {code}\n" for name, (code, _) in CRASHES.items()}
    project = write(tmp_path / "p", files)
    async with runner_for(project, level) as runner:
        for name, (_, said) in CRASHES.items():
            ran = await run(runner, f"test_{name}.py")
            nodeid = f"test_{name}.py::test_it"
            assert ran.level == level
            assert ran.outcomes == {f"test_{name}.py::test_before": "passed", nodeid: "error"}
            assert ran.report(nodeid).message.startswith(said)
            assert ran.finished.note.startswith(said)
            assert ran.finished.note.endswith(f" in {nodeid}")
            assert ran.finished.exit == 3
            assert ran.finished.counts == Counts(passed=1, error=1)
            assert ran.report(nodeid).error_class
            if name == "segfault":
                assert "test_it" in ran.report(nodeid).failures[0].text
        assert (await run(runner, "-k", "before")).level == level


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
async def test_a_hang_meets_the_time_limit(tmp_path: Path, level: str) -> None:
    project = write(tmp_path / "p", {"test_h.py": "import time\ndef test_hang():\n    time.sleep(600)\n"})
    async with runner_for(project, level, limits=RunLimits(timeout_s=8)) as runner:
        ran = await run(runner)
    assert ran.finished.exit == 3
    assert ran.finished.note == "ended after 8 s in test_h.py::test_hang"
    report = ran.report("test_hang")
    assert report.outcome == "error"
    assert "in test_hang" in report.failures[0].text
    assert ran.finished.counts == Counts(error=1)


@pytest.mark.parametrize("level", LEVELS)
async def test_cancel_is_quick_and_complete(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_h.py": """
                import os, signal, subprocess, sys, time
                def test_hang():
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    inner = subprocess.Popen(["sleep", "600"])
                    other = subprocess.Popen(["sleep", "600"], start_new_session=True)
                    with open("pids.new", "w") as file:
                        file.write(f"{os.getpid()} {inner.pid} {other.pid}")
                    os.rename("pids.new", "pids")
                    time.sleep(600)
            """
        },
    )
    async with runner_for(project, level) as runner:
        events = []

        async def consume() -> None:
            events.extend([event async for event in runner.run(RunRequest("r", "cli"))])

        task = asyncio.create_task(consume())
        pids = [int(pid) for pid in (await until_file(project / "pids")).split()]
        assert all(alive(pid) for pid in pids)
        await runner.cancel()
        assert not any(alive(pid) for pid in pids)
        await task
        ran = Ran(events)
        assert ran.finished.cancelled
        assert not ran.outcomes
        write(project, {"test_h.py": GOOD})
        assert (await run(runner)).finished.counts == Counts(passed=1)


async def test_cancel_takes_milliseconds(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_h.py": "import time\ndef test_hang(): time.sleep(600)\n"})
    async with runner_for(project, "L1") as runner:
        best = 10.0
        for _ in range(3):
            async for event in runner.run(RunRequest("r", "cli")):
                if isinstance(event, TestStarted):
                    begin = time.perf_counter()
                    await runner.cancel()
                    best = min(best, time.perf_counter() - begin)
    assert best < 0.1


async def test_leaving_the_iterator_ends_the_run(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_h.py": "import time\ndef test_hang(): time.sleep(600)\n"})
    async with runner_for(project, "cold") as runner:
        events = runner.run(RunRequest("r", "cli"))
        async for event in events:
            if isinstance(event, TestStarted):
                break
        await events.aclose()
        assert (await run(runner, "--collect-only")).finished.exit == 0


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
async def test_a_flood_of_output(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_f.py": """
                import os
                def test_captured():
                    print("first")
                    for n in range(100): print("x" * 1_000_000)
                    print("last")
                def test_binary():
                    os.write(1, bytes(range(256)) * 10)
                def test_screen():
                    print("\\x1b[2J\\x1b[31m[bold]red[/bold][/] \\ud83d")
            """
        },
    )
    async with runner_for(project, level, limits=RunLimits(timeout_s=100, output_kb=64)) as runner:
        ran = await run(runner)
        loud = await run(runner, "-s", "-k", "captured", run_id="loud")
    (section,) = ran.report("test_captured").sections
    assert section.text.startswith("first\n")
    assert section.text.endswith("last\n")
    assert len(section.text) == 64 * 1024
    assert section.dropped > 99_000_000
    assert ran.report("test_binary").sections[0].text
    assert "\x1b[31m[bold]red[/bold][/]" in ran.report("test_screen").sections[0].text
    output = loud.output()
    assert "first" in output
    assert "last" in output
    assert len(output) < 66 * 1024
    assert loud.finished.counts == Counts(passed=1, deselected=2)


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
async def test_tests_that_damage_their_own_process(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_1.py": """
                import os, shutil, sys
                def test_chdir(tmp_path): os.chdir(tmp_path)
                def test_delete(tmp_path):
                    os.chdir(tmp_path); shutil.rmtree(tmp_path)
                def test_streams(): sys.stdout = sys.stderr = None
                def test_path(): sys.path[:] = []
                def test_fork():
                    if os.fork() == 0: os._exit(0)
                    os.wait()
            """,
            "test_2.py": "def test_after(): assert 1 == 1\n",
            "test_3.py": "import os\ndef test_close(): os.close(1)\ndef test_next(): pass\n",
            "test_4.py": "import os\ndef test_close_all(): os.closerange(3, 2000)\ndef test_next(): pass\n",
        },
    )
    async with runner_for(project, level) as runner:
        ran = await run(runner, "test_1.py", "test_2.py")
        assert ran.outcomes == (await plain(project, "test_1.py", "test_2.py", env=BARE))[0]
        assert len(ran.outcomes) == 6
        closed = await run(runner, "test_3.py")
        assert closed.outcomes == (await plain(project, "test_3.py", env=BARE))[0]
        assert (await run(runner, "test_3.py", "-s")).finished.note.endswith("test_3.py::test_close")
        lost = await run(runner, "test_4.py")
    assert lost.level == level
    assert isinstance(lost.events[-1], RunFinished)
    assert lost.finished.exit == 3
    assert "test_4.py::test_close_all" in lost.finished.note


@pytest.mark.parametrize("level", LEVELS)
async def test_children_that_stay_are_gone_after_the_run(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_d.py": """
                import os, signal, subprocess, sys, time
                DAEMON = '''
                import os, signal, time
                if os.fork(): os._exit(0)
                os.setsid()
                if os.fork(): os._exit(0)
                for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(name, signal.SIG_IGN)
                with open("daemon.new", "w") as file: file.write(str(os.getpid()))
                os.rename("daemon.new", "daemon")
                time.sleep(600)
                '''.replace("\\n                ", "\\n")
                def test_leaves_children():
                    with open("child", "w") as file:
                        file.write(str(subprocess.Popen(["sleep", "600"]).pid))
                    subprocess.run([sys.executable, "-c", DAEMON], check=True)
                    while not os.path.exists("daemon"): time.sleep(0.01)
            """
        },
    )
    async with runner_for(project, level) as runner:
        ran = await run(runner)
        assert ran.finished.counts == Counts(passed=1)
        assert not any(alive(int((project / name).read_text())) for name in ("child", "daemon"))


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
async def test_a_thread_that_never_ends(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_t.py": """
                import threading
                def test_thread(): threading.Thread(target=threading.Event().wait).start()
            """
        },
    )
    ran = await run_once(project, level)
    assert ran.finished.exit == 0
    assert ran.finished.counts == Counts(passed=1)
    assert "did not end within" in ran.finished.note


@pytest.mark.parametrize("level", LEVELS)
async def test_a_memory_limit(tmp_path: Path, level: str) -> None:
    project = write(tmp_path / "p", {"test_m.py": "def test_m(): bytearray(3 << 30)\ndef test_ok(): pass\n"})
    async with runner_for(project, level, limits=RunLimits(timeout_s=60, memory_mb=1024)) as runner:
        ran = await run(runner)
    assert ran.outcomes == {"test_m.py::test_m": "failed", "test_m.py::test_ok": "passed"}
    assert ran.report("test_m").message.startswith("MemoryError")


async def test_a_run_is_refused_while_another_goes_on(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_a.py": GOOD})
    async with runner_for(project) as runner:
        async for event in runner.run(RunRequest("r", "cli")):
            if isinstance(event, TestReported):
                with pytest.raises(RuntimeError, match="under way"):
                    await run(runner)

"""The warm server: what it holds, when it is rebuilt, when a run goes cold instead, and that no trap is sprung."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.testing.model import Counts, Level, ProjectSpec
from app.testing.run import RunLimits, RunRequest, RunStarted
from app.testing.runner import Runner
from tests.testing.running import BARE, Ran, alive, run, runner_for, until_file, write
from tests.waiting import until

DRIVER = """
import asyncio, os, sys
from pathlib import Path
from app.testing.model import ProjectSpec
from app.testing.run import RunLimits, RunRequest
from app.testing.runner import Runner

async def main(project, level):
    spec = ProjectSpec("p", Path(project), python=sys.executable, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    runner = Runner(spec, cache_dir=Path(project).parent / "cache", limits=RunLimits(), warm=level == "L1")
    await runner.start()
    if level != "warming":
        await runner.warmed()
    Path(project, "supervisor").write_text(str(runner.supervisor_pid))
    async for event in runner.run(RunRequest("r", "cli")):
        print(event, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def _tree(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_tree(int(child))]
    return found


@pytest.mark.parametrize("level", ["cold", "L1"])
async def test_nothing_is_left_when_the_app_is_killed(tmp_path: Path, level: str) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_h.py": """
                import os, subprocess, time
                def test_hang():
                    subprocess.Popen(["sleep", "600"], start_new_session=True)
                    with open("going.new", "w") as file: file.write(str(os.getpid()))
                    os.rename("going.new", "going")
                    time.sleep(600)
            """
        },
    )
    driver = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DRIVER, str(project), level, cwd=Path.cwd(), stdout=asyncio.subprocess.DEVNULL
    )
    test_pid = int(await until_file(project / "going"))
    supervisor = int((project / "supervisor").read_text())
    everything = [supervisor, *_tree(supervisor)]
    assert test_pid in everything
    assert len(everything) >= (4 if level == "L1" else 3)
    driver.kill()
    await driver.wait()
    await until(lambda: not any(alive(pid) for pid in everything), within=10, what=f"end of {everything}")


async def test_modules_seen_in_a_run_are_there_in_the_next(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p",
        {
            "mine.py": "",
            "test_m.py": """
                import os, sys
                BEFORE = set(sys.modules)
                import mine, decimal, xml.dom.minidom
                def test_warm():
                    assert "mine" not in BEFORE
                    assert ("xml.dom.minidom" in BEFORE) == bool(os.environ.get("WANT_WARM"))
            """,
        },
    )
    async with runner_for(project, "L1") as runner:
        assert (await run(runner)).finished.counts == Counts(passed=1)
        await runner.warmed()
        warm = await run(runner, env={"WANT_WARM": "1"})
        assert (warm.level, warm.finished.counts) == ("L1", Counts(passed=1))
    # What was learned outlives the runner.
    async with runner_for(project, "L1") as runner:
        again = await run(runner, env={"WANT_WARM": "1"})
        assert (again.level, again.finished.counts) == ("L1", Counts(passed=1))
        # An edit of the project's own code is seen, for nothing of it is in the server.
        write(project, {"mine.py": "VALUE = 2\n", "test_m.py": "import mine\ndef test_v(): assert mine.VALUE == 2\n"})
        assert (await run(runner)).finished.counts == Counts(passed=1)


async def test_multiprocessing_does_not_cost_the_warm_server(tmp_path: Path) -> None:
    text = """
        import multiprocessing, sys
        from concurrent.futures import ProcessPoolExecutor
        def test_main(): assert sys.modules["__mp_main__"] is sys.modules["__main__"]
        def test_pool():
            with ProcessPoolExecutor(1) as pool: assert pool.submit(abs, -1).result() == 1
    """
    project = write(tmp_path / "p", {"test_m.py": text})
    async with runner_for(project, "L1") as runner:
        assert (await run(runner)).finished.counts == Counts(passed=2)
        await runner.warmed()
    # A server that was built on what the run has loaded.
    async with runner_for(project, "L1") as runner:
        ran = await run(runner)
        assert (ran.level, ran.reason, ran.finished.counts) == ("L1", "", Counts(passed=2))


async def test_a_warm_run_captures_output_in_memory(tmp_path: Path) -> None:
    text = """
        import os, subprocess
        def test_prints():
            print(os.readlink("/proc/self/fd/1"))
            os.write(1, b"by descriptor\\n")
            subprocess.run(["echo", "by a child"])
        def test_reads(capfd):
            os.write(1, b"one")
            assert capfd.readouterr().out == "one"
            with capfd.disabled(): print("shown")
        def test_has_a_file_of_its_own(tmp_path):
            import tempfile
            with tempfile.TemporaryFile(dir=tmp_path) as file: assert os.fstat(file.fileno()).st_nlink == 0
    """
    project = write(tmp_path / "p", {"test_o.py": text})
    async with runner_for(project, "L1") as runner:
        ran = await run(runner)
        assert (ran.level, ran.finished.counts) == ("L1", Counts(passed=3))
        (section,) = ran.report("test_prints").sections
        assert sorted(section.text.splitlines()) == ["/memfd:captured (deleted)", "by a child", "by descriptor"]
        assert "shown" in ran.output()


async def test_a_whole_run_teaches_whatever_its_arguments(tmp_path: Path) -> None:
    text = """
        import os, sys
        BEFORE = set(sys.modules)
        import colorsys
        def test_warm(): assert ("colorsys" in BEFORE) == bool(os.environ.get("WANT_WARM"))
    """
    project = write(tmp_path / "p", {"test_m.py": text})
    keep_going = "--continue-on-collection-errors"
    async with runner_for(project, "L1") as runner:
        for whole in (False, True):
            assert (await run(runner, keep_going, whole=whole)).finished.counts == Counts(passed=1)
            await runner.warmed()
        ran = await run(runner, keep_going, whole=True, env={"WANT_WARM": "1"})
        assert (ran.level, ran.finished.counts) == ("L1", Counts(passed=1))


@asynccontextmanager
async def _watched(project: Path, **spec: object) -> AsyncIterator[tuple[Runner, list[tuple[Level, str]]]]:
    levels: list[tuple[Level, str]] = []
    runner = Runner(
        ProjectSpec("p", project, python=sys.executable, **{"env": BARE, **spec}),  # type: ignore[arg-type]  # test data
        cache_dir=project.parent / "cache",
        limits=RunLimits(timeout_s=60),
        on_level=lambda level, why: levels.append((level, why)),
    )
    try:
        await runner.start()
        yield runner, levels
    finally:
        await runner.close()


async def test_a_run_while_warming_is_cold_and_says_so(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_a.py": "def test_a(): pass\n"})
    async with _watched(project) as (runner, levels):
        assert (runner.level, runner.level_reason) == ("cold", "warming up")
        ran = await run(runner)
        assert (ran.level, ran.reason) == ("cold", "warming up")
        await runner.warmed()
        assert (runner.level, runner.level_reason) == ("L1", "")
        assert levels[0] == ("cold", "warming up")
        assert levels[-1] == ("L1", "")
        for request, reason in (
            ({"cold": "asked"}, "asked"),
            ({"hash_seed": 7}, "a hash seed is set"),
            ({"env": {"PYTHONOPTIMIZE": "1"}}, "PYTHONOPTIMIZE is set for this run"),
        ):
            ran = await run(runner, **request)
            assert (ran.level, ran.reason) == ("cold", reason)


async def test_a_changed_environment_rebuilds_the_server(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_a.py": "def test_a(): pass\n", "pytest.ini": "[pytest]\n"})
    async with _watched(project) as (runner, levels):
        await runner.warmed()
        levels.clear()
        await runner.refresh(changed=[project / "test_a.py"])
        write(project, {"pytest.ini": "[pytest]\n"})
        await runner.refresh()
        assert not levels
        write(project, {"pytest.ini": "[pytest]\naddopts = -q\n"})
        ran = await run(runner)
        assert (ran.level, ran.reason) == ("cold", "the project's environment has changed")
        await runner.warmed()
        assert levels == [("cold", "warming up"), ("L1", "")]
        write(project, {".env": "A=1\n"})
        await runner.refresh()
        assert runner.level_reason == "warming up"
        await runner.warmed()
        assert (await run(runner)).level == "L1"


async def test_a_dead_server_is_replaced_once(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_a.py": "def test_a(): pass\n"})
    async with _watched(project) as (runner, levels):
        await runner.warmed()
        for expected in ([("cold", "warming up"), ("L1", "")], [("cold", "the warm server ended")]):
            levels.clear()
            (server,) = _tree(runner.supervisor_pid)
            os.kill(server, 9)
            await until(lambda: len(levels) >= len(expected), what="a new level")  # noqa: B023  # awaited in the loop
            assert levels == expected
        assert (await run(runner)).level == "cold"


async def test_the_server_dies_in_the_middle_of_a_run(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_a.py": "import time\ndef test_a(): time.sleep(600)\n"})
    async with _watched(project) as (runner, _):
        await runner.warmed()
        events = []
        async for event in runner.run(RunRequest("r", "cli")):
            events.append(event)
            if isinstance(event, RunStarted):
                (child,) = (pid for pid in _tree(runner.supervisor_pid) if pid == event.pid)
                server = next(pid for pid in _tree(runner.supervisor_pid) if child in _tree(pid))
                os.kill(server, 9)
        ran = Ran(events)
        assert ran.finished.exit == 3
        assert "was lost" in ran.finished.note
        assert not alive(child)


async def test_the_supervisor_dies(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_a.py": "def test_a(): pass\n"})
    async with _watched(project) as (runner, levels):
        await runner.warmed()
        below = _tree(runner.supervisor_pid)
        os.kill(runner.supervisor_pid, 9)
        await until(lambda: levels[-1][0] == "cold", what="the news")
        await until(lambda: not any(alive(pid) for pid in below), what="the end of the server")
        assert (await run(runner)).finished.counts == Counts(passed=1)


async def test_a_run_hands_itself_back_for_workers_in_other_processes(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p",
        {
            "conftest.py": """
                def pytest_addoption(parser):
                    # The options of pytest-xdist, as far as they matter here.
                    parser.addoption("--dist", default="load")
                    parser.addoption("--numprocesses", type=int, default=2)
            """,
            "test_a.py": "def test_a(): pass\ndef test_b(): pass\n",
        },
    )
    async with _watched(project) as (runner, _):
        await runner.warmed()
        chosen = await run(runner, select=frozenset({"test_a.py::test_b"}))
        assert (chosen.level, chosen.collected) == ("L1", ["test_a.py::test_b"])
        once = await run(runner, "test_a.py")
        assert (once.level, runner.level) == ("cold", "L1")
        ran = await run(runner)
        assert (ran.level, ran.reason) == ("cold", "pytest-xdist distributes the tests")
        assert ran.finished.counts == Counts(passed=2)
        assert (runner.level, runner.level_reason) == ("cold", "pytest-xdist distributes the tests")
        assert (await run(runner, select=frozenset({"test_a.py::test_b"}))).level == "L1"


async def test_a_hash_seed_reaches_a_cold_run(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p", {"test_h.py": "import os\ndef test_h(): print(hash('x'), os.environ['PYTHONHASHSEED'])\n"}
    )
    async with runner_for(project) as runner:
        seen = [(await run(runner, hash_seed=n)).report("test_h").sections[0].text for n in (1, 2, 1)]
    assert seen[0] == seen[2] != seen[1]


async def test_warnings_at_import_do_not_vanish_when_they_are_errors(tmp_path: Path) -> None:
    site = write(tmp_path / "site-packages", {"warns/__init__.py": "import warnings\nwarnings.warn('old')\n"})
    project = write(
        tmp_path / "p",
        {
            "test_w.py": "def test_w(): import warns\ndef test_more(): import xml.sax\n",
            "pytest.ini": "[pytest]\nfilterwarnings = error\n",
        },
    )
    async with _watched(project, env={**BARE, "PYTHONPATH": str(site)}) as (runner, levels):
        await runner.warmed()
        for _ in range(4):
            ran = await run(runner)
            assert ran.outcomes == {"test_w.py::test_w": "failed", "test_w.py::test_more": "passed"}
            await runner.warmed()
        assert ran.level == "L1"
    assert any("warned when it was imported" in why for _, why in levels) or len(levels) > 2


async def test_python_threads_left_by_an_import_keep_a_package_out(tmp_path: Path) -> None:
    site = write(
        tmp_path / "site-packages",
        {
            "spins/__init__.py": """
                import threading
                threading.Thread(target=threading.Event().wait, daemon=True).start()
            """
        },
    )
    project = write(
        tmp_path / "p",
        {"test_t.py": "import spins, threading\ndef test_t(): assert threading.active_count() == 2\n"},
    )
    async with _watched(project, env={**BARE, "PYTHONPATH": str(site)}) as (runner, _):
        await runner.warmed()
        for _ in range(3):
            ran = await run(runner)
            assert ran.finished.counts == Counts(passed=1)
            await runner.warmed()
        assert ran.level == "L1"


async def test_a_list_that_brings_the_server_down_is_given_up(tmp_path: Path) -> None:
    site = write(
        tmp_path / "site-packages",
        {"fatal/__init__.py": "import os, sys\nif 'pytest' in sys.argv[0]: pass\nelse: os._exit(9)\n"},
    )
    project = write(tmp_path / "p", {"test_t.py": "import fatal\ndef test_t(): pass\n"})
    async with _watched(project, env={**BARE, "PYTHONPATH": str(site)}) as (runner, _):
        await runner.warmed()
        for _ in range(3):
            assert (await run(runner)).finished.counts == Counts(passed=1)
            await runner.warmed()


async def test_the_projects_own_plugin_is_never_stale(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p",
        {
            "src/ownplug.py": "import pytest\n@pytest.fixture\ndef number(): return 1\n",
            "src/own-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: own\nVersion: 1.0\n",
            "src/own-1.0.dist-info/entry_points.txt": "[pytest11]\nown = ownplug\n",
            "test_o.py": "def test_o(number): assert number == 1\n",
        },
    )
    async with runner_for(project, "L1", env={"PYTHONPATH": str(project / "src")}) as runner:
        assert (await run(runner)).outcomes == {"test_o.py::test_o": "passed"}
        write(project, {"src/ownplug.py": "import pytest\n@pytest.fixture\ndef number(): return 22\n"})
        ran = await run(runner)
        assert ran.outcomes == {"test_o.py::test_o": "failed"}
        assert ran.level == "L1"

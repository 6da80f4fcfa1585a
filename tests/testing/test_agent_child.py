"""The process in which pytest runs looks like plain pytest, and takes failures apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.testing.model import Counts
from tests.testing.running import BARE, LEVELS, plain, run, run_once, runner_for, write


async def test_a_child_looks_like_plain_pytest(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_look.py": """
                import gc, json, os, random, signal, sys, threading, warnings
                def test_look(record_property):
                    facts = {
                        "argv": sys.argv, "main": sys.modules["__main__"].__file__, "cwd": os.getcwd(),
                        "spec": sys.modules["__main__"].__spec__.name,
                        "path": sys.path, "stdin": os.readlink("/proc/self/fd/0"), "orig": sys.orig_argv[1:],
                        "env": {k: v for k, v in os.environ.items() if k not in ("PYTEST_CURRENT_TEST", "_")},
                        "signals": [str(signal.getsignal(n)) for n in (2, 13, 15, 17)],
                        "threads": threading.active_count(), "tasks": len(os.listdir("/proc/self/task")),
                        "leader": os.getsid(0) == os.getpid() == os.getpgid(0),
                        "low": sorted(int(n) for n in os.listdir("/proc/self/fd") if int(n) < 900)[:3],
                        "sockets": [1 for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")
                                    and os.readlink(f"/proc/self/fd/{n}").startswith("socket:")],
                        "ours": [name for name in ("app", "supervisor", "server", "plugin") if name in sys.modules],
                        "gc": gc.isenabled(), "wake": signal.set_wakeup_fd(-1),
                        "inherited": os.popen("ls /proc/self/fd | wc -l").read(),
                    }
                    with open(os.environ["FACTS"], "w") as file: json.dump(facts, file)
                def test_resources():
                    with warnings.catch_warnings():
                        warnings.simplefilter("error")
                        gc.collect()
            """
        },
    )
    facts = {}
    async with runner_for(project, "L1") as runner:
        for cold in ("", "asked"):
            ran = await run(runner, env={"FACTS": str(tmp_path / "facts")}, cold=cold)
            assert ran.finished.counts == Counts(passed=2), ran.output()
            facts[ran.level] = json.loads((tmp_path / "facts").read_text())
    assert facts["L1"]["path"][0] == str(project)
    assert facts["L1"]["spec"] == "pytest.__main__"
    assert facts["L1"]["leader"]
    assert facts["L1"]["low"] == [0, 1, 2]
    assert not facts["L1"]["sockets"]
    assert not facts["L1"]["ours"]
    assert facts["L1"] == facts["cold"]


async def test_a_child_has_loaded_what_plain_pytest_loads(tmp_path: Path) -> None:
    text = """
        import os, sys
        with open(os.environ["NAMES"], "w") as file: file.write(" ".join({name.split(".")[0] for name in sys.modules}))
        def test_a(): pass
    """
    project = write(tmp_path / "p", {"test_a.py": text})
    names = tmp_path / "names"
    await plain(project, env={"NAMES": str(names), **BARE})
    expected = set(names.read_text().split()) | {"_quarterdeck_agent"}
    async with runner_for(project, "L1") as runner:
        for cold in ("", "asked"):
            await run(runner, env={"NAMES": str(names)}, cold=cold, whole=False)
            extra = set(names.read_text().split()) - expected
            assert not [name for name in extra if not name.startswith("_")], (cold, extra)


@pytest.mark.parametrize("level", LEVELS)
async def test_a_project_may_use_names_of_the_standard_library(tmp_path: Path, level: str) -> None:
    names = ("ctypes", "hashlib", "resource", "sysconfig")
    project = write(
        tmp_path / "p",
        {
            **{f"{name}.py": f"MINE = {name!r}\n" for name in names},
            "test_n.py": f"""
                import pytest, {", ".join(names)}
                @pytest.mark.parametrize("module", [{", ".join(names)}])
                def test_n(module): assert module.MINE == module.__name__
                def test_fails(): raise ValueError("told apart")
            """,
        },
    )
    assert set((await plain(project, env=BARE))[0].values()) == {"passed", "failed"}
    ran = await run_once(project, level)
    assert (ran.finished.counts, ran.finished.note) == (Counts(passed=4, failed=1), "")
    assert ran.report("test_fails").error_class


async def test_random_numbers_differ_from_run_to_run(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p", {"test_r.py": "import random, uuid\ndef test_r(): print(random.random(), uuid.uuid4())\n"}
    )
    async with runner_for(project, "L1") as runner:
        seen = [(await run(runner)).report("test_r").sections[0].text for _ in range(3)]
    assert len(set(seen)) == 3


async def test_exit_handlers_run_in_a_forked_child(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p",
        {"test_x.py": "import atexit, os\ndef test_x(): atexit.register(lambda: open('left', 'w').write('saved'))\n"},
    )
    await run_once(project, "L1")
    assert (project / "left").read_text() == "saved"


@pytest.mark.slow
async def test_multiprocessing_of_every_kind(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p",
        {
            "test_mp.py": """
                import multiprocessing, pytest
                from concurrent.futures import ProcessPoolExecutor
                def double(n): return 2 * n
                @pytest.mark.parametrize("kind", ["fork", "spawn", "forkserver"])
                def test_mp(kind):
                    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(kind)) as pool:
                        assert list(pool.map(double, [1, 2])) == [2, 4]
            """
        },
    )
    for level in ("cold", "L1"):
        ran = await run_once(project, level)
        assert ran.finished.counts == Counts(passed=3)
        assert ran.finished.note == ""


async def test_a_failure_is_taken_apart(tmp_path: Path) -> None:
    project = write(
        tmp_path / "p",
        {
            "lib.py": """
                class Odd:
                    def __repr__(self): raise RuntimeError("no repr")
                def convert(text):
                    odd = Odd()
                    long = "y" * 1000
                    return int(text)
            """,
            "test_f.py": """
                import pytest, lib
                def helper(value):
                    __tracebackhide__ = True
                    assert value == 1, "not one"
                @pytest.mark.parametrize("n", [1, 2])
                def test_chain(n):
                    wanted = n
                    try:
                        lib.convert("x%d" % n)
                    except ValueError as error:
                        raise KeyError("number %d" % n) from error
                def test_hidden(): helper(3)
                def test_recursion():
                    def again(): again()
                    again()
            """,
        },
    )
    ran = await run_once(project, "L1")
    report = ran.report("test_chain[1]")
    (failure,) = report.failures
    first, last = failure.exceptions
    assert (first.type, first.relation, last.type, last.relation) == ("ValueError", "cause", "KeyError", None)
    inner = first.frames[-1]
    assert (inner.path, inner.line, inner.own) == (str(project / "lib.py"), 7, True)
    assert inner.function == "convert"
    assert [line.number for line in inner.source] == [3, 4, 5, 6, 7]
    names = dict(inner.locals)
    assert names["odd"].startswith("<Odd instance at 0x")
    assert len(names["long"]) <= 300
    assert names["text"] == "'x1'"
    assert "The above exception was the direct cause" in failure.text
    assert report.message == "KeyError: 'number 1'"
    assert report.error_class == ran.report("test_chain[2]").error_class
    assert report.error_class != ran.report("test_hidden").error_class
    hidden = ran.report("test_hidden").failures[0].exceptions[0]
    assert [frame.function for frame in hidden.frames] == ["test_hidden"]
    assert len(ran.report("test_recursion").failures[0].exceptions[0].frames) <= 60

"""Which interpreter runs a project's tests, and what is said when none can."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from app.errors import UserError
from app.testing import interpreter
from app.testing.fingerprint import Fingerprint
from app.testing.model import Counts, ProjectSpec
from app.testing.preload import PreloadList, PreloadStore
from tests.testing.running import LEVELS, run, runner_for, write


def _spec(project: Path, python: str = "", **env: str) -> ProjectSpec:
    project.mkdir(parents=True, exist_ok=True)
    return ProjectSpec("sample", project, python=python, env=env)


def _fake(path: Path, answer: str) -> Path:
    """An executable that answers like an interpreter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def _answer(version: str = "[3, 12, 1]", has_pytest: str = "true", pip: str = "true") -> str:
    return f'{{"version": {version}, "pytest": {has_pytest}, "pip": {pip}, "site": [], "fork": true}}'


async def test_the_configured_one_comes_first(tmp_path: Path) -> None:
    _fake(tmp_path / "p/.venv/bin/python", _answer())
    _fake(tmp_path / "p/env/python", _answer("[3, 9, 0]"))
    assert (await interpreter.find(_spec(tmp_path / "p", "env/python"))).path == str(tmp_path / "p/env/python")
    assert (await interpreter.find(_spec(tmp_path / "p"))).path == str(tmp_path / "p/.venv/bin/python")
    assert (await interpreter.find(_spec(tmp_path / "p", sys.executable))).version == sys.version_info[:3]


async def test_the_order_without_a_configured_one(tmp_path: Path) -> None:
    active = _fake(tmp_path / "active/bin/python", _answer())
    found = await interpreter.find(_spec(tmp_path / "p", VIRTUAL_ENV=str(tmp_path / "active")))
    assert found.path == str(active)
    # An active environment without pytest is passed over; ours has it.
    _fake(active, _answer(has_pytest="false"))
    found = await interpreter.find(_spec(tmp_path / "p", VIRTUAL_ENV=str(tmp_path / "active")))
    assert found.path == sys.executable
    _fake(tmp_path / "p/venv/bin/python", _answer())
    found = await interpreter.find(_spec(tmp_path / "p", VIRTUAL_ENV=str(tmp_path / "active")))
    assert found.path == str(tmp_path / "p/venv/bin/python")


async def test_a_link_into_an_environment_is_kept(tmp_path: Path) -> None:
    (tmp_path / "p/.venv/bin").mkdir(parents=True)
    (tmp_path / "p/.venv/bin/python").symlink_to(sys.executable)
    assert (await interpreter.find(_spec(tmp_path / "p"))).path == str(tmp_path / "p/.venv/bin/python")


async def test_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        await interpreter.find(_spec(tmp_path / "p", "no/python"))
    assert caught.value.what == f"there is no Python interpreter at {tmp_path / 'p/no/python'}"
    assert caught.value.where == "projects[sample].python"


async def test_too_old(tmp_path: Path) -> None:
    _fake(tmp_path / "old", _answer("[3, 7, 16]"))
    with pytest.raises(UserError) as caught:
        await interpreter.find(_spec(tmp_path / "p", str(tmp_path / "old")))
    assert "is Python 3.7.16" in caught.value.what
    assert "needs Python 3.8 or later" in caught.value.what


@pytest.mark.parametrize(
    ("pip", "command"), [("true", "{} -m pip install pytest"), ("false", "uv pip install --python {} pytest")]
)
async def test_without_pytest(tmp_path: Path, pip: str, command: str) -> None:
    python = _fake(tmp_path / "p/.venv/bin/python", _answer(has_pytest="false", pip=pip))
    with pytest.raises(UserError) as caught:
        await interpreter.find(_spec(tmp_path / "p"))
    assert command.format(python) in caught.value.fix


async def test_a_real_environment_without_pytest(tmp_path: Path) -> None:
    await asyncio.to_thread(venv.create, tmp_path / "p/.venv", symlinks=True)
    with pytest.raises(UserError, match="pytest is not installed"):
        await interpreter.find(_spec(tmp_path / "p"))


@pytest.mark.parametrize("text", ["echo hello", "exit 3", "kill -9 $$", "echo '{\"version\": 3}'"])
async def test_what_is_no_interpreter(tmp_path: Path, text: str) -> None:
    path = _fake(tmp_path / "odd", "")
    path.write_text(f"#!/bin/sh\n{text}\n")
    with pytest.raises(UserError, match="does not work as a Python interpreter"):
        await interpreter.find(_spec(tmp_path / "p", str(path)))


async def test_what_an_interpreter_says_first(tmp_path: Path) -> None:
    path = _fake(tmp_path / "shim", "")
    path.write_text(
        "#!/bin/sh\nprintf '\\n  pyenv: python3.8: command not found  \\n\\nNote: see help\\n' >&2\nexit 127\n"
    )
    with pytest.raises(UserError) as caught:
        await interpreter.find(_spec(tmp_path / "p", str(path)))
    assert caught.value.what == f"{path} does not work as a Python interpreter: pyenv: python3.8: command not found"


async def test_the_project_vanishes_and_returns(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_a.py": "def test_a(): pass\n"})
    async with runner_for(project) as runner:
        shutil.move(project, tmp_path / "away")
        with pytest.raises(UserError, match="is gone"):
            await run(runner)
        shutil.move(tmp_path / "away", project)
        assert (await run(runner)).finished.counts == Counts(passed=1)


async def test_the_interpreter_vanishes_and_returns(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {"test_a.py": "def test_a(): pass\n"})
    link = tmp_path / "python"
    link.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    link.chmod(0o755)
    async with runner_for(project, python=str(link)) as runner:
        assert (await run(runner)).finished.exit == 0
        link.rename(tmp_path / "away")
        with pytest.raises(UserError, match="no Python interpreter at"):
            await run(runner)
        (tmp_path / "away").rename(link)
        assert (await run(runner)).finished.exit == 0


def _oldest() -> str | None:
    """A Python 3.8 that can borrow a pytest that supports it, where the machine has one."""
    found = sorted(map(str, (Path.home() / ".pyenv/versions").glob("3.8*/bin/python3.8")))
    on_path = shutil.which("python3.8")
    for path in [*found, *([on_path] if on_path else [])]:
        # A shim of pyenv is there even where the version behind it is not active.
        if subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


STAND_IN = {
    "pytest/__init__.py": """
        import sys
        def hookimpl(**options): return lambda function: function
        class Config:
            option = type("Option", (), {"continue_on_collection_errors": False})()
            pluginmanager = type("Plugins", (), {"get_plugin": lambda self, name: None})()
            def getoption(self, name, default=None): return default
            def getini(self, name): return []
        class Item:
            nodeid, location = "test_a.py::test_a", ("test_a.py", 0, "test_a")
        class Report:
            nodeid, sections, duration, outcome = Item.nodeid, [], 0.5, "passed"
            def __init__(self, when): self.when = when
        class Session:
            config, items = Config(), [Item()]
            shouldfail = shouldstop = False
        def main(args, plugins=()):
            (plugin,) = plugins
            if not hasattr(plugin, "pytest_sessionstart"): return 0
            session = Session()
            plugin.pytest_cmdline_main(session.config)
            plugin.pytest_configure(session.config)
            plugin.pytest_sessionstart(session)
            plugin.pytest_collection_finish(session)
            plugin.pytest_runtest_logstart(Item.nodeid)
            for when in ("setup", "call", "teardown"): plugin.pytest_runtest_logreport(Report(when))
            plugin.pytest_runtest_logfinish(Item.nodeid)
            plugin.pytest_sessionfinish()
            return 0
    """,
    "pytest/__main__.py": "",
    "_pytest/__init__.py": "",
    "pluggy/__init__.py": "",
}


@pytest.mark.parametrize("level", LEVELS)
async def test_the_oldest_python_runs_the_agent(tmp_path: Path, level: str) -> None:
    python = _oldest()
    if python is None:
        pytest.skip("there is no Python 3.8 on this machine; `pyenv install 3.8` provides one")
    # That Python has no pytest of its own here: a stand-in calls the hooks, the agent is the real one.
    site = write(tmp_path / "site-packages", STAND_IN)
    project = write(tmp_path / "p", {"test_a.py": ""})
    async with runner_for(project, level, python=python, env={"PYTHONPATH": str(site)}) as runner:
        ran = await run(runner)
    assert (ran.level, ran.finished.counts, ran.finished.note) == (level, Counts(passed=1), "")
    assert ran.report("test_a").duration_s == 1.5


def test_a_fingerprint_follows_what_matters(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "one-1.dist-info").mkdir(parents=True)
    mark = Fingerprint(tmp_path)

    def now() -> str:
        return mark.whole(sys.executable, (str(site),), {"A": "1"})

    first = now()
    (site / "__pycache__").mkdir()
    (tmp_path / "test_x.py").write_text("")
    assert now() == first
    (site / "two-1.dist-info").mkdir()
    second = now()
    assert second != first
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    third = now()
    assert third != second
    os.utime(tmp_path / "pyproject.toml", (1, 1))
    assert now() == third
    assert mark.whole(sys.executable, (str(site),), {"A": "2"}) != third


def test_the_preload_list_survives_and_forgets_old_evidence(tmp_path: Path) -> None:
    store = PreloadStore(tmp_path, tmp_path / "p", "/bin/python")
    assert store.load("packages") == PreloadList()
    kept = PreloadList(("decimal", "numpy"), frozenset({"spins"}))
    store.save(kept, "packages")
    assert store.load("packages") == kept
    assert store.load("others") == PreloadList(("decimal", "numpy"))
    (path,) = (tmp_path / "preload").iterdir()
    path.write_text("{")
    assert store.load("packages") == PreloadList()
    (tmp_path / "file").touch()
    PreloadStore(tmp_path / "file", tmp_path, "x").save(kept, "packages")


def test_what_is_worth_a_new_server() -> None:
    listed = PreloadList(("json", "json.decoder"), frozenset({"spins"}))
    assert not listed.gains(PreloadList(("json", "json.encoder", "spins.more")))
    assert listed.gains(PreloadList(("json", "numpy")))
    assert listed.gains(PreloadList(tuple(f"json.m{n}" for n in range(20))))
    assert listed.learned(["numpy"], complete=False).modules == ("json", "json.decoder", "numpy")
    assert listed.learned(["numpy"], complete=True).modules == ("numpy",)

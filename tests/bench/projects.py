"""The projects that are measured: two public ones with pinned versions, and made-up ones of any size."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STORE = ROOT / ".bench"
PYTEST = "pytest==8.4.2"
WATCHER = ("pytest-watcher==0.6.3", "watchdog==4.0.2")
"""The peer. It does not notice saves with watchdog 7."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A public project: its source package, what it needs, and the modules that are saved in turn."""

    name: str
    weight: str
    package: str
    needs: tuple[str, ...]
    modules: tuple[str, ...]
    sources: str = ""
    """Folder that has to be on the import path."""
    config: str = ""
    """A `pytest.ini` for a project that has none."""
    scope: str = ""
    """Which of its tests are run, where it is not all."""


def _without(*tests: str) -> str:
    lines = "".join(f"\n    --deselect=backtesting/test/_test.py::{name}" for name in tests)
    return f"[pytest]\naddopts ={lines}\n"


LIGHT = Subject(
    name="click",
    weight="light",
    package="click==8.3.1",
    needs=(),
    modules=tuple(
        f"src/click/{name}.py" for name in ("core", "utils", "formatting", "types", "termui", "decorators", "parser")
    ),
    sources="src",
)
_PLOTS = ("TestPlot", "TestOptimize", "TestLib::test_MultiBacktest", "TestLib::test_plot_heatmaps")
_SLOW = (
    "TestBacktest::test_assertions",
    "TestBacktest::test_compute_stats",
    "TestBacktest::test_dont_overwrite_data",
    "TestBacktest::test_run",
    "TestBacktest::test_spread_commission",
    "TestBacktest::test_stop_price_between_sl_tp",
    "TestBacktest::test_trade_enter_hit_sl_on_same_day",
    "TestLib::test_FractionalBacktest",
    "TestLib::test_compute_stats",
    "TestRegressions::test_optimize_datetime_index_with_timezone",
    "TestUtil::test_indicators_picklable",
)
HEAVY = Subject(
    name="backtesting",
    weight="heavy",
    package="backtesting==0.6.5",
    needs=("numpy==2.3.4", "pandas==2.3.3", "bokeh==3.8.0"),
    modules=tuple(f"backtesting/{name}.py" for name in ("lib", "backtesting", "_stats", "_util", "_plotting")),
    config=_without(*_PLOTS, *_SLOW),
    scope="its tests of less than about 0.2 s each",
)
SLOWER = replace(
    HEAVY,
    weight="heavy and slow",
    config=_without(*_PLOTS),
    scope="all but its plots and optimisations; its first test alone takes a fifth of a cold run's time to it",
)
SUBJECTS = (LIGHT, HEAVY, SLOWER)


@dataclass(slots=True)
class Copy:
    """A project of its own folder, so that nobody but its watcher sees its saves."""

    path: Path
    python: Path
    modules: tuple[str, ...]
    env: dict[str, str]
    saves: int = 0

    def save(self) -> float:
        """Write a module with a changed comment in it, as editors do (a new file takes the old one's place).

        Returns when, on the monotonic clock, it was about to be written.
        """
        target = self.path / self.modules[self.saves % len(self.modules)]
        self.saves += 1
        lines = [line for line in target.read_text("utf-8").splitlines() if not line.startswith("# saved ")]
        text = "\n".join([*lines, f"# saved {self.saves}"]) + "\n"
        fresh = target.with_name(f".{target.name}.new~")
        now = time.monotonic()
        fresh.write_text(text, "utf-8")
        fresh.replace(target)
        return now


def prepare(subject: Subject, say: Callable[[str], None]) -> tuple[Path, Path]:
    """Fetch the source package and make its environment, both kept for the next time: (source, interpreter)."""
    source = STORE / subject.package.replace("==", "-")
    venv = STORE / f"{subject.name}-venv"
    python = venv / "bin" / "python"
    wanted = "\n".join((sys.version, PYTEST, *WATCHER, *subject.needs))
    stamp = venv / "bench-stamp.txt"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        say(f"making the environment of {subject.package}")
        shutil.rmtree(venv, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(venv))
        _run(str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", PYTEST, *WATCHER, *subject.needs)
        stamp.write_text(wanted, "utf-8")
    if not source.exists():
        say(f"fetching the source package of {subject.package}")
        packages = STORE / "packages"
        fetch = ("-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:")
        _run(str(python), *fetch, "-d", str(packages), subject.package)
        (archive,) = packages.glob(f"{source.name}*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(STORE, filter="data")
    return source, python


def copy(subject: Subject, source: Path, python: Path, folder: Path) -> Copy:
    """A fresh copy of a public project in `folder`."""
    path = folder / source.name
    shutil.copytree(source, path)
    if subject.config:
        (path / "pytest.ini").write_text(subject.config, "utf-8")
    env = {"PYTHONPATH": str(path / subject.sources)} if subject.sources else {}
    return Copy(path, python, subject.modules, env)


def trivial(folder: Path, tests: int, *, per_file: int = 100) -> Path:
    """A project of so many tests that do nothing, in files of a hundred."""
    (folder / "tests").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n", "utf-8")
    (folder / "thing.py").write_text("VALUE = 1\n", "utf-8")
    numbers = iter(range(tests))
    for index in itertools.count():
        part = list(itertools.islice(numbers, per_file))
        if not part:
            return folder
        body = "".join(f"\n\ndef test_number_{number}():\n    assert VALUE == 1\n" for number in part)
        (folder / "tests" / f"test_part_{index:03}.py").write_text(f"from thing import VALUE\n{body}", "utf-8")
    raise AssertionError("the numbers end")


def pure_python() -> Path:
    """An interpreter with pytest and little else: the light project's."""
    return prepare(LIGHT, lambda text: None)[1]


def _run(*command: str) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}")

"""What a run of thousands of trivial tests costs on top of plain pytest, and what it does to the app."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from tests.bench import projects
from tests.bench.figures import Judged, Report, Table, ratio, seconds, times
from tests.bench.scale import Scale
from tests.bench.watchers import LIMIT_S, QUIET_S, run_pytest
from tests.e2e import processes
from tests.e2e.program import ROOT, clean_environment, qd
from tests.e2e.stream import Watch
from tests.e2e.terminal import Terminal

PLAIN, WARM, COLD = "python -m pytest -q", "our runner, L1", "our runner, cold"
METHOD = (
    "Trivial tests in files of a hundred, which is the worst case for a runner: nothing but its own work is left to "
    "measure. Plain pytest from its start to its exit; ours from the command `all` on the standard input of a running "
    "`qd test watch --json` to its `finished`, from the warm server and with `tests.warm = false`. One of each per "
    "round."
)
APP_METHOD = (
    "Then the app runs the same tests with `a` in a pseudo-terminal of 160×48. Its memory is that of its own process "
    "before the first run and after the last; how late its event loop is, a timer of 5 ms on it tells."
)


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure both."""
    tests = scale.overhead_tests
    report = Report(
        "overhead",
        f"A run of {tests:,} trivial tests",
        text=[METHOD, APP_METHOD],
        commands=[
            "python -m pytest -q",
            "qd test watch --path . --python VENV/bin/python --json",
            "qd --config config.toml",
        ],
    )
    python = projects.pure_python()
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as name:
        folder = Path(name)
        path = projects.trivial(folder / "trivial", tests)
        runner(report, path, python, folder, scale, say)
        app(report, path, python, folder, scale, say)
    return report


def runner(report: Report, path: Path, python: Path, folder: Path, scale: Scale, say: Callable[[str], None]) -> None:
    """Wall and CPU of whole runs."""
    env = clean_environment(folder / "home")
    rounds = scale.overhead_rounds
    with ExitStack() as stack:
        watches = {
            WARM: stack.enter_context(_watch(path, python, folder / "warm", {}, scale.quiet_s)),
            COLD: stack.enter_context(
                _watch(path, python, folder / "cold", {"QUARTERDECK_TESTS__WARM": "false"}, scale.quiet_s)
            ),
        }
        wall: dict[str, list[float]] = {PLAIN: [], WARM: [], COLD: []}
        cpu: dict[str, list[float]] = {PLAIN: [], WARM: [], COLD: []}
        for index in range(rounds):
            order = list(wall) if index % 2 == 0 else list(reversed(wall))
            for name in order:
                if name == PLAIN:
                    at = time.monotonic()
                    cpu[name].append(run_pytest(python, path, env, "-q"))
                    wall[name].append(time.monotonic() - at)
                else:
                    took, used = _run_all(watches[name])
                    wall[name].append(took)
                    cpu[name].append(used)
            say(f"round {index + 1} of {rounds}: " + ", ".join(f"{name} {wall[name][-1]:.2f} s" for name in wall))
    rows = [
        (
            name,
            seconds(wall[name]),
            f"{median(cpu[name]):.2f} s",
            times(ratio(wall[name], wall[PLAIN])),
            times(ratio(cpu[name], cpu[PLAIN])),
        )
        for name in wall
    ]
    report.tables.append(Table((f"{rounds} rounds", "wall", "CPU", "wall ÷ plain", "CPU ÷ plain"), tuple(rows)))
    for name in (WARM, COLD):
        report.judged.append(Judged(f"wall, {name} ÷ plain", ratio(wall[name], wall[PLAIN]), "at most", 1.15, "×"))


@contextmanager
def _watch(path: Path, python: Path, home: Path, env: dict[str, str], quiet_s: float) -> Iterator[Watch]:
    command = qd("test", "watch", "--path", path, "--python", python, "--json")
    with Watch(command, home=home, env=env) as watch:
        watch.wait_for("ready", timeout=LIMIT_S)
        processes.quiet(watch.pid, quiet_s=quiet_s, limit_s=30.0)
        yield watch


def _run_all(watch: Watch) -> tuple[float, float]:
    before = processes.usage(watch.pid, memory=False).cpu_s
    at = watch.tell("all")
    took = float(watch.wait_for("finished", after=at, timeout=LIMIT_S)["t"]) - at
    after = processes.quiet(watch.pid, quiet_s=QUIET_S, limit_s=20.0).cpu_s
    return took, after - before


def app(report: Report, path: Path, python: Path, folder: Path, scale: Scale, say: Callable[[str], None]) -> None:
    """Memory and lateness of the app's own process."""
    tests, runs = scale.overhead_tests, scale.app_runs
    config, lags = folder / "config.toml", folder / "lags.txt"
    config.write_text(
        f"[tests]\non_start = false\n[[projects]]\nname = 'trivial'\npath = '{path}'\npython = '{python}'\n", "utf-8"
    )
    command: list[str | Path] = [
        sys.executable,
        ROOT / "tests/bench/programs/lag.py",
        lags,
        "--config",
        config,
        "--start",
        "tests",
    ]
    with Terminal(command, home=folder / "app") as terminal:
        terminal.wait_for("trivial", 30.0)
        processes.quiet(terminal.pid, quiet_s=scale.quiet_s, limit_s=30.0)
        before, took, peak = _rss(terminal), [], 0.0
        since = time.monotonic()
        for index in range(runs):
            at = time.monotonic()
            terminal.press("a")
            peak = max(peak, _until_done(terminal, tests, first=index == 0))
            took.append(time.monotonic() - at)
            say(f"run {index + 1} of {runs} in the app: {took[-1]:.2f} s, {_rss(terminal):.1f} MB")
        processes.quiet(terminal.pid, quiet_s=scale.quiet_s, limit_s=30.0)
        after = _rss(terminal)
        late = [late for at, late in parse_lags(lags.read_text("ascii")) if at > since]
        terminal.settle()
        terminal.press("q")
        terminal.wait(30.0)
    worst = max(late, default=0.0) * 1000
    report.tables.append(
        Table(
            ("the app", ""),
            (
                ("memory before", f"{before:.1f} MB"),
                ("highest while it runs", f"{peak:.1f} MB"),
                (f"memory after {runs} runs", f"{after:.1f} MB"),
                ("event loop, worst", f"{worst:.0f} ms"),
                ("event loop, times over 50 ms", str(sum(one > 0.05 for one in late))),
                ("a run, from the key to the end on screen", seconds(took)),
            ),
        )
    )
    report.judged.append(Judged("memory that the app grows by", after - before, "at most", 60.0, " MB", 1))
    report.judged.append(Judged("event loop, worst lateness", worst, "at most", 100.0, " ms", 0))


def _rss(terminal: Terminal) -> float:
    process = processes.read(terminal.pid)
    if process is None:
        raise RuntimeError("the app has ended")
    return process.rss_mb


def _until_done(terminal: Terminal, tests: int, *, first: bool) -> float:
    """Wait for the end of a run on screen; the highest memory seen meanwhile."""
    peak, end = 0.0, time.monotonic() + LIMIT_S
    ended = rf"✓{tests} all green in .*by key"
    if not first:
        terminal.wait_gone(ended)
    while time.monotonic() < end:
        peak = max(peak, _rss(terminal))
        if re.search(ended, terminal.text()):
            return peak
        time.sleep(processes.POLL_S)
    raise TimeoutError(f"the run did not end on screen:\n{terminal.text()}")


def parse_lags(text: str) -> list[tuple[float, float]]:
    """Lines of `lag.py`: when, and how late. A last line that is still being written is left out."""
    whole = text[: text.rfind("\n") + 1]
    return [(float(at), float(late)) for at, late in (line.split() for line in whole.splitlines())]

"""The app against a minimal Textual app: start, keys, idle cost, memory."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench import projects
from tests.bench.figures import Judged, Report, Table, percentile, ratio, seconds, times
from tests.bench.scale import Scale
from tests.e2e import processes
from tests.e2e.program import ROOT, qd
from tests.e2e.terminal import Terminal

MINIMAL, OURS = "minimal app", "Quarterdeck"
GLYPHS = 20
"""A screen with fewer characters than this has not been painted yet."""
PER_FILE = 5
KEY_GAP_S = 0.05
NO_RUN = {"QUARTERDECK_TESTS__ON_START": "false"}
"""For those who only come for the first frame: a run that begins after it would have to be ended by force."""
METHOD = (
    "In pseudo-terminals of 160×48 that answer what programs ask terminals. The minimal app has Textual's Header, a "
    "Static and Textual's Footer. Starts alternate, one of each per round, wall and CPU from the start of the process "
    "to the frame that has text in it; Quarterdeck starts into its Tests screen on the last state of its project, as "
    "it does every day but the first. Ratios are medians of the ratios within a round. A key's time runs from writing "
    "it to the first output that follows; the keys move the cursor through the list of tests. Idle cost is that of the "
    "whole process tree, watching switched on, after the first run of all tests."
)


@dataclass(slots=True)
class Use:
    """What was seen while one app was open."""

    keys_s: list[float] = field(default_factory=list)
    idle_cpu_s_per_min: float = 0.0
    rss_mb: float = 0.0
    tree_rss_mb: float = 0.0
    tree_pss_mb: float = 0.0
    processes: int = 0


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure start, use and modules."""
    report = Report(
        "app",
        f"The app, watching a project of {scale.app_tests} tests",
        text=[METHOD],
        commands=["python tests/bench/programs/minimal_app.py", "qd --config config.toml --start tests"],
    )
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as name:
        folder = Path(name)
        path = projects.trivial(folder / "project", scale.app_tests, per_file=PER_FILE)
        config = folder / "config.toml"
        python = projects.pure_python()
        config.write_text(f"[[projects]]\nname = 'project'\npath = '{path}'\npython = '{python}'\n", "utf-8")
        arguments = ("--config", config, "--start", "tests")
        commands = {MINIMAL: [sys.executable, str(ROOT / "tests/bench/programs/minimal_app.py")], OURS: qd(*arguments)}
        say("keys, idle cost and memory")
        used = {name: use(name, command, folder / "home", scale) for name, command in commands.items()}
        starts = {name: Starts() for name in commands}
        for index in range(scale.startup_rounds):
            for name in list(commands) if index % 2 == 0 else list(reversed(commands)):
                start(commands[name], folder / "home", starts[name])
            say(f"start {index + 1} of {scale.startup_rounds}: {starts[OURS].wall[-1] / starts[MINIMAL].wall[-1]:.2f}×")
        counts = {
            MINIMAL: modules([str(ROOT / "tests/bench/programs/minimal_app.py")], folder),
            OURS: modules([str(ROOT / "tests/e2e/qd.py"), *map(str, arguments)], folder),
        }
    tell(report, starts, used, counts)
    return report


@dataclass(slots=True)
class Starts:
    """Wall and CPU to the first frame, start by start."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def start(command: list[str], home: Path, starts: Starts) -> None:
    """Open an app until it has painted, once."""
    with Terminal(command, home=home, env=NO_RUN) as terminal:
        frame = terminal.moment(painted)
        starts.cpu.append(frame.cpu_s)
        starts.wall.append(frame.at - terminal.started)
        terminal.settle(0.5)
        terminal.press("q")
        terminal.wait()


def painted(text: str) -> bool:
    """Whether there is text on the screen."""
    return len("".join(text.split())) > GLYPHS


def use(name: str, command: list[str], home: Path, scale: Scale) -> Use:
    """Press keys, then leave the app alone."""
    used = Use()
    with Terminal(command, home=home) as terminal:
        terminal.moment(painted)
        if name == OURS:
            terminal.wait_for(rf"✓{scale.app_tests} all green in", 60.0)
        processes.quiet(terminal.pid, quiet_s=scale.quiet_s, limit_s=30.0, busy=0.05)
        rows = max(scale.app_tests // PER_FILE - 1, 1)
        for index in range(scale.keys):
            at = time.monotonic()
            terminal.press("down" if index // rows % 2 == 0 else "up")
            used.keys_s.append(terminal.next_output(at) - at)
            terminal.settle(KEY_GAP_S, 2.0)
        processes.quiet(terminal.pid, quiet_s=scale.quiet_s, limit_s=30.0, busy=0.05)
        before, at = terminal.usage(memory=False), time.monotonic()
        time.sleep(scale.idle_s)
        after, took = terminal.usage(), time.monotonic() - at
        used.idle_cpu_s_per_min = (after.cpu_s - before.cpu_s) * 60 / took
        used.rss_mb = after.processes[0].rss_mb
        used.tree_rss_mb, used.tree_pss_mb, used.processes = after.rss_mb, after.pss_mb, len(after.processes)
        terminal.press("q")
        terminal.wait(30.0)
    return used


def modules(script: list[str], folder: Path) -> int:
    """How many modules are loaded at an app's first frame."""
    target = folder / "modules.json"
    target.unlink(missing_ok=True)
    command = [sys.executable, str(ROOT / "tests/bench/programs/modules.py"), str(target), *script]
    with Terminal(command, home=folder / "home", env=NO_RUN) as terminal:
        terminal.moment(painted)
        terminal.settle(0.5)
        terminal.press("q")
        terminal.wait(30.0)
    return len(json.loads(target.read_text("utf-8")))


def tell(report: Report, starts: dict[str, Starts], used: dict[str, Use], counts: dict[str, int]) -> None:
    """Put the figures into the report."""
    ours, minimal = starts[OURS], starts[MINIMAL]
    report.tables.append(
        Table(
            (f"start, {len(ours.wall)} rounds", "wall", "CPU", "modules at the first frame"),
            tuple((name, seconds(one.wall), seconds(one.cpu), str(counts[name])) for name, one in starts.items()),
        )
    )
    rows = []
    for name, one in used.items():
        keys = (f"{percentile(one.keys_s, share) * 1000:.1f} ms" for share in (0.5, 0.95))
        memory = (f"{one.rss_mb:.1f} MB", f"{one.tree_pss_mb:.1f} MB in {one.processes}")
        rows.append((name, *keys, f"{one.idle_cpu_s_per_min:.2f} s/min", *memory))
    header = (f"in use, {len(used[OURS].keys_s)} keys", "key p50", "key p95", "idle CPU", "memory (RSS)", "tree (PSS)")
    report.tables.append(Table(header, tuple(rows)))
    wall, cpu = ratio(ours.wall, minimal.wall), ratio(ours.cpu, minimal.cpu)
    app = used[OURS]
    report.judged += [
        Judged("first frame, wall ÷ minimal", wall, "at most", 1.25, "×"),
        Judged("first frame, CPU ÷ minimal", cpu, "at most", 1.25, "×"),
        Judged("modules more than minimal at the first frame", counts[OURS] - counts[MINIMAL], "at most", 60, "", 0),
        Judged("idle CPU with watching on", app.idle_cpu_s_per_min, "at most", 0.3, " s/min"),
        Judged("key → output, p50", percentile(app.keys_s, 0.5) * 1000, "at most", 10.0, " ms", 1),
        Judged("key → output, p95", percentile(app.keys_s, 0.95) * 1000, "at most", 20.0, " ms", 1),
        Judged("memory at idle, the app's process", app.rss_mb, "at most", 90.0, " MB", 1),
    ]
    report.notes.append(
        f"Memory of the whole tree, warm server included: {app.tree_rss_mb:.1f} MB RSS, {app.tree_pss_mb:.1f} MB with "
        f"shared pages counted once; key p50 is {times(median(app.keys_s) / median(used[MINIMAL].keys_s))} the minimal "
        "app's."
    )

"""What the section about git measures: readings, the same by git alone, following, and the screen."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path

from tests.bench import gitrepo, projects
from tests.bench.gitrepo import Size
from tests.bench.overhead import parse_lags
from tests.e2e import processes
from tests.e2e.program import ROOT, clean_environment, qd
from tests.e2e.stream import Watch
from tests.e2e.terminal import Terminal

PROGRAMS = ROOT / "tests" / "bench" / "programs"
BASE = "refs/remotes/origin/main"
LIMIT_S = 120.0
PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
"""The settings of whoever runs this would change what is measured."""
AUTHOR = {f"GIT_{who}_{what}": "bench@example.test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
LIST_FIELDS = (
    *("HEAD", "refname:short", "upstream:short", "upstream:track", "subject", "objectname", "committerdate:unix"),
)
"""What lazygit asks git for."""


def git(folder: Path, *args: str, given: str = "", env: Mapping[str, str] | None = None) -> str:
    """What git prints."""
    done = subprocess.run(
        ("git", *args),
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **PLAIN, **(env or {})},
    )
    if done.returncode:
        raise RuntimeError(f"git {args[0]}: exit {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def made(size: Size, say: Callable[[str], None]) -> Path:
    """The synthetic repository of this size, with a commit-graph; made once and kept."""
    folder = projects.STORE / "git" / "-".join(map(str, astuple(size)))
    stamp = folder / "stamp.txt"
    wanted = git(Path.cwd(), "version") + (Path(gitrepo.__file__).read_text("utf-8"))
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        say(f"making a repository of {size.branches + 1:,} branches")
        shutil.rmtree(folder, ignore_errors=True)
        gitrepo.make(folder, size, commit_graph=True)
        stamp.write_text(wanted, "utf-8")
    return folder / "work"


def copied(source: Path, target: Path, *, commit_graph: bool = True) -> Path:
    """A copy of a repository whose index knows the files of the copy."""
    shutil.copytree(source, target, symlinks=True)
    if not commit_graph:
        (target / ".git/objects/info/commit-graph").unlink()
    git(target, "update-index", "-q", "--refresh")
    return target


# Reading


@dataclass(slots=True)
class Readings:
    """One value per round, in seconds, of one repository."""

    branches: int = 0
    table: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    processes: int = 0
    listing: list[float] = field(default_factory=list)
    """lazygit's list."""
    divergence: list[float] = field(default_factory=list)
    """What lazygit runs besides for how far branches are from the main one; of all branches."""
    one_by_one: list[float] = field(default_factory=list)
    """`git rev-list --left-right --count` of all branches."""
    compared: int = 0
    """Counts of ours that git was asked for as well."""


def read(path: Path, scratch: Path, readings: Readings, counts: Path | None = None) -> None:
    """A cold and a warm reading, each in a process of its own."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for warm in (False, True):
        command = [sys.executable, str(PROGRAMS / "git_read.py"), str(path), str(scratch / "git.db")]
        command += [str(counts)] if counts and not warm else []
        env = {**clean_environment(scratch), **PLAIN}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=env, timeout=LIMIT_S)
        found = json.loads(done.stdout)
        (readings.warm if warm else readings.cold).append(found["counted"])
        if not warm:
            readings.branches = found["branches"]
            readings.table.append(found["table"])
            readings.gaps.append(found["gap"])
            readings.processes = max(readings.processes, found["processes"])


def ask_git(path: Path, readings: Readings, sampled: int, counts: Path) -> None:
    """The same by git alone; of a sample, and as much longer as there are more branches."""
    at = time.monotonic()
    listed = git(path, "for-each-ref", "--sort=-committerdate", f"--format={_format(LIST_FIELDS)}", "refs/heads")
    readings.listing.append(time.monotonic() - at)
    branches = listed.count("\n")
    ours = json.loads(counts.read_text("utf-8"))
    start = len(readings.one_by_one) * sampled
    names = sorted(ours)
    chosen = [names[(start + number) * 7919 % len(names)] for number in range(sampled)]
    took = 0.0
    for ref in chosen:
        at = time.monotonic()
        ahead, behind = map(int, git(path, "rev-list", "--left-right", "--count", f"{ref}...{BASE}").split())
        took += time.monotonic() - at
        if ours[ref][2:] != [ahead, behind]:
            raise RuntimeError(f"{ref}: git counts {ahead} and {behind}, the reader {ours[ref][2:]}")
        readings.compared += 1
    readings.one_by_one.append(took / sampled * branches)
    readings.divergence.append(_divergence(path, chosen, branches))


def _divergence(path: Path, chosen: list[str], branches: int) -> float:
    at = time.monotonic()
    if knows_ahead_behind():
        git(path, "for-each-ref", f"--format=%(refname)%00%(ahead-behind:{BASE})", "refs/heads")
        return time.monotonic() - at
    for ref in chosen:
        base = git(path, "merge-base", ref, BASE).strip()
        git(path, "for-each-ref", "--contains", base, "--format=%(refname)", BASE)
        git(path, "rev-list", "--left-right", "--count", f"{ref}...{BASE}")
    return (time.monotonic() - at) / len(chosen) * branches


def knows_ahead_behind() -> bool:
    """Whether this git counts many branches at once."""
    numbers = git(Path.cwd(), "version").removeprefix("git version ").split()[0].split(".")[:2]
    return tuple(map(int, numbers)) >= (2, 41)


def _format(fields: tuple[str, ...]) -> str:
    return "%00".join(f"%({name})" for name in fields)


# Moving a ref


@dataclass(frozen=True, slots=True)
class Mover:
    """A branch whose commits to come lie ready, so that moving it is one `git update-ref`."""

    path: Path
    ref: str
    oids: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, moves: int) -> Mover:
        """The youngest branch besides the default one."""
        listed = git(path, "for-each-ref", "--sort=-committerdate", "--format=%(refname)", "refs/heads").split()
        ref = next(name for name in listed if name != "refs/heads/main")
        oids, tip = [], git(path, "rev-parse", ref).strip()
        for number in range(moves):
            tip = git(path, "commit-tree", f"{ref}^{{tree}}", "-p", tip, "-m", f"later {number}", env=AUTHOR).strip()
            oids.append(tip)
        return cls(path, ref, tuple(oids))

    @property
    def name(self) -> str:
        """Its last part."""
        return self.ref.rpartition("/")[2]

    def move(self, number: int) -> float:
        """Move it on; when, on the monotonic clock, the process that does so was about to be started."""
        at = time.monotonic()
        git(self.path, "update-ref", self.ref, self.oids[number])
        return at


# Following


@dataclass(slots=True)
class Followed:
    """What following costs while nothing happens, and how soon a moved ref is published, in seconds."""

    signature: float = 0.0
    checked_processes: int = 0
    idle_s: float = 0.0
    idle_cpu_s: float = 0.0
    idle_processes: int = 0
    published: list[float] = field(default_factory=list)


@contextmanager
def following(home: Path, ref: str, paths: list[Path]) -> Iterator[Watch]:
    """The service in a process of its own, when it has read everything."""
    command = [sys.executable, str(PROGRAMS / "git_follow.py"), str(home), ref, *map(str, paths)]
    with Watch(command, home=home, env=PLAIN) as watch:
        watch.wait_for("ready")
        errors = _settle(watch)["errors"]
        if errors:
            raise RuntimeError(errors[0])
        # The end of what was begun for the first reading: files written late, threads that were needed then.
        processes.quiet(watch.pid, quiet_s=1.0, limit_s=10.0, busy=0.02)
        yield watch


def _settle(watch: Watch) -> dict[str, object]:
    return watch.wait_for("settled", after=watch.tell("settle"), timeout=LIMIT_S)


def follow_one(path: Path, home: Path, mover: Mover) -> Followed:
    """One repository: the check, and its ref moved again and again."""
    found = Followed()
    with following(home, mover.ref, [path]) as watch:
        checked = watch.wait_for("checked", after=watch.tell("check"))
        found.signature, found.checked_processes = float(checked["took"]), int(checked["processes"])
        for number, oid in enumerate(mover.oids):
            at = mover.move(number)
            changed = watch.wait_for("changed", after=at, holds=lambda event, oid=oid: event["oid"] == oid)
            found.published.append(float(changed["t"]) - at)
            _settle(watch)
            processes.quiet(watch.pid, quiet_s=0.6, limit_s=10.0)
    return found


def follow_many(paths: list[Path], home: Path, idle_s: float) -> Followed:
    """Many repositories in which nothing happens."""
    found = Followed(idle_s=idle_s)
    with following(home, "", paths) as watch:
        checked = watch.wait_for("checked", after=watch.tell("check"))
        found.signature, found.checked_processes = float(checked["took"]), int(checked["processes"])
        before = watch.wait_for("usage", after=watch.tell("usage"))
        time.sleep(idle_s)
        after = watch.wait_for("usage", after=watch.tell("usage"))
        found.idle_s = float(after["t"]) - float(before["t"])
        found.idle_cpu_s = float(after["cpu_s"]) - float(before["cpu_s"])
        found.idle_processes = int(after["processes"]) - int(before["processes"])
    return found


# The screen


@dataclass(slots=True)
class Shown:
    """What was seen on screen, in seconds."""

    opened: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    moved: list[float] = field(default_factory=list)
    first_rows: float = 0.0
    """From the start of the app, with nothing known of the repository."""
    all_counts: float = 0.0
    lags: list[float] = field(default_factory=list)
    """How late the event loop was, each time by more than 20 ms, after the first frame and while it read cold."""


def configured(path: Path, folder: Path) -> Path:
    """A configuration that follows this repository."""
    config = folder / "config.toml"
    config.write_text(f"[[repositories]]\nname = 'measured'\npath = '{path}'\n", "utf-8")
    return config


def open_screen(config: Path, home: Path, shown: Shown, quiet_s: float) -> None:
    """Start the app elsewhere, let it read, and open the Git screen, then once more."""
    with Terminal(qd("--config", config, "--start", "tests"), home=home, env=PLAIN) as terminal:
        terminal.wait_for("2 Tests")
        _rest(terminal, quiet_s)
        for times in (shown.opened, shown.again):
            at = time.monotonic()
            terminal.press("3")
            times.append(terminal.moment(lambda text: "topic-" in text).at - at)
            _rest(terminal, quiet_s / 2)
            terminal.press("2")
            terminal.wait_gone("topic-")
            _rest(terminal, quiet_s / 2)
        _leave(terminal)


def read_and_move(config: Path, home: Path, shown: Shown, mover: Mover, quiet_s: float) -> None:
    """Start the app into the Git screen with nothing known, then move the ref in its second line again and again."""
    lags = home / "lags.txt"
    home.mkdir(parents=True)
    command = [sys.executable, PROGRAMS / "lag.py", lags, "--config", config, "--start", "git"]
    with Terminal(command, home=home, env=PLAIN) as terminal:
        frame = terminal.moment(lambda text: "3 Git" in text)
        shown.first_rows = terminal.moment(lambda text: "topic-" in text).at - terminal.started
        # A branch of its own kind stands at the top; its comparison with the default branch is the last to come.
        counted = terminal.moment(lambda text: _line(text, mover.name).count("↑") > 0)
        shown.all_counts = counted.at - terminal.started
        _rest(terminal, quiet_s)
        shown.lags = [late for at, late in parse_lags(lags.read_text("ascii")) if at - late > frame.at]
        for number in range(len(mover.oids)):
            terminal.text()
            at = mover.move(number)
            seen = terminal.moment(lambda text, far=number + 1: f"↑{far} " in f"{_line(text, mover.name)} ")
            shown.moved.append(seen.at - at)
            _rest(terminal, 0.6)
        _leave(terminal)


def _line(text: str, name: str) -> str:
    return next((line for line in text.splitlines() if name in line), "")


def _rest(terminal: Terminal, quiet_s: float) -> None:
    terminal.settle(0.3)
    processes.quiet(terminal.pid, quiet_s=quiet_s, limit_s=30.0, busy=0.05)
    terminal.text()


def _leave(terminal: Terminal) -> None:
    terminal.press("q")
    with contextlib.suppress(TimeoutError):
        terminal.wait(10.0)

"""Repositories: how soon they are read, what it costs to follow them, and how soon a change is seen."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.bench import gitmeasure as measure
from tests.bench.figures import Judged, Report, Table, percentile, ratio, seconds
from tests.bench.gitmeasure import Followed, Mover, Readings, Shown
from tests.bench.gitrepo import Size
from tests.bench.scale import Scale

READING = (
    "Synthetic repositories from `git fast-import`, a quarter each of their branches merged, squashed, rebased and "
    "open, with a remote that has the same branches. A reading is that of the app's own reader, in a fresh process per "
    "reading: the list of branches first, then all counts against upstreams and the default branch; cold without a "
    "cache file, warm with the one that the cold reading left. A timer of 2 ms on its event loop tells how long that "
    "was held up at most while it read cold."
)
PEERS = (
    "In the same rounds, alternating, git is asked for the same: by `git rev-list --left-right --count` for each "
    "branch, and as lazygit asks it, with `git for-each-ref` of seven fields (short names and `upstream:track` among "
    "them) for its list, and for how far each branch is from the main one with {divergence}. What runs once per branch "
    "is measured on {sampled} branches of each round and multiplied; their counts are compared with ours. Ratios are "
    "medians of the ratios within a round."
)
FOLLOWING = (
    "Then the app's service follows repositories in a process of its own, without a screen. A check is what it does "
    "now and then in case events got lost: compare the files' times with those of the last reading. Processes are "
    "counted where Python starts them. Idle CPU is that of the process, safety net included."
)
SCREEN = (
    "Last the app in a pseudo-terminal of 160×48: from the key `3`, first pressed when everything has been read, to "
    "the frame with branches; and from the start of `git update-ref` in another process to the frame with the new "
    "count. The ref is moved when everything is quiet."
)


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure all of it."""
    older = "`git merge-base`, `git for-each-ref --contains` and `git rev-list` per branch"
    divergence = "one `%(ahead-behind:…)`" if measure.knows_ahead_behind() else older
    report = Report(
        "git",
        f"Repositories, one of them with {scale.git_large.branches + 1:,} branches",
        text=[READING, PEERS.format(divergence=divergence, sampled=scale.git_sampled), FOLLOWING, SCREEN],
        commands=["python tests/bench/programs/git_read.py REPOSITORY CACHE", "qd --config config.toml --start tests"],
    )
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as name:
        folder = Path(name)
        large, small = measure.made(scale.git_large, say), measure.made(scale.git_small, say)
        work = measure.copied(large, folder / "large")
        bare = measure.copied(large, folder / "plain", commit_graph=False)
        places = {
            told(scale.git_large, "with a commit-graph"): work,
            told(scale.git_large, "without"): bare,
            told(scale.git_small, "with a commit-graph"): measure.copied(small, folder / "small"),
        }
        readings = {label: Readings() for label in places}
        for index in range(scale.git_rounds):
            for label, path in places.items():
                round_of(path, folder, readings[label], scale.git_sampled, ours_first=index % 2 == 0)
            first = next(iter(readings.values()))
            say(f"round {index + 1} of {scale.git_rounds}: cold {first.cold[-1]:.3f} s, warm {first.warm[-1]:.3f} s")
        say("following")
        one = measure.follow_one(work, folder / "one", Mover.of(work, scale.git_moves))
        paths = [measure.copied(small, folder / f"many-{number}") for number in range(scale.git_many)]
        many = measure.follow_many(paths, folder / "many", scale.git_idle_s)
        say("the screen")
        shown = screen(work, folder, scale)
    tell_readings(report, readings)
    tell_following(report, one, many, scale.git_many, scale.git_large)
    tell_screen(report, shown, one)
    judge(report, next(iter(readings.values())), one, many, shown)
    return report


def told(size: Size, graph: str) -> str:
    """A repository in a table."""
    return f"{size.branches + 1:,} branches, {size.commits:,} commits, {graph}"


def round_of(path: Path, folder: Path, readings: Readings, sampled: int, *, ours_first: bool) -> None:
    """Ours and git's, in this or the other order."""
    counts = folder / f"counts of {path.name}.json"
    if ours_first or not readings.cold:
        measure.read(path, folder / "reading", readings, counts)
        measure.ask_git(path, readings, sampled, counts)
    else:
        measure.ask_git(path, readings, sampled, counts)
        measure.read(path, folder / "reading", readings, counts)


def screen(work: Path, folder: Path, scale: Scale) -> Shown:
    """The app on the large repository."""
    shown = Shown()
    config = measure.configured(work, folder)
    for number in range(scale.git_starts):
        measure.open_screen(config, folder / "home", shown, scale.quiet_s if number else 2 * scale.quiet_s)
    mover = Mover.of(work, scale.git_moves)
    measure.git(work, "update-ref", f"refs/remotes/origin/{mover.ref.removeprefix('refs/heads/')}", mover.ref)
    measure.read_and_move(config, folder / "cold-home", shown, mover, scale.quiet_s)
    return shown


def tell_readings(report: Report, readings: dict[str, Readings]) -> None:
    """How soon repositories are read, and how much longer git alone takes."""
    rounds = len(next(iter(readings.values())).cold)
    rows = tuple(
        (
            label,
            seconds(one.table),
            seconds(one.cold),
            seconds(one.warm),
            f"{max(one.gaps) * 1000:.0f} ms",
            str(one.processes),
        )
        for label, one in readings.items()
    )
    header = (f"reading, {rounds} rounds", "list", "all counts, cold", "all counts, warm", "loop held up", "processes")
    report.tables.append(Table(header, rows))
    rows = ()
    for label, one in readings.items():
        for what, took, ours in (
            ("lazygit's list ÷ our list", one.listing, one.table),
            ("lazygit's list and distances ÷ all counts, cold", _sum(one.listing, one.divergence), one.cold),
            ("rev-list per branch ÷ all counts, cold", one.one_by_one, one.cold),
            ("rev-list per branch ÷ all counts, warm", one.one_by_one, one.warm),
        ):
            rows += ((f"{label}: {what}", seconds(took), _times(ratio(took, ours))),)
    report.tables.append(Table(("by git alone", "git", "git ÷ ours"), rows))
    compared = sum(one.compared for one in readings.values())
    report.notes.append(f"All {compared} sampled counts of git are the same as ours.")


def tell_following(report: Report, one: Followed, many: Followed, number: int, size: Size) -> None:
    """What it costs while nothing happens."""
    report.tables.append(
        Table(
            ("nothing has changed", "check", "processes"),
            (
                (f"{size.branches + 1:,} branches", f"{one.signature * 1000:.2f} ms", str(one.checked_processes)),
                (f"{number} repositories", f"{many.signature * 1000:.2f} ms", str(many.checked_processes)),
                (f"{number} repositories, {many.idle_s:.0f} s idle", "", str(many.idle_processes)),
            ),
        )
    )


def tell_screen(report: Report, shown: Shown, one: Followed) -> None:
    """What users see, and when."""
    rows = [
        ("key 3 → branches, the first time", shown.opened),
        ("key 3 → branches, later", shown.again),
        ("ref moved → published", one.published),
        ("ref moved → on screen", shown.moved),
    ]
    report.tables.append(
        Table(
            ("on the large repository", "times", "p50", "longest"),
            tuple(
                (what, str(len(took)), f"{percentile(took, 0.5) * 1000:.0f} ms", f"{max(took) * 1000:.0f} ms")
                for what, took in rows
            ),
        )
    )
    worst = max(shown.lags, default=0.0) * 1000
    late = f"it was late by up to {worst:.0f} ms" if worst else "it was never late by more than 20 ms"
    report.notes.append(
        f"Started into the Git screen with nothing known of the large repository, the app shows its branches after "
        f"{shown.first_rows * 1000:.0f} ms and their counts after {shown.all_counts * 1000:.0f} ms, its own start "
        f"included; of its event loop, painting included, {late}."
    )


def judge(report: Report, large: Readings, one: Followed, many: Followed, shown: Shown) -> None:
    """The targets."""
    idle = many.idle_cpu_s / many.idle_s * 100
    started = one.checked_processes + many.checked_processes + many.idle_processes
    report.judged += [
        Judged("key 3 → branches on screen", percentile(shown.opened, 0.5) * 1000, "at most", 150, " ms", 0),
        Judged("all counts, cold", median(large.cold) * 1000, "at most", 500, " ms", 0),
        Judged("all counts, warm", median(large.warm) * 1000, "at most", 150, " ms", 0),
        Judged("event loop held up by a cold reading", max(large.gaps) * 1000, "at most", 50, " ms", 0),
        Judged("event loop of the app, the same", max(shown.lags, default=0.0) * 1000, "at most", 50, " ms", 0),
        Judged("processes when nothing has changed", started, "at most", 0, "", 0),
        Judged("idle CPU, many repositories", idle, "at most", 0.1, " %", 3),
        Judged("ref moved → published, longest", max(one.published) * 1000, "at most", 300, " ms", 0),
        Judged("ref moved → on screen, p50", percentile(shown.moved, 0.5) * 1000, "at most", 300, " ms", 0),
        Judged("ref moved → on screen, longest", max(shown.moved) * 1000, "at most", 300, " ms", 0),
    ]


def _sum(one: list[float], other: list[float]) -> list[float]:
    return [a + b for a, b in zip(one, other, strict=True)]


def _times(value: float) -> str:
    return f"{value:.1f}×" if value < 99.5 else f"{value:.0f}×"

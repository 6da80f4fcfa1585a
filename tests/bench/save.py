"""From a save to the first and to the last result, and what it costs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.bench import projects
from tests.bench.figures import Judged, Report, Table, ratio, seconds, times
from tests.bench.projects import Copy, Subject
from tests.bench.scale import Scale
from tests.bench.watchers import Answer, Cold, Ours, PytestWatcher, Watcher

FIRST_TARGETS = {"light": 2.5, "heavy": 6.0}
COLD, PEER, OURS = "python -m pytest, started at the save", "pytest-watcher", "qd test watch"
METHOD = (
    "Each watcher has its own copy of the project. In every round one module is saved for each of them, one after the "
    "other: its last line, a comment, is rewritten, and the new file takes the place of the old one. The saved modules "
    "take turns. Time runs from just before the file is written to the first and to the last test result; CPU is that "
    "of the whole process tree, children included, until it is quiet again. Ratios are medians of the ratios within a "
    "round."
)
PEERS = (
    "pytest-watcher runs with its defaults, of which a delay of 0.2 s is one, and with watchdog 4.0.2: with 7.x it "
    "does not notice saves."
)
Answers = Mapping[str, Sequence[Answer]]


def run(scale: Scale, say: Callable[[str], None]) -> Report:
    """Measure both public projects."""
    report = Report(
        "save",
        "From a save to the results",
        text=[METHOD, PEERS],
        commands=[
            "python -m pytest                                              # started at the save",
            "python -m pytest_watcher .",
            "qd test watch --path . --python VENV/bin/python --json",
        ],
    )
    pairs = {"light": scale.light_pairs, "heavy": scale.heavy_pairs, "heavy and slow": scale.slow_pairs}
    for subject in projects.SUBJECTS:
        source, python = projects.prepare(subject, say)
        with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as folder:

            def make(name: str, root: Path = Path(folder)) -> Copy:
                return projects.copy(subject, source, python, root / name)  # noqa: B023 - used within this round only

            answers, levels = measure(make, Path(folder), pairs[subject.weight], say)
        judge(report, subject, answers, levels)
    return report


def measure(
    make: Callable[[str], Copy], folder: Path, pairs: int, say: Callable[[str], None], *, peer: bool = True
) -> tuple[Answers, set[str]]:
    """Answers by watcher, those of one round at the same place; and the levels that ours ran at."""
    home = folder / "home"
    home.mkdir()
    with ExitStack() as stack:
        watchers: dict[str, Watcher] = {COLD: Cold(make("cold"), home)}
        ours = stack.enter_context(Ours.running(make("ours"), home))
        watchers[OURS] = ours
        if peer:
            watchers[PEER] = stack.enter_context(PytestWatcher.running(make("peer"), home))
        for watcher in watchers.values():
            watcher.answer()
        ours.levels.clear()
        answers: dict[str, list[Answer]] = {name: [] for name in watchers}
        for index in range(pairs):
            order = list(watchers) if index % 2 == 0 else list(reversed(watchers))
            for name in order:
                answers[name].append(watchers[name].answer())
            told = ", ".join(
                f"{name} {answers[name][-1].first_s:.2f}/{answers[name][-1].last_s:.2f} s" for name in order
            )
            say(f"round {index + 1} of {pairs}: {told}")
        return answers, ours.levels


def judge(report: Report, subject: Subject, answers: Answers, levels: set[str]) -> None:
    """Put one project's figures into the report."""
    ours, cold = answers[OURS], answers[COLD]
    rows = []
    for name, found in answers.items():
        rows.append(
            (
                name,
                seconds([answer.first_s for answer in found]),
                seconds([answer.last_s for answer in found]),
                f"{median(answer.cpu_s for answer in found):.2f} s",
                times(ratio([answer.first_s for answer in found], [answer.first_s for answer in ours])),
                times(ratio([answer.last_s for answer in found], [answer.last_s for answer in ours])),
                times(ratio([answer.cpu_s for answer in found], [answer.cpu_s for answer in ours])),
            )
        )
    scope = f"; {subject.scope}" if subject.scope else ""
    title = f"{subject.package} ({subject.weight}{scope}; {ours[-1].results} tests, {len(ours)} rounds)"
    header = (title, "first result", "last result", "CPU", "first ÷ ours", "last ÷ ours", "CPU ÷ ours")
    report.tables.append(Table(header, tuple(rows)))
    counts = {name: {answer.results for answer in found} for name, found in answers.items()}
    if len(set.union(*counts.values())) > 1:
        report.notes.append(f"{subject.name}: numbers of results differ: {counts}")
    if levels != {"L1"}:
        report.notes.append(f"{subject.name}: ours ran {' and '.join(sorted(levels))}, not only from the warm server")
    target = FIRST_TARGETS.get(subject.weight)
    if target is None:
        return
    first = ratio([answer.first_s for answer in cold], [answer.first_s for answer in ours])
    cpu = ratio([answer.cpu_s for answer in ours], [answer.cpu_s for answer in cold])
    report.judged.append(Judged(f"{subject.name}: first result, cold ÷ ours", first, "at least", target, "×"))
    report.judged.append(Judged(f"{subject.name}: CPU of a run, ours ÷ cold", cpu, "at most", 1.0, "×"))

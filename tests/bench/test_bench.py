"""The benchmarks on tiny samples: that they measure and tell, not how fast anything is."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench import app, git, gitmeasure, gitrepo, overhead, projects, save
from tests.bench.figures import Judged, Report, Table, percentile, ratio, seconds
from tests.bench.gitrepo import Size
from tests.bench.projects import Copy
from tests.bench.scale import QUICK
from tests.bench.watchers import Answer, answer_of

TINY = replace(
    QUICK,
    overhead_tests=30,
    overhead_rounds=1,
    app_runs=1,
    app_tests=10,
    startup_rounds=1,
    idle_s=0.3,
    keys=3,
    quiet_s=0.2,
    git_large=Size(branches=24, commits=400, files=200),
    git_small=Size(branches=8, commits=100, files=60, each=2),
    git_many=2,
    git_idle_s=0.3,
)


def quiet(text: str) -> None:
    """Say nothing."""


def test_ratios_are_those_of_pairs() -> None:
    assert ratio([10.0, 30.0, 12.0], [5.0, 10.0, 3.0]) == 3.0
    with pytest.raises(ValueError, match="no pairs"):
        ratio([1.0], [])


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.95) == 95.0
    assert percentile([7.0], 0.95) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_targets_are_judged_both_ways() -> None:
    assert Judged("start", 1.25, "at most", 1.25, "×").met
    assert str(Judged("start", 1.3, "at most", 1.25, "×")) == "MISSED: start 1.30× (at most 1.25×)"
    assert str(Judged("save", 2.6, "at least", 2.5, "×")) == "met: save 2.60× (at least 2.50×)"


def test_a_report_survives_being_kept() -> None:
    report = Report("save", "Saves", ["How."], ["command"], [Table(("a", "b|c"), (("1", "2"),))], notes=["Mind."])
    report.judged.append(Judged("x", 1.0, "at most", 2.0))
    again = Report.from_json(json.loads(json.dumps(report.as_json())))
    assert again == report
    text = again.markdown()
    assert "| a | b\\|c |" in text
    assert "✓" in text
    assert "- Mind." in text
    assert seconds([0.1234]) == "123 ms"
    assert seconds([1.5, 2.5]) == "2.00 s"


def test_the_document_names_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    text = bench.document([Report("app", "The app", ["How."])])
    assert text.startswith("# Benchmarks\n")
    assert "## The app" in text
    assert str(projects.ROOT) not in text
    assert "Python 3." in text


def test_sections_that_were_not_measured_stay_in_the_document() -> None:
    before = bench.document([Report("app", "The app", ["Old."]), Report("save", "Saves", ["Kept."])])
    after = bench.document([Report("app", "The app", ["New."]), Report("git", "Git", ["Added."])], before)
    assert re.findall(r"^## (.+)$", after, re.MULTILINE) == ["The app", "Git", "Saves"]
    assert "Old." not in after
    assert bench.document([], after) == after


def test_an_unknown_section_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["sav"])
    assert ended.value.code == 2
    assert "no such section: sav" in capsys.readouterr().err


def test_a_save_changes_the_content_and_takes_turns(tmp_path: Path) -> None:
    project = projects.trivial(tmp_path / "p", 3)
    (project / "other.py").write_text("A = 1\n", "utf-8")
    copied = Copy(project, Path(sys.executable), ("thing.py", "other.py"), {})
    seen = set()
    for _ in range(4):
        copied.save()
        seen.add((project / "thing.py").read_text("utf-8"))
    assert len(seen) == 2
    assert (project / "thing.py").read_text("utf-8") == "VALUE = 1\n# saved 3\n"
    assert (project / "other.py").read_text("utf-8") == "A = 1\n# saved 4\n"
    assert {path.name for path in project.iterdir()} == {"tests", "pytest.ini", "thing.py", "other.py"}


def test_a_trivial_project_has_as_many_tests_as_asked(tmp_path: Path) -> None:
    project = projects.trivial(tmp_path / "p", 250)
    files = sorted((project / "tests").iterdir())
    assert len(files) == 3
    assert sum(file.read_text("utf-8").count("def test_") for file in files) == 250


def test_answers_count_from_the_save() -> None:
    assert answer_of(100.0, [100.5, 102.0, 101.0], 1.5) == Answer(0.5, 2.0, 1.5, 3)
    with pytest.raises(RuntimeError, match="no test"):
        answer_of(100.0, [], 0.0)


def test_a_missed_target_and_a_difference_in_results_are_told() -> None:
    report = Report("save", "Saves")
    cold = [Answer(1.0, 2.0, 1.0, 10)] * 3
    ours = [Answer(0.5, 1.0, 0.9, 9)] * 3
    save.judge(report, projects.LIGHT, {save.COLD: cold, save.OURS: ours}, {"cold", "L1"})
    assert [one.met for one in report.judged] == [False, True]
    assert [one.value for one in report.judged] == [2.0, 0.9]
    assert "numbers of results differ" in report.notes[0]
    assert "L1 and cold" in report.notes[1]


def test_lags_are_read_up_to_the_last_whole_line() -> None:
    assert overhead.parse_lags("12.5000 0.0300\n13.0000 0.1200\n13.1") == [(12.5, 0.03), (13.0, 0.12)]


@pytest.mark.slow
@pytest.mark.e2e
def test_saves_are_measured(tmp_path: Path) -> None:
    source = projects.trivial(tmp_path / "source", 5)

    def make(name: str) -> Copy:
        shutil.copytree(source, tmp_path / name)
        return Copy(tmp_path / name, Path(sys.executable), ("thing.py",), {})

    answers, levels = save.measure(make, tmp_path, 1, quiet, peer=False)
    assert levels <= {"L1", "cold"}
    for found in answers.values():
        assert len(found) == 1
        assert found[0].results == 5
        assert 0 < found[0].first_s <= found[0].last_s
        assert found[0].cpu_s > 0


@pytest.mark.slow
@pytest.mark.e2e
def test_overhead_is_measured(tmp_path: Path) -> None:
    report = Report("overhead", "Overhead")
    path = projects.trivial(tmp_path / "trivial", TINY.overhead_tests)
    overhead.runner(report, path, Path(sys.executable), tmp_path, TINY, quiet)
    overhead.app(report, path, Path(sys.executable), tmp_path, TINY, quiet)
    assert len(report.tables) == 2
    assert len(report.judged) == 4


@pytest.mark.slow
@pytest.mark.e2e
def test_the_app_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "pure_python", lambda: Path(sys.executable))
    report = app.run(TINY, quiet)
    assert len(report.tables) == 2
    assert len(report.judged) == 7
    start = report.tables[0].rows
    assert int(start[1][3]) > int(start[0][3]) > 100


@pytest.mark.slow
@pytest.mark.e2e
def test_repositories_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "STORE", tmp_path / "store")
    report = git.run(TINY, quiet)
    readings, peers, idle, screen = report.tables
    assert [row[0].split(",")[0] for row in readings.rows] == ["25 branches", "25 branches", "9 branches"]
    assert len(peers.rows) == 12
    assert {row[2] for row in idle.rows} == {"0"}
    assert [row[1] for row in screen.rows] == ["1", "1", "2", "2"]
    assert len(report.judged) == 10
    assert all(one.value > 0 for one in report.judged if re.search("→|counts", one.what))


def test_a_count_that_git_does_not_share_ends_the_section(tmp_path: Path) -> None:
    path = gitrepo.make(tmp_path, Size(branches=4, commits=40, files=30, each=2))
    readings, counts = gitmeasure.Readings(), tmp_path / "counts.json"
    gitmeasure.read(path, tmp_path / "reading", readings, counts)
    gitmeasure.ask_git(path, readings, 2, counts)
    assert readings.compared == 2
    counts.write_text(counts.read_text("utf-8").replace("]", ", 1]").replace("[", "[0, "), "utf-8")
    with pytest.raises(RuntimeError, match="git counts"):
        gitmeasure.ask_git(path, readings, 2, counts)

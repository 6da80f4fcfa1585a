"""Files that tests write must not make a run set off the next one; files that people save must, at any time."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.testing import written
from app.testing.written import WrittenByTests
from tests.testing.following import Following, following, plant


class Clock:
    """Runs that last ten seconds, one after another."""

    def __init__(self) -> None:
        self.written = WrittenByTests()
        self.now = 100.0

    def run(self, *changes: tuple[float, str, str]) -> list[bool]:
        """One run with changes at these seconds after its start; for each, whether it would set off a run."""
        start = self.now
        self.written.run_started(start)
        kept = [
            bool(self.written.keep({path: kind}, start + offset))  # type: ignore[dict-item]  # kinds are literals here
            for offset, path, kind in changes
        ]
        self.written.run_ended(start + 10)
        self.now = start + 20
        return kept

    def save(self, path: str) -> bool:
        """A change while nothing runs."""
        self.now += 5
        return bool(self.written.keep({path: "modified"}, self.now))


def test_data_written_by_two_runs_in_a_row_stops_setting_off_runs() -> None:
    clock = Clock()
    assert clock.run((1.0, "out/report.json", "modified")) == [True]
    assert clock.run((1.1, "out/report.json", "modified")) == [False]
    assert clock.run((1.0, "out/report.json", "modified"), (4.0, "out/report.json", "modified")) == [False, False]
    assert clock.written.marked == {"out/report.json"}


def test_parts_of_one_run_are_one_run() -> None:
    clock = Clock()
    clock.written.run_started(100.0)
    assert clock.written.keep({"a.json": "modified"}, 101.0)
    clock.written.run_started(102.0)
    assert clock.written.keep({"b.json": "modified"}, 103.0)
    clock.written.run_ended(104.0)
    assert not clock.written.marked


def test_what_a_run_has_left_for_its_last_moment_is_its_own() -> None:
    clock = Clock()
    for _ in range(2):
        kept = clock.run((10.05, "coverage.xml", "modified"))
    assert kept == [False]


def test_edit_outside_a_run_counts_again() -> None:
    clock = Clock()
    clock.run((1.0, "data.json", "modified"))
    clock.run((1.0, "data.json", "modified"))
    assert clock.save("data.json")
    assert not clock.written.marked
    assert clock.run((1.0, "data.json", "modified")) == [True]
    assert clock.run((1.0, "data.json", "modified")) == [False]


def test_edit_of_another_file_between_the_runs_begins_anew() -> None:
    clock = Clock()
    assert clock.run((1.0, "data.json", "modified")) == [True]
    assert clock.save("pkg/code.py")
    assert clock.run((1.0, "data.json", "modified")) == [True]


@pytest.mark.parametrize("path", ["pkg/code.py", "page.html"])
def test_save_during_every_run_is_never_missed(path: str) -> None:
    """A developer whose suite is slow saves the same file while it runs, again and again."""
    clock = Clock()
    for offset in (1.0, 6.2, 2.9, 8.8, 0.4, 4.6, 7.1, 2.0):
        assert clock.run((offset, path, "modified")) == [True]
    assert not clock.written.marked


def test_source_is_never_sorted_out_by_its_moments() -> None:
    clock = Clock()
    assert [clock.run((2.0, "pkg/made.py", "modified")) for _ in range(6)] == [[True]] * 6
    clock.written.mark(["pkg/made.py"])
    assert clock.run((2.0, "pkg/made.py", "modified")) == [False]
    assert clock.save("pkg/made.py")


def test_saves_at_a_steady_pace_that_end_one_run_after_another_are_no_pattern() -> None:
    clock = Clock()
    for start in range(100, 160):
        clock.written.run_started(start)
        assert clock.written.keep({"page.html": "modified"}, start + 0.9)
        clock.written.run_ended(start + 0.95, superseded=True)
    assert not clock.written.marked


def test_files_that_every_run_names_anew() -> None:
    clock = Clock()
    assert clock.run((1.0, "out/result-1.json", "added")) == [True]
    assert clock.run((1.2, "out/result-2.json", "added")) == [False]
    assert clock.run((1.1, "out/result-3.json", "added"), (2.0, "out/result-3.json", "deleted")) == [False, False]
    assert clock.written.marked == {"out/*.json"}
    # What was there before is not theirs.
    assert clock.run((1.0, "out/settings.json", "modified")) == [True]
    # A file of that kind that somebody makes between two runs ends it.
    assert clock.save("out/result-9.json")
    clock.now += 5
    assert clock.written.keep({"out/mine.json": "added"}, clock.now)
    assert not clock.written.marked


def test_files_known_to_be_written_by_tests() -> None:
    clock = Clock()
    clock.written.mark(["out/log.json"])
    assert clock.run((3.0, "out/log.json", "modified")) == [False]


def test_end_without_a_start() -> None:
    sorter = WrittenByTests()
    sorter.run_ended(5.0)
    assert sorter.keep({"a.py": "modified"}, 5.01)


async def _run_that_writes(follow: Following, name: str, text: str) -> None:
    follow.watcher.run_started()
    (follow.root / name).write_text(text)


async def test_loop_ends_on_a_real_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A machine may stall for long between two steps of this test.
    monkeypatch.setattr(written, "_similar", lambda _one, _other: True)
    root = plant(tmp_path / "project", {"a.py": "1\n", "out.json": "0\n"})
    async with following(root) as follow:
        await _run_that_writes(follow, "out.json", "1\n")
        assert await follow.changes() == {"out.json": "modified"}
        follow.watcher.run_ended()
        await _run_that_writes(follow, "out.json", "2\n")
        # A save during that run, by somebody, is told; what the test wrote is not.
        (root / "a.py").write_text("2\n")
        assert await follow.changes() == {"a.py": "modified"}
        assert follow.watcher.written_by_tests == ("out.json",)
        follow.watcher.run_ended()


async def test_marking_by_name(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n", "out.json": "0\n"})
    async with following(root) as follow:
        follow.watcher.mark_written_by_tests(["out.json"])
        await _run_that_writes(follow, "out.json", "1\n")
        await follow.nothing_else()

"""How far a run is, as the tab bar and the bar below the tests tell it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.events import ProjectChanged
from app.testing.badge import badge_of, last_seen_badge
from app.testing.model import Counts, ProjectSnapshot
from tests.fakes import green, progress, run, running, snapshot, state, trading
from tests.testing.samples import trading as trading_files
from tests.testing.samples import write
from tests.testing.test_service import watched
from tests.waiting import until

LINGERS = """
import pathlib, time

def pytest_sessionfinish():
    gate, end = pathlib.Path({gate!r}), time.monotonic() + 60
    while gate.exists() and time.monotonic() < end:
        time.sleep(0.01)
"""

HANGS = """
import pathlib, time

def test_limit():
    gate, end = pathlib.Path({gate!r}), time.monotonic() + 60
    while gate.exists() and time.monotonic() < end:
        time.sleep(0.01)
"""


def at(done: int, total: int | None, bad: int = 0) -> ProjectSnapshot:
    """A project in a run that is so far, with as many bad tests."""
    return replace(running(progress=progress(done, total, bad=bad)), counts=Counts(passed=41 - bad, failed=bad))


@pytest.mark.parametrize(
    ("projects", "text", "tone"),
    [
        ([at(0, None)], "◐", "busy"),
        ([at(0, 41)], "0%", "busy"),
        ([at(40, 41)], "97%", "busy"),
        ([at(1999, 2000, bad=1)], "99%", "bad"),
        ([at(41, 41)], "✓", "good"),
        ([at(41, 41, bad=2)], "✗2", "bad"),
        ([at(41, 41), at(0, None)], "◐", "busy"),
        ([at(41, 41), at(1, 59)], "42%", "busy"),
        ([at(0, 0)], "◐", "busy"),
    ],
)
def test_the_badge_counts_until_all_tests_are_in(projects: list[ProjectSnapshot], text: str, tone: str) -> None:
    badge = badge_of(projects)
    assert (badge.text, badge.tone) == (text, tone)


def test_the_badge_of_nothing_under_way() -> None:
    assert badge_of([]).text == ""
    assert badge_of([trading()]).text == "✗3"
    assert badge_of([snapshot([])]).text == "○"


def test_the_badge_claims_no_more_than_is_certain() -> None:
    tests = [state(f"test_a.py::test_{n}", "passed" if n < 9 else None) for n in range(41)]
    some = snapshot(tests, last=run(1, counts=Counts(passed=9)))
    stopped = green(last=run(2, exit=2, note="stopped", counts=Counts(passed=7)))
    for projects, text in (([some], "✓9"), ([stopped], "✓7"), ([some, green()], "✓50"), ([green(), stopped], "✓48")):
        badge = badge_of(projects)
        assert (badge.text, badge.tone) == (text, "plain")
    assert (badge_of([green()]).text, badge_of([green()]).tone) == ("✓", "good")
    many_known = replace(some, counts=Counts(passed=1000), tests={str(n): tests[0] for n in range(3172)})
    assert badge_of([many_known]).text == "✓1k+"
    assert badge_of([replace(stopped, last=run(3, exit=2, note="stopped", counts=Counts()))]).text == "○"
    assert badge_of([trading(last=run(4, exit=2, note="stopped", counts=Counts(passed=1)))]).tone == "bad"


def test_the_badge_of_an_earlier_session_has_no_colour() -> None:
    badge = last_seen_badge([trading(state="starting")])
    assert (badge.text, badge.tone) == ("✗3", "plain")
    assert last_seen_badge([]).text == ""


async def test_while_a_run_ends_its_outcome_is_shown(tmp_path: Path) -> None:
    spec = trading_files(tmp_path / "trading")
    gate = tmp_path / "closed"
    gate.touch()
    write(spec.path, conftest=LINGERS.format(gate=str(gate)), tests__test_risk="def test_limit():\n    assert 0\n")
    async with watched(spec, home=tmp_path) as seen:
        await until(lambda: len(seen.said("result")) == 4, what="all results")
        await until(lambda: seen.badges and seen.badges[-1].text == "✗1", what="the outcome")
        shown = seen.service.snapshot("trading").progress
        assert shown is not None, "the run's process has not ended"
        assert shown.all_in
        gate.unlink()
        await seen.finished(1)
        assert [badge.text for badge in seen.badges if badge.text == "99%"] == []


async def test_a_run_that_is_stopped_claims_what_has_come_out(tmp_path: Path) -> None:
    spec = trading_files(tmp_path / "trading")
    gate = tmp_path / "closed"
    gate.touch()
    write(spec.path, tests__test_risk=HANGS.format(gate=str(gate)))
    async with watched(spec, home=tmp_path) as seen:
        await until(lambda: len(seen.said("result")) == 3, what="the results before the test that hangs")
        shown = await until(lambda: (now := seen.service.snapshot("trading").progress) and now.done == 3 and now)
        assert (shown.total, shown.unmeasured) == (4, 1)
        seen.service.stop("trading")
        await until(lambda: seen.badges[-1].text == "✓3", what="the three that are certain")
        assert seen.badges[-1].tone == "plain"
        gate.unlink()
        seen.service.run_all("trading")
        await until(lambda: seen.badges[-1].text == "✓", what="all is well")
        assert seen.badges[-1].tone == "good"


async def test_what_cannot_run_is_not_waited_for(tmp_path: Path) -> None:
    """The tests of a file that cannot be collected are still known."""
    spec = trading_files(tmp_path / "trading")
    gate = tmp_path / "closed"
    write(spec.path, conftest=LINGERS.format(gate=str(gate)))
    async with watched(spec, home=tmp_path, warm=False) as seen:
        await seen.finished(1)
        await seen.ready()
        gate.touch()
        write(spec.path, tests__test_orders="def test_broken(:\n")
        await until(lambda: len(seen.said("result")) == 5 + 2, what="the results of the other file")
        shown = await until(lambda: (now := seen.service.snapshot("trading").progress) and now.done == 2 and now)
        assert (shown.done, shown.total) == (2, 2)
        gate.unlink()
        await seen.finished(2)


async def test_files_and_tests_chosen_together_are_counted_together(tmp_path: Path) -> None:
    spec = trading_files(tmp_path / "trading")
    totals: set[int | None] = set()

    def look(event: ProjectChanged) -> None:
        if event.snapshot.progress is not None:
            totals.add(event.snapshot.progress.total)

    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1)
        await seen.ready()
        seen.bus.subscribe(ProjectChanged, look)
        seen.service.run_tests("trading", ["tests/test_risk.py", "tests/test_orders.py::test_cancel"])
        await seen.finished(2)
        assert totals - {None} == {3}

"""The service watches real projects: saves, keys and failures in, snapshots and events out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.errors import UserError
from app.events import Badge, Bus, TestStream
from app.testing.engine import EngineOptions
from app.testing.model import ProjectSpec, RunSummary
from app.testing.service import TestingService
from tests.testing.samples import ORDERS, trading, write
from tests.waiting import until


class Followed:
    """A running service with everything it said."""

    def __init__(self, service: TestingService, bus: Bus) -> None:
        self.service = service
        self.bus = bus
        self.stream: list[TestStream] = []
        self.badges: list[Badge] = []
        bus.subscribe(TestStream, self.stream.append)
        bus.subscribe(Badge, self.badges.append)

    def said(self, event: str, project: str = "trading") -> list[Mapping[str, Any]]:
        return [item.data for item in self.stream if item.event == event and item.project == project]

    async def finished(self, count: int, project: str = "trading") -> RunSummary:
        """The summary of the run that ended as the `count`-th."""
        await until(lambda: len(self.said("finished", project)) >= count, what=f"{count} finished runs")
        await until(lambda: self.service.snapshot(project).progress is None)
        last = self.service.snapshot(project).last
        assert last is not None
        return last

    async def idle(self) -> None:
        """Wait until nothing runs and nothing waits to."""
        await until(lambda: not self.service.busy, what="idle")

    async def ready(self, project: str = "trading") -> None:
        await until(lambda: self.said("ready", project), what="ready")


@asynccontextmanager
async def watched(*specs: ProjectSpec, home: Path, **options: Any) -> AsyncIterator[Followed]:
    bus = Bus()
    service = TestingService(specs, bus=bus, cache_dir=home / "cache", options=EngineOptions(**options))
    followed = Followed(service, bus)
    await service.start()
    try:
        yield followed
    finally:
        await service.close()


async def test_a_save_runs_the_affected_tests_first_and_the_rest_after(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    async with watched(spec, home=tmp_path) as seen:
        first = await seen.finished(1)
        assert (first.counts.passed, first.exit, first.trigger) == (5, 0, "start")
        await seen.ready()
        write(spec.path, trading__orders=ORDERS.replace('quote["bid"]', 'quote["bids"]'))
        second = await seen.finished(2)
        assert second.trigger == "save"
        assert (second.counts.failed, second.counts.passed) == (1, 4)
        assert second.affected_done_s is not None
        assert second.affected_bad == 1
        assert seen.said("changed")[-1]["files"] == ["trading/orders.py"]
        assert seen.said("started")[-1]["order"][0] == "tests/test_orders.py"
        files = [data["nodeid"].partition("::")[0] for data in seen.said("result")][5:]
        assert files == ["tests/test_orders.py"] * 3 + ["tests/test_risk.py"] * 2
        assert seen.badges[-1].text == "✗1"


async def test_the_detail_of_a_failure_says_why_and_since_when(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    nodeid = "tests/test_orders.py::test_fill_price[limit]"
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1)
        await seen.ready()
        write(spec.path, trading__orders=ORDERS.replace('quote["bid"]', 'quote["bids"]'))
        await seen.finished(2)
        detail = seen.service.detail("trading", nodeid)
        assert detail is not None
        assert detail.first_failed_after == ("trading/orders.py",)
        assert [point.outcome for point in detail.history] == ["passed", "failed"]
        (failure,) = detail.failures
        assert failure.exceptions[-1].type == "KeyError"
        frame = failure.exceptions[-1].frames[-1]
        assert (Path(frame.path).name, frame.function) == ("orders.py", "fill")
        assert any('quote["bids"]' in line.text for line in frame.source if line.number == frame.line)
        assert ("kind", "'limit'") in frame.locals


async def test_rerun_of_failed_all_last_and_chosen_tests(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    write(spec.path, trading__orders=ORDERS.replace('quote["bid"]', 'quote["bids"]'))
    async with watched(spec, home=tmp_path) as seen:
        assert (await seen.finished(1)).counts.failed == 1
        seen.service.run_failed()
        failed = await seen.finished(2)
        assert (failed.counts.failed, failed.counts.total) == (1, 1)
        seen.service.run_tests("trading", ["tests/test_risk.py", "tests/test_orders.py::test_cancel"])
        assert (await seen.finished(3)).counts.passed == 3
        seen.service.run_last("trading")
        assert (await seen.finished(4)).counts.passed == 3
        seen.service.run_all("trading")
        assert (await seen.finished(5)).counts.total == 5
        assert len(seen.service.snapshot("trading").tests) == 5


async def test_a_save_supersedes_the_run_and_keeps_its_files(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1)
        await seen.ready()
        write(spec.path, tests__test_orders="import time\n\n\ndef test_hangs():\n    time.sleep(600)\n")
        await until(lambda: any(t.running for t in seen.service.snapshot("trading").tests.values()), what="running")
        write(spec.path, trading__risk="def limit():\n    return -1\n")
        await until(lambda: seen.said("superseded"), what="superseded")
        await until(lambda: len(seen.said("started")) >= 3, what="the run after it")
        order = seen.said("started")[-1]["order"]
        assert {"tests/test_orders.py", "tests/test_risk.py"} <= set(order)
        seen.service.stop("trading")
        stopped = await seen.finished(2)
        assert stopped.note == "stopped"


async def test_a_new_test_appears_and_a_deleted_one_goes(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1)
        await seen.ready()
        write(spec.path, tests__test_new="def test_new():\n    assert True\n")
        await seen.finished(2)
        assert "tests/test_new.py::test_new" in seen.service.snapshot("trading").tests
        (spec.path / "tests/test_new.py").unlink()
        await seen.finished(3)
        snapshot = seen.service.snapshot("trading")
        assert "tests/test_new.py::test_new" not in snapshot.tests
        assert "tests/test_new.py" not in snapshot.files


async def test_a_file_that_cannot_be_collected_does_not_silence_the_others(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1)
        await seen.ready()
        write(spec.path, tests__test_orders="def test_broken(:\n")
        second = await seen.finished(2)
        assert second.counts.error == 1
        assert second.counts.passed == 2
        snapshot = seen.service.snapshot("trading")
        assert "SyntaxError" in snapshot.files["tests/test_orders.py"].error
        detail = seen.service.detail("trading", "tests/test_orders.py")
        assert detail is not None
        assert detail.failures[0].phase == "collect"


async def test_with_watching_off_a_save_only_marks_outcomes_stale(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1)
        await seen.ready()
        seen.service.set_watching("trading", False)
        write(spec.path, trading__orders=ORDERS + "\n# touched\n")
        await until(lambda: seen.said("changed"), what="changed")
        await until(lambda: all(test.stale for test in seen.service.snapshot("trading").tests.values()))
        assert len(seen.said("started")) == 1


async def test_only_affected_stops_before_the_rest(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    async with watched(spec, home=tmp_path, only_affected=True) as seen:
        await seen.finished(1)
        await seen.ready()
        write(spec.path, trading__risk="def limit():\n    return 50\n")
        second = await seen.finished(2)
        assert second.counts.total == 2
        assert len(seen.service.snapshot("trading").tests) == 5


async def test_two_projects_are_watched_at_once(tmp_path: Path) -> None:
    specs = trading(tmp_path / "one", "one"), trading(tmp_path / "two", "two")
    async with watched(*specs, home=tmp_path) as seen:
        await seen.finished(1, "one")
        await seen.finished(1, "two")
        await seen.ready("two")
        write(specs[1].path, trading__risk="def limit():\n    return 1\n")
        assert (await seen.finished(2, "two")).counts.failed == 1
        assert len(seen.said("started", "one")) == 1
        seen.service.run_failed()
        assert (await seen.finished(3, "two")).counts.total == 1
        assert len(seen.said("started", "one")) == 1


async def test_a_project_without_its_interpreter_says_what_to_do(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    missing = ProjectSpec("trading", spec.path, python="/nowhere/python")
    async with watched(missing, home=tmp_path) as seen:
        snapshot = seen.service.snapshot("trading")
        assert snapshot.state == "broken"
        assert "/nowhere/python" in snapshot.problem
        assert seen.badges[-1].text == "⚠"


async def test_a_project_that_vanishes_and_returns_is_run_again(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1)
        await seen.ready()
        spec.path.rename(tmp_path / "elsewhere")
        seen.service.run_all("trading")
        await until(lambda: seen.service.snapshot("trading").state == "gone", what="gone")
        (tmp_path / "elsewhere").rename(spec.path)
        await until(lambda: len(seen.said("finished")) >= 2, what="a run after its return")
        assert seen.service.snapshot("trading").counts.passed == 5


async def test_an_unknown_project_is_named_with_the_known_ones(tmp_path: Path) -> None:
    service = TestingService([], bus=Bus(), cache_dir=tmp_path, options=EngineOptions())
    with pytest.raises(UserError, match="no project named 'nope'"):
        service.run_all("nope")

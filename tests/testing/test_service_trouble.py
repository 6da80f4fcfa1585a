"""Projects that make watching hard: tests that kill their process, write sources, or live below pytest's rootdir."""

from __future__ import annotations

import sys
from pathlib import Path

from app.testing.model import ProjectSpec
from tests.testing.samples import ORDERS, trading, write
from tests.testing.test_service import watched
from tests.waiting import until

KILLER = """
import os

def test_kills():
    os._exit(7)
"""
WRITES_SOURCE = """
import pathlib, random, time

def test_generates():
    time.sleep(random.random() / 5)
    pathlib.Path(__file__).with_name("generated.py").write_text(f"X = {random.random()}")
"""


async def test_a_test_that_kills_its_process_does_not_silence_the_others(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    write(spec.path, tests__test_a_killer=KILLER)
    async with watched(spec, home=tmp_path) as seen:
        first = await seen.finished(1)
        assert first.exit == 3
        assert (first.counts.passed, first.counts.error) == (5, 1)
        assert "test_a_killer.py::test_kills" in first.note
        await seen.ready()
        write(spec.path, trading__orders=ORDERS.replace('quote["bid"]', 'quote["bids"]'))
        second = await seen.finished(2)
        outcomes = {nodeid: test.outcome for nodeid, test in seen.service.snapshot("trading").tests.items()}
        assert outcomes["tests/test_orders.py::test_fill_price[limit]"] == "failed"
        assert outcomes["tests/test_a_killer.py::test_kills"] == "error"
        assert list(outcomes.values()).count("passed") == 4
        assert second.affected_bad >= 1
        write(spec.path, tests__test_a_killer="def test_kills():\n    pass\n")
        third = await seen.finished(3)
        assert third.exit == 1
        assert third.counts.passed == 5


async def test_sources_that_tests_write_set_off_nothing(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    write(spec.path, tests__test_orders=WRITES_SOURCE)
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1)
        await seen.ready()
        write(spec.path, trading__risk="def limit():\n    return 7\n")
        await seen.finished(2)
        seen.service.run_all("trading")
        await seen.finished(3)
        await seen.idle()
        assert [data["files"] for data in seen.said("changed")] == [["trading/risk.py"]]
        assert len(seen.said("finished")) == 3


async def test_a_project_below_the_rootdir_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "mono").mkdir()
    (tmp_path / "mono/pytest.ini").write_text("[pytest]\n")
    service = tmp_path / "mono/svc"
    write(service, m="VALUE = 1\n", test_a="import m\n\ndef test_one():\n    assert m.VALUE == 1\n")
    write(service, test_b="def test_other():\n    pass\n")
    async with watched(ProjectSpec("trading", service, python=sys.executable), home=tmp_path) as seen:
        assert (await seen.finished(1)).counts.passed == 2
        await seen.ready()
        assert set(seen.service.snapshot("trading").tests) == {"svc/test_a.py::test_one", "svc/test_b.py::test_other"}
        write(service, m="VALUE = 2\n")
        assert (await seen.finished(2)).counts.failed == 1
        write(service, m="VALUE = 3\n")
        assert (await seen.finished(3)).counts.failed == 1
        seen.service.run_tests("trading", ["svc/test_b.py::test_other"])
        assert (await seen.finished(4)).counts.passed == 1


async def test_saves_at_a_steady_pace_end_with_the_newest_content(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    write(
        spec.path,
        tests__test_risk="import time\nfrom trading.risk import limit\n\n"
        "def test_slow():\n    time.sleep(0.5)\n\ndef test_limit():\n    assert limit() == 8\n",
    )
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1)
        await seen.ready()
        for value in range(9):
            changes = len(seen.said("changed"))
            write(spec.path, trading__risk=f"def limit():\n    return {value}\n")
            await until(lambda changes=changes: len(seen.said("changed")) > changes)  # type: ignore[misc]  # bound at once
        await seen.idle()
        test = seen.service.snapshot("trading").tests["tests/test_risk.py::test_limit"]
        assert (test.outcome, test.stale) == ("passed", False)

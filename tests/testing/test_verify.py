"""A warm run is held against a cold one while nobody works."""

from __future__ import annotations

from pathlib import Path

from app.testing.model import ProjectSpec
from tests.testing.samples import trading, write
from tests.testing.test_service import watched
from tests.waiting import until

WARM_DIFFERS = """
import os

def test_knows_its_seed():
    assert "PYTHONHASHSEED" not in os.environ

def test_plain():
    assert True
"""
"""Passes wherever the hash seed is left alone, and fails in the cold run of a comparison, which chooses one."""

FLAKY = """
import pathlib

def test_fails_the_second_time():
    runs = pathlib.Path(__file__).with_name("runs.tmp")
    count = len(runs.read_text()) if runs.exists() else 0
    runs.write_text("x" * (count + 1))
    assert count != 1
"""


def project(root: Path, source: str) -> ProjectSpec:
    spec = trading(root)
    write(spec.path, tests__test_orders=source)
    return spec


async def test_a_project_whose_outcomes_differ_for_good_runs_cold(tmp_path: Path) -> None:
    spec = project(tmp_path / "trading", WARM_DIFFERS)
    async with watched(spec, home=tmp_path, verify_idle_s=0.05) as seen:
        assert (await seen.finished(1)).counts.failed == 0
        await seen.ready()
        seen.service.run_all("trading")
        warm = await seen.finished(2)
        assert (warm.level, warm.counts.failed) == ("L1", 0)
        await until(lambda: "differ" in seen.service.snapshot("trading").level_reason, what="the verdict")
        reason = seen.service.snapshot("trading").level_reason
        assert "tests/test_orders.py::test_knows_its_seed passed warm, failed cold" in reason
        seen.service.run_all("trading")
        cold = await seen.finished(3)
        assert (cold.level, cold.counts.failed) == ("cold", 0)
    async with watched(spec, home=tmp_path) as again:
        first = await again.finished(1)
        assert (first.level, first.counts.failed) == ("cold", 0)
        assert "differ" in first.level_reason


async def test_a_flaky_test_is_no_reason_to_run_cold(tmp_path: Path) -> None:
    spec = project(tmp_path / "trading", FLAKY)
    async with watched(spec, home=tmp_path, verify_idle_s=0.05) as seen:
        await seen.finished(1)
        await seen.ready()
        seen.service.run_all("trading")
        assert (await seen.finished(2)).level == "L1"
        verifier = seen.service.verifier("trading")
        await until(lambda: verifier.last_verified, what="the comparison")
        assert verifier.cold_only == ""
        assert seen.service.snapshot("trading").level == "L1"


async def test_equal_outcomes_are_remembered_and_not_compared_again_soon(tmp_path: Path) -> None:
    spec = trading(tmp_path / "trading")
    async with watched(spec, home=tmp_path, verify_idle_s=0.05) as seen:
        await seen.finished(1)
        await seen.ready()
        seen.service.run_all("trading")
        await seen.finished(2)
        verifier = seen.service.verifier("trading")
        compared = await until(lambda: verifier.last_verified, what="the comparison")
        assert verifier.cold_only == ""
        assert seen.service.snapshot("trading").counts.passed == 5
    async with watched(spec, home=tmp_path, verify_idle_s=0.05) as again:
        assert again.service.verifier("trading").last_verified == compared

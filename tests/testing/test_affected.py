"""When a save counts as answered: all tests of all files that it affects have ended, not only those of the nearest."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.testing.live import LiveRun
from app.testing.model import ProjectSpec, TestState
from app.testing.run import CollectedTest, TestReported
from tests.testing.samples import write
from tests.testing.test_service import Followed, watched
from tests.waiting import until

MONEY = "def cents(amount):\n    return amount * 100\n"
TEST_MONEY = "from shop.money import cents\n\ndef test_cents():\n    assert cents(1) >= 0\n"
TEST_CART = """
from shop.money import cents

def test_total():
    assert cents(2) == 200

def test_nothing():
    assert cents(0) == 0
"""
WAITS = """
import pathlib, time

def test_waits():
    gate, end = pathlib.Path({gate!r}), time.monotonic() + 60
    while gate.exists() and time.monotonic() < end:
        time.sleep(0.01)
"""
NEAREST, FARTHER, OTHER = "tests/test_money.py", "tests/test_cart.py", "tests/test_weather.py"


def shop(root: Path, **more: str) -> ProjectSpec:
    """A module, the test file named like it, one that also imports it, and one that has nothing to do with it."""
    write(root, shop____init__="", shop__money=MONEY, tests__test_money=TEST_MONEY, tests__test_cart=TEST_CART)
    write(root, tests__test_weather="def test_rain():\n    pass\n\ndef test_sun():\n    pass\n")
    write(root, **more)
    (root / "pytest.ini").write_text("[pytest]\ntestpaths = tests\npythonpath = .\n", "utf-8")
    return ProjectSpec("shop", root, python=sys.executable)


def break_money(spec: ProjectSpec) -> None:
    """Save the module so that one test of the farther file fails and the nearest file's does not."""
    write(spec.path, shop__money=MONEY.replace("* 100", "* 10"))


def since_save(seen: Followed) -> list[tuple[str, Mapping[str, Any]]]:
    """What was said since the latest save."""
    events = [(item.event, item.data) for item in seen.stream]
    return events[max(number for number, (event, _) in enumerate(events) if event == "changed") :]


def answered(seen: Followed) -> tuple[Mapping[str, Any], list[str], list[str]]:
    """The one `affected_done` since the latest save, and the files of the results before and after it."""
    events = since_save(seen)
    (place,) = (number for number, (event, _) in enumerate(events) if event == "affected_done")
    files = [
        [data["nodeid"].partition("::")[0] for event, data in part if event == "result"]
        for part in (events[:place], events[place + 1 :])
    ]
    return events[place][1], files[0], files[1]


@pytest.mark.parametrize("warm", [True, False], ids=["two parts", "one part"])
async def test_the_answer_waits_for_every_affected_file_and_for_no_other(tmp_path: Path, warm: bool) -> None:
    gate = tmp_path / "closed"
    spec = shop(tmp_path / "shop", tests__test_weather=WAITS.format(gate=str(gate)))
    async with watched(spec, home=tmp_path, warm=warm) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        gate.touch()
        break_money(spec)
        await until(lambda: seen.said("affected_done", "shop"), what="the answer")
        progress = seen.service.snapshot("shop").progress
        assert progress is not None, "the other tests still run"
        assert await until(lambda: seen.service.snapshot("shop").progress.affected_done_s)  # type: ignore[union-attr]
        gate.unlink()
        run = await seen.finished(2, "shop")
        told, before, after = answered(seen)
        assert (before, after) == ([NEAREST, FARTHER, FARTHER], [OTHER])
        assert (told["bad"], run.affected_bad) == (1, 1)
        parts = [data for event, data in since_save(seen) if event == "started"]
        assert [data["order"] for data in parts] == [[NEAREST]] * (2 if warm else 1)


async def test_the_nearest_file_alone_answers_where_it_is_the_only_one(tmp_path: Path) -> None:
    spec = shop(tmp_path / "shop", tests__test_cart="def test_total():\n    pass\n")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        break_money(spec)
        await seen.finished(2, "shop")
        _, before, after = answered(seen)
        assert before == [NEAREST]
        assert set(after) == {FARTHER, OTHER}


async def test_what_failed_before_belongs_to_the_answer(tmp_path: Path) -> None:
    spec = shop(
        tmp_path / "shop", tests__test_weather="def test_rain():\n    assert False\n\ndef test_sun():\n    pass\n"
    )
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        break_money(spec)
        await seen.finished(2, "shop")
        told, before, after = answered(seen)
        assert (before, after) == ([NEAREST, OTHER, FARTHER, FARTHER], [OTHER])
        assert told["bad"] == 2


async def test_with_only_affected_the_answer_is_the_end(tmp_path: Path) -> None:
    spec = shop(tmp_path / "shop")
    async with watched(spec, home=tmp_path, only_affected=True) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        break_money(spec)
        await seen.finished(2, "shop")
        told, before, after = answered(seen)
        assert (sorted(before), after) == ([FARTHER, FARTHER, NEAREST], [])
        assert told["bad"] == 1


@pytest.mark.parametrize("file", ["test_money", "test_cart"])
async def test_an_affected_file_that_cannot_be_collected_is_a_bad_answer(tmp_path: Path, file: str) -> None:
    spec = shop(tmp_path / "shop")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        # Its import fails as soon as the module is saved.
        text = "from shop.money import cents, WHOLE\n\ndef test_whole():\n    assert WHOLE\n"
        write(spec.path, **{f"tests__{file}": text, "shop__money": MONEY})
        await seen.finished(2, "shop")
        told, before, _after = answered(seen)
        assert f"tests/{file}.py" not in before
        assert told["bad"] == 1


@pytest.mark.parametrize("file", ["test_money", "test_cart"])
async def test_an_affected_file_without_a_test_is_not_waited_for(tmp_path: Path, file: str) -> None:
    spec = shop(tmp_path / "shop")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        write(spec.path, **{f"tests__{file}": "from shop.money import cents\n", "shop__money": MONEY + "\n"})
        await seen.finished(2, "shop")
        _, before, after = answered(seen)
        assert set(before) == {NEAREST, FARTHER} - {f"tests/{file}.py"}
        assert set(after) == {OTHER}


async def test_a_save_that_affects_no_test_at_all_is_not_called_answered(tmp_path: Path) -> None:
    spec = shop(tmp_path / "shop", tests__test_cart="def test_total():\n    pass\n")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        write(spec.path, tests__test_money="from shop.money import cents\n")
        run = await seen.finished(2, "shop")
        assert seen.said("affected_done", "shop") == []
        assert (run.affected_done_s, run.counts.passed) == (None, 3)


@pytest.mark.parametrize("file", ["test_money", "test_cart"])
async def test_a_test_that_kills_its_process_is_part_of_the_answer(tmp_path: Path, file: str) -> None:
    spec = shop(tmp_path / "shop")
    killer = (
        "import os\nfrom shop.money import cents\n\ndef test_dies():\n    os._exit(9)\n\ndef test_lives():\n    pass\n"
    )
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        write(spec.path, **{f"tests__{file}": killer, "shop__money": MONEY + "\n"})
        await seen.finished(2, "shop")
        told, before, after = answered(seen)
        assert before.count(f"tests/{file}.py") == 2
        assert (set(before), set(after)) == ({NEAREST, FARTHER}, {OTHER})
        assert told["bad"] == 1


async def test_a_run_that_stops_at_its_first_failure_has_not_answered(tmp_path: Path) -> None:
    spec = shop(tmp_path / "shop", tests__test_weather="def test_rain():\n    pass\n")
    (spec.path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\npythonpath = .\naddopts = -x\n", "utf-8")
    async with watched(spec, home=tmp_path, warm=False) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        write(spec.path, shop__money=MONEY.replace("* 100", "* -1"))
        run = await seen.finished(2, "shop")
        assert (run.exit, run.counts.failed) == (1, 1)
        assert (run.affected_done_s, seen.said("affected_done", "shop")) == (None, [])


async def test_a_run_superseded_before_its_answer_owes_its_files_to_the_next(tmp_path: Path) -> None:
    gate = tmp_path / "closed"
    waits = "from shop.money import cents\n" + WAITS.format(gate=str(gate))
    spec = shop(tmp_path / "shop", tests__test_cart=waits, shop__rain="MM = 1\n")
    write(spec.path, tests__test_rain="from shop.rain import MM\n\ndef test_mm():\n    assert MM\n")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        gate.touch()
        break_money(spec)
        await until(lambda: seen.service.snapshot("shop").tests[f"{FARTHER}::test_waits"].running, what="the rest")
        assert [data["nodeid"] for event, data in since_save(seen) if event == "result"] == [f"{NEAREST}::test_cents"]
        write(spec.path, shop__rain="MM = 2\n")
        await until(lambda: seen.said("superseded", "shop"), what="superseded")
        gate.unlink()
        await seen.finished(2, "shop")
        _, before, after = answered(seen)
        assert set(before) == {NEAREST, FARTHER, "tests/test_rain.py"}
        assert set(after) == {OTHER}


async def test_a_new_test_file_leads_the_rest_and_is_waited_for(tmp_path: Path) -> None:
    spec = shop(tmp_path / "shop")
    async with watched(spec, home=tmp_path) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        write(spec.path, tests__test_zoo="def test_new():\n    assert False\n")
        await seen.finished(2, "shop")
        told, before, after = answered(seen)
        assert (before, set(after), told["bad"]) == (["tests/test_zoo.py"], {NEAREST, FARTHER, OTHER}, 1)


async def test_with_only_affected_a_new_test_file_is_found(tmp_path: Path) -> None:
    spec = shop(tmp_path / "shop", tests__test_weather="def test_rain():\n    assert False\n")
    async with watched(spec, home=tmp_path, only_affected=True) as seen:
        await seen.finished(1, "shop")
        await seen.ready("shop")
        write(spec.path, tests__test_zoo="def test_new():\n    pass\n")
        await seen.finished(2, "shop")
        assert seen.service.snapshot("shop").tests["tests/test_zoo.py::test_new"].outcome == "passed"


def test_results_in_any_order_count_where_they_belong() -> None:
    """Workers that share the tests report as they please."""
    said: list[tuple[str, Mapping[str, object]]] = []
    live = LiveRun("run", "shop", "save", lambda event, data: said.append((event, data)))
    live.affected = frozenset({NEAREST})
    ids = [f"{NEAREST}::one", f"{OTHER}::one", f"{NEAREST}::two", f"{OTHER}::two"]
    live.collected([CollectedTest(nodeid, nodeid.partition("::")[0], 1) for nodeid in ids], complete=True)
    for nodeid, outcome in zip(ids, ("passed", "failed", "failed", "passed"), strict=True):
        report = TestReported(nodeid, outcome, 0.1)  # type: ignore[arg-type]  # the words are outcomes
        live.reported(report, TestState(nodeid, nodeid.partition("::")[0]))
    assert [event for event, _ in said] == ["result", "result", "result", "affected_done", "result"]
    assert said[3][1]["bad"] == 1
    assert live.progress().bad == 2

"""`qd test watch --json` as a script uses it."""

from __future__ import annotations

import sys

import pytest

from tests.e2e import processes
from tests.e2e.house import BROKEN_PRICING, SHOP, House, hung
from tests.e2e.stream import Watch

pytestmark = pytest.mark.e2e

PRICE = "tests/test_pricing.py::test_price_of_one"


def started(house: House) -> Watch:
    """A watch on the shop that has run everything once and is warm."""
    watch = house.watch("--path", house.project(), "--python", sys.executable)
    assert watch.wait_for("ready")["level"] == "L1"
    return watch


def test_a_save_streams_its_events_in_order(house: House) -> None:
    watch = started(house)
    mark = watch.events[-1]["t"]
    house.write(house.folder / "shop/pricing.py", BROKEN_PRICING)
    end = watch.wait_for("finished", after=mark)
    events = [event for event in watch.events if mark < event["t"] <= end["t"]]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "changed"
    assert kinds.index("changed") < kinds.index("started") < kinds.index("result") < kinds.index("affected_done")
    assert events[0]["files"] == ["pricing.py"]
    begun = next(event for event in events if event["event"] == "started")
    assert begun["run_id"] == end["run_id"]
    assert begun["level"] == "L1"
    results = {event["nodeid"]: event["outcome"] for event in events if event["event"] == "result"}
    assert results[PRICE] == "failed"
    assert len(results) == 4
    assert end["exit"] == 1
    assert end["counts"]["failed"] == 1
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)


def test_commands_on_standard_input(house: House) -> None:
    watch = started(house)

    end = watch.wait_for("finished", after=watch.tell("all"))
    assert end["counts"]["passed"] == 4

    at = watch.tell("run", nodeids=[PRICE])
    end = watch.wait_for("finished", after=at)
    assert end["counts"]["passed"] == 1
    assert [event["nodeid"] for event in watch.between("result", at, end["t"])] == [PRICE]

    at = watch.events[-1]["t"]
    house.write(house.folder / "shop/pricing.py", BROKEN_PRICING)
    watch.wait_for("finished", after=at)
    at = watch.tell("failed")
    end = watch.wait_for("finished", after=at)
    assert [event["nodeid"] for event in watch.between("result", at, end["t"])] == [PRICE]

    end = watch.wait_for("finished", after=watch.tell("last"))
    assert end["counts"]["failed"] == 1
    assert end["counts"]["passed"] == 0

    family = watch.family()
    assert watch.quit() == 0
    assert not processes.gone(family, 5.0)
    assert not house.processes()


def test_stop_ends_a_hanging_run(house: House) -> None:
    watch = started(house)
    pids = house.hanging(house.folder / "shop")
    watch.wait_for("started", holds=lambda event: event["trigger"] == "save")
    hanging = hung(pids)
    at = watch.tell("stop")
    watch.wait_for("finished", "superseded", after=at)
    assert not processes.gone(hanging, 5.0)
    end_of_all = watch.wait_for("finished", after=watch.tell("run", nodeids=[PRICE]))
    assert end_of_all["counts"]["passed"] == 1


def test_a_newer_save_supersedes_the_run(house: House) -> None:
    watch = started(house)
    shop = house.folder / "shop"
    pids = house.hanging(shop)
    hanging = hung(pids)
    mark = watch.events[-1]["t"]
    house.write(shop / "tests/test_zz_hangs.py", "def test_hangs_no_more():\n    assert True\n")
    watch.wait_for("superseded", after=mark)
    end_event = watch.wait_for("finished", after=mark)
    assert end_event["counts"]["passed"] == 5
    assert not processes.gone(hanging, 5.0)


def test_nonsense_on_standard_input_is_told_and_changes_nothing(house: House) -> None:
    watch = started(house)
    assert watch.process.stdin is not None
    watch.process.stdin.write(b'nonsense\n{"do": "dance"}\n{"do": "run"}\n[]\n\xff\xfe\n')
    watch.process.stdin.flush()
    end = watch.wait_for("finished", after=watch.tell("all"))
    assert end["counts"]["passed"] == len(SHOP) - 1
    assert "dance" in watch.errors()


def test_killed_it_leaves_no_process(house: House) -> None:
    watch = started(house)
    pids = house.hanging(house.folder / "shop")
    family = (*hung(pids), *watch.family())
    assert len(family) >= 4
    watch.process.kill()
    assert not processes.gone(family, 10.0)
    assert not house.processes()

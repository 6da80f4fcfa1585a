"""The app through an ordinary day: it opens, answers saves, shows why a test fails, reruns, and turns green again."""

from __future__ import annotations

import re

import pytest

from tests.e2e import processes
from tests.e2e.house import BROKEN_PRICING, SHOP, House, hung
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e

GREEN = r"✓4 all green in"
IDLE = r"warm L1"


def opened(house: House) -> Terminal:
    """The app on the shop, all green and warm."""
    house.configure(house.project())
    terminal = house.open()
    terminal.wait_for(GREEN)
    terminal.wait_for(IDLE)
    return terminal


def test_a_save_is_answered_and_mended(house: House) -> None:
    terminal = opened(house)
    shop = house.folder / "shop"

    house.write(shop / "pricing.py", BROKEN_PRICING)
    terminal.wait_for(r"affected ✗1 in")
    text = terminal.wait_for(r"✗1 ✓\d in .*after save of pricing\.py")
    assert "2 Tests ✗1" in text.splitlines()[0]

    terminal.press("n")
    terminal.wait_for(r"KeyError: 'tax'")
    terminal.wait_for(re.escape("return {'gross': net}['tax']"))
    terminal.wait_for(re.escape("assert price(100, 19) == 119"))

    terminal.press("R")
    terminal.wait_for(r"✗1 in .*by key")

    house.write(shop / "pricing.py", SHOP["pricing.py"])
    terminal.wait_for(r"✓\d all green in .*after save of pricing\.py")
    terminal.wait_for(r"2 Tests ✓")
    terminal.wait_for(r"─ shop ✓4 ─")


def test_failed_and_all_by_key(house: House) -> None:
    terminal = opened(house)
    house.write(house.folder / "shop/pricing.py", BROKEN_PRICING)
    terminal.wait_for(r"✗1 ✓\d in .*after save of pricing\.py")

    terminal.press("f")
    terminal.wait_for(r"(?m)^ ✗1 in .*by key")

    terminal.press("a")
    terminal.wait_for(r"(?m)^ ✗1 ✓3 in .*by key")


def test_a_hanging_test_is_stopped(house: House) -> None:
    terminal = opened(house)
    pids = house.hanging(house.folder / "shop")
    hanging = hung(pids)
    terminal.wait_for(r"\d+/\d+  ")

    terminal.press("x")
    terminal.wait_for(r"stopped")
    assert not processes.gone(hanging, 5.0)
    terminal.wait_gone(r"\d+/\d+  ")
    assert terminal.process.poll() is None


def test_watching_off_and_on(house: House) -> None:
    terminal = opened(house)
    shop = house.folder / "shop"
    terminal.press("w")
    terminal.wait_for(r"watch off")
    before = len(list((house.home / "cache").rglob("*.log")))
    house.write(shop / "pricing.py", BROKEN_PRICING)
    terminal.settle(0.7, 3.0)
    assert "✗" not in terminal.text()
    assert len(list((house.home / "cache").rglob("*.log"))) == before

    terminal.press("w")
    terminal.wait_for(r"watching \d+ files")
    house.write(shop / "pricing.py", BROKEN_PRICING + "# again\n")
    terminal.wait_for(r"affected ✗1 in")


def test_quit_leaves_nothing(house: House) -> None:
    terminal = opened(house)
    family = terminal.family()
    assert len(family) >= 2, "the app and its warm server"
    terminal.press("q")
    assert terminal.wait() == 0
    assert not processes.gone(family, 5.0)
    assert not house.processes()


def test_quit_in_a_run_asks_and_leaves_nothing(house: House) -> None:
    terminal = opened(house)
    pids = house.hanging(house.folder / "shop")
    family = (*hung(pids), *terminal.family())
    terminal.press("q")
    terminal.wait_for(r"a test run in shop")
    terminal.press("y")
    assert terminal.wait() == 0
    assert not processes.gone(family, 5.0)
    assert not house.processes()

"""The app when things go wrong around it: killed, misconfigured, robbed of its project, squeezed, doubled."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.e2e import processes
from tests.e2e.house import BROKEN_PRICING, House, hung
from tests.e2e.program import qd
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e

GREEN = r"✓4 all green in"
LEADER = """import signal, subprocess, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)
"""


def opened(house: House) -> Terminal:
    """The app on the shop, all green and warm."""
    house.configure(house.project())
    terminal = house.open()
    terminal.wait_for(GREEN)
    terminal.wait_for(r"warm L1")
    return terminal


def test_killed_in_a_run_it_leaves_no_process_and_loses_nothing(house: House) -> None:
    terminal = opened(house)
    shop = house.folder / "shop"
    house.write(shop / "pricing.py", BROKEN_PRICING)
    terminal.wait_for(r"✗1 ✓\d in .*after save of pricing\.py")
    pids = house.hanging(shop)
    family = (*hung(pids), *terminal.family())
    assert len(family) >= 4, "the app, its server, the test and the test's child"

    terminal.kill()
    assert not processes.gone(family, 10.0)
    assert not house.processes()

    (shop / "tests/test_zz_hangs.py").unlink()
    house.configure(shop, tests="on_start = false")
    again = house.open()
    again.wait_for(r"─ shop ✗1 ✓3 ─")
    again.wait_for(r"✗ test_price_of_one +KeyError: 'tax'")
    again.wait_for(r"✗1 ✓\d in .*after a? ?save")
    runs = house.ask("test", "history")["runs"]
    assert [run["counts"]["failed"] for run in sorted(runs, key=lambda run: run["started_at"])][:2] == [0, 1]


def test_a_wrong_configuration_is_shown_and_mended(house: House) -> None:
    shop = house.project()
    house.configure(shop, tests="polling = 3\nrunn = 'all'")
    terminal = house.open()
    terminal.wait_for(r"The configuration cannot be used")
    for pattern in (r"tests\.polling", r"tests\.runn", r"config\.toml:\d+"):
        terminal.wait_for(pattern)

    house.configure(shop)
    terminal.press("r")
    terminal.wait_for(GREEN)


def test_a_configuration_that_turns_wrong_changes_nothing(house: House) -> None:
    terminal = opened(house)
    shop = house.folder / "shop"
    house.configure(shop, tests="polling = 3")
    terminal.wait_for(r"(?m)^.*tests\.polling")
    house.write(shop / "pricing.py", BROKEN_PRICING)
    terminal.wait_for(r"affected ✗1 in")
    house.configure(shop)
    terminal.wait_gone(r"tests\.polling")


def test_without_a_project_it_says_how_to_get_one(house: House) -> None:
    house.configure()
    terminal = house.open()
    terminal.wait_for(r"No project is configured yet")
    assert "qd init" in terminal.text()
    terminal.press("q")
    assert terminal.wait() == 0


def test_without_a_configuration_it_opens(house: House) -> None:
    terminal = Terminal([*house.command()], home=house.home, cwd=house.folder)
    with terminal:
        terminal.wait_for(r"No project is configured yet")
        terminal.press("q")
        assert terminal.wait() == 0


def test_a_project_that_vanishes_and_returns(house: House) -> None:
    terminal = opened(house)
    shop, away = house.folder / "shop", house.folder / "away"
    shop.rename(away)
    terminal.wait_for(r"folder gone|shop is gone")
    away.rename(shop)
    terminal.wait_for(r"watching \d+ files")
    house.write(shop / "pricing.py", BROKEN_PRICING)
    terminal.wait_for(r"✗1 ✓\d in .*after save of")


def test_squeezed_to_nothing_and_back(house: House) -> None:
    terminal = opened(house)
    terminal.resize(20, 5)
    terminal.settle(0.5)
    terminal.press("down", "down", "tab", "up", "?", "escape")
    terminal.settle(0.5)
    terminal.resize(160, 48)
    terminal.wait_for(r"─ shop ✓4 ─.*╮╭[^╯]*test_price_without_tax")
    terminal.press("a")
    terminal.wait_for(r"✓4 all green in .*by key")


def test_two_at_once_share_one_home(house: House) -> None:
    first = opened(house)
    second = house.open(env={"QUARTERDECK_TESTS__ON_START": "false"})
    second.wait_for(r"watching \d+ files")
    second.wait_for(r"warm L1")
    house.write(house.folder / "shop/pricing.py", BROKEN_PRICING)
    for terminal in (first, second):
        terminal.wait_for(r"✗1 ✓\d in .*after save of pricing\.py")
        terminal.wait_for(r"sqlite ●")
    first.press("q")
    assert first.wait() == 0
    second.press("a")
    second.wait_for(r"✗1 ✓3 in .*by key")
    second.press("q")
    assert second.wait() == 0
    assert not house.processes()
    assert len(house.ask("test", "history")["runs"]) == 4


@pytest.mark.parametrize("told", [True, False], ids=["told by a signal", "told by nobody"])
def test_a_terminal_that_goes_away_while_much_is_painted_ends_everything(house: House, told: bool) -> None:
    shop = house.project()
    lines = "import time, pytest\n@pytest.mark.parametrize('n', range(2000))\ndef test_tick(n): time.sleep(0.02)\n"
    house.write(shop / "tests/test_ticks.py", lines)
    house.configure(shop)
    # The system tells the leader of a session that its terminal is gone; what becomes of the others is up to that one.
    leader = () if told else (sys.executable, "-c", LEADER)
    with Terminal((*leader, *qd("--config", house.config)), home=house.home, cwd=house.folder) as terminal:
        terminal.wait_for(r"\b\d+/20\d\d")
        family = terminal.family()
        assert len(family) >= 3, "the app, its server and the run"

        terminal.hang_up()
        assert not processes.gone(family, 20.0)
        assert not house.processes()


def test_a_hangup_ends_everything(house: House) -> None:
    terminal = opened(house)
    family = terminal.family()
    os.kill(terminal.pid, signal.SIGHUP)
    assert not processes.gone(family, 10.0)
    assert not house.processes()

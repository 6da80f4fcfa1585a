"""Pictures of the Tests screen in each state, at a large and a small size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.testing.model import ProjectSnapshot
from tests.fakes import FakeTesting, green, many, run, running, snapshot, trading, trading_tests
from tests.screens.tests_host import Host, settled

LARGE = (160, 48)
SMALL = (80, 24)
Made = Callable[[], tuple[ProjectSnapshot, ...]]
CRASH = "segmentation fault in tests/test_risk.py::test_limit[3]"
BROKEN = "no pytest in /home/mara/trading/.venv/bin/python\n/home/mara/trading/.venv/bin/python -m pip install pytest"

STATES: dict[str, tuple[Made, tuple[str, ...]]] = {
    "empty": (lambda: (), ()),
    "starting": (lambda: (snapshot([], state="starting", last=None, recent=(), saved_at=None, watched_files=0),), ()),
    "failures": (lambda: (trading(),), ("n",)),
    "green": (lambda: (green(),), ("j",)),
    "running": (lambda: (running(), green(name="quarterdeck")), ()),
    "stale": (lambda: (snapshot([replace(test, stale=True) for test in trading_tests()]),), ("n",)),
    "detail": (lambda: (trading(),), ("n", "enter", "j", "j", "j")),
    "chained": (lambda: (trading(),), ("N", "enter")),
    "locals": (lambda: (trading(),), ("n", "enter", "h", "h")),
    "history": (lambda: (trading(),), ("n", "enter", "h")),
    "output": (lambda: (trading(),), ("n", "enter", "l")),
    "marked": (lambda: (trading(),), ("n", "space", "space")),
    "filtered": (lambda: (trading(),), ("slash", *"gap")),
    "no_match": (lambda: (trading(),), ("slash", *"zzz")),
    "failing_only": (lambda: (trading(),), ("v",)),
    "broken": (lambda: (trading(state="broken", problem=BROKEN),), ()),
    "gone": (lambda: (snapshot([], state="gone", problem="/home/mara/trading is not there any more", recent=()),), ()),
    "crashed": (
        lambda: (trading(last=run(30, exit=3, note=CRASH)),),
        (),
    ),
    "unwatched": (
        lambda: (trading(watching=False, level="cold", level_reason="pytest-xdist is active"),),
        (),
    ),
    "polling": (lambda: (trading(watch_note="polling: no file events arrive here"),), ()),
    "uncollected": (lambda: (snapshot(trading_tests(), {"tests/test_new.py": "SyntaxError: invalid syntax"}),), ("N",)),
    "many": (lambda: (many(5000),), ("n",)),
}


def press(keys: tuple[str, ...]) -> Callable[[Any], Any]:
    async def before(pilot: Any) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
        await settled(pilot)

    return before


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["160x48", "80x24"])
@pytest.mark.parametrize("name", STATES)
def test_picture(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    made, keys = STATES[name]
    assert snap_compare(Host(FakeTesting.of(*made())), terminal_size=size, run_before=press(keys))


@pytest.mark.parametrize("name", ["failures", "running"])
def test_picture_in_light_colours(name: str, snap_compare: Any) -> None:
    made, keys = STATES[name]
    host = Host(FakeTesting.of(*made()), theme="quarterdeck-light")
    assert snap_compare(host, terminal_size=LARGE, run_before=press(keys))


def test_picture_at_a_middle_size(snap_compare: Any) -> None:
    assert snap_compare(Host(FakeTesting.of(trading())), terminal_size=(100, 30), run_before=press(("n",)))

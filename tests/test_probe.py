"""The loop-lag probe."""

from __future__ import annotations

import time

from app.probe import LoopProbe
from tests.waiting import until


async def test_a_blocked_loop_is_measured_and_reported() -> None:
    heard: list[float] = []
    probe = LoopProbe(heard.append, shortest_s=0.01, longest_s=0.01)
    probe.start()
    await until(lambda: probe.worst_s > 0)
    began = time.monotonic()
    while time.monotonic() - began < 0.25:
        pass
    await until(lambda: bool(heard))
    probe.stop()
    assert 0.15 < heard[0] < 5
    assert probe.worst_s >= heard[0]


async def test_it_ticks_ever_less_while_nothing_happens() -> None:
    probe = LoopProbe(shortest_s=0.01, longest_s=0.16)
    probe.start()
    await until(lambda: probe._pause > 0.1)
    probe.stop()
    assert probe._handle is None

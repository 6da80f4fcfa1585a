"""How much a run of the benchmarks measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers of repetitions; `quick` ones show that everything works, and judge nothing."""

    light_pairs: int
    heavy_pairs: int
    slow_pairs: int
    overhead_rounds: int
    overhead_tests: int
    app_runs: int
    """Whole runs of the large project in the app, one after the other."""
    startup_rounds: int
    idle_s: float
    keys: int
    app_tests: int
    quiet_s: float
    """How long a program has to be quiet before it counts as settled."""


FULL = Scale(
    light_pairs=12,
    heavy_pairs=9,
    slow_pairs=3,
    overhead_rounds=7,
    overhead_tests=5000,
    app_runs=3,
    startup_rounds=15,
    idle_s=30.0,
    keys=100,
    app_tests=600,
    quiet_s=2.0,
)
QUICK = Scale(
    light_pairs=2,
    heavy_pairs=1,
    slow_pairs=1,
    overhead_rounds=1,
    overhead_tests=500,
    app_runs=1,
    startup_rounds=2,
    idle_s=3.0,
    keys=10,
    app_tests=60,
    quiet_s=1.0,
)

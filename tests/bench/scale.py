"""How much a run of the benchmarks measures."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.gitrepo import Size


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
    copy_rows: int
    import_rows: int
    """A quarter of them goes into each server."""
    receiver_s: float
    decisions: int
    """Of a review, one a second."""
    review_rows: int
    review_opens: int
    git_large: Size
    git_small: Size
    git_rounds: int
    git_sampled: int
    """Branches that git itself counts one by one in each round."""
    git_many: int
    """Repositories that are followed at once."""
    git_idle_s: float
    git_moves: int
    git_starts: int


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
    copy_rows=100_000,
    import_rows=300_000,
    receiver_s=20.0,
    decisions=600,
    review_rows=10_000_000,
    review_opens=3,
    git_large=Size(),
    git_small=Size(branches=60, commits=2000, files=300, each=3),
    git_rounds=7,
    git_sampled=8,
    git_many=50,
    git_idle_s=50.0,
    git_moves=12,
    git_starts=5,
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
    copy_rows=2000,
    import_rows=4000,
    receiver_s=1.0,
    decisions=5,
    review_rows=3000,
    review_opens=1,
    git_large=Size(branches=200, commits=3000, files=800),
    git_small=Size(branches=20, commits=300, files=60, each=3),
    git_rounds=1,
    git_sampled=2,
    git_many=5,
    git_idle_s=2.0,
    git_moves=2,
    git_starts=1,
)

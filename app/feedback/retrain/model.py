"""What the retrain trigger speaks of. Values only; imports nothing of the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

RunState = Literal["fired", "frozen", "dispatched", "succeeded", "failed", "expired"]
"""fired: its rows are attached. frozen: its files are written. dispatched: the consumer has taken it. expired: the
consumer took it and never said how it went."""
Combine = Literal["any", "all"]
Taken = Literal["accepted", "decided"]
Result = Literal["report", "exit"]

RUN_STATES: tuple[RunState, ...] = get_args(RunState)
OPEN: tuple[RunState, ...] = ("fired", "frozen", "dispatched")
"""States of a run that keeps the next one waiting."""
VERDICT_LABELS = ("accepted", "rejected")
"""Labels that every row has by its verdict; all others are tags."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One consumer of decided rows, and when it is to get some. Thresholds of 0 are off.

    `folder` is where its command runs, and whose commit goes into the manifest. `secret` signs the webhook.
    """

    name: str
    folder: Path
    combine: Combine = "any"
    rows: Taken = "accepted"
    accepted_rows: int = 0
    labels: tuple[str, ...] = ()
    label_rows: int = 0
    reject_rise: float = 0.0
    psi_above: float = 0.0
    ks_above: float = 0.0
    window_days: float = 7.0
    baseline_days: float = 30.0
    least_sample: int = 50
    max_age_days: float = 0.0
    schedule: str = ""
    timezone: str = ""
    least_rows: int = 1
    most_rows: int = 100_000
    cooldown_s: float = 3600.0
    min_agreement: float = 0.0
    free_mb: int = 500
    command: tuple[str, ...] = ()
    webhook: str = ""
    secret: str = field(default="", repr=False)
    result: Result = "report"
    timeout_s: float = 600.0
    attempts: int = 8
    back_off_s: float = 30.0
    report_within_s: float = 86_400.0
    test_share: float = 0.1
    split_seed: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """One reason to fire: what was measured (None: too little to tell), and from where on it is met.

    `missing` says what is needed until it is met; empty once it is.
    """

    id: str
    met: bool
    value: float | None
    threshold: float
    detail: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """One reason not to fire yet: `ok` lets it through."""

    id: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Why a pipeline would or would not fire at a moment.

    `revision` counts its firings; `look_at` is when time alone may change the answer.
    """

    pipeline: str
    at: datetime
    revision: int
    new_rows: int
    corrections: int
    combine: Combine
    conditions: tuple[Condition, ...]
    guards: tuple[Guard, ...]
    look_at: datetime | None = None

    @property
    def met(self) -> bool:
        """The conditions say yes."""
        holds = [condition.met for condition in self.conditions]
        return bool(holds) and (all(holds) if self.combine == "all" else any(holds))

    @property
    def clear(self) -> bool:
        """No guard says no."""
        return all(guard.ok for guard in self.guards)

    @property
    def ready(self) -> bool:
        """It would fire."""
        return self.met and self.clear

    @property
    def reason(self) -> str:
        """What speaks for firing: the conditions met."""
        return "; ".join(condition.detail for condition in self.conditions if condition.met)

    @property
    def missing(self) -> tuple[str, ...]:
        """What is needed until the next firing; with `combine` any, one of those that conditions name is enough."""
        wanted = () if self.met else tuple(condition.missing for condition in self.conditions if not condition.met)
        if not self.conditions:
            wanted = ("a condition in the configuration, or `qd retrain fire --force`",)
        return (*wanted, *(guard.detail for guard in self.guards if not guard.ok))

    @property
    def progress(self) -> str:
        """The same in one line, for the screen."""
        if self.ready:
            return "retrain fires now"
        held = [guard.detail for guard in self.guards if not guard.ok]
        if self.met or (held and any(guard.id == "hold" and not guard.ok for guard in self.guards)):
            return f"retrain waits: {held[0]}"
        wanted = [text for text in self.missing if text not in held]
        joined = (" or " if self.combine == "any" else " and ").join(wanted[:2])
        more = f" (+{len(wanted) - 2})" if len(wanted) > 2 else ""
        return f"{joined}{more} until retrain fires"


@dataclass(frozen=True, slots=True)
class Run:
    """One firing and what became of it."""

    id: str
    pipeline: str
    state: RunState
    reason: str
    row_count: int
    created_at: datetime
    updated_at: datetime
    trigger_key: str
    thresholds: Mapping[str, Any]
    snapshot: Mapping[str, Any]
    manifest: str | None = None
    manifest_hash: str | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    dispatched_at: datetime | None = None
    finished_at: datetime | None = None
    result: Mapping[str, Any] | None = None
    error: str | None = None

    @property
    def open(self) -> bool:
        """Nobody knows yet how it went."""
        return self.state in OPEN

    @property
    def ended(self) -> str:
        """How it ended, in one line; empty while nobody knows."""
        if self.open:
            return ""
        result = self.result or {}
        metrics = ", ".join(f"{name} {value:g}" for name, value in (result.get("metrics") or {}).items())
        said = metrics or str(result.get("note") or self.error or "").split("\n", 1)[0]
        return f"the run {self.state}{f': {said}' if said else ''}"


@dataclass(frozen=True, slots=True)
class Look:
    """A time when the conditions were met: it fired, or a guard kept it from firing."""

    id: str
    pipeline: str
    at: datetime
    fired: bool
    reason: str
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """A pipeline as it stands: why it would or would not fire, what holds it, its last run."""

    evaluation: Evaluation
    hold: str | None = None
    last: Run | None = None

    @property
    def progress(self) -> str:
        """What is missing until it fires, behind a last run that did not end well."""
        if self.last is None or self.last.state not in ("failed", "expired"):
            return self.evaluation.progress
        return f"last run {self.last.state}, {self.evaluation.progress}"


@dataclass(frozen=True, slots=True)
class RetrainSnapshot:
    """Every pipeline as it stands; `problem` says why this is not known, or not up to date."""

    pipelines: tuple[Status, ...] = ()
    problem: str = ""

    @property
    def progress(self) -> str:
        """One line for the screen, such as `9 more accepted rows until retrain fires`; empty without a pipeline."""
        several = len(self.pipelines) > 1
        lines = [
            f"{status.evaluation.pipeline}: {status.progress}" if several else status.progress
            for status in self.pipelines
        ]
        return " · ".join(lines)


@dataclass(frozen=True, slots=True)
class Frozen:
    """The files of a run. `sha256` is that of the manifest, which names those of the data."""

    manifest: Path
    data: Path
    sha256: str
    document: Mapping[str, Any]

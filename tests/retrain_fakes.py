"""Pipelines that train, as screens see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.errors import UserError
from app.feedback.retrain.model import Condition, Evaluation, Guard, Look, RetrainSnapshot, Run, Status
from tests.fakes import NOW

AT = datetime.fromtimestamp(NOW, UTC)


def evaluated(accepted: int = 91, pipeline: str = "support") -> Status:
    """A pipeline that has so many of the hundred rows that it wants."""
    left = 100 - accepted
    conditions = (
        Condition(
            "rows",
            left <= 0,
            accepted,
            100,
            f"{accepted} of 100 new accepted rows",
            f"{left} more accepted rows" if left > 0 else "",
        ),
        Condition(
            "reject_rate",
            False,
            0.021,
            0.1,
            "reject rate 12.1% of 140, before 10.0% of 400",
            "a reject rate of 20.0% (now 12.1%)",
        ),
        Condition("psi", False, None, 0.25, "score drift (PSI): 12 more scores in the window", "12 more scores"),
    )
    guards = (
        Guard("hold", True, "it is not held"),
        Guard("running", True, "no run is under way"),
        Guard("cooldown", False, "40 min of the pause after the last run are left"),
    )
    return Status(Evaluation(pipeline, AT, 2, accepted, 3, "any", conditions, guards))


def run(number: int, **more: Any) -> Run:
    """A run that went well, the first of them `number` days ago."""
    values: dict[str, Any] = {
        "id": f"01K{number:023}",
        "pipeline": "support",
        "state": "succeeded",
        "reason": "100 of 100 new accepted rows",
        "row_count": 100,
        "created_at": AT - timedelta(days=number),
        "updated_at": AT,
        "trigger_key": "k",
        "thresholds": {},
        "snapshot": {},
        "result": {"ok": True, "metrics": {"f1": 0.91}},
    }
    return Run(**{**values, **more})


@dataclass
class FakeRetrain:
    """The retrain trigger from memory."""

    statuses: tuple[Status, ...] = ()
    runs: list[Run] = field(default_factory=list)
    problem: str = ""
    away: str = ""
    asked: list[str] = field(default_factory=list)
    looked: Callable[[], None] = lambda: None
    """What another instance has done comes to light when it is measured."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(status.evaluation.pipeline for status in self.statuses)

    def snapshot(self) -> RetrainSnapshot:
        return RetrainSnapshot(self.statuses, self.problem)

    def look_again(self) -> None:
        self.asked.append("look")
        self.looked()

    async def fire(self, name: str = "", *, force: bool = False) -> tuple[Run | None, Evaluation]:
        self.asked.append(f"fire {name}")
        self.runs = [run(0, state="fired", reason="fired by hand"), *self.runs]
        return self.runs[0], self.statuses[0].evaluation

    async def hold(self, name: str, reason: str | None) -> None:
        self.asked.append(f"hold {name} {reason}")
        guard = Guard("hold", reason is None, "nobody holds it" if reason is None else f"held: {reason}")
        self.statuses = tuple(
            replace(status, evaluation=replace(status.evaluation, guards=(guard, *status.evaluation.guards[1:])))
            if status.evaluation.pipeline == name
            else status
            for status in self.statuses
        )

    async def history(self, limit: int = 20) -> tuple[list[Run], list[Look]]:
        if self.away:
            raise UserError(self.away)
        return self.runs[:limit], [Look("L1", "support", AT - timedelta(days=1), False, "the pause is not over", None)]

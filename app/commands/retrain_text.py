"""What `qd retrain` prints: documents for programs, lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.commands.text import clean
from app.feedback.export import time_text

if TYPE_CHECKING:
    from app.feedback.retrain.model import Evaluation, Look, Run, Status


def evaluation_document(found: Evaluation) -> dict[str, Any]:
    """Why a pipeline would or would not fire."""
    return {
        "pipeline": found.pipeline,
        "at": time(found.at),
        "ready": found.ready,
        "combine": found.combine,
        "new_rows": found.new_rows,
        "corrections": found.corrections,
        "conditions": [asdict(condition) for condition in found.conditions],
        "guards": [asdict(guard) for guard in found.guards],
        "missing": list(found.missing),
        "progress": found.progress,
        "look_at": time(found.look_at),
    }


def status_document(found: Status) -> dict[str, Any]:
    """A pipeline as it stands."""
    last = None if found.last is None else run_document(found.last)
    return {**evaluation_document(found.evaluation), "hold": found.hold, "last": last}


def summary_document(found: Sequence[Evaluation]) -> dict[str, Any]:
    """All pipelines as `qd feedback stats` shows them."""
    return {
        "ready": any(each.ready for each in found),
        "conditions": [
            {"pipeline": each.pipeline, **asdict(condition)} for each in found for condition in each.conditions
        ],
        "guards": [{"pipeline": each.pipeline, **asdict(guard)} for each in found for guard in each.guards],
    }


def run_document(run: Run) -> dict[str, Any]:
    """A run."""
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "state": run.state,
        "reason": run.reason,
        "row_count": run.row_count,
        "created_at": time(run.created_at),
        "dispatched_at": time(run.dispatched_at),
        "finished_at": time(run.finished_at),
        "attempts": run.attempts,
        "next_attempt_at": time(run.next_attempt_at),
        "manifest": run.manifest,
        "manifest_hash": run.manifest_hash,
        "trigger_key": run.trigger_key,
        "result": None if run.result is None else dict(run.result),
        "error": run.error,
    }


def look_document(look: Look) -> dict[str, Any]:
    """A time when the conditions were met."""
    return {**asdict(look), "at": time(look.at)}


def status_lines(found: Status) -> list[str]:
    """The same for people."""
    lines = _evaluation_lines(found.evaluation)
    if found.last is not None:
        lines.append(f"  last       {run_line(found.last)}")
    return [clean(line) for line in lines]


def fire_lines(run: Run | None, found: Evaluation, *, dry_run: bool, would: bool) -> list[str]:
    """What firing did, or would do."""
    if run is not None:
        lines = [f"{found.pipeline} fired: {run_line(run)}"]
        if run.manifest:
            lines.append(f"  manifest   {run.manifest}")
        if run.error:
            lines.append(f"  {run.error}")
        return [clean(line) for text in lines for line in text.split("\n")]
    head = "would fire" if dry_run and would else "would not fire" if dry_run else "did not fire"
    return [clean(line) for line in [f"{found.pipeline} {head}", *_evaluation_lines(found)[1:]]]


def history_lines(found: Sequence[Run], looks: Sequence[Look]) -> list[str]:
    """Runs, and what kept pipelines from firing."""
    lines = [run_line(run) for run in found] or ["no run yet"]
    held = [look for look in looks if not look.fired]
    if held:
        lines += ["", "conditions met, but held back:"]
        lines += [f"{_local(look.at)}  {look.pipeline}  {look.reason}" for look in held]
    return [clean(line) for line in lines]


def run_line(run: Run) -> str:
    """One run on one line."""
    parts = [
        run.id,
        _local(run.created_at),
        run.pipeline,
        run.state,
        f"{run.row_count} row{'s' * (run.row_count != 1)}",
    ]
    metrics = (run.result or {}).get("metrics") or {}
    parts += [f"{name} {value:g}" for name, value in metrics.items()]
    if run.lease_until is not None and run.lease_until > datetime.now(UTC):
        parts.append(f"attempt {run.attempts} is under way")
    elif run.next_attempt_at is not None and run.attempts:
        parts.append(f"attempt {run.attempts + 1} at {_local(run.next_attempt_at)}")
    if run.error:
        parts.append(run.error.split("\n", 1)[0])
    elif run.reason:
        parts.append(run.reason)
    return clean("  ".join(parts))


def _evaluation_lines(found: Evaluation) -> list[str]:
    lines = [f"{found.pipeline}: {found.progress}"]
    lines += [
        f"  {'✓' if condition.met else '·'} {condition.id:12} {condition.detail}" for condition in found.conditions
    ]
    lines += [f"  {'✓' if guard.ok else '✗'} {guard.id:12} {guard.detail}" for guard in found.guards]
    if found.corrections:
        lines.append(f"  {found.corrections} corrections of rows that earlier runs took go with the next run")
    return lines


def time(moment: datetime | None) -> str | None:
    """As documents have it."""
    return None if moment is None else time_text(moment)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"

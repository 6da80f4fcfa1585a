"""One run from the command line: no watching, nothing kept warm afterwards, one document at the end."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.errors import UserError
from app.events import StreamEvent
from app.testing.board import Board
from app.testing.details import Details
from app.testing.execution import Execution
from app.testing.impact import ImpactIndex
from app.testing.live import Tell
from app.testing.model import BAD_OUTCOMES, ProjectSpec, RunSummary, TestDetail, TestState
from app.testing.plan import Request, everything
from app.testing.planner import TEST_FILES, Planner
from app.testing.run import RunLimits
from app.testing.runner import Runner

SINGLE = "a single run has nothing to keep warm"


@dataclass(frozen=True, slots=True)
class OnceResult:
    """A finished run with everything it said."""

    summary: RunSummary
    results: tuple[TestState, ...]
    collection_errors: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, TestDetail] = field(default_factory=dict)
    """Of the tests that did not pass and of the files that could not be collected."""
    output: str = ""
    """The file with what the run printed outside pytest's capture."""

    def document(self) -> dict[str, Any]:
        """The JSON document of `qd test run`."""
        summary = self.summary
        keys = ("run_id", "project", "trigger", "level", "level_reason", "started_at", "first_result_s", "duration_s")
        tests = ("nodeid", "outcome", "duration_s", "error_class", "message")
        return {
            **{key: getattr(summary, key) for key in keys},
            "exit": summary.exit,
            "note": summary.note,
            "counts": asdict(summary.counts),
            "tests": [{key: getattr(state, key) for key in tests} for state in self.results],
            "collection_errors": [
                {"nodeid": nodeid, "message": message} for nodeid, message in self.collection_errors.items()
            ],
        }


async def run_once(
    spec: ProjectSpec,
    *,
    cache_dir: Path,
    limits: RunLimits,
    args: Sequence[str] = (),
    warm: bool = False,
    tell: Tell | None = None,
) -> OnceResult:
    """Run pytest once with these further arguments. Raises UserError when it cannot run at all."""
    runner = Runner(spec, cache_dir=cache_dir, limits=limits, warm=warm)
    board, details = Board(), Details()
    execution = Execution(
        Request("all", "cli", at=time.monotonic()),
        project=spec.name,
        changed=(),
        runner=runner,
        planner=Planner(spec.path, board, only_affected=False),
        board=board,
        details=details,
        tell=tell or _silent,
        touched=_nothing,
        args=tuple(args),
        cold="" if warm else SINGLE,
    )
    try:
        await runner.start()
        if warm:
            await runner.warmed()
        summary = await execution.run(everything())
    finally:
        await runner.close()
    live = execution.live
    bad = [state for state in execution.results if state.outcome in BAD_OUTCOMES]
    bad += [TestState(nodeid, nodeid, outcome="error") for nodeid in live.collection_errors]
    return OnceResult(
        summary,
        execution.results,
        dict(live.collection_errors),
        {state.nodeid: details.detail(state) for state in bad},
        live.output_paths[-1] if live.output_paths else "",
    )


def affected_files(root: Path) -> tuple[str, ...]:
    """Test files that what git calls changed (against HEAD, and untracked) most likely affects, nearest first."""
    changed = []
    for command in (
        ["diff", "--name-only", "--relative", "-z", "HEAD"],
        ["ls-files", "-o", "--exclude-standard", "-z"],
    ):
        done = subprocess.run(["git", *command], cwd=root, capture_output=True, check=False)
        if done.returncode:
            raise UserError(
                "git cannot tell what has changed here",
                where=str(root),
                fix="--affected needs a git repository with at least one commit",
            )
        changed += [root / name for name in done.stdout.decode("utf-8", "surrogateescape").split("\0") if name]
    index = ImpactIndex(root)
    index.update(None)
    tests = sorted({str(path.relative_to(root)) for pattern in TEST_FILES for path in root.rglob(pattern)})
    return tuple(item.path for item in index.rank(changed, tests))


def _silent(_event: StreamEvent, _data: Mapping[str, object]) -> None:
    return


def _nothing() -> None:
    return

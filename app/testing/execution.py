"""Carries out one plan: process after process, every event into the board, a summary at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from app.ids import new_id
from app.testing.board import Board
from app.testing.details import Details
from app.testing.live import LiveRun, Tell
from app.testing.model import RunSummary, TestState
from app.testing.plan import Part, Plan, Request
from app.testing.planner import Planner
from app.testing.run import (
    Collected,
    CollectionFailed,
    FileWritten,
    RunFinished,
    RunRequest,
    RunStarted,
    TestReported,
    TestStarted,
)
from app.testing.runner import Runner

MOST_DEATHS = 10
"""So often one run may lose its process to a test and go on with the others."""
KEEP_GOING = "--continue-on-collection-errors"
"""While watching, a file that cannot be collected must not silence all the others."""


class Execution:
    """One run of a project. `args` are pytest arguments of every part; `cold` says why it must not be warm."""

    def __init__(
        self,
        request: Request,
        *,
        project: str,
        changed: tuple[str, ...],
        runner: Runner,
        planner: Planner,
        board: Board,
        details: Details,
        tell: Tell,
        touched: Callable[[], None],
        overhead: float = 1.0,
        args: tuple[str, ...] = (KEEP_GOING,),
        cold: str = "",
    ) -> None:
        self.request = request
        self._args = args
        self._goes_on = KEEP_GOING in args
        self._plain = args in ((), (KEEP_GOING,))
        self.wrote: set[str] = set()
        """Files that the tests themselves have written so far."""
        self._cold = cold
        self.live = LiveRun(new_id(), project, request.trigger, tell, changed=changed)
        if request.at:
            self.live.started = request.at
        self._runner = runner
        self._planner = planner
        self._board = board
        self._details = details
        self._processes = 0
        self._tell = tell
        self._touched = touched
        self._overhead = overhead

    async def run(self, plan: Plan) -> RunSummary:
        """Run all parts; ends early when one is cancelled or dies."""
        if plan.whole:
            self._board.forget_errors()
        self.live.affected = plan.affected
        deaths = 0
        stopped = False
        for number, part in enumerate(plan.parts):
            left: Part | None = part
            while left is not None:
                finished = await self._run_part(plan, left, plan.parts[number + 1 :])
                if finished.cancelled or finished.exit not in (0, 1, 3, 5):
                    return self.live.summary()
                survivors = finished.exit == 3 and self._goes_on and self._killer(finished) and deaths < MOST_DEATHS
                if finished.exit == 3 and not survivors:
                    return self.live.summary()
                deaths += finished.exit == 3
                left = replace(left, rest=True) if survivors else None
            stopped |= bool(finished.note) and finished.exit != 5
        if not stopped:
            self.live.ended()
        return self.live.summary()

    def _killer(self, finished: RunFinished) -> bool:
        """Whether it was a test in which the process died; it does not lead the next run."""
        last = next(reversed(self.live.results), None)
        if last is None or not finished.note.endswith(f" in {last}"):
            return False
        self._board.killers.add(last)
        return True

    @property
    def results(self) -> tuple[TestState, ...]:
        """Every test that has ended, in that order."""
        return tuple(self.live.results.values())

    async def _run_part(self, plan: Plan, part: Part, later: Sequence[Part]) -> RunFinished:
        live, board = self.live, self._board
        self._processes += 1
        skip = part.skip | live.results.keys() if part.rest else part.skip
        run = RunRequest(
            run_id=live.run_id,
            trigger=self.request.trigger,
            args=(*self._args, *(self._planner.argument(file) for file in part.files)),
            cold=self._cold,
            select=part.select,
            skip=frozenset(skip),
            first=part.first,
            whole=self._plain and not part.files and part.select is None and not skip,
        )
        finished: RunFinished | None = None
        async for event in self._runner.run(run):
            if isinstance(event, TestReported):
                self._reported(event)
            elif isinstance(event, TestStarted):
                board.started(event.nodeid)
            elif isinstance(event, RunStarted):
                # A run of several parts is as warm as its coldest.
                if live.level_reason == "" or event.level == "cold":
                    live.level, live.level_reason = event.level, event.level_reason
            elif isinstance(event, FileWritten):
                self.wrote.add(event.path)
            elif isinstance(event, Collected):
                self._collected(plan, part, later, event)
                # Of thousands of tests this has taken its time: keys come before the screen that shows them all.
                await asyncio.sleep(0)
            elif isinstance(event, CollectionFailed):
                live.collection_failed(event.nodeid, event.message)
                self._details.collection_failed(event)
                board.collection_failed(event.nodeid, event.message)
            else:
                finished = event
            self._touched()
        assert finished is not None, "a run ends with RunFinished"
        live.part_finished(finished)
        return finished

    def _collected(self, plan: Plan, part: Part, later: Sequence[Part], event: Collected) -> None:
        live, board = self.live, self._board
        ids = [test.nodeid for test in event.tests]
        # Only a collection without exceptions tells which tests are gone.
        plain = part.select is None and not part.skip and not part.rest
        board.collected(
            event.tests,
            whole=plain and not part.files,
            covered=frozenset(part.files) if plain else frozenset(),
        )
        board.indivisible = event.indivisible
        if part.rest and plan.whole and not part.files:
            self._drop_gone(frozenset(ids))
        looked_into = {*part.files, *part.first}
        live.collected(event.tests, complete=not part.files or plan.affected <= looked_into)
        left = {*ids, *self._known_of(later)} - live.results.keys()
        durations = [board.tests[nodeid].duration_s for nodeid in left]
        work = sum(duration or 0.0 for duration in durations)
        live.expect(len(live.results) + len(left), work, self._overhead, durations.count(None))
        self._tell(
            "started",
            {
                "run_id": live.run_id,
                "trigger": live.trigger,
                "level": live.level,
                "level_reason": live.level_reason,
                "selected": len(ids),
                "order": list(plan.order),
                "part": self._processes,
                "parts": max(len(plan.parts), self._processes),
            },
        )

    def _known_of(self, parts: Sequence[Part]) -> Iterable[str]:
        """The tests that these parts will bring, as far as that is known before they are collected."""
        tests = self._board.tests
        for part in parts:
            if part.select is not None:
                yield from part.select & tests.keys()
            else:
                yield from self._board.ids_of(part.files) if part.files else tests

    def _drop_gone(self, collected: frozenset[str]) -> None:
        """The rest has been collected: what neither it nor an earlier part knows does not exist any more."""
        broken = self.live.collection_errors
        self._board.drop(
            nodeid
            for nodeid, state in self._board.tests.items()
            if nodeid not in collected and nodeid not in self.live.results and state.file not in broken
        )

    def _reported(self, event: TestReported) -> None:
        live = self.live
        before = self._board.reported(event, live.run_id)
        live.reported(event, self._board.tests[event.nodeid])
        live.work_done(before.duration_s)
        self._details.reported(event, run_id=live.run_id, started_at=live.started_at, changed=live.changed)

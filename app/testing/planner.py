"""Turns a request into a plan, from what is known of the project's tests and imports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from app.testing.board import Board
from app.testing.impact import ImpactIndex, choose_first
from app.testing.plan import Plan, Request, answer_save, everything, some

FIRST_FILES = 2
FIRST_S = 0.6
"""The first answer to a save: so many files, and so many seconds of their last run, at the most. pytest collects all
files of a run before it runs the first test, so that each file more delays the answer that is waited for."""

TEST_FILES = ("test_*.py", "*_test.py")
"""What pytest takes for test files unless a project says otherwise."""


class Planner:
    """Knows where the project's files are and which tests lie near which sources."""

    def __init__(self, root: Path, board: Board, *, only_affected: bool) -> None:
        self.root = root
        self._board = board
        self._impact = ImpactIndex(root)
        self._only_affected = only_affected
        self._indexed: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Read the project's imports in the background."""
        self._indexed = asyncio.create_task(asyncio.to_thread(self._impact.update, None))

    async def close(self) -> None:
        """Wait for the background reading, which cannot be cut short."""
        if self._indexed is not None:
            await asyncio.gather(self._indexed, return_exceptions=True)

    async def plan(self, request: Request, *, split: bool = True) -> Plan:
        """What to run for this request, in which parts; without `split` in one, the affected tests leading."""
        board = self._board
        known = frozenset(board.files())
        failed = board.leading_failures()
        if request.kind == "tests":
            return some(request.tests, known)
        if request.kind == "failed":
            wanted = (*board.failed_files(), *board.failed_ids())
            return some(wanted, known) if wanted else everything()
        if request.kind != "save" or not known:
            return everything(failed)
        if self._indexed is not None:
            await self._indexed
            self._indexed = None
        await asyncio.to_thread(self._impact.update, request.changed)
        ranked = self._impact.rank(request.changed, board.files())
        durations = board.file_durations()
        near = [item.path for item in ranked if self.find(item.path).exists()]
        # A change's own test file answers alone.
        most = 1 if ranked and ranked[0].near else FIRST_FILES
        first = near if self._only_affected else choose_first(ranked, durations, budget_s=FIRST_S, most=most)
        return answer_save(
            [file for file in first if self.find(file).exists()],
            [nodeid for nodeid in failed if self.find(nodeid.partition("::")[0]).exists()],
            {file: board.ids_of([file]) for file in known},
            durations,
            later=[*self._new_test_files(request.changed, known), *(file for file in near if file not in first)],
            only_affected=self._only_affected,
            split=split and not board.indivisible,
        )

    def _new_test_files(self, changed: Sequence[Path], known: frozenset[str]) -> list[str]:
        """Saved files that look like tests and have never been collected, named as pytest will name them.

        Only a collection of everything tells whether they are tests: they lead it, but are never asked for.
        """
        fresh = [path for path in changed if any(map(path.match, TEST_FILES)) and path.exists()]
        if not fresh:
            return []
        folders = (self.root, *self.root.parents)
        rootdir = next((folder for folder in folders for file in known if (folder / file).exists()), self.root)
        names = [str(path.relative_to(rootdir)) for path in fresh if path.is_relative_to(rootdir)]
        return [name for name in names if name not in known]

    def find(self, file: str) -> Path:
        """A test file's path: node ids count from pytest's rootdir, which may lie above the project."""
        for folder in (self.root, *self.root.parents):
            if (folder / file).exists():
                return folder / file
        return self.root / file

    def argument(self, file: str) -> str:
        """A file as a pytest argument, which counts from the project and must not read as an option."""
        found = self.find(file)
        return file if found == self.root / file and not file.startswith("-") else str(found)

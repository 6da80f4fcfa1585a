"""Reads one repository, step by step: first the table, then the counts, then what has landed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

from app.git.cli import Git
from app.git.failures import GitError
from app.git.look import WorkingTree, look, look_at_worktree
from app.git.model import Commit, Problem, RepositorySpec, RepositoryState, Rules
from app.git.reading import Reading, choose_base
from app.git.reflog import Trace, read_trace
from app.git.refs import HEADS, Ref
from app.git.tally import Tally

if TYPE_CHECKING:
    from app.git.cachefile import CacheFile, Remembered
    from app.git.repository import Layout

_FORMAT = "--format=tformat:%H%x00%ct%x00%an%x00%P%x00%s"


class RepositoryReader:
    """Reads one repository. Takes no lock, asks no remote, writes nothing into it."""

    def __init__(self, spec: RepositorySpec, rules: Rules, cache: CacheFile) -> None:
        self.spec = spec
        self.rules = rules
        self.layout: Layout | None = None
        """Where the repository keeps its things, as of the last look that succeeded."""
        self._git = Git(spec.path)
        self._tally = Tally(self._git, cache)
        self._traces: dict[str, tuple[str, Trace]] = {}
        self._reading: Reading | None = None
        self._at_worktree: asyncio.Task[WorkingTree] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def read(
        self, previous: RepositoryState | None = None, *, status: bool = True
    ) -> AsyncGenerator[RepositoryState, None]:
        """States of the repository, each knowing more than the one before it; the last one knows all.

        Counts that take time are those of `previous` until then. Without `status` the working tree is not looked at,
        and its changes are those of `previous`. What cannot be read is in the state's `error`; nothing is raised.
        """
        async with self._one_at_a_time:
            try:
                reading = await look(self._git, self.spec, self.rules, self._tally.prepare)
            except GitError as error:
                self._tally.leave()
                yield self._unreadable(error, previous)
                return
            self.layout = reading.layout
            reading = replace(reading, changes=previous.changes if previous else None)
            try:
                async for state in self._steps(reading, status, previous):
                    yield state
            finally:
                await self._stop_looking()
                self._tally.leave()

    async def read_worktree(self, previous: RepositoryState) -> RepositoryState:
        """The same state with fresh changes and operation in progress, by a single process.

        Where the repository has not been read yet, or cannot be, the state comes back as it is.
        """
        reading = self._reading
        if reading is None or previous.error:
            return previous
        found = await look_at_worktree(self._git, reading.layout, reading.configuration)
        problems = tuple(problem for problem in previous.problems if problem not in reading.trouble)
        self._reading = replace(reading, trouble=found.trouble)
        return replace(
            previous,
            changes=found.changes or previous.changes,
            operation=found.operation,
            problems=(*found.trouble, *problems),
            read_at=time.time(),
        )

    async def commits(self, ref: str, limit: int = 100, after: int = 0) -> tuple[Commit, ...]:
        """Commits of a ref given by its full name, youngest first, without the first `after`. Raises GitError."""
        done = await self._git.run(
            *("log", "-z", _FORMAT, f"--max-count={limit}", f"--skip={after}", "--end-of-options", ref, "--")
        )
        fields = done.records
        return tuple(
            Commit(oid, int(when), author, subject, tuple(parents.split()))
            for oid, when, author, parents, subject in zip(*(iter(fields),) * 5, strict=False)
        )

    async def _steps(
        self, reading: Reading, status: bool, previous: RepositoryState | None
    ) -> AsyncIterator[RepositoryState]:
        tally = self._tally
        tally.begin(reading)
        try:
            if await asyncio.to_thread(tally.at_hand, reading):
                await tally.count(reading)
        except (GitError, LookupError):
            pass  # and so it will be below, where it is told
        # On two cores git status would only hold up the counts.
        if status and not tally.missing(reading):
            self._start_looking(reading)
        state = await self._state(reading, previous)
        yield state
        try:
            if not state.counted or tally.missing(reading):
                await tally.count(reading)
                state = await self._state(reading, state)
                yield state
                await tally.save(reading)
            if status and self._at_worktree is None:
                self._start_looking(reading)
            async for _ in tally.judge(reading):
                state = await self._state(reading, state)
                yield state
        except (GitError, LookupError) as error:
            what = error.what if isinstance(error, GitError) else f"commit {error} is missing"
            fix = error.fix if isinstance(error, GitError) else ""
            problem = Problem("unreadable", "", f"the history cannot be read: {what}", fix or "git fsck")
            reading = replace(reading, trouble=(*reading.trouble, problem))
        if status and self._at_worktree is None:
            self._start_looking(reading)
        if self._at_worktree is not None:
            await asyncio.wait({self._at_worktree})
        final = await self._state(reading, state)
        if final != state:
            yield final
        await tally.save(reading)

    def _start_looking(self, reading: Reading) -> None:
        self._at_worktree = asyncio.create_task(look_at_worktree(self._git, reading.layout, reading.configuration))

    async def _stop_looking(self) -> None:
        task, self._at_worktree = self._at_worktree, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _state(self, reading: Reading, previous: RepositoryState | None) -> RepositoryState:
        """What is known now, put together beside the event loop."""
        task = self._at_worktree
        if task is not None and task.done():
            found = task.result()
            reading = replace(
                reading,
                changes=found.changes or reading.changes,
                operation=found.operation,
                trouble=(*reading.trouble, *found.trouble),
            )
        self._reading = reading
        return await asyncio.to_thread(self._classify, reading, previous)

    def _classify(self, reading: Reading, previous: RepositoryState | None) -> RepositoryState:
        """In a thread."""
        from app.git.classify import classify

        known = self._tally.known(reading)
        base = choose_base(reading, known.counts)
        remotes = reading.configuration.remotes
        traces = {
            ref.name: self._trace(reading, ref, remotes)
            for ref in reading.refs.under(HEADS)
            if _needs_trace(reading, ref, known, base.oid if base else "")
        }
        return classify(replace(reading, traces=traces), known, base, previous)

    def _trace(self, reading: Reading, ref: Ref, remotes: tuple[str, ...]) -> Trace:
        kept = self._traces.get(ref.name)
        if kept is None or kept[0] != ref.oid:
            kept = self._traces[ref.name] = (ref.oid, read_trace(reading.layout, ref.name, remotes))
        return kept[1]

    def _unreadable(self, error: GitError, previous: RepositoryState | None) -> RepositoryState:
        self._reading = None
        where = f"{error.where}: " if error.where not in ("", str(self.spec.path)) else ""
        return RepositoryState(
            self.spec.name,
            str(self.spec.path),
            error=f"{where}{error.what}",
            error_fix=error.fix,
            busy=previous.busy if previous else "",
            trouble=previous.trouble if previous else "",
            read_at=time.time(),
            watch_note=previous.watch_note if previous else "",
        )


def _needs_trace(reading: Reading, ref: Ref, known: Remembered, base: str) -> bool:
    """Only where git itself does not say: whether work was done on it, or whether its upstream ever was."""
    if reading.configuration.branch(ref.name.removeprefix(HEADS)).merge and ref.upstream not in reading.refs.all:
        return True
    verdict = known.verdicts.get((ref.oid, base))
    return verdict is not None and verdict.contained

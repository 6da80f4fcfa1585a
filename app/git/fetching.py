"""Fetches from remotes: two at once at most, each repository one at a time, never asking anybody for a password."""

from __future__ import annotations

import asyncio
import math
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from app.git import steps
from app.git.cli import Git, GitError

AT_ONCE = 2
TIMEOUT_S = 600.0
REFUSALS = 2
"""After so many refused logins in a row a remote is no longer fetched by itself."""
JITTER = 0.1
"""Intervals differ by up to this share, so that many repositories are not fetched in the same second."""

_PROGRESS = re.compile(r"^(?:remote: )?(?P<what>[A-Z][A-Za-z ]+): +(?P<percent>\d+)%")
_WORDS = {
    "Counting objects": "counting",
    "Compressing objects": "compressing",
    "Receiving objects": "receiving",
    "Resolving deltas": "resolving",
    "Unpacking objects": "unpacking",
}


@dataclass(slots=True)
class _Schedule:
    every_s: float
    due: float
    refusals: dict[str, int] = field(default_factory=dict)
    """Logins refused in a row, by remote."""
    remotes: tuple[str, ...] = ()
    """Those of the last fetch."""
    running: asyncio.Task[GitError | None] | None = field(default=None, repr=False)
    left_out: tuple[str, ...] = ()
    """Remotes that the fetch under way passes over."""

    def refused(self, remote: str) -> bool:
        """Whether a remote's login has been refused too often."""
        return self.refusals.get(remote, 0) >= REFUSALS

    @property
    def goes_on(self) -> bool:
        """Whether there is something that may be fetched without being asked for."""
        return bool(self.every_s) and not (self.remotes and all(map(self.refused, self.remotes)))


class Fetcher:
    """Fetches repositories when asked or when they are due. One for all repositories, on one event loop."""

    def __init__(self, on_progress: Callable[[str, str], None]) -> None:
        """`on_progress` is given a repository's name and what is under way there; an empty text at the end."""
        self._on_progress = on_progress
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._known: dict[str, _Schedule] = {}

    def follow(self, name: str, every_s: float) -> None:
        """Fetch this repository by itself every so many seconds; 0 for never."""
        self._known[name] = _Schedule(every_s, time.monotonic() + _spread(every_s))

    def due(self) -> tuple[str, ...]:
        """Repositories whose time has come, unless all their remotes refuse the login."""
        now = time.monotonic()
        return tuple(
            name for name, plan in self._known.items() if plan.goes_on and plan.due <= now and plan.running is None
        )

    def next_due(self) -> float:
        """time.monotonic() at which the next repository is due; infinite when none ever is."""
        waiting = (plan.due for plan in self._known.values() if plan.goes_on and plan.running is None)
        return min(waiting, default=math.inf)

    def needs_credentials(self, name: str) -> bool:
        """A remote refuses the login again and again: somebody has to answer git in a terminal."""
        plan = self._known.get(name)
        return plan is not None and any(map(plan.refused, plan.remotes))

    async def fetch(self, name: str, git: Git, remotes: tuple[str, ...], *, by_itself: bool = False) -> GitError | None:
        """Fetch all `remotes` with their deletions. What went wrong is returned; a fetch under way is joined.

        One that nobody asked for (`by_itself`) leaves out the remotes that keep refusing the login; who asks while it
        is under way has those fetched after it.
        """
        plan = self._known.setdefault(name, _Schedule(0.0, 0.0))
        before = plan.running if plan.left_out and not by_itself else None
        if before is not None:
            remotes = plan.left_out
            await asyncio.wait({before})
            if before.cancelled():
                return GitError("the fetch was stopped", where=str(git.path), kind="stopped")
        if plan.running is None:
            plan.left_out = tuple(remote for remote in remotes if by_itself and plan.refused(remote))
            chosen = tuple(remote for remote in remotes if remote not in plan.left_out)
            plan.remotes = plan.remotes if before is not None else remotes
            plan.running = asyncio.create_task(self._fetch(name, plan, git, chosen))
        try:
            error = await asyncio.shield(plan.running)
            return error or (before.result() if before is not None else None)
        except asyncio.CancelledError:
            if plan.running is None or plan.running.cancelled():
                return GitError("the fetch was stopped", where=str(git.path), kind="stopped")
            raise

    def cancel(self, name: str) -> None:
        """End a fetch that is under way or waiting."""
        plan = self._known.get(name)
        if plan is not None and plan.running is not None:
            plan.running.cancel()

    async def close(self) -> None:
        """End all that is under way."""
        running = [plan.running for plan in self._known.values() if plan.running is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _fetch(self, name: str, plan: _Schedule, git: Git, remotes: tuple[str, ...]) -> GitError | None:
        self._on_progress(name, "waiting to fetch")
        try:
            async with self._gate:
                return await self._fetch_each(name, plan, git, remotes)
        finally:
            plan.running, plan.left_out = None, ()
            plan.due = time.monotonic() + _spread(plan.every_s)
            self._on_progress(name, "")

    async def _fetch_each(self, name: str, plan: _Schedule, git: Git, remotes: tuple[str, ...]) -> GitError | None:
        failed: GitError | None = None
        for remote in remotes:
            self._on_progress(name, f"fetching {remote}")

            def tell(line: str, remote: str = remote) -> None:
                if said := progress_in(line):
                    self._on_progress(name, f"fetching {remote}, {said}")

            try:
                await git.run(
                    *steps.fetch_arguments(remote),
                    timeout_s=TIMEOUT_S,
                    on_stderr=tell,
                )
                plan.refusals.pop(remote, None)
            except GitError as error:
                # Another fetch was quicker; its outcome is the one that was wanted.
                if error.kind == "race":
                    continue
                if error.kind == "credentials":
                    plan.refusals[remote] = plan.refusals.get(remote, 0) + 1
                failed = failed or error
        return failed


def progress_in(line: str) -> str:
    """What a progress line of git says, such as `receiving 42 %`; empty for other lines."""
    found = _PROGRESS.match(line.strip())
    if found is None:
        return ""
    return f"{_WORDS.get(found['what'], found['what'].lower())} {found['percent']} %"


def _spread(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)

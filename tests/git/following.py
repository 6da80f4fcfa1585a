"""A follower, or the whole service, over real repositories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.events import Badge, Bus, GitChanged
from app.git.cachefile import CacheFile
from app.git.follower import Follower
from app.git.model import RepositorySpec, RepositoryState, Rules
from app.git.reader import RepositoryReader
from app.git.service import GitService
from tests.git.repos import Repo
from tests.waiting import until


class CountingReader(RepositoryReader):
    """The reader, and how often it was asked."""

    reads = 0

    def read(self, previous: RepositoryState | None = None, *, status: bool = True) -> Any:
        self.reads += 1
        return super().read(previous, status=status)


@dataclass(slots=True)
class Followed:
    """One repository that is followed, and every state that was told of it."""

    follower: Follower
    reader: CountingReader
    told: list[RepositoryState]

    @property
    def state(self) -> RepositoryState:
        return self.follower.state

    async def becomes(self, branch: str, oid: str) -> None:
        """Wait until a branch is known to be where it is."""
        await until(lambda: getattr(self.state.branch(branch), "oid", None) == oid, what=f"{branch} at {oid[:9]}")


@asynccontextmanager
async def followed(
    path: Path, *, rules: Rules | None = None, last_seen: RepositoryState | None = None
) -> AsyncIterator[Followed]:
    """A follower at work, its first reading done."""
    told: list[RepositoryState] = []
    spec = RepositorySpec(path.name, path)
    reader = CountingReader(spec, rules or Rules(), CacheFile(None))
    follower = Follower(spec, reader, gate=asyncio.Semaphore(2), on_state=told.append, last_seen=last_seen)
    follower.start()
    try:
        await follower.settled()
        yield Followed(follower, reader, told)
    finally:
        await follower.close()


@dataclass(slots=True)
class Office:
    """The service, its folders, and what it has published."""

    service: GitService
    bus: Bus
    states: list[RepositoryState] = field(default_factory=list)
    badges: list[Badge] = field(default_factory=list)

    def state(self, name: str = "work") -> RepositoryState:
        """What a repository is known to be like now."""
        return next(state for state in self.service.snapshot().repositories if state.name == name)

    async def comes(self, what: str, look: Any, name: str = "work") -> RepositoryState:
        """Wait until the state that was published last of a repository is as `look` wants it; that state."""

        def told() -> RepositoryState | None:
            found = next((state for state in reversed(self.states) if state.name == name), None)
            return found if found is not None and look(found) else None

        found = await until(told, what=what)
        assert found is not None
        return found


@asynccontextmanager
async def office(
    root: Path, *repos: Repo, specs: tuple[RepositorySpec, ...] = (), rules: Rules | None = None, **more: Any
) -> AsyncIterator[Office]:
    """The service over these repositories, all read; its own folders lie in `root` and outlive it."""
    bus = Bus()
    service = GitService(
        (*(RepositorySpec(repo.path.name, repo.path) for repo in repos), *specs),
        rules or Rules(),
        bus=bus,
        cache_dir=root / "cache",
        data_dir=root / "data",
        last_seen=root / "state" / "git.json",
        **more,
    )
    made = Office(service, bus)
    bus.subscribe(GitChanged, lambda event: made.states.append(event.state))
    bus.subscribe(Badge, made.badges.append)
    await service.start()
    try:
        await service.settled()
        yield made
    finally:
        await service.close()

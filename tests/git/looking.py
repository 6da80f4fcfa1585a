"""Reading a repository as the product does."""

from __future__ import annotations

from pathlib import Path

from app.git.cachefile import CacheFile
from app.git.model import Branch, RepositorySpec, RepositoryState, Rules
from app.git.reader import RepositoryReader
from tests.git.repos import Repo


def reader_of(
    repo: Repo | Path, *, cache: CacheFile | None = None, rules: Rules | None = None, **spec: str
) -> RepositoryReader:
    """A reader with a memory of its own, unless one is given."""
    path = repo.path if isinstance(repo, Repo) else repo
    return RepositoryReader(
        RepositorySpec(path.name, path, remote=spec.get("remote", ""), default_branch=spec.get("default_branch", "")),
        rules or Rules(),
        cache or CacheFile(None),
    )


async def read(
    repo: Repo | Path | RepositoryReader,
    previous: RepositoryState | None = None,
    *,
    cache: CacheFile | None = None,
    rules: Rules | None = None,
    **spec: str,
) -> RepositoryState:
    """The last and fullest state."""
    reader = repo if isinstance(repo, RepositoryReader) else reader_of(repo, cache=cache, rules=rules, **spec)
    state = None
    async for state in reader.read(previous):
        assert state.error or state.name == reader.spec.name
    assert state is not None
    return state


def branch(state: RepositoryState, name: str) -> Branch:
    """A branch that has to be there."""
    found = state.branch(name)
    assert found is not None, f"{name} is not among {[one.name for one in state.branches]}"
    return found


def kinds(state: RepositoryState) -> dict[str, str]:
    """Problems by the ref that they concern."""
    return {problem.ref: problem.kind for problem in state.problems}

"""What a repository's branches are told to be ahead and behind is what git counts, for any history kept in any way."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from app.git.cachefile import CacheFile
from tests.git.looking import read, reader_of
from tests.git.repos import Place, Repo
from tests.git.test_graph import expected, fast_import, random_history

COMMITS = 90
BRANCHES = 24


def _replaced(repo: Repo, ids: list[str], rng: random.Random) -> None:
    """Some commits have other parents than they say: fewer, others, none."""
    for number in rng.sample(range(20, COMMITS), 5):
        # Where chance gives it the parents that it has, git refuses.
        repo.attempt("replace", "--graft", ids[number], *rng.sample(ids[:number], rng.randint(0, 2)))
    assert repo.refs("refs/replace/")


def _grafted(repo: Repo, ids: list[str], rng: random.Random) -> None:
    """The same in the old way."""
    lines = [
        " ".join((ids[number], *rng.sample(ids[:number], rng.randint(0, 2))))
        for number in rng.sample(range(20, COMMITS), 5)
    ]
    (repo.common_dir / "info" / "grafts").write_text("\n".join(lines) + "\n")


def _rewritten(repo: Repo, ids: list[str], rng: random.Random) -> None:
    """A graph was written for a history that is no longer anybody's."""
    repo.git("commit-graph", "write", "--reachable")
    for number in rng.sample(range(BRANCHES), 6):
        repo.git("update-ref", f"refs/heads/b{number}", repo.plumb(f"anew {number}", [rng.choice(ids)]))
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("-c", "gc.writeCommitGraph=false", "gc", "-q", "--prune=now")


def _split(repo: Repo, ids: list[str], rng: random.Random) -> None:
    for upto in (30, 60, 80):
        made = "\n".join(ids[:upto]).encode()
        repo.git("commit-graph", "write", "--stdin-commits", "--split=no-merge", input=made)


WAYS: dict[str, Callable[[Repo, list[str], random.Random], object]] = {
    "plain": lambda repo, ids, rng: None,
    "replaced": _replaced,
    "grafted": _grafted,
    "replaced with a graph": lambda repo, ids, rng: (
        repo.git("commit-graph", "write", "--reachable"),
        _replaced(repo, ids, rng),
    ),
    "rewritten": _rewritten,
    "split": _split,
    "packed": lambda repo, ids, rng: repo.git("gc", "-q"),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kept", ["sha1", "sha256"])
@pytest.mark.parametrize("way", WAYS)
async def test_every_branch_is_counted_as_git_counts_it(place: Place, way: str, kept: str, seed: int) -> None:
    """Row 34: chains, merges, octopuses, criss-crosses and several roots; with and without what was kept before."""
    rng = random.Random(f"{way} {kept} {seed}")
    repo = place.init("shaped", f"--object-format={kept}")
    ids = fast_import(repo, random_history(rng, COMMITS))
    (repo.path / "marks").unlink()
    for number, oid in enumerate(rng.sample(ids, BRANCHES)):
        repo.git("update-ref", f"refs/heads/b{number}", oid)
    repo.git("update-ref", "refs/heads/main", ids[-1])
    cache = CacheFile(place.root / "cache.db")
    if rng.random() < 0.5:
        await read(repo, cache=cache)
    WAYS[way](repo, ids, rng)
    reader = reader_of(repo, cache=cache)
    for _ in range(2):
        state = await read(reader)
        assert state.counted
        counts = {one.name: (one.ahead_default, one.behind_default) for one in state.branches}
        assert counts == {name: expected(repo, f"refs/heads/{name}", "refs/heads/main") for name in counts}
        assert len(counts) == BRANCHES + 1
        # Once more after the default branch has moved to another part of the history.
        repo.git("update-ref", "refs/heads/main", rng.choice(ids[COMMITS // 2 :]) if way != "rewritten" else "main~0")

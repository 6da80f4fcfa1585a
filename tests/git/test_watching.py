"""What happens in a git folder is told once, soon, and only when it matters."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.git import watching
from app.git.watching import GitFolderWatch, Touched
from tests.git.repos import Place, Repo
from tests.waiting import until


@contextmanager
def followed(folder: Path) -> Iterator[list[Touched]]:
    told: list[Touched] = []
    watch = GitFolderWatch(folder, told.append)
    watch.start()
    assert watch.note == ""
    try:
        yield told
    finally:
        watch.close()


async def silent_until_a_branch(repo: Repo, told: list[Touched], name: str) -> None:
    """Whatever came before must not have been told by the time that a branch made now is."""
    before = len(told)
    repo.branch(name)
    await until(lambda: len(told) > before, what="the new branch")
    assert len(told) == before + 1


async def test_a_commit_is_one_change(repo: Repo) -> None:
    with followed(repo.common_dir) as told:
        repo.commit("second", {"a.txt": "a\n"})
        await until(lambda: told, what="the commit")
        assert told[0].refs
        assert told[0].index
        await silent_until_a_branch(repo, told, "after")


@pytest.mark.parametrize(
    "change",
    [
        lambda repo: repo.branch("feat/deep/er"),
        lambda repo: repo.git("config", "branch.main.description", "text"),
        lambda repo: repo.git("symbolic-ref", "HEAD", "refs/heads/elsewhere"),
        lambda repo: repo.git("pack-refs", "--all"),
        lambda repo: repo.git("remote", "add", "second", "https://example.invalid/x.git"),
        lambda repo: repo.git("bisect", "start"),
    ],
    ids=["branch in new folders", "configuration", "HEAD", "packed", "remote", "bisect"],
)
async def test_changes_that_matter(repo: Repo, change: Callable[[Repo], object]) -> None:
    with followed(repo.common_dir) as told:
        change(repo)
        await until(lambda: any(touched.refs for touched in told), what="the change")


async def test_a_branch_moves_in_a_folder_that_is_new(repo: Repo) -> None:
    with followed(repo.common_dir) as told:
        repo.branch("feat/one")
        await until(lambda: told, what="the new branch")
        seen = len(told)
        repo.git("update-ref", "refs/heads/feat/one", repo.plumb("moved", [repo.oid()]))
        await until(lambda: len(told) > seen, what="its move")


async def test_another_worktree_commits(repo: Repo) -> None:
    repo.branch("side")
    tree = repo.worktree("side")
    with followed(repo.common_dir) as told:
        tree.git("checkout", "-q", "--detach")
        await until(lambda: any(touched.refs for touched in told), what="the other HEAD")


async def test_staging_is_told_as_such(repo: Repo) -> None:
    with followed(repo.common_dir) as told:
        repo.write({"new.txt": "new\n"})
        repo.git("add", "new.txt")
        await until(lambda: told, what="the index")
        assert told[0] == Touched(index=True)


async def test_what_does_not_matter_is_not_told(repo: Repo) -> None:
    with followed(repo.common_dir) as told:
        repo.git("hash-object", "-w", "--stdin", input=b"an object")
        repo.git("update-ref", "refs/quarterdeck/trash/1/heads/x", repo.oid())
        (repo.common_dir / "COMMIT_EDITMSG").write_text("a message being written")
        (repo.common_dir / "refs/heads/other.lock").write_text("")
        await silent_until_a_branch(repo, told, "after")


async def test_a_storm_of_events_is_few_changes(repo: Repo) -> None:
    for number in range(150):
        repo.raw_ref(f"refs/heads/many/{number}", repo.oid())
    with followed(repo.common_dir) as told:
        began = time.monotonic()
        # Beside the event loop, so that events come one after the other.
        await asyncio.to_thread(repo.git, "gc", "-q")
        took = time.monotonic() - began
        await until(lambda: told, what="the packing")
        await silent_until_a_branch(repo, told, "after")
        assert len(told) <= took / watching.AT_MOST_S + 3


async def test_a_folder_that_goes_away_is_told(place: Place) -> None:
    repo = place.repo()
    with followed(repo.common_dir) as told:
        repo.path.rename(repo.path.with_name("moved"))
        (repo.path.with_name("moved") / ".git").rename(repo.path.with_name("moved.git"))
        await until(lambda: any(touched.gone for touched in told), what="the loss")


async def test_without_watches_it_says_so(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(watching, "open_source", refuse)
    watch = GitFolderWatch(repo.common_dir, lambda _: None)
    watch.start()
    assert watch.note == watching.LIMIT_REACHED
    watch.close()

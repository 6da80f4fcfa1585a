"""One repository is kept up to date: what changes in it arrives, and what cannot be read says so until it can."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.git import follower as following
from app.git import watching
from app.git.model import Changes, RepositoryState
from tests.git.following import Followed, followed
from tests.git.looking import branch
from tests.git.repos import Place, Repo
from tests.waiting import until


async def test_what_moves_elsewhere_arrives(repo: Repo) -> None:
    tip = repo.topic("feat/deep/one", "one")
    async with followed(repo.path) as seen:
        assert seen.state.counted
        moved = repo.plumb("moved", [tip], repo.oid(f"{tip}^{{tree}}"))
        repo.git("update-ref", "refs/heads/feat/deep/one", moved)
        await seen.becomes("feat/deep/one", moved)
        await until(lambda: branch(seen.state, "feat/deep/one").ahead_default == 2, what="its count")
        repo.git("pack-refs", "--all")
        repo.git("update-ref", "-d", "refs/heads/feat/deep/one")
        await until(lambda: seen.state.branch("feat/deep/one") is None, what="its end")
        assert seen.told[-1] == seen.state


async def _in_a_worktree(repo: Repo, place: Place) -> Repo:
    return repo.worktree("side", at="main")


async def _in_a_submodule(repo: Repo, place: Place) -> Repo:
    repo.git("submodule", "add", "-q", str(place.repo("inner").origin.path), "part")
    return Repo(place, repo.path / "part")


@pytest.mark.parametrize("where", [_in_a_worktree, _in_a_submodule])
async def test_where_git_is_a_file_both_its_folders_are_followed(
    repo: Repo, place: Place, where: Callable[[Repo, Place], object]
) -> None:
    """Row 11: HEAD and index lie in one folder, the branches in another."""
    made = await where(repo, place)  # type: ignore[misc]  # one of the two above
    assert isinstance(made, Repo)
    assert (made.path / ".git").is_file()
    async with followed(made.path) as seen:
        made.git("update-ref", "refs/heads/new", "HEAD")
        await seen.becomes("new", made.oid())
        made.git("switch", "-q", "--detach")
        await until(lambda: seen.state.head.detached, what="its HEAD")
        made.write({"staged.txt": "x"})
        made.git("add", "staged.txt")
        await until(lambda: seen.state.changes == Changes(staged=1), what="its index")


async def test_while_nothing_changes_nothing_is_read_or_told(repo: Repo) -> None:
    async with followed(repo.path) as seen:
        for _ in range(3):
            await seen.follower.check()
            await seen.follower.settled()
        reads, told = seen.reader.reads, len(seen.told)
        await seen.follower.check()
        await seen.follower.settled()
        assert (seen.reader.reads, len(seen.told)) == (reads, told)
        seen.follower.ask()
        await seen.follower.settled()
        assert (seen.reader.reads, len(seen.told)) == (reads + 1, told)


async def test_a_storm_of_events_is_few_readings(repo: Repo) -> None:
    """Row 32: however many refs another git writes, they are read as often as the pause between two looks allows."""
    tip = repo.oid()

    def storm() -> float:
        began = time.monotonic()
        for number in range(60):
            repo.raw_ref(f"refs/heads/many/{number}", tip)
        repo.git("gc", "-q")
        repo.branch("after")
        return time.monotonic() - began

    async with followed(repo.path) as seen:
        before = seen.reader.reads
        # Beside the event loop, so that events come one after the other.
        took = await asyncio.to_thread(storm)
        await seen.becomes("after", tip)
        await seen.follower.settled()
        assert seen.reader.reads - before <= took / watching.AT_MOST_S + 3
        assert len(seen.state.branches) == 62


async def test_without_events_the_files_times_are_compared(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 33: the system gives no more watches; the state says so, and changes arrive all the same."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(watching, "open_source", refuse)
    async with followed(repo.path) as seen:
        assert seen.state.watch_note == watching.LIMIT_REACHED
        assert seen.follower.due - time.monotonic() <= following.POLL_S
        repo.branch("new")
        await seen.follower.check()
        await seen.becomes("new", repo.oid())
        await seen.follower.settled()
        repo.write({"new.txt": "x"})
        repo.git("add", "new.txt")
        await seen.follower.check()
        assert (await seen.follower.settled()).changes == Changes(staged=1)


async def test_events_that_get_lost_are_made_up_for(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network drive takes watches and sends nothing."""

    class Silent:
        def enter(self, folder: str) -> None: ...
        def leave(self, folder: str) -> None: ...
        def close(self) -> None: ...

    monkeypatch.setattr(watching, "open_source", lambda *_: Silent())
    async with followed(repo.path) as seen:
        assert seen.state.watch_note == ""
        repo.branch("new")
        await seen.follower.check()
        await seen.becomes("new", repo.oid())


# What vanishes


async def recovered(seen: Followed, before: RepositoryState) -> None:
    """Wait, looking as the clock of the area does, until all is as before."""

    def back() -> bool:
        return seen.state.error == ""

    while not back():
        await seen.follower.check()
        await seen.follower.settled()
    assert replace(seen.state, read_at=before.read_at) == before


async def test_a_repository_that_vanishes_and_comes_back(repo: Repo) -> None:
    """Row 36: the loss is told without being asked for, what was known stays on show, and all is as before."""
    repo.topic("feat", "one", push=True)
    repo.write({"new.txt": "x"})
    away = repo.path.with_name("away")
    async with followed(repo.path) as seen:
        before = seen.state
        assert before.changes == Changes(untracked=1)
        (repo.path / ".git").rename(repo.path.with_name("git away"))
        repo.path.rename(away)
        await until(lambda: seen.state.error, what="the loss")
        assert seen.state == replace(before, error="there is no such folder", error_fix=seen.state.error_fix)
        assert seen.told[-1] == seen.state
        # A reading that began before the folder was there must not be the one that is waited for.
        await seen.follower.settled()
        repo.path.mkdir()
        seen.follower.ask()
        assert "not a git repository" in (await seen.follower.settled()).error
        repo.path.rmdir()
        away.rename(repo.path)
        repo.path.with_name("git away").rename(repo.path / ".git")
        await recovered(seen, before)
        repo.branch("after")
        await seen.becomes("after", repo.oid())


async def test_one_that_is_not_there_at_first(repo: Repo) -> None:
    away = repo.path.with_name("away")
    repo.path.rename(away)
    async with followed(repo.path) as seen:
        assert (seen.state.error, seen.state.branches) == ("there is no such folder", ())
        away.rename(repo.path)
        await seen.follower.check()
        assert (await seen.follower.settled()).error == ""
        repo.branch("after")
        await seen.becomes("after", repo.oid())


async def test_what_another_user_owns_comes_back_once_it_is_trusted(repo: Repo, place: Place) -> None:
    """Row 28: nothing in the repository changes when the user trusts it."""
    if os.getuid():
        pytest.skip("only the superuser can give a folder away")
    async with followed(repo.path) as seen:
        before = seen.state
        for path in (repo.path, repo.path / ".git"):
            os.chown(path, 12345, 12345)
        seen.follower.ask()
        found = await seen.follower.settled()
        assert "another user" in found.error
        assert found.branches == before.branches
        await seen.follower.check()
        assert "another user" in (await seen.follower.settled()).error
        place.set_global(f"[safe]\n\tdirectory = {repo.path}\n")
        await recovered(seen, before)


async def test_what_was_last_seen_is_there_before_anything_is_read(repo: Repo) -> None:
    repo.topic("feat", "one")
    async with followed(repo.path) as seen:
        earlier = seen.state
    repo.branch("new")
    async with followed(repo.path, last_seen=earlier) as seen:
        known = {branch(state, "feat").ahead_default for state in seen.told}
        assert known == {1}, "counts that are known are not taken away again"
        assert {one.name for one in seen.state.branches} == {"main", "feat", "new"}


async def test_busy_and_trouble_outlive_a_reading(repo: Repo) -> None:
    async with followed(repo.path) as seen:
        seen.follower.set_busy("fetching origin")
        seen.follower.set_trouble("origin cannot be reached")
        repo.branch("new")
        await seen.becomes("new", repo.oid())
        assert (seen.state.busy, seen.state.trouble) == ("fetching origin", "origin cannot be reached")
        seen.follower.set_busy("")
        seen.follower.set_trouble("")
        assert (seen.told[-1].busy, seen.told[-1].trouble) == ("", "")

"""Others at work at the same time: second clones, other gits, hooks that never end, locks that lie about."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import UserError
from app.git.failures import GitError
from app.git.stepping import Limits
from tests.git.operating import Desk, picture, round_trip_without_reflogs
from tests.git.repos import Place, Repo
from tests.waiting import until


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


@pytest.fixture
def other(place: Place, repo: Repo) -> Repo:
    """A second clone of the same remote."""
    return place.clone(repo.origin, "other")


def clone_desk(other: Repo) -> Desk:
    """Somebody else with a journal of their own."""
    desk = Desk(other)
    folder = other.place.root / "other desk"
    desk.executor = replace(desk.executor, locks=folder)
    return desk


async def test_two_clones_rename_one_branch_at_the_same_time(desk: Desk, repo: Repo, other: Repo) -> None:
    tip = repo.topic("old", "work", push=True)
    other.fetch()
    other.switch("old", create=True, at="origin/old")
    other.git("branch", "-q", "--set-upstream-to=origin/old")
    theirs = clone_desk(other)
    plans = [await desk.plan("rename", old="old", new="mine"), await theirs.plan("rename", old="old", new="theirs")]
    before = [picture(repo), picture(other)]
    reports = await asyncio.gather(
        *(each.executor.perform(each.git, plan) for each, plan in zip((desk, theirs), plans, strict=True))
    )
    assert sorted(report.state for report in reports) == ["done", "failed"]
    won = 0 if reports[0].state == "done" else 1
    assert repo.origin.refs() == {"refs/heads/main": repo.oid("main"), f"refs/heads/{('mine', 'theirs')[won]}": tip}
    loser, pictured = (other, before[1]) if won == 0 else (repo, before[0])
    found = picture(loser)
    assert {**found, "on origin": 0} == {**pictured, "on origin": 0}


async def test_two_clones_delete_the_same_branches_at_the_same_time(desk: Desk, repo: Repo, other: Repo) -> None:
    """Whoever comes second finds done what was wanted; nothing is half done in either."""
    for name in ("one", "two", "three"):
        repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")
    other.fetch()
    for name in ("one", "two", "three"):
        other.git("branch", "-q", "--track", name, f"origin/{name}")
    theirs = clone_desk(other)
    theirs.landed = desk.landed
    plans = [await desk.plan("prune"), await theirs.plan("prune")]
    reports = await asyncio.gather(
        *(each.executor.perform(each.git, plan) for each, plan in zip((desk, theirs), plans, strict=True))
    )
    assert [report.state for report in reports] == ["done", "done"], reports
    assert set(repo.origin.refs()) == {"refs/heads/main"}
    for clone in (repo, other):
        assert set(clone.refs("refs/heads/", "refs/remotes/")) == {"refs/heads/main", "refs/remotes/origin/main"}
    for each in (desk, theirs):
        assert (await each.undo()).state == "done"
    assert {"refs/heads/one", "refs/heads/two", "refs/heads/three"} <= set(repo.origin.refs())


async def test_somebody_pushes_between_the_last_look_and_the_push(desk: Desk, repo: Repo, other: Repo) -> None:
    """Only the lease can tell: everything was as planned a moment before."""
    repo.topic("old", "work", push=True)
    other.fetch()
    other.switch("old", create=True, at="origin/old")
    before = picture(repo)

    async def meddle(place: str) -> None:
        if place == "before push origin":
            other.commit("theirs")
            other.push("old")

    plan = await desk.plan("rename", old="old", new="new")
    report = await desk.watched(meddle).perform(desk.git, plan)
    assert report.state == "failed"
    assert "moved there meanwhile" in report.message
    assert repo.origin.oid("old") == other.oid()
    found = picture(repo)
    assert {**found, "on origin": 0} == {**before, "on origin": 0}


async def test_the_host_deletes_a_branch_within_our_push(desk: Desk, repo: Repo) -> None:
    """Row 15, at the worst moment: the push is refused for it, looked at again, and the rest is pushed."""
    for name in ("one", "two"):
        repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")

    async def meddle(place: str) -> None:
        if place == "before push origin":
            repo.origin.delete("one")

    report = await desk.watched(meddle).perform(desk.git, await desk.plan("prune"))
    assert report.state == "done", report
    assert set(repo.origin.refs()) == {"refs/heads/main"}
    assert set(repo.refs("refs/heads/", "refs/remotes/")) == {"refs/heads/main", "refs/remotes/origin/main"}


async def test_a_fetch_that_another_fetch_overtakes_is_repeated(
    desk: Desk, repo: Repo, other: Repo, place: Place
) -> None:
    """Row 26: while our objects are being packed, another fetch moves the same ref."""
    other.topic("fresh", "one", push=True)
    repo.fetch()
    other.switch("fresh")
    other.commit("two")
    other.push("fresh")
    plan = await desk.plan("sync")
    hook = place.root / "overtake"
    mark = place.root / "overtaken"
    clean = "env -u GIT_DIR -u GIT_PROTOCOL -u GIT_INTERNAL_SUPER_PREFIX"
    overtake = f': > "{mark}"; {clean} git -C "{repo.path}" fetch -q origin'
    hook.write_text(f'#!/bin/sh\nif [ ! -e "{mark}" ]; then {overtake}; fi\nexec "$@"\n')
    hook.chmod(0o755)
    place.set_global(f'[uploadpack]\n    packObjectsHook = "{hook}"\n')
    report = await desk.executor.perform(desk.git, plan)
    assert mark.exists()
    assert report.state == "done", report
    assert repo.oid("refs/remotes/origin/fresh") == other.oid()


async def test_a_hook_of_the_user_that_never_ends(desk: Desk, repo: Repo) -> None:
    """Row 23: it is ended with all that it has started, and nothing is pushed."""
    repo.topic("topic", "work")
    waiting = repo.place.root / "waiting"
    repo.hook("pre-push", f'read answer < /dev/tty\necho $$ > "{waiting}"\nsleep 60 & echo $! >> "{waiting}"\nwait')
    before = picture(repo)
    executor = replace(desk.executor, limits=Limits(push_s=2.0))
    report = await executor.perform(desk.git, await desk.plan("push", branches=["topic"]))
    assert report.state == "failed"
    assert "did not end within 2 s" in report.message
    assert picture(repo) == before
    pids = [int(pid) for pid in waiting.read_text().split()]
    assert len(pids) == 2
    await until(lambda: not any(alive(pid) for pid in pids), what="the hook's end")


async def test_a_hook_that_never_ends_after_the_fact(desk: Desk, repo: Repo) -> None:
    """What git had done already counts, though it never came back."""
    repo.topic("topic", "work")
    repo.hook("post-checkout", "sleep 60")
    executor = replace(desk.executor, limits=Limits(local_s=2.0))
    report = await executor.perform(desk.git, await desk.plan("switch", branch="topic"))
    assert report.state == "done"
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/topic"


async def test_locks_of_others_are_told_of_and_never_removed(desk: Desk, repo: Repo) -> None:
    """Row 25."""
    repo.topic("topic", "work")
    lock = repo.git_dir / "index.lock"
    lock.write_text("")
    before = picture(repo)
    report = await desk.do("switch", branch="topic")
    assert report.state == "failed"
    assert str(lock) in report.message
    assert "locked since" in report.message
    assert lock.exists()
    lock.unlink()
    assert picture(repo) == before
    held = repo.common_dir / "refs" / "heads" / "topic.lock"
    held.write_text("")
    desk.landed["topic"] = ("merged", "merged")
    report = await desk.do("prune")
    assert repo.oid("topic")
    assert [refusal.ref for refusal in report.refused] == ["refs/heads/topic"] or report.state == "failed"
    assert held.exists()


async def test_a_hook_of_the_user_that_refuses(desk: Desk, repo: Repo) -> None:
    repo.topic("topic", "work")
    repo.hook("pre-push", "echo 'run the tests first' >&2; exit 1")
    before = picture(repo)
    report = await desk.do("push", branches=["topic"])
    assert report.state == "failed"
    assert "run the tests first" in report.message
    assert picture(repo) == before


async def test_a_bare_repository(place: Place, repo: Repo) -> None:
    """Row 10: no working tree, so nothing is checked out, and names can be changed."""
    bare = place.clone(repo.origin, "bare.git", "--bare")
    bare.git("branch", "topic", "main")
    desk = Desk(bare)
    await round_trip_without_reflogs(desk, await desk.plan("rename", old="topic", new="new"))
    report = await desk.do("switch", branch="topic")
    assert report.state == "failed"
    assert report.refused[0].why == "this repository has no working tree"
    desk.landed["topic"] = ("merged", "merged")
    await round_trip_without_reflogs(desk, await desk.plan("prune"))


async def test_a_mirror_is_not_pushed_to(place: Place, repo: Repo) -> None:
    copy = place.bare("copy.git")
    repo.git("remote", "add", "--mirror=push", "copy", str(copy.path))
    repo.topic("topic", "work")
    desk = Desk(repo)
    report = await desk.do("push", branches=["topic"], remote="copy")
    assert report.state == "failed"
    assert "mirror" in report.refused[0].why


async def test_a_submodule_and_a_linked_working_tree(place: Place, repo: Repo) -> None:
    """Row 11: where `.git` is a file; the journal knows the repository by its common folder."""
    part = place.repo("part")
    repo.git("submodule", "add", "-q", str(part.path), "part")
    repo.git("commit", "-q", "-m", "with a part")
    inside = Repo(place, repo.path / "part")
    inside.git("switch", "-q", "-c", "topic")
    await round_trip_without_reflogs(Desk(inside), await Desk(inside).plan("rename", old="topic", new="new"))
    away = repo.worktree("topic", at="main")
    here, there = Desk(repo), Desk(away)
    report = await there.done("new", name="fresh")
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert (await here.executor.entry(report.op_id)).common_dir == str(repo.common_dir)
    assert (await there.undo()).state == "done"
    assert away.git("symbolic-ref", "HEAD") == "refs/heads/topic"


async def test_a_shallow_clone_is_synced(place: Place, repo: Repo) -> None:
    """Row 12."""
    repo.commits("two", "three")
    repo.push("main")
    shallow = place.clone(f"file://{repo.origin.path}", "shallow", "--depth=1")
    repo.commit("four")
    repo.push("main")
    desk = Desk(shallow)
    await desk.done("sync")
    assert shallow.oid("main") == repo.oid("main")
    assert (await desk.undo()).state == "done"
    assert shallow.oid("main") == repo.oid("main~1")


async def test_a_repository_that_vanishes(desk: Desk, repo: Repo) -> None:
    """Row 36."""
    plan = await desk.plan("new", name="topic")
    repo.path.rename(repo.path.with_name("moved"))
    with pytest.raises(GitError, match="no such folder"):
        await desk.executor.perform(desk.git, plan)


async def test_a_folder_that_cannot_be_locked(desk: Desk, repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    executor = replace(desk.executor, locks=tmp_path / "file" / "locks")
    with pytest.raises(UserError, match="cannot lock"):
        await executor.perform(desk.git, await desk.plan("new", name="topic"))


def alive(pid: int) -> bool:
    """Whether a process is at work: one that has ended may still wait to be collected."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False

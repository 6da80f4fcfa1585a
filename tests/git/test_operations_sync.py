"""Syncing with a real remote that others push to: done, undone, and done again."""

from __future__ import annotations

import pytest

from tests.git.operating import Desk, picture
from tests.git.repos import Place, Repo


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


@pytest.fixture
def other(place: Place, repo: Repo) -> Repo:
    """A second clone of the same remote."""
    return place.clone(repo.origin, "other")


async def test_sync_fetches_moves_forward_and_tells_what_it_cannot(desk: Desk, repo: Repo, other: Repo) -> None:
    for name in ("behind", "diverged", "away"):
        repo.topic(name, f"{name} one", push=True)
    other.fetch()
    for name in ("main", "behind", "diverged"):
        other.git("switch", "-q", name)
        other.commit(f"{name} two")
        other.push(name)
    other.push_delete("away")
    other.topic("fresh", "new there", push=True)
    repo.switch("diverged")
    repo.commit("diverged mine")
    repo.switch("main")
    plan = await desk.plan("sync")
    moves = {change.ref: change.reason for change in plan.changes}
    assert moves["refs/heads/main"] == "forward by 1 commit"
    assert moves["refs/heads/behind"] == "forward by 1 commit"
    assert moves["refs/remotes/origin/away"] == "deleted there"
    assert moves["refs/remotes/origin/fresh"] == "new there"
    assert {refusal.ref for refusal in plan.refused} == {"refs/heads/diverged", "refs/heads/away"}
    assert plan.commands[0][:2] == ("git", "fetch")
    assert repo.oid("refs/remotes/origin/main") == repo.oid("main")
    before = picture(repo)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "done", report.message
    assert repo.oid("main") == other.oid("main")
    assert repo.oid("behind") == other.oid("behind")
    assert "refs/remotes/origin/away" not in repo.refs()
    assert repo.git("status", "--porcelain") == ""
    after = picture(repo, reflogs=False)
    assert (await desk.undo()).state == "done"
    undone = picture(repo)
    assert {**undone, "reflogs": 0} == {**before, "reflogs": 0}
    assert (await desk.redo()).state == "done"
    assert picture(repo, reflogs=False) == after


async def test_sync_leaves_the_users_changes_alone(desk: Desk, repo: Repo, other: Repo) -> None:
    other.commit("theirs", {"README.md": "theirs\n"})
    other.push("main")
    old = repo.oid()
    repo.write({"README.md": "mine\n"})
    report = await desk.do("sync")
    assert report.state == "done"
    assert [refusal.ref for refusal in report.refused] == ["refs/heads/main"]
    assert repo.oid("main") == old
    assert repo.oid("refs/remotes/origin/main") == other.oid()
    assert (repo.path / "README.md").read_text() == "mine\n"
    repo.write({"README.md": "first\n"})
    await desk.done("sync")
    repo.write({"README.md": "theirs\nand mine\n"})
    report = await desk.undo()
    assert report.state != "done"
    assert (repo.path / "README.md").read_text() == "theirs\nand mine\n"
    repo.write({"README.md": "theirs\n", "mine.txt": "kept\n"})
    report = await desk.undo()
    assert report.state == "done"
    assert repo.oid("main") == old
    assert (repo.path / "mine.txt").read_text() == "kept\n"


async def test_sync_takes_what_the_server_really_has(desk: Desk, repo: Repo, other: Repo) -> None:
    """The server moves on between the preview and the act."""
    other.commit("one")
    other.push("main")
    plan = await desk.plan("sync")
    planned = other.oid()
    other.commit("two")
    other.push("main")
    other.topic("fresh", "new", push=True)
    before = picture(repo, reflogs=False)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "done"
    assert repo.oid("main") == planned
    assert repo.oid("refs/remotes/origin/main") == other.oid("main")
    assert "refs/remotes/origin/fresh" in {change.ref for change in report.done}
    assert (await desk.undo()).state == "done"
    assert picture(repo, reflogs=False) == before


async def test_sync_with_nothing_new_changes_nothing(desk: Desk, repo: Repo) -> None:
    plan = await desk.plan("sync")
    assert plan.notes == ("everything is as it is there",)
    assert (await desk.executor.perform(desk.git, plan)).message == "there is nothing to do"

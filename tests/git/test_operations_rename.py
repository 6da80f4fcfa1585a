"""Renaming here, on the remote and in all that follows: done, undone on both sides, and done again."""

from __future__ import annotations

import pytest

from app.errors import UserError
from app.git.model import Rules
from tests.git.operating import Desk, picture, round_trip_without_reflogs, undo_plan
from tests.git.repos import Place, Repo


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


@pytest.fixture
def other(place: Place, repo: Repo) -> Repo:
    """A second clone of the same remote."""
    return place.clone(repo.origin, "other")


async def test_rename_is_one_push_and_everything_follows(desk: Desk, repo: Repo) -> None:
    tip = repo.topic("old", "work", push=True)
    repo.git("config", "branch.old.description", "what it is\nabout")
    repo.git("branch", "-q", "--track", "stacked", "old")
    repo.git("branch", "-q", "child", "origin/old")
    repo.git("config", "branch.child.remote", "origin")
    repo.git("config", "branch.child.merge", "refs/heads/old")
    repo.switch("old")
    plan = await desk.plan("rename", old="old", new="new")
    assert plan.commands == (
        (
            *("git", "push", "--porcelain", "--atomic", "--no-follow-tags"),
            *("--force-with-lease=refs/heads/new:", f"--force-with-lease=refs/heads/old:{tip}"),
            *("--", "origin", f"{tip}:refs/heads/new", ":refs/heads/old"),
        ),
        ("git", "branch", "-m", "--", "old", "new"),
        ("git", "config", "--local", "branch.new.merge", "refs/heads/new"),
        ("git", "config", "--local", "branch.child.merge", "refs/heads/new"),
        ("git", "config", "--local", "branch.stacked.merge", "refs/heads/new"),
    )
    assert any("pull request" in note for note in plan.notes)
    before = picture(repo, reflogs=False)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "done"
    assert repo.origin.refs() == {"refs/heads/main": repo.oid("main"), "refs/heads/new": tip}
    assert repo.git("rev-parse", "--abbrev-ref", "@{upstream}") == "origin/new"
    repo.commit("more")
    repo.git("push", "-q")
    repo.git("reset", "-q", "--hard", tip)
    repo.git("push", "-q", "--force")
    assert (await desk.undo()).state == "done"
    assert picture(repo, reflogs=False) == before
    assert (await desk.redo()).state == "done"
    assert repo.config("branch.new.description") == "what it is\nabout"
    assert (await desk.undo()).state == "done"
    assert picture(repo, reflogs=False) == before


async def test_rename_in_another_working_tree(desk: Desk, repo: Repo) -> None:
    away = repo.worktree("old", at="main")
    before = picture(repo, reflogs=False)
    await desk.done("rename", old="old", new="new")
    assert away.git("symbolic-ref", "HEAD") == "refs/heads/new"
    assert (await desk.undo()).state == "done"
    assert picture(repo, reflogs=False) == before


async def test_rename_where_the_server_has_more(desk: Desk, repo: Repo, other: Repo) -> None:
    """What others have pushed is renamed too, though it is not here."""
    repo.topic("old", "work", push=True)
    other.fetch()
    other.switch("old", create=True, at="origin/old")
    theirs = other.commit("theirs")
    other.push("old")
    before = picture(repo, reflogs=False)
    await desk.done("rename", old="old", new="new")
    assert repo.origin.oid("new") == theirs
    assert repo.oid("new") != theirs
    assert (await desk.undo()).state == "done"
    found = picture(repo, reflogs=False)
    assert found["on origin"] == before["on origin"]
    assert repo.origin.oid("old") == theirs


async def test_rename_only_here(desk: Desk, repo: Repo) -> None:
    repo.topic("old", "work", push=True)
    plan = await desk.plan("rename", old="old", new="new", remote=False)
    assert plan.commands == (("git", "branch", "-m", "--", "old", "new"),)
    await round_trip_without_reflogs(desk, plan)


async def test_the_default_branch_is_made_there_and_the_host_asked(desk: Desk, repo: Repo) -> None:
    """A host alone can change its default branch; what it has changed is followed."""
    plan = await desk.plan("rename", old="main", new="trunk")
    assert [refusal.ref for refusal in plan.refused] == ["refs/heads/main"]
    assert "host" in plan.refused[0].why
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "done"
    assert set(repo.origin.refs()) == {"refs/heads/main", "refs/heads/trunk"}
    assert repo.git("rev-parse", "--abbrev-ref", "@{upstream}") == "origin/trunk"
    assert (await desk.undo(ticked={change.key for change in (await undo_plan(desk)).changes})).state == "done"
    assert set(repo.origin.refs()) == {"refs/heads/main"}


async def test_a_default_branch_renamed_on_the_host_is_followed(desk: Desk, repo: Repo) -> None:
    """Row 9: the host has renamed main; here origin/HEAD dangles after a fetch."""
    repo.origin.git("branch", "-m", "main", "trunk")
    repo.fetch()
    assert repo.run("rev-parse", "origin/HEAD", check=False).returncode != 0
    desk.rules = Rules(protected=())
    await round_trip_without_reflogs(desk, await desk.plan("rename", old="main", new="trunk"))
    await desk.redo()
    assert repo.git("symbolic-ref", "refs/remotes/origin/HEAD") == "refs/remotes/origin/trunk"
    assert repo.git("rev-parse", "--abbrev-ref", "@{upstream}") == "origin/trunk"


async def test_renames_that_cannot_be_are_refused_before_any_push(desk: Desk, repo: Repo, other: Repo) -> None:
    """Row 17: a branch and a folder of one name, here, there, and by case; the target taken on the remote."""
    repo.topic("feat", "work", push=True)
    repo.topic("taken/x", "other work")
    other.topic("there/x", "theirs", push=True)
    other.topic("same", "theirs too", push=True)
    other.topic("Upper", "theirs as well", push=True)
    before = picture(repo)
    for new, why in {
        "feat/x": "folder",
        "taken": "folder",
        "Taken/x": "almost the same",
        "there": "on origin",
        "there/x/y": "on origin",
        "same": "with other commits",
        "upper": "on origin",
        "feat": "already",
        "-x": "begins with -",
    }.items():
        with pytest.raises(UserError, match=why):
            await desk.plan("rename", old="feat", new=new)
    assert picture(repo) == before


async def test_a_name_taken_on_the_server_after_the_preview_refuses_the_whole(
    desk: Desk, repo: Repo, other: Repo
) -> None:
    repo.topic("old", "work", push=True)
    plan = await desk.plan("rename", old="old", new="new")
    other.topic("new", "theirs", push=True)
    before = picture(repo)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "failed"
    assert picture(repo) == before
    plan = await desk.plan("rename", old="main", new="feat", remote=False)
    repo.branch("feat/x")
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "failed"
    assert "folder" in report.refused[0].why


async def test_a_protected_branch_is_not_taken_away_from_its_remote(desk: Desk, repo: Repo) -> None:
    desk.rules = Rules(protected=("main", "release/*"))
    repo.topic("release/1", "work", push=True)
    with pytest.raises(UserError, match="protected"):
        await desk.plan("rename", old="release/1", new="other")


async def test_case_only_renames_go_by_way_of_another_name(desk: Desk, repo: Repo) -> None:
    """Row 16: where file names ignore case, Foo cannot become foo at once."""
    repo.topic("Foo", "work", push=True)
    plan = await desk.plan("rename", old="Foo", new="foo")
    assert ("git", "branch", "-m", "--", "Foo", "foo") in plan.commands
    repo.git("config", "core.ignorecase", "true")
    plan = await desk.plan("rename", old="Foo", new="foo")
    moves = [command for command in plan.commands if command[1:3] == ("branch", "-m")]
    assert [command[-2:] for command in moves] == [("Foo", moves[0][-1]), (moves[0][-1], "foo")]
    await round_trip_without_reflogs(desk, plan)


async def test_a_branch_in_a_rebase_or_bisect_is_not_renamed(desk: Desk, repo: Repo) -> None:
    repo.conflict("busy")
    repo.switch("busy")
    repo.push("busy")
    assert repo.attempt("rebase", "main") == 1
    with pytest.raises(UserError, match="a rebase is at work"):
        await desk.plan("rename", old="busy", new="new")
    repo.git("rebase", "--abort")
    plan = await desk.plan("rename", old="busy", new="new")
    assert repo.attempt("rebase", "main") == 1
    before = picture(repo)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "failed"
    assert picture(repo) == before

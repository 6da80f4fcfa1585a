"""Pushing to real bare remotes: done, undone on both sides, and done again."""

from __future__ import annotations

import pytest

from app.errors import UserError
from tests.git.operating import REJECT, Desk, picture, pins, round_trip, round_trip_without_reflogs, undo_plan
from tests.git.repos import Place, Repo


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


@pytest.fixture
def other(place: Place, repo: Repo) -> Repo:
    """A second clone of the same remote."""
    return place.clone(repo.origin, "other")


async def test_a_new_branch_is_pushed_and_followed(desk: Desk, repo: Repo) -> None:
    tip = repo.topic("topic", "work")
    repo.switch("topic")
    plan = await desk.plan("push")
    assert plan.title == "Push topic"
    assert plan.commands == (
        (
            *("git", "push", "--porcelain", "--atomic", "--no-follow-tags", "--force-with-lease=refs/heads/topic:"),
            *("--", "origin", f"{tip}:refs/heads/topic"),
        ),
        ("git", "config", "--local", "branch.topic.remote", "origin"),
        ("git", "config", "--local", "branch.topic.merge", "refs/heads/topic"),
    )
    await round_trip(desk, plan)


async def test_several_branches_are_one_push(desk: Desk, repo: Repo) -> None:
    for name in ("one", "two"):
        repo.topic(name, f"{name} first", push=True)
        repo.switch(name)
        repo.commit(f"{name} second")
    plan = await desk.plan("push", branches=["one", "two"])
    assert [change.reason for change in plan.changes] == ["1 commit", "1 commit"]
    assert sum(command[1] == "push" for command in plan.commands) == 1
    await round_trip(desk, plan)


async def test_what_others_pushed_is_never_overwritten(desk: Desk, repo: Repo, other: Repo) -> None:
    repo.topic("topic", "work", push=True)
    other.fetch()
    other.switch("topic", create=True, at="origin/topic")
    other.commit("theirs")
    other.push("topic")
    repo.switch("topic")
    repo.commit("mine")
    plan = await desk.plan("push")
    assert not plan.changes
    assert plan.refused[0].why == "origin has 1 commit that is not here"
    forced = await desk.plan("push", force=True)
    assert forced.changes[0].reason == "replaces 1 commit there"
    other.commit("theirs again")
    other.push("topic")
    report = await desk.executor.perform(desk.git, forced)
    assert report.state == "failed"
    assert repo.origin.oid("topic") == other.oid()
    forced = await desk.plan("push", force=True)
    theirs = other.oid()
    assert (await desk.executor.perform(desk.git, forced)).state == "done"
    assert repo.origin.oid("topic") == repo.oid()
    assert (await desk.undo()).state == "done"
    assert repo.origin.oid("topic") == theirs


async def test_a_push_that_is_up_to_date_is_nothing(desk: Desk, repo: Repo) -> None:
    plan = await desk.plan("push")
    assert not plan.changes
    report = await desk.executor.perform(desk.git, plan)
    assert (report.state, report.message) == ("done", "there is nothing to do")
    assert not desk.journal.path.exists()


async def test_a_rejecting_server_leaves_both_sides_as_they_were(desk: Desk, repo: Repo) -> None:
    """Row 13: a hook on the server refuses one of two, so neither changes, and nothing is changed here."""
    repo.origin.hook("pre-receive", REJECT.format(name="two"))
    for name in ("one", "two"):
        repo.topic(name, name)
    before = picture(repo)
    report = await desk.do("push", branches=["one", "two"])
    assert report.state == "failed"
    assert "no: policy" in report.message
    assert "pre-receive hook declined" in report.message
    assert picture(repo) == before
    assert not pins(repo)


async def test_undoing_a_push_to_a_protected_branch_must_be_asked_for(desk: Desk, repo: Repo) -> None:
    old = repo.oid()
    new = repo.commit("more")
    await desk.done("push")
    plan = await undo_plan(desk)
    assert [(change.ticked, change.reason) for change in plan.changes] == [
        (False, "protected: others may have fetched it")
    ]
    await desk.executor.perform(desk.git, plan)
    assert repo.origin.oid("main") == new
    report = await desk.undo(ticked={plan.changes[0].key})
    assert report.state == "done"
    assert repo.origin.oid("main") == old


async def test_a_branch_that_begins_at_another_ones_upstream_gets_its_own(desk: Desk, repo: Repo) -> None:
    """Row 31 and the plain mistake: `git switch -c topic origin/main` follows main."""
    repo.git("switch", "-q", "-c", "topic", "origin/main")
    repo.commit("work")
    assert repo.config("branch.topic.merge") == "refs/heads/main"
    plan = await desk.plan("push")
    assert [change.ref for change in plan.changes] == ["refs/heads/topic"]
    await round_trip(desk, plan)


async def test_a_triangle_is_pushed_to_the_fork(desk: Desk, repo: Repo, place: Place) -> None:
    fork = place.bare("fork.git")
    repo.git("remote", "add", "fork", str(fork.path))
    repo.git("config", "remote.pushDefault", "fork")
    repo.git("switch", "-q", "-c", "topic", "origin/main")
    repo.commit("work")
    plan = await desk.plan("push")
    assert [(change.remote, change.ref) for change in plan.changes] == [("fork", "refs/heads/topic")]
    await round_trip(desk, plan)
    assert repo.config("branch.topic.merge") == "refs/heads/main"


async def test_several_push_addresses_are_refused(desk: Desk, repo: Repo, place: Place) -> None:
    copy = place.bare("copy.git")
    for path in (repo.origin.path, copy.path):
        repo.git("remote", "set-url", "--add", "--push", "origin", str(path))
    with pytest.raises(UserError, match="several addresses"):
        await desk.plan("push")


async def test_another_push_address_is_the_one_that_counts(desk: Desk, repo: Repo, place: Place) -> None:
    copy = place.bare("copy.git")
    repo.git("remote", "set-url", "--push", "origin", str(copy.path))
    repo.topic("topic", "work")
    await desk.done("push", branches=["topic"])
    assert "refs/heads/topic" in copy.refs()
    assert "refs/heads/topic" not in repo.origin.refs()
    assert (await desk.undo()).state == "done"
    assert "refs/heads/topic" not in copy.refs()


async def test_a_server_without_atomic_pushes_is_taken_one_by_one(desk: Desk, repo: Repo) -> None:
    repo.origin.git("config", "receive.advertiseAtomic", "false")
    for name in ("one", "two"):
        repo.topic(name, name)
    await round_trip(desk, await desk.plan("push", branches=["one", "two"]))
    repo.push("one")
    await round_trip_without_reflogs(desk, await desk.plan("rename", old="one", new="three"))


async def test_the_remotes_password_is_kept_nowhere(desk: Desk, repo: Repo, place: Place) -> None:
    repo.topic("topic", "work")
    place.set_global(f'[url "{repo.origin.path}"]\n    insteadOf = https://ada:hunter22@example.test/a.git\n')
    repo.git("remote", "set-url", "origin", "https://ada:hunter22@example.test/a.git")
    await desk.done("push", branches=["topic"])
    assert b"hunter22" not in desk.journal.path.read_bytes()
    assert "hunter22" not in str(desk.recorded)


async def test_odd_names_go_all_the_way(desk: Desk, repo: Repo) -> None:
    """Rows 19 to 21: quotes, markup, a tag of the same name, bytes that are no text, a leading dash."""
    repo.git("tag", "same")
    for name in ("q\"uo'te", "(bold)x", "naïve", "🙂", "a$(b)", "same", "x;y", "caf\udce9"):
        repo.raw_ref(f"refs/heads/{name}", repo.oid())
        await round_trip(desk, await desk.plan("push", branches=[name]))
        await desk.redo()
        await round_trip_without_reflogs(desk, await desk.plan("rename", old=name, new=f"{name}-2"))
    repo.raw_ref("refs/heads/-x", repo.oid())
    await round_trip_without_reflogs(desk, await desk.plan("rename", old="-x", new="x"))
    await desk.done("switch", branch="-x")
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/-x"

"""Aligning what does not fit together: done, undone on both sides, and done again."""

from __future__ import annotations

import pytest

from app.errors import UserError
from app.git.model import Rules
from app.git.operations import make_plan
from app.git.operations.asked import named
from tests.git.looking import read
from tests.git.operating import Desk, picture, round_trip
from tests.git.repos import Place, Repo


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


@pytest.fixture
def other(place: Place, repo: Repo) -> Repo:
    """A second clone of the same remote."""
    return place.clone(repo.origin, "other")


async def test_align_lists_each_mismatch_with_one_fix(desk: Desk, repo: Repo) -> None:
    repo.topic("mine", "mine", push=True)
    repo.git("push", "-q", "origin", "mine:theirs")
    repo.git("config", "branch.mine.merge", "refs/heads/theirs")
    repo.push_delete("mine")
    repo.topic("lost", "lost", push=True)
    repo.git("branch", "--unset-upstream", "lost")
    repo.topic("borrowed", "borrowed")
    repo.git("config", "branch.borrowed.remote", "origin")
    repo.git("config", "branch.borrowed.merge", "refs/heads/main")
    repo.topic("gone", "gone", push=True)
    repo.origin.git("branch", "-D", "gone")
    repo.git("remote", "set-head", "origin", "--delete")
    plan = await desk.plan("align")
    reasons = {(change.side, change.ref): (change.reason, change.ticked) for change in plan.changes}
    assert reasons == {
        ("local", "refs/heads/mine"): ("follows origin/mine instead of origin/theirs", True),
        ("remote", "refs/heads/mine"): ("was theirs there", True),
        ("remote", "refs/heads/theirs"): ("is mine there", True),
        ("local", "refs/heads/lost"): ("follows origin/lost, which is there", True),
        ("local", "refs/heads/borrowed"): ("follows nothing: origin/main is another branch", True),
        ("local", "refs/heads/gone"): ("follows nothing: origin/gone is gone", False),
        ("local", "refs/remotes/origin/HEAD"): ("the default branch of origin is main", True),
    }
    assert not any("branch.gone" in word for command in plan.commands for word in command)
    await round_trip(desk, plan)
    await desk.redo()
    for name in ("mine", "lost"):
        assert repo.git("rev-parse", "--abbrev-ref", f"{name}@{{upstream}}") == f"origin/{name}"
    assert repo.git("symbolic-ref", "refs/remotes/origin/HEAD") == "refs/remotes/origin/main"
    left = await desk.plan("align")
    assert [change.ref for change in left.changes] == ["refs/heads/gone"]


async def test_align_can_be_done_in_part(desk: Desk, repo: Repo) -> None:
    for name in ("one", "two"):
        repo.topic(name, name, push=True)
        repo.git("branch", "--unset-upstream", name)
    plan = await desk.plan("align")
    report = await desk.executor.perform(desk.git, plan, {"local::refs/heads/two"})
    assert [change.ref for change in report.done] == ["refs/heads/two"]
    assert repo.config("branch.one.remote") is None
    assert repo.config("branch.two.remote") == "origin"


async def test_align_renames_to_what_the_rule_asks_for_when_ticked(desk: Desk, repo: Repo) -> None:
    desk.rules = Rules(pattern=r"(?P<kind>feat|fix)/(?P<words>[a-z0-9-]+)", examples=("feat/tidy-up",))
    repo.topic("Feat/Tidy_Up", "work", push=True)
    repo.topic("loose", "work too")
    plan = await desk.plan("align")
    assert not any(change.ticked for change in plan.changes)
    wanted = {change.key for change in plan.changes if "Feat/Tidy" in change.ref or change.ref.endswith("feat/tidy-up")}
    before = picture(repo, reflogs=False)
    report = await desk.executor.perform(desk.git, plan, wanted)
    assert report.state == "done"
    assert "refs/heads/feat/tidy-up" in repo.origin.refs()
    assert "refs/heads/loose" in repo.refs()
    assert (await desk.undo()).state == "done"
    assert picture(repo, reflogs=False) == before


async def test_align_of_named_branches_mends_what_is_doubtful_too(desk: Desk, repo: Repo) -> None:
    for name in ("gone", "never", "removed", "fine", "loose"):
        repo.topic(name, name, push=True)
    repo.git("push", "-q", "origin", ":gone", ":never")
    repo.git("config", "branch.removed.remote", "old")
    repo.git("branch", "--unset-upstream", "loose")
    before = picture(repo)
    assert {change.ref for change in (await desk.plan("align")).changes if not change.ticked} == {
        *("refs/heads/gone", "refs/heads/never", "refs/heads/removed")
    }
    plan = await make_plan("align", desk.git, await read(repo), desk.rules, branches=("gone", "removed"))
    assert [(change.ref, change.ticked, change.reason) for change in plan.changes] == [
        ("refs/heads/gone", True, "follows nothing: origin/gone is not there; a push makes it"),
        ("refs/heads/removed", True, "follows origin/removed instead of old"),
    ]
    assert (await desk.executor.perform(desk.git, plan)).state == "done"
    assert (repo.config("branch.gone.merge"), repo.config("branch.removed.remote")) == (None, "origin")
    assert (repo.config("branch.never.remote"), repo.config("branch.loose.remote")) == ("origin", None)
    assert (await desk.undo()).state == "done"
    assert picture(repo) == before
    with pytest.raises(UserError, match="there is no branch gome"):
        await desk.plan("align", branches=("gome",))


async def test_align_leads_to_the_remote_that_the_configuration_names(desk: Desk, repo: Repo, place: Place) -> None:
    repo.git("remote", "add", "fork", str(place.bare("fork.git").path))
    repo.topic("topic", "work", push=True)
    repo.push("topic", remote="fork", upstream=False)
    state = await read(repo, remote="fork")
    assert ("wrong_remote", "qd git align topic") in {(problem.kind, problem.fix) for problem in state.problems}
    asked = named("align", {}, ("topic",), "fork")
    plan = await make_plan("align", desk.git, state, desk.rules, **asked)
    assert [(change.ref, change.reason) for change in plan.changes] == [
        ("refs/heads/topic", "follows fork/topic instead of origin")
    ]
    assert (await desk.executor.perform(desk.git, plan)).state == "done"
    assert repo.config("branch.topic.remote") == "fork"


async def test_align_says_of_what_it_leaves_alone_why(desk: Desk, repo: Repo) -> None:
    repo.topic("back", "back", push=True)
    repo.git("update-ref", "-d", "refs/remotes/origin/back")
    repo.topic("borrowed", "borrowed")
    repo.git("config", "branch.borrowed.remote", ".")
    repo.git("config", "branch.borrowed.merge", "refs/heads/lost")
    plan = await desk.plan("align")
    assert plan.notes == ("origin/back is there, and not known here yet: a sync brings it",)
    assert [(change.ref, change.ticked) for change in plan.changes] == [("refs/heads/borrowed", False)]


async def test_align_repairs_the_remotes_head(desk: Desk, repo: Repo) -> None:
    """Row 9: stale after a rename on the server, and dangling after the fetch that follows."""
    repo.origin.git("branch", "-m", "main", "trunk")
    repo.fetch()
    plan = await desk.plan("align")
    head = next(change for change in plan.changes if change.ref.endswith("/HEAD"))
    assert (head.old, head.new) == ("ref: refs/remotes/origin/main", "ref: refs/remotes/origin/trunk")
    await round_trip(desk, plan)


async def test_align_finds_names_that_differ_in_case(desk: Desk, repo: Repo) -> None:
    repo.topic("Foo/a", "work")
    repo.topic("foo/b", "work too")
    plan = await desk.plan("align")
    assert any("almost the same" in refusal.why for refusal in plan.refused)


async def test_nothing_to_align(desk: Desk, repo: Repo) -> None:
    assert (await desk.plan("align")).notes == ("everything fits together",)

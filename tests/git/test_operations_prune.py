"""Deleting branches here and on the remote, and bringing every one of them back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.git.model import Commit, Plan, RemoteBranch, RepositoryState, Rules
from app.git.undo import GONE
from tests.git.looking import branch, read
from tests.git.operating import REJECT, Desk, picture, pins, round_trip, undo_plan
from tests.git.repos import Place, Repo

NAMES = [f"feat/{number}" for number in range(10)] + ["-dash", 'q"uote', "naïve", "same"]


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


@pytest.fixture
def other(place: Place, repo: Repo) -> Repo:
    """A second clone of the same remote."""
    return place.clone(repo.origin, "other")


@pytest.fixture
def fourteen(desk: Desk, repo: Repo) -> list[str]:
    """Fourteen branches with work that has landed, on both sides, of all kinds of names."""
    repo.git("tag", "same")
    for name in NAMES:
        repo.topic(f"tmp-{name.strip('-')}" if name.startswith("-") else name, f"work {name}")
        if name.startswith("-"):
            repo.raw_ref(f"refs/heads/{name}", repo.oid("tmp-dash"))
            repo.delete("tmp-dash")
            repo.git("config", f"branch.{name}.remote", "origin")
            repo.git("config", f"branch.{name}.merge", f"refs/heads/{name}")
        desk.landed[name] = ("merged", "merged into main")
    repo.git("push", "-q", "origin", *(f"refs/heads/{name}:refs/heads/{name}" for name in NAMES))
    for name in NAMES:
        if not name.startswith("-"):
            repo.git("branch", "-q", f"--set-upstream-to=refs/remotes/origin/{name}", name)
    repo.git("config", "branch.naïve.description", "two\nlines")
    return NAMES


def mirror_logs(repo: Repo) -> dict[str, object]:
    """The reflogs of what is known here of the remote."""
    return {ref: repo.reflog(ref) for ref in repo.refs("refs/remotes/origin/") if not ref.endswith("/HEAD")}


async def test_fourteen_branches_go_and_come_back_on_both_sides(desk: Desk, repo: Repo, fourteen: list[str]) -> None:
    before, mirrors = picture(repo), mirror_logs(repo)
    assert all(mirrors.values())
    plan = await desk.plan("prune")
    (warning,), (kept,) = plan.notes, plan.remarks
    assert "and 12 more may be closed" in warning
    assert "refs/quarterdeck/trash" in kept
    assert [change.side for change in plan.changes].count("local") == 14
    assert [change.side for change in plan.changes].count("remote") == 14
    assert all(change.ticked for change in plan.changes)
    assert [command[1] for command in plan.commands] == ["push", "branch"]
    report = await desk.executor.perform(desk.git, plan)
    assert (report.state, len(report.done), report.refused) == ("done", 28, ())
    assert repo.refs("refs/heads/", "refs/remotes/") == {
        "refs/heads/main": repo.oid(),
        "refs/remotes/origin/main": repo.oid(),
    }
    assert set(repo.origin.refs()) == {"refs/heads/main"}
    assert repo.config("branch.feat/1.remote") is None
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "HEAD")
    for where in (repo, repo.origin):
        where.git("-c", "gc.reflogExpire=never", "-c", "gc.reflogExpireUnreachable=never", "gc", "-q", "--prune=now")
    report = await desk.undo()
    assert (report.state, report.refused) == ("done", ()), report
    assert (picture(repo), mirror_logs(repo)) == (before, mirrors)
    assert (await desk.redo()).state == "done"
    assert set(repo.origin.refs()) == {"refs/heads/main"}
    assert (await desk.undo()).state == "done"
    assert (picture(repo), mirror_logs(repo)) == (before, mirrors)
    assert [entry.state for entry in desk.recorded][:2] == ["planned", "done"]


async def test_what_was_pruned_on_the_remote_is_gone_and_not_unpushed(desk: Desk, repo: Repo) -> None:
    """Even for one who has never looked at the repository while the upstream was there."""
    repo.topic("topic", "work", push=True)
    repo.branch("never")
    repo.git("config", "branch.never.remote", "origin")
    repo.git("config", "branch.never.merge", "refs/heads/never")
    await desk.done("prune", local=False, branches=["topic"], ticked={"remote:origin:refs/heads/topic"})
    state = await read(repo)
    assert (branch(state, "topic").upstream_state, branch(state, "topic").unpushed) == ("gone", False)
    assert branch(state, "never").upstream_state == "never_pushed"
    repo.switch("topic")
    repo.commit("only here")
    assert branch(await read(repo), "topic").unpushed


async def test_here_only_and_there_only(desk: Desk, repo: Repo) -> None:
    repo.topic("topic", "work", push=True)
    desk.landed["topic"] = ("squashed", "its work is in main")
    await round_trip(desk, await desk.plan("prune", remote=False))
    assert "refs/heads/topic" in repo.origin.refs()
    await round_trip(desk, await desk.plan("prune", local=False))


async def test_what_is_in_doubt_is_not_ticked(desk: Desk, repo: Repo) -> None:
    for name in ("unpushed", "gone", "reverted", "stale", "ours", "landed"):
        repo.topic(name, name, push=True)
    repo.switch("unpushed")
    repo.commit("never pushed")
    repo.switch("main")
    repo.push_delete("unpushed", "gone")
    desk.landed["landed"] = ("rebased", "its commits are in main")
    desk.landed["reverted"] = (None, "landed, and was taken back later")
    flags = {"unpushed": {"unpushed": True}, "stale": {"stale": True}}
    state = with_flags(desk.state(), flags)
    plan = await plan_of(desk, state)
    local = {change.ref.removeprefix("refs/heads/"): change for change in plan.changes if change.side == "local"}
    assert set(local) == {"unpushed", "gone", "reverted", "stale", "landed"}
    assert {name for name, change in local.items() if change.ticked} == {"landed"}
    assert local["unpushed"].commits == 2
    assert not any(change.commits for change in plan.changes if change.side == "remote")
    assert "never pushed" in local["unpushed"].reason
    assert local["reverted"].reason == "landed, and was taken back later"
    there = {change.ref.removeprefix("refs/heads/") for change in plan.changes if change.side == "remote"}
    assert there == {"reverted", "stale", "landed"}


async def test_what_is_held_or_protected_cannot_be_ticked(desk: Desk, repo: Repo) -> None:
    """Rows 6 to 8: working trees, a rebase, a bisect, the default branch and what the rules protect."""
    desk.rules = Rules(protected=("main", "release/*"))
    for name in ("elsewhere", "release/1", "bisected", "current"):
        repo.topic(name, name, push=True)
    away = repo.worktree("elsewhere")
    repo.conflict("busy")
    apart = repo.worktree("busy")
    assert apart.attempt("rebase", "main") == 1
    split = repo.worktree("bisected")
    split.git("bisect", "start", "HEAD", "HEAD~1")
    repo.switch("current")
    for name in ("elsewhere", "release/1", "bisected", "current", "busy", "main"):
        desk.landed[name] = ("merged", "merged")
    plan = await desk.plan("prune")
    locked = {change.ref.removeprefix("refs/heads/"): change.locked for change in plan.changes if change.locked}
    assert locked["elsewhere"] == f"it is checked out in {away.path}"
    assert locked["busy"] == "a rebase is at work on it"
    assert "bisect" in locked["bisected"] or "checked out" in locked["bisected"]
    assert locked["release/1"] == "it is protected"
    assert locked["current"] == "it is checked out"
    assert not any(change.ref == "refs/heads/main" for change in plan.changes)
    before = picture(repo)
    every = {change.key for change in plan.changes if change.side == "local"}
    report = await desk.executor.perform(desk.git, plan, every)
    assert report.message == "there is nothing to do"
    assert picture(repo) == before


async def test_what_becomes_held_after_the_preview_stays(desk: Desk, repo: Repo) -> None:
    for name in ("one", "two"):
        repo.topic(name, name)
        desk.landed[name] = ("merged", "merged")
    plan = await desk.plan("prune")
    repo.worktree("one")
    before = picture(repo)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "failed"
    assert "checked out in" in report.refused[0].why
    assert picture(repo) == before


async def test_what_moves_after_the_preview_stays(desk: Desk, repo: Repo, other: Repo) -> None:
    """Row 14: the lease refuses the whole batch when one of it has moved, here or there."""
    for name in ("one", "two", "three"):
        repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")
    plan = await desk.plan("prune")
    other.fetch()
    other.switch("two", create=True, at="origin/two")
    theirs = other.commit("theirs")
    other.push("two")
    before = picture(repo)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "failed"
    assert [refusal.ref for refusal in report.refused] == ["refs/heads/two"]
    assert picture(repo) == before
    assert repo.origin.oid("two") == theirs
    again = await desk.plan("prune")
    moved = next(change for change in again.changes if change.side == "remote" and change.ref.endswith("two"))
    assert (moved.ticked, moved.reason) == (False, "origin has commits that are not here")


async def test_a_branch_that_the_host_has_deleted_is_no_error(desk: Desk, repo: Repo) -> None:
    """Row 15: gone before the plan, and gone between plan and act; undo does not bring back what others deleted."""
    for name in ("one", "two"):
        repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")
    repo.origin.delete("one")
    plan = await desk.plan("prune")
    assert {c.ref: c.reason for c in plan.changes}["refs/remotes/origin/one"] == "deleted on origin"
    repo.origin.delete("two")
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "done"
    assert report.message == "1 gone from the remote already"
    assert set(repo.refs("refs/heads/", "refs/remotes/")) == {"refs/heads/main", "refs/remotes/origin/main"}
    report = await desk.undo()
    assert report.state == "done"
    assert {"refs/heads/one", "refs/heads/two", "refs/remotes/origin/one", "refs/remotes/origin/two"} <= set(
        repo.refs()
    )
    assert set(repo.origin.refs()) == {"refs/heads/main"}


async def test_a_refusing_server_keeps_everything(desk: Desk, repo: Repo) -> None:
    for name in ("one", "two"):
        repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")
    repo.origin.hook("pre-receive", REJECT.format(name="two"))
    before = picture(repo)
    report = await desk.do("prune")
    assert report.state == "failed"
    assert "no: policy" in report.message
    assert picture(repo) == before
    assert pins(repo) == {}


async def test_the_default_branch_of_a_server_stays(desk: Desk, repo: Repo, place: Place) -> None:
    """Row 8: two remotes with different default branches."""
    fork = place.bare("fork.git", branch="develop")
    repo.git("remote", "add", "fork", str(fork.path))
    repo.topic("develop", "work")
    repo.push("develop", remote="fork")
    desk.landed["develop"] = ("merged", "merged")
    plan = await desk.plan("prune")
    assert {change.locked for change in plan.changes} == {"it is protected"}


async def test_a_remote_that_does_not_answer_is_left_alone(desk: Desk, repo: Repo) -> None:
    repo.topic("topic", "work", push=True)
    desk.landed["topic"] = ("merged", "merged")
    repo.git("remote", "set-url", "origin", str(repo.path / "nowhere.git"))
    plan = await desk.plan("prune")
    assert [(change.side, change.ref) for change in plan.changes] == [("local", "refs/heads/topic")]
    assert plan.refused[0].ref == "origin"
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "done"


async def test_branches_of_the_remote_alone_are_offered_and_not_ticked(desk: Desk, repo: Repo) -> None:

    tip = repo.topic("theirs", "work", push=True)
    repo.delete("theirs")
    lone = RemoteBranch("origin", "theirs", tip, Commit(tip, 0, "", ""), landed="merged", landed_why="merged into main")
    plan = await plan_of(desk, desk.state(remote_only=(lone,)))
    (change,) = plan.changes
    assert (change.side, change.ticked, change.reason) == ("remote", False, "merged into main; on origin only")
    report = await desk.executor.perform(desk.git, plan, {change.key})
    assert report.state == "done"
    assert "refs/heads/theirs" not in repo.origin.refs()
    assert (await desk.undo()).state == "done"
    assert repo.origin.oid("theirs") == tip
    assert repo.oid("refs/remotes/origin/theirs") == tip


# Undo under hard conditions


async def test_a_name_in_use_again_comes_back_beside_it(desk: Desk, repo: Repo) -> None:
    tips = {}
    for name in ("one", "two", "three"):
        tips[name] = repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")
    reflog = repo.reflog("two")
    await desk.done("prune")
    repo.branch("one")
    repo.branch("two/x")
    repo.push("one")
    plan = await undo_plan(desk)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "done"
    assert repo.oid("one-restored") == tips["one"]
    assert repo.oid("two-restored") == tips["two"]
    assert repo.reflog("two-restored") == reflog
    assert repo.oid("three") == tips["three"]
    assert repo.oid("one") == repo.oid("main")
    assert repo.config("branch.one.merge") == "refs/heads/one"
    assert [refusal.ref for refusal in report.refused] == ["refs/heads/one"]
    assert repo.origin.oid("two") == tips["two"]


async def test_what_an_outside_tool_destroyed_is_told_and_the_rest_comes_back(
    desk: Desk, repo: Repo, fourteen: list[str]
) -> None:
    """Row 35: pins deleted and objects gone for one of fourteen."""
    lost = repo.oid("refs/heads/feat/3")
    report = await desk.done("prune")
    for where in (repo, repo.origin):
        for ref, oid in where.refs("refs/quarterdeck/").items():
            if oid == lost:
                where.git("update-ref", "-d", ref)
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    assert repo.run("cat-file", "-e", lost, check=False).returncode
    plan = await undo_plan(desk)
    assert [(refusal.ref, refusal.why) for refusal in plan.refused] == [("refs/heads/feat/3", GONE)] * 2
    undone = await desk.executor.perform(desk.git, plan)
    assert undone.state == "done"
    assert len(undone.done) == 26
    assert set(repo.refs("refs/heads/")) == {"refs/heads/main", *(f"refs/heads/{n}" for n in fourteen if n != "feat/3")}
    assert desk.journal.get(report.op_id) is not None


async def test_old_operations_give_their_pins_up(desk: Desk, repo: Repo) -> None:
    for name in ("one", "two"):
        repo.topic(name, name)
        desk.landed = {name: ("merged", "merged")}
        await desk.done("prune", remote=False)
    assert len(pins(repo)) == 2
    assert await desk.executor.expire(desk.git) == 0
    assert await desk.executor.expire(desk.git, operations=1) == 1
    assert [ref.rpartition("/")[2] for ref in pins(repo)] == ["two"]
    assert await desk.executor.expire(desk.git, operations=1) == 0
    assert await desk.executor.expire(desk.git, days=-1) == 1
    assert pins(repo) == {}


async def test_a_rewritten_reflog_is_kept_for_as_long_as_the_pin(desk: Desk, repo: Repo) -> None:
    """Commits that only the reflog of a deleted branch knew are kept too."""
    repo.topic("topic", "first try")
    repo.switch("topic")
    amended = repo.oid()
    repo.git("commit", "-q", "--amend", "-m", "second try")
    repo.switch("main")
    desk.landed["topic"] = ("merged", "merged")
    before = picture(repo)
    assert amended in repo.reflog("topic")
    await desk.done("prune")
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "HEAD")
    # The times of these tests are long past, and so the entries would be by git's own count.
    repo.git("-c", "gc.reflogExpire=never", "-c", "gc.reflogExpireUnreachable=never", "gc", "-q", "--prune=now")
    assert (await desk.undo()).state == "done"
    assert picture(repo) == before
    assert repo.git("log", "-1", "--format=%s", amended) == "first try"


async def test_a_branch_that_moves_within_the_deletion_is_kept_where_it_went(desk: Desk, repo: Repo) -> None:
    """Between our last look and git's own deletion somebody commits."""
    repo.topic("topic", "work", push=True)
    desk.landed["topic"] = ("merged", "merged")
    repo.topic("other", "other work")
    desk.landed["other"] = ("merged", "merged")
    before = picture(repo)
    plan = await desk.plan("prune", remote=False)
    moved = repo.git("commit-tree", "topic^{tree}", "-p", "topic", "-m", "more")

    async def meddle(place: str) -> None:
        if place == "before delete":
            repo.git("update-ref", "refs/heads/topic", moved)

    report = await desk.watched(meddle).perform(desk.git, plan)
    assert report.state == "done"
    assert repo.oid("topic") == moved
    assert repo.config("branch.topic.merge") == "refs/heads/topic"
    assert repo.reflog("topic")[-1] == repo.oid("main")
    assert "refs/heads/other" not in repo.refs()
    assert any(refusal.ref == "refs/heads/topic" for refusal in report.refused)
    repo.git("update-ref", "refs/heads/topic", "topic~")
    assert (await desk.undo()).state == "done"
    assert {**picture(repo), "reflogs": 0} == {**before, "reflogs": 0}


def with_flags(state: RepositoryState, flags: dict[str, dict[str, bool]]) -> RepositoryState:
    """The state with more said of some branches."""
    branches = tuple(replace(branch, **flags.get(branch.name, {})) for branch in state.branches)
    return replace(state, branches=branches)


async def plan_of(desk: Desk, state: RepositoryState) -> Plan:
    from app.git.operations import make_plan

    return await make_plan("prune", desk.git, state, desk.rules)

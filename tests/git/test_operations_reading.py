"""Plans made from what the reader really tells of a repository."""

from __future__ import annotations

import pytest

from app.git.model import Plan, Rules
from app.git.operations import make_plan
from tests.git.looking import read, reader_of
from tests.git.operating import Desk, picture, round_trip
from tests.git.repos import Repo


@pytest.fixture
def desk(repo: Repo) -> Desk:
    # The commits of these tests are years old.
    return Desk(repo, Rules(stale_days=100_000))


async def plan_of(desk: Desk, kind: str, **arguments: object) -> Plan:
    return await make_plan(kind, desk.git, await read(desk.repo, rules=desk.rules), desk.rules, **arguments)


async def test_prune_ticks_what_is_proven_and_nothing_else(desk: Desk, repo: Repo) -> None:
    for name in ("merged", "squashed", "rebased", "open", "reverted", "unpushed", "gone"):
        repo.topic(name, f"{name} one", f"{name} two", push=True)
    repo.branch("fresh")
    repo.merge("merged")
    repo.squash_merge("squashed")
    repo.rebase_merge("rebased")
    repo.revert(repo.squash_merge("reverted"))
    repo.push("main")
    reader = reader_of(repo, rules=desk.rules)
    await read(reader)
    repo.push_delete("merged", "squashed", "unpushed", "gone")
    repo.switch("unpushed")
    repo.commit("never pushed")
    repo.switch("main")
    plan = await make_plan("prune", desk.git, await read(reader), desk.rules)
    local = {change.ref.removeprefix("refs/heads/"): change for change in plan.changes if change.side == "local"}
    assert {name for name, change in local.items() if change.ticked} == {"merged", "squashed", "rebased"}
    assert {"unpushed", "gone"} <= set(local)
    assert "fresh" not in local
    assert "open" not in local
    assert local["unpushed"].commits == 3
    assert {change.ref for change in plan.changes if change.side == "remote" and change.ticked} == {
        "refs/heads/rebased"
    }
    await round_trip(desk, plan)


async def test_held_and_protected_branches_stay(desk: Desk, repo: Repo) -> None:
    desk.rules = Rules(protected=("main", "keep/*"), stale_days=100_000)
    for name in ("keep/this", "elsewhere", "done"):
        repo.topic(name, name)
        repo.merge(name)
    repo.push("main")
    repo.worktree("elsewhere")
    plan = await plan_of(desk, "prune")
    assert {change.ref for change in plan.changes if change.ticked} == {"refs/heads/done"}
    assert {change.ref for change in plan.changes if change.locked} >= {"refs/heads/elsewhere"}
    await round_trip(desk, plan)


async def test_align_and_sync_from_what_was_read(desk: Desk, repo: Repo) -> None:
    other = repo.place.clone(repo.origin, "other")
    repo.topic("lost", "lost", push=True)
    repo.git("branch", "--unset-upstream", "lost")
    await round_trip(desk, await plan_of(desk, "align"))
    other.commit("theirs")
    other.push("main")
    before = picture(repo, reflogs=False)
    plan = await plan_of(desk, "sync")
    assert {change.ref for change in plan.changes} == {"refs/remotes/origin/main", "refs/heads/main"}
    assert (await desk.executor.perform(desk.git, plan)).state == "done"
    main = (await read(repo)).branch("main")
    assert main is not None
    assert main.behind == 0
    assert (await desk.undo()).state == "done"
    assert picture(repo, reflogs=False) == before

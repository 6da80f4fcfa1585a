"""Operations in the situations in which tools commonly go wrong: git at work on something, servers that refuse,
configurations that change what git does by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from app.git.cli import Git
from app.git.fetching import Fetcher
from app.git.model import Plan
from tests.git.operating import REJECT, Desk, picture, pins, round_trip, round_trip_without_reflogs
from tests.git.repos import Place, Repo
from tests.git.test_pitfalls_reading import STARTS
from tests.git.test_pitfalls_reading_safely import HOSTILE


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


# Row 7: something in progress


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another worktree"])
@pytest.mark.parametrize("start", STARTS)
async def test_what_git_is_at_work_on_is_neither_deleted_nor_left(
    desk: Desk, repo: Repo, start: str, elsewhere: bool
) -> None:
    repo.conflict("other")
    repo.switch("other")
    repo.commit("more")
    repo.branch("free")
    repo.switch("main")
    at = repo
    if elsewhere:
        # Main is needed there, as every start expects.
        repo.switch("away", create=True)
        at = repo.worktree("main", name="side")
    begin, operation = STARTS[start]
    begin(at)
    held = "other" if operation in ("rebase", "bisect") else "main"
    for name in ("other", "main", "free"):
        desk.landed[name] = ("merged", "merged")
    before = picture(repo)
    plan = await desk.plan("prune")
    locked = {change.ref.removeprefix("refs/heads/"): change.locked for change in plan.changes if change.locked}
    if held == "other":
        assert operation in locked["other"] or "checked out" in locked["other"]
    else:
        assert not any(change.ref == "refs/heads/main" for change in plan.changes)
    report = await desk.do("prune", ticked={change.key for change in plan.changes if "free" not in change.ref})
    assert (repo.oid("refs/heads/other") == "") == (held != "other"), report
    assert repo.oid("refs/heads/main")
    if not elsewhere and operation != "bisect":
        report = await desk.do("switch", branch="free")
        assert report.state == "failed"
        assert f"a {operation} is in progress" in report.refused[0].why
        assert (picture(repo)["worktrees"], picture(repo)["status"]) == (before["worktrees"], before["status"])


# Row 13: a server that refuses


async def _a_rename(desk: Desk, repo: Repo) -> Plan:
    repo.topic("old", "work", push=True)
    return await desk.plan("rename", old="old", new="no")


async def _a_rename_of_the_old(desk: Desk, repo: Repo) -> Plan:
    repo.topic("no", "work", push=True)
    return await desk.plan("rename", old="no", new="new")


async def _an_alignment(desk: Desk, repo: Repo) -> Plan:
    repo.topic("no", "work", push=True)
    repo.git("push", "-q", "origin", "no:theirs")
    repo.git("config", "branch.no.merge", "refs/heads/theirs")
    repo.push_delete("no")
    repo.topic("lost", "lost", push=True)
    repo.git("branch", "--unset-upstream", "lost")
    return await desk.plan("align")


async def _a_deletion(desk: Desk, repo: Repo) -> Plan:
    for name in ("yes", "no"):
        repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")
    return await desk.plan("prune")


ONE_BY_ONE = 'if [ "$1" = refs/heads/no ]; then echo "no: policy"; exit 1; fi'
"""A server's hook that is asked for each branch: only an atomic push keeps the others from going through."""


@pytest.mark.parametrize("hook", ["pre-receive", "update"])
@pytest.mark.parametrize("prepare", [_a_rename, _a_rename_of_the_old, _an_alignment, _a_deletion])
async def test_a_server_that_refuses_one_branch_keeps_all_as_it_was(
    desk: Desk, repo: Repo, prepare: Callable[[Desk, Repo], Awaitable[Plan]], hook: str
) -> None:
    plan = await prepare(desk, repo)
    repo.origin.hook(hook, REJECT.format(name="no") if hook == "pre-receive" else ONE_BY_ONE)
    before = picture(repo)
    report = await desk.executor.perform(desk.git, plan)
    assert report.state == "failed", report
    assert "no: policy" in report.message
    assert picture(repo) == before
    assert pins(repo) == {}


# Row 26: two fetches at once


async def test_a_fetch_that_another_worktrees_fetch_overtakes_ends_well_and_silently(repo: Repo, place: Place) -> None:
    """While our objects are being packed, the other working tree fetches the same branch."""
    other = place.clone(repo.origin, "other")
    other.topic("fresh", "one", push=True)
    repo.fetch()
    side = repo.worktree("side", at="main")
    other.switch("fresh")
    other.commit("two")
    other.push("fresh")
    hook, mark = place.root / "overtake", place.root / "overtaken"
    clean = "env -u GIT_DIR -u GIT_PROTOCOL -u GIT_INTERNAL_SUPER_PREFIX"
    overtake = f': > "{mark}"; {clean} git -C "{side.path}" fetch -q origin'
    hook.write_text(f'#!/bin/sh\nif [ ! -e "{mark}" ]; then {overtake}; fi\nexec "$@"\n')
    hook.chmod(0o755)
    place.set_global(f'[uploadpack]\n    packObjectsHook = "{hook}"\n')
    told: list[str] = []
    error = await Fetcher(lambda _, busy: told.append(busy)).fetch("work", Git(repo.path), ("origin",))
    assert mark.exists()
    assert error is None
    assert told[-1] == ""
    assert repo.oid("refs/remotes/origin/fresh") == other.oid()


# Row 30: the user's own taste


MORE = """\
[push]
    followTags = true
    autoSetupRemote = true
    recurseSubmodules = check
[remote]
    pushDefault = nowhere
[transfer]
    fsckObjects = true
[fetch]
    pruneTags = true
    parallel = 0
    output = compact
[pull]
    rebase = interactive
[rebase]
    autoStash = true
[init]
    defaultBranch = other
[checkout]
    defaultRemote = nowhere
    guess = false
[core]
    logAllRefUpdates = always
    editor = false
[sequence]
    editor = false
[receive]
    denyDeletes = false
[clean]
    requireForce = false
"""


async def _pushed(desk: Desk, repo: Repo) -> Plan:
    repo.git("config", "remote.pushDefault", "origin")
    repo.topic("topic", "work")
    repo.git("tag", "-a", "-m", "not asked for", "v1", "topic")
    return await desk.plan("push", branches=["topic"])


async def _pruned(desk: Desk, repo: Repo) -> Plan:
    for name in ("one", "two"):
        repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")
    return await desk.plan("prune")


async def _renamed(desk: Desk, repo: Repo) -> Plan:
    repo.topic("old", "work", push=True)
    return await desk.plan("rename", old="old", new="new")


async def _made(desk: Desk, repo: Repo) -> Plan:
    return await desk.plan("new", name="topic")


async def _switched(desk: Desk, repo: Repo) -> Plan:
    repo.topic("theirs", "work", push=True)
    repo.delete("theirs")
    return await desk.plan("switch", branch="theirs")


async def _synced(desk: Desk, repo: Repo) -> Plan:
    other = repo.place.clone(repo.origin, "other")
    other.commit("theirs")
    other.push("main")
    return await desk.plan("sync")


@pytest.mark.parametrize("prepare", [_pushed, _pruned, _renamed, _made, _switched])
async def test_the_users_taste_changes_no_operation(
    desk: Desk,
    repo: Repo,
    place: Place,
    prepare: Callable[[Desk, Repo], Awaitable[Plan]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = await prepare(desk, repo)
    place.set_global(HOSTILE + MORE)
    for name, value in {"LANG": "de_DE.UTF-8", "LANGUAGE": "de", "GIT_PAGER": "less", "GIT_EDITOR": "false"}.items():
        monkeypatch.setenv(name, value)
    trip = round_trip_without_reflogs if plain.kind == "rename" else round_trip
    await trip(desk, plain)
    assert not any(ref.startswith("refs/tags/") for ref in repo.origin.refs())


async def test_the_users_taste_changes_no_sync(desk: Desk, repo: Repo, place: Place) -> None:
    await _synced(desk, repo)
    place.set_global(HOSTILE + MORE)
    repo.git("tag", "mine")
    before = picture(repo, reflogs=False)
    assert (await desk.do("sync")).state == "done"
    assert repo.oid("main") == repo.origin.oid("main")
    assert repo.oid("refs/tags/mine"), "tags of one's own are not taken away"
    assert (await desk.undo()).state == "done"
    assert picture(repo, reflogs=False) == before


async def test_the_users_hooks_still_hold(desk: Desk, repo: Repo, place: Place) -> None:
    """What is not taste but the user's own rule stays in force."""
    hooks = place.root / "hooks"
    hooks.mkdir()
    (hooks / "pre-push").write_text("#!/bin/sh\necho 'my rule' >&2\nexit 1\n")
    (hooks / "pre-push").chmod(0o755)
    place.set_global(f"[core]\n    hooksPath = {hooks}\n")
    repo.topic("topic", "work")
    report = await desk.do("push", branches=["topic"])
    assert report.state == "failed"
    assert "my rule" in report.message


# Row 8: a fork


async def test_in_a_fork_neither_the_default_nor_the_current_branch_can_be_deleted(
    desk: Desk, repo: Repo, place: Place
) -> None:
    """The fork's default branch is another one; each is safe on both sides, whoever asks."""
    fork = place.bare("fork.git", branch="develop")
    repo.git("remote", "add", "fork", str(fork.path))
    for name in ("develop", "current"):
        repo.topic(name, name, push=True)
        repo.push(name, remote="fork", upstream=False)
        desk.landed[name] = ("merged", "merged")
    repo.push("main", remote="fork", upstream=False)
    repo.git("remote", "set-head", "fork", "develop")
    repo.switch("current")
    plan = await desk.plan("prune")
    assert not any(change.ticked for change in plan.changes), plan.changes
    before = picture(repo)
    every = {change.key for change in plan.changes if change.side == "local"}
    report = await desk.executor.perform(desk.git, plan, every)
    assert picture(repo) == before, report

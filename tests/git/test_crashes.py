"""An operation killed between any two steps: finishing and undoing both leave a right state."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from app.errors import UserError
from app.git import undo
from app.git.model import Plan, Rules
from tests.git.crashing import CrashError, Prepare, Scene
from tests.git.operating import Desk, picture, pins, states
from tests.git.repos import Place, Repo

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WAYS: tuple[Literal["finish", "undo"], ...] = ("finish", "undo")


async def a_switch(desk: Desk, repo: Repo) -> Plan:
    repo.topic("theirs", "work", push=True)
    repo.delete("theirs")
    return await desk.plan("switch", branch="theirs")


async def a_new_branch(desk: Desk, repo: Repo) -> Plan:
    return await desk.plan("new", name="topic")


async def a_rename(desk: Desk, repo: Repo) -> Plan:
    repo.topic("old", "work", push=True)
    repo.git("config", "branch.old.description", "about")
    repo.git("branch", "-q", "--track", "child", "origin/old")
    repo.switch("old")
    return await desk.plan("rename", old="old", new="new")


async def a_rename_in_case(desk: Desk, repo: Repo) -> Plan:
    repo.topic("Foo", "work", push=True)
    repo.git("config", "core.ignorecase", "true")
    repo.switch("Foo")
    return await desk.plan("rename", old="Foo", new="foo")


async def an_alignment(desk: Desk, repo: Repo) -> Plan:
    repo.topic("mine", "mine", push=True)
    repo.git("push", "-q", "origin", "mine:theirs")
    repo.git("config", "branch.mine.merge", "refs/heads/theirs")
    repo.push_delete("mine")
    repo.topic("lost", "lost", push=True)
    repo.git("branch", "--unset-upstream", "lost")
    repo.git("remote", "set-head", "origin", "--delete")
    return await desk.plan("align")


async def a_sync(desk: Desk, repo: Repo) -> Plan:
    repo.topic("behind", "behind", push=True)
    other = repo.place.clone(repo.origin, "other")
    for name in ("main", "behind"):
        other.git("switch", "-q", name)
        other.commit(f"{name} more")
        other.push(name)
    other.topic("fresh", "fresh", push=True)
    return await desk.plan("sync")


async def a_push(desk: Desk, repo: Repo) -> Plan:
    for name in ("one", "two"):
        repo.topic(name, name)
    return await desk.plan("push", branches=["one", "two"])


async def a_track(desk: Desk, repo: Repo) -> Plan:
    repo.topic("topic", "work")
    repo.git("push", "-q", "origin", "topic:topic")
    return await desk.plan("track", branch="topic", upstream="origin/topic")


async def a_prune(desk: Desk, repo: Repo) -> Plan:
    for name in ("one", "two", "feat/x"):
        repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")
    return await desk.plan("prune")


async def an_undone_prune(desk: Desk, repo: Repo) -> Plan:
    report = await desk.executor.perform(desk.git, await a_prune(desk, repo))
    assert report.state == "done"
    return await undo.plan_undo(desk.executor, desk.git, desk.rules)


async def an_undone_rename(desk: Desk, repo: Repo) -> Plan:
    await desk.executor.perform(desk.git, await a_rename(desk, repo))
    return await undo.plan_undo(desk.executor, desk.git, desk.rules)


SCENES: dict[str, tuple[Prepare, bool]] = {
    "switch": (a_switch, True),
    "new": (a_new_branch, True),
    "rename": (a_rename, False),
    "rename in case": (a_rename_in_case, False),
    "align": (an_alignment, True),
    "sync": (a_sync, False),
    "push": (a_push, True),
    "track": (a_track, True),
    "prune": (a_prune, True),
    "undone prune": (an_undone_prune, True),
    "undone rename": (an_undone_rename, False),
}


@pytest.mark.parametrize("name", SCENES)
async def test_killed_between_any_two_steps(place: Place, repo: Repo, name: str) -> None:
    prepare, reflogs = SCENES[name]
    scene = Scene(place, Desk(repo), prepare, reflogs)
    await scene.build()
    desk = scene.desk
    before = scene.look()
    places = await scene.places()
    after = scene.look()
    assert len(places) >= 4
    for number, killed_at in enumerate(places):
        for how in WAYS:
            scene.reset()
            await scene.crash(number)
            (entry,) = await desk.executor.interrupted()
            report = await undo.settle(desk.executor, desk.git, desk.rules, entry.op_id, how)
            assert report.state in ("done", "undone"), (killed_at, how, report)
            assert not report.refused, (killed_at, how, report)
            assert scene.look() == (after if how == "finish" else before), (killed_at, how)
            assert await desk.executor.interrupted() == ()
            settled = await desk.executor.entry(entry.op_id)
            assert settled.state == ("done" if how == "finish" else "undone"), (killed_at, how)
            if how == "finish" and prepare not in (an_undone_prune, an_undone_rename):
                back = await desk.undo(entry.op_id)
                assert (back.state, back.refused) == ("done", ()), (killed_at, back)
                assert scene.look() == before, killed_at


@pytest.mark.parametrize("what", ["prune", "undo"])
async def test_a_process_killed_by_the_system(place: Place, repo: Repo, what: str) -> None:
    """The same with a real process and SIGKILL; the lock on the repository is freed by its death."""
    scene = Scene(place, Desk(repo), an_undone_prune if what == "undo" else a_prune)
    await scene.build()
    desk = scene.desk
    before = scene.look()
    places = await scene.places()
    after = scene.look()
    for number in range(len(places)):
        for how in WAYS:
            scene.reset()
            command = [sys.executable, "-m", "tests.git.crashing", str(place.root), repo.path.name, "prune"]
            killed = await asyncio.create_subprocess_exec(*command, str(number), what, cwd=ROOT)
            assert await killed.wait() == -signal.SIGKILL
            (entry,) = await desk.executor.interrupted()
            await undo.settle(desk.executor, desk.git, desk.rules, entry.op_id, how)
            assert scene.look() == (after if how == "finish" else before), (places[number], how)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    "partly",
    [
        ["update-ref --no-deref -d refs/heads/old", "update-ref refs/heads/new {tip}"],
        [
            "update-ref --no-deref -d refs/heads/old",
            "update-ref refs/heads/new {tip}",
            "symbolic-ref HEAD refs/heads/new",
        ],
    ],
)
async def test_git_itself_killed_within_a_rename(
    place: Place, repo: Repo, partly: list[str], how: Literal["finish", "undo"]
) -> None:
    """`git branch -m` moves the ref, then HEAD, then the settings; it may die in between."""
    scene = Scene(place, Desk(repo), a_rename, reflogs=False)
    await scene.build()
    desk = scene.desk
    before = scene.look()
    await scene.places()
    after = scene.look()
    scene.reset()
    tip = repo.oid("old")

    async def break_off(where: str) -> None:
        if where == "before rename old":
            for command in partly:
                repo.git(*command.format(tip=tip).split())
            raise CrashError

    with pytest.raises(CrashError):
        await desk.watched(break_off).perform(desk.git, scene.plan)
    (entry,) = await desk.executor.interrupted()
    report = await undo.settle(desk.executor, desk.git, desk.rules, entry.op_id, how)
    assert report.state == "done", report
    assert scene.look() == (after if how == "finish" else before)


async def test_a_crash_before_the_journal_leaves_nothing(place: Place, repo: Repo) -> None:
    desk = Desk(repo)
    plan = await desk.plan("new", name="topic")
    before = picture(repo)

    async def refuse(entry: object) -> None:
        raise UserError("there is no space left to keep this write")

    with pytest.raises(UserError, match="no space left"):
        await replace(desk.executor, record=refuse).perform(desk.git, plan)
    assert picture(repo) == before
    assert states(desk.journal) == [("new", "failed")]
    assert await desk.executor.interrupted() == ()


async def test_what_others_did_after_the_crash_stays(place: Place, repo: Repo) -> None:
    """Killed when the remote was done: somebody makes the branch there again, and somebody commits here."""
    scene = Scene(place, Desk(repo), a_prune)
    await scene.build()
    desk = scene.desk
    places = await scene.places()
    for how in WAYS:
        scene.reset()
        await scene.crash(places.index("before delete"))
        (entry,) = await desk.executor.interrupted()
        assert entry.state == "remote-done"
        repo.git("push", "-q", "origin", "main:refs/heads/one")
        repo.switch("two")
        mine = repo.commit("mine")
        repo.switch("main")
        await undo.settle(desk.executor, desk.git, desk.rules, entry.op_id, how)
        assert repo.origin.oid("one") == repo.oid("main")
        assert repo.oid("two") == mine
        assert ("refs/heads/feat/x" in repo.refs()) == (how == "undo")
        assert ("refs/heads/feat/x" in repo.origin.refs()) == (how == "undo")


async def test_an_operation_under_way_is_not_offered_to_others(place: Place, repo: Repo) -> None:
    """While one is at work, another is refused, and what is unfinished is not taken for a crash."""
    desk = Desk(repo)
    plan = await desk.plan("new", name="topic", switch=False)
    other = await desk.plan("new", name="other", switch=False)
    seen: list[object] = []

    async def look(where: str) -> None:
        if where == "pinned":
            seen.append(await desk.executor.interrupted())
            with pytest.raises(UserError, match="another operation is under way"):
                await desk.executor.perform(desk.git, other)
            seen.append("refused")

    assert (await desk.watched(look).perform(desk.git, plan)).state == "done"
    assert seen == [(), "refused"]
    assert pins(repo) == {}
    assert (await desk.executor.perform(desk.git, other)).state == "done"


async def test_a_cancelled_operation_can_be_finished(place: Place, repo: Repo) -> None:
    desk = Desk(repo, Rules())
    plan = await a_prune(desk, repo)
    reached = asyncio.Event()

    async def hold(where: str) -> None:
        if where == "before delete":
            reached.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(desk.watched(hold).perform(desk.git, plan))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (entry,) = await desk.executor.interrupted()
    assert (await desk.executor.finish(desk.git, entry.op_id)).state == "done"
    assert set(repo.refs("refs/heads/")) == {"refs/heads/main"}

"""The Git area's service over real repositories: what it follows, and what it lets happen there."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from app.errors import UserError
from app.events import Badge, TestStream
from app.git import fetching, lastseen
from app.git.fetching import Fetcher
from app.git.journal import FILE
from app.git.model import Changes, RepositorySpec, RepositoryState
from tests.git.following import Office, office
from tests.git.looking import branch
from tests.git.operating import picture
from tests.git.repos import Place, Repo
from tests.git.servers import http_that_asks_for_a_password
from tests.waiting import until

ROOT = Path(__file__).parents[2]
SPEC_EVERY_S = 0.001


@pytest.fixture
def asking() -> Iterator[tuple[str, list[str]]]:
    """An HTTP remote that wants a password: its address, and what was asked of it."""
    with http_that_asks_for_a_password() as given:
        yield given


# What is followed


async def test_what_moves_elsewhere_is_published(repo: Repo, tmp_path: Path) -> None:
    async with office(tmp_path, repo) as desk:
        repo.branch("new")
        state = await desk.comes("the branch", lambda state: state.branch("new") is not None)
        assert branch(state, "new").oid == repo.oid()


async def test_a_repository_that_vanishes_and_comes_back_by_itself(repo: Repo, place: Place, tmp_path: Path) -> None:
    """Row 36, with nobody who asks for anything: the clock of the area looks soon again."""
    other = place.repo("other")
    repo.commit("not pushed")
    away = repo.path.with_name("away")
    async with office(tmp_path, repo, other) as desk:
        before = desk.state()
        assert desk.badges[-1] == Badge("git", "↑1", "plain")
        (repo.path / ".git").rename(repo.path.with_name("git away"))
        repo.path.rename(away)
        state = await desk.comes("the loss", lambda state: state.error)
        assert (state.branches, state.error) == (before.branches, "there is no such folder")
        assert desk.badges[-1] == Badge("git", "⚠1", "warn")
        assert not desk.state("other").error
        with pytest.raises(UserError, match="no such folder"):
            await desk.service.plan("push", "work")
        away.rename(repo.path)
        repo.path.with_name("git away").rename(repo.path / ".git")
        await desk.comes("it again", lambda state: not state.error)
        await desk.service.settled()
        assert replace(desk.state(), read_at=before.read_at) == before
        assert desk.badges[-1] == Badge("git", "↑1", "plain")


async def test_a_repository_that_is_gone_is_not_fetched(repo: Repo, tmp_path: Path) -> None:
    async with office(tmp_path, repo) as desk:
        repo.path.rename(repo.path.with_name("away"))
        await desk.service.refresh()
        await desk.service.fetch(["work"])
        assert (desk.state().error, desk.state().trouble) == ("there is no such folder", "")


async def test_the_badge_follows_what_is_to_push_and_what_is_wrong(repo: Repo, tmp_path: Path) -> None:
    async with office(tmp_path, repo) as desk:
        assert desk.badges[-1] == Badge("git", "✓", "good")
        repo.commit("one")
        await until(lambda: desk.badges[-1] == Badge("git", "↑1", "plain"), what="what is to push")
        repo.conflict("other")
        repo.attempt("merge", "other")
        await until(lambda: desk.badges[-1] == Badge("git", "↑3⚠1", "warn"), what="what is wrong")
        repo.git("merge", "--abort")
        repo.push("main")
        repo.delete("other")
        await until(lambda: desk.badges[-1] == Badge("git", "✓", "good"), what="all well again")


def without_parents(state: RepositoryState) -> RepositoryState:
    """What is kept of a state: all but the time of its reading and the parents of the commits."""
    branches = tuple(replace(one, last_commit=replace(one.last_commit, parents=())) for one in state.branches)
    return replace(state, branches=branches, read_at=0.0)


async def test_what_was_last_seen_is_there_at_the_next_start(repo: Repo, place: Place, tmp_path: Path) -> None:
    other = place.repo("other")
    repo.topic("feat", "one")
    async with office(tmp_path, repo, other) as desk:
        seen = desk.service.snapshot().repositories
    kept = lastseen.load(tmp_path / "state" / "git.json")
    assert [without_parents(state) for state in kept] == [without_parents(state) for state in seen]
    other.path.rename(other.path.with_name("moved"))
    moved = RepositorySpec("other", other.path.with_name("moved"))
    async with office(tmp_path, repo, specs=(moved,)) as desk:
        known = [branch(state, "feat").ahead_default for state in desk.states if state.name == "work"]
        assert set(known) == {1}, "known counts are on show from the first moment"
        first = next(state for state in desk.states if state.name == "other")
        assert first.path == str(moved.path)


async def test_last_seen_that_cannot_be_written_stops_nothing(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    async with office(tmp_path, repo) as desk:
        assert desk.state().counted
    assert (tmp_path / "state").read_text() == "in the way"


# Saves in watched projects


def saved(project: str) -> TestStream:
    return TestStream(project, "changed", 0.0, {"files": ["x.py"], "bulk": False})


@pytest.mark.parametrize("inside", [".", "packages/part"])
async def test_a_save_in_a_project_is_counted_soon(repo: Repo, place: Place, tmp_path: Path, inside: str) -> None:
    """The project may lie anywhere in the repository, and be called otherwise."""
    folder = repo.path / inside
    folder.mkdir(parents=True, exist_ok=True)
    other = place.repo("other")
    async with office(tmp_path, repo, other, projects={"part": folder, "away": tmp_path}) as desk:
        (repo.path / "README.md").write_text("changed\n")
        other.write({"new.txt": "x"})
        for project in ("part", "part", "away", "unheard of"):
            desk.bus.publish(saved(project))
        await desk.comes("the count", lambda state: state.changes == Changes(changed=1))
        assert desk.state("other").changes == Changes(), "nothing was saved there as far as anybody has told"


# Operations


async def test_one_operation_at_a_time_in_a_repository(repo: Repo, place: Place, tmp_path: Path) -> None:
    other = place.repo("other")
    for each in (repo, other):
        each.topic("topic", "work")
    waiting = tmp_path / "waiting"
    repo.hook("pre-push", f'echo $$ > "{waiting}"; while [ -e "{waiting}" ]; do sleep 0.05; done')
    async with office(tmp_path, repo, other) as desk:
        push = await desk.service.plan("push", "work", name="topic")
        new = await desk.service.plan("new", "work", name="new")
        first = asyncio.create_task(desk.service.perform(push))
        await until(waiting.exists, what="the hook")
        assert desk.state().busy == push.title
        with pytest.raises(UserError, match="an operation is under way in work"):
            await desk.service.perform(new)
        assert (await desk.service.perform(await desk.service.plan("push", "other", name="topic"))).state == "done"
        assert desk.service.interrupted() == (), "what is under way was not cut short"
        waiting.unlink()
        assert (await first).state == "done"
        assert (await desk.service.perform(new)).state == "done"
        await desk.service.settled()
        assert desk.state().busy == ""
        assert {one.name for one in desk.state().branches} == {"main", "topic", "new"}


async def test_an_operation_outlives_who_asked_for_it_and_the_closing(repo: Repo, tmp_path: Path) -> None:
    repo.topic("topic", "work")
    waiting = tmp_path / "waiting"
    repo.hook("pre-push", f'echo $$ > "{waiting}"; while [ -e "{waiting}" ]; do sleep 0.05; done')
    async with office(tmp_path, repo) as desk:
        asked = asyncio.create_task(desk.service.perform(await desk.service.plan("push", "work", name="topic")))
        await until(waiting.exists, what="the hook")
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        closing = asyncio.create_task(desk.service.close())
        await asyncio.sleep(0)
        assert not closing.done()
        waiting.unlink()
        await closing
        assert repo.origin.oid("topic") == repo.oid("topic")
        assert (await desk.service.journal())[0].state == "done"
        assert desk.service.interrupted() == ()


async def killed_in_a_prune(place: Place, repo: Repo, number: int) -> None:
    """A process of its own that prunes, and is killed at a checkpoint. Its journal is in the folder `desk`."""
    command = [sys.executable, "-m", "tests.git.crashing", str(place.root), repo.path.name, "prune", str(number), "do"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    assert await process.wait() == -signal.SIGKILL


def take_over(place: Place, tmp_path: Path) -> None:
    """The journal of the process that was killed becomes the service's."""
    data = tmp_path / "data"
    data.mkdir()
    (place.root / "desk" / "operations.db").rename(data / FILE)


@pytest.mark.parametrize("how", ["finish", "undo"])
async def test_what_a_kill_cut_short_is_offered_until_it_is_settled(
    place: Place, repo: Repo, tmp_path: Path, how: Literal["finish", "undo"]
) -> None:
    for name in ("one", "two"):
        repo.topic(name, name, push=True)
        repo.merge(name)
    repo.push("main")
    before = picture(repo)
    await killed_in_a_prune(place, repo, 3)
    assert picture(repo) != before, "killed when something had been done"
    take_over(place, tmp_path)
    async with office(tmp_path, repo) as desk:
        (cut,) = desk.service.interrupted()
        assert (cut.kind, cut.repository) == ("prune", "work")
        report = await desk.service.settle(cut.op_id, how)
        assert report.state == "done", report
        assert desk.service.interrupted() == ()
        if how == "undo":
            assert picture(repo) == before
        else:
            assert set(repo.origin.refs()) == {"refs/heads/main"}
        await desk.service.settled()
        assert ("one" in {one.name for one in desk.state().branches}) == (how == "undo")
        with pytest.raises(UserError, match="no operation nonsense"):
            await desk.service.settle("nonsense", how)
    async with office(tmp_path, repo) as desk:
        assert desk.service.interrupted() == ()


async def test_what_cannot_be_settled_yet_is_offered_still(place: Place, repo: Repo, tmp_path: Path) -> None:
    for name in ("one", "two"):
        repo.topic(name, name, push=True)
    await killed_in_a_prune(place, repo, 3)
    take_over(place, tmp_path)
    away = repo.path.with_name("away")
    async with office(tmp_path, repo) as desk:
        (cut,) = desk.service.interrupted()
        repo.path.rename(away)
        with pytest.raises(UserError):
            await desk.service.settle(cut.op_id, "finish")
        assert [each.op_id for each in desk.service.interrupted()] == [cut.op_id]
        away.rename(repo.path)
        address = repo.git("config", "remote.origin.url")
        repo.git("config", "remote.origin.url", str(tmp_path / "nowhere.git"))
        with pytest.raises(UserError):
            await desk.service.settle(cut.op_id, "finish")
        assert [each.op_id for each in desk.service.interrupted()] == [cut.op_id]
        repo.git("config", "remote.origin.url", address)
        assert (await desk.service.settle(cut.op_id, "finish")).state == "done"
        assert desk.service.interrupted() == ()


# Fetching


async def test_a_remote_that_wants_a_password_is_said_and_no_longer_fetched_by_itself(
    repo: Repo, place: Place, tmp_path: Path, asking: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 22: the other remote is fetched on, and once somebody has logged in all is well again."""
    address, asked = asking
    repo.git("remote", "add", "locked", address)
    monkeypatch.setattr(fetching, "JITTER", 0.0)
    spec = RepositorySpec("work", repo.path, fetch_every_s=SPEC_EVERY_S)
    other = place.clone(repo.origin, "other")
    async with office(tmp_path, specs=(spec,)) as desk:
        await desk.comes(
            "the problem", lambda state: any(problem.kind == "needs_credentials" for problem in state.problems)
        )
        assert any("terminal" in state.trouble for state in desk.states)
        assert desk.badges[-1].tone == "warn"
        requests = len(asked)
        for name in ("new", "newer"):
            other.topic(name, name, push=True)
            await until(lambda name=name: f"refs/remotes/origin/{name}" in repo.refs(), what="the other remote's news")
        assert len(asked) == requests
        await desk.service.fetch(["work"])
        assert len(asked) > requests, "who asks for it gets it"
        repo.git("remote", "set-url", "locked", str(repo.origin.path))
        await desk.service.fetch(["work"])
        state = await desk.comes("all well", lambda state: not state.trouble)
        assert not any(problem.kind == "needs_credentials" for problem in state.problems)


async def test_who_asks_during_a_fetch_that_leaves_a_remote_out_gets_that_one_too(
    repo: Repo, tmp_path: Path, asking: tuple[str, list[str]]
) -> None:
    from app.git.cli import Git

    address, asked = asking
    repo.git("remote", "add", "locked", address)
    fetcher, git, remotes = Fetcher(lambda *_: None), Git(repo.path), ("origin", "locked")
    for _ in range(fetching.REFUSALS):
        await fetcher.fetch("work", git, remotes, by_itself=True)
    begun, go_on = tmp_path / "begun", tmp_path / "go-on"
    slow = tmp_path / "slow"
    waits = f'echo > "{begun}"; while [ ! -e "{go_on}" ]; do sleep 0.02; done'
    slow.write_text(f'#!/bin/sh\n{waits}\nexec git-upload-pack "$@"\n')
    slow.chmod(0o755)
    repo.git("config", "remote.origin.uploadpack", str(slow))
    by_itself = asyncio.create_task(fetcher.fetch("work", git, remotes, by_itself=True))
    await until(begun.exists, what="the fetch that nobody asked for")
    requests = len(asked)
    wanted = asyncio.create_task(fetcher.fetch("work", git, remotes))
    await asyncio.sleep(0)
    go_on.touch()
    assert await by_itself is None
    error = await wanted
    assert error is not None
    assert error.kind == "credentials"
    assert len(asked) > requests


async def test_a_cancelled_fetch_leaves_nothing(repo: Repo, place: Place, tmp_path: Path) -> None:
    """The remote is in the middle of sending when it is broken off."""
    other = place.clone(repo.origin, "other")
    other.commit("much", {"much.bin": bytes(range(256)) * 4096})
    other.push("main")
    begun = tmp_path / "begun"
    pack = tmp_path / "pack"
    pack.write_text(f'#!/bin/sh\n"$@" | (head -c 2000; echo $$ > "{begun}"; sleep 600)\n')
    pack.chmod(0o755)
    place.set_global(f'[uploadpack]\n    packObjectsHook = "{pack}"\n')
    before = picture(repo)
    async with office(tmp_path, repo) as desk:
        asked = asyncio.create_task(desk.service.fetch(["work"]))
        await until(lambda: begun.exists() and begun.read_text().strip(), what="the remote's first bytes")
        assert desk.state().busy.startswith("fetching origin")
        desk.service.cancel("work")
        await asked
        assert desk.state().busy == ""
        assert desk.state().trouble == "", "what the user stopped is no problem"
        pid = int(begun.read_text())
        await until(lambda: not _lives(pid), what="the end of all that git had started")
        assert {**picture(repo), "on origin": 0} == {**before, "on origin": 0}
        names = [path.name for path in repo.common_dir.rglob("*")]
        # Objects that were not finished may lie there as `tmp_obj_…`: git ends without them, and its `gc` takes them.
        assert [name for name in names if name.endswith(".lock")] == []
        pack.write_text('#!/bin/sh\nexec "$@"\n')
        await desk.service.fetch(["work"])
        assert desk.state().trouble == ""
        assert branch(desk.state(), "main").behind == 1


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# The rest of what a screen may ask


async def test_a_summary_is_given_and_written(repo: Repo, tmp_path: Path) -> None:
    repo.commit("feat: something new")
    repo.push("main")
    board = tmp_path / "board.md"
    async with office(tmp_path, repo) as desk:
        text = await desk.service.broadcast("work", "main~1..main", to=f"file:{board}")
        assert "something new" in text
        assert board.read_text().strip() == text.strip()
        assert await desk.service.broadcast("work", "main~1..main") == text
        with pytest.raises(UserError, match="no target pigeon"):
            await desk.service.broadcast("work", "main~1..main", to="pigeon:x")
        with pytest.raises(UserError, match="nope"):
            await desk.service.broadcast("work", "nope")


async def test_commits_come_in_pages(repo: Repo, tmp_path: Path) -> None:
    oids = [repo.oid(), *repo.commits(*(f"c{number}" for number in range(7)))][::-1]
    async with office(tmp_path, repo) as desk:
        found: list[str] = []
        while page := await desk.service.commits("work", "refs/heads/main", limit=3, after=found[-1] if found else ""):
            found += [commit.oid for commit in page]
        assert found == oids


async def test_a_name_that_nobody_follows(repo: Repo, tmp_path: Path) -> None:
    async with office(tmp_path, repo) as desk:
        assert isinstance(desk, Office)
        for ask in (desk.service.refresh, desk.service.hygiene, desk.service.hooks):
            with pytest.raises(UserError, match=r"no repository named 'nope'.*work"):
                await ask("nope")
        with pytest.raises(UserError, match="no repository named"):
            desk.service.cancel("nope")

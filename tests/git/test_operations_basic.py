"""Switch, new and track: done as shown, undone, and done again."""

from __future__ import annotations

import pytest

from app.errors import UserError
from app.git.model import Rules
from tests.git.operating import Desk, picture, pins
from tests.git.repos import Place, Repo

PATTERN = Rules(
    pattern=r"(?P<kind>feat|fix)/(?P<ticket>[A-Z]+-\d+)-(?P<words>[a-z0-9-]+)",
    template="{kind}/{ticket}-{words}",
    examples=("feat/QD-12-tidy-up",),
)


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


async def test_switch_and_back_and_again(desk: Desk, repo: Repo) -> None:
    repo.topic("topic", "work")
    before = picture(repo)
    plan = await desk.plan("switch", branch="topic")
    assert plan.commands == (("git", "switch", "--no-guess", "--", "topic"),)
    report = await desk.executor.perform(desk.git, plan)
    assert (report.state, [change.ref for change in report.done]) == ("done", ["HEAD"])
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/topic"
    after = picture(repo)
    assert (await desk.undo()).state == "done"
    assert picture(repo) == before
    assert (await desk.redo()).state == "done"
    assert picture(repo) == after
    assert (await desk.undo()).state == "done"
    assert picture(repo) == before


async def test_switching_to_a_branch_of_the_remote_makes_one_that_follows_it(desk: Desk, repo: Repo) -> None:
    tip = repo.topic("theirs", "work", push=True)
    repo.delete("theirs")
    before = picture(repo)
    plan = await desk.plan("switch", branch="origin/theirs")
    assert plan.commands == (
        ("git", "switch", "--no-track", "-c", "theirs", tip),
        ("git", "config", "--local", "branch.theirs.remote", "origin"),
        ("git", "config", "--local", "branch.theirs.merge", "refs/heads/theirs"),
    )
    await desk.done("switch", branch="theirs")
    assert repo.git("rev-parse", "--abbrev-ref", "@{upstream}") == "origin/theirs"
    assert (await desk.undo()).state == "done"
    assert picture(repo) == before
    assert pins(repo)


async def test_changes_come_along_and_are_never_lost(desk: Desk, repo: Repo) -> None:
    repo.switch("other", create=True)
    repo.commit("there", {"README.md": "theirs\n"})
    repo.switch("main")
    repo.write({"README.md": "mine\n"})
    report = await desk.do("switch", branch="other")
    assert report.state == "failed"
    assert "README.md" in report.message or "overwritten" in report.message
    assert (repo.path / "README.md").read_text() == "mine\n"
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/main"
    repo.write({"README.md": "first\n", "new.txt": "mine\n"})
    await desk.done("switch", branch="other")
    assert (repo.path / "new.txt").read_text() == "mine\n"


async def test_switching_is_refused_in_words(desk: Desk, repo: Repo) -> None:
    with pytest.raises(UserError, match="checked out already"):
        await desk.plan("switch", branch="main")
    with pytest.raises(UserError, match="no branch nowhere"):
        await desk.plan("switch", branch="nowhere")
    repo.worktree("elsewhere", at="main")
    with pytest.raises(UserError, match="checked out in"):
        await desk.plan("switch", branch="elsewhere")
    repo.topic("topic", "work")
    repo.conflict()
    assert repo.attempt("merge", "other") == 1
    report = await desk.do("switch", branch="topic")
    assert report.state == "failed"
    assert "a merge is in progress" in report.refused[0].why


async def test_switching_away_from_a_detached_head_and_back(desk: Desk, repo: Repo) -> None:
    repo.git("switch", "-q", "--detach")
    lone = repo.commit("on no branch")
    repo.branch("topic", "main")
    await desk.done("switch", branch="topic")
    repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    assert repo.oid(lone) == lone
    assert (await desk.undo()).state == "done"
    assert repo.oid() == lone
    assert repo.run("symbolic-ref", "-q", "HEAD", check=False).returncode == 1


async def test_a_new_branch_is_named_by_the_template(desk: Desk, repo: Repo) -> None:
    desk.rules = PATTERN
    before = picture(repo)
    parts = {"kind": "feat", "ticket": "QD-7", "words": "Tidy up!"}
    plan = await desk.plan("new", name="feat/QD-7-tidy-up")
    assert plan.commands == (("git", "switch", "--no-track", "-c", "feat/QD-7-tidy-up", repo.oid()),)
    assert plan.title == "New branch feat/QD-7-tidy-up"
    with pytest.raises(UserError, match="does not follow the rule"):
        await desk.plan("new", parts=parts | {"kind": "odd"})
    await desk.done("new", name="feat/QD-7-tidy-up")
    assert repo.git("symbolic-ref", "--short", "HEAD") == "feat/QD-7-tidy-up"
    assert (await desk.undo()).state == "done"
    assert picture(repo) == before
    assert (await desk.redo()).state == "done"
    assert repo.git("symbolic-ref", "--short", "HEAD") == "feat/QD-7-tidy-up"


async def test_a_new_branch_begins_at_the_default_branch_or_where_asked(desk: Desk, repo: Repo) -> None:
    main = repo.oid()
    tip = repo.topic("topic", "work")
    repo.switch("topic")
    await desk.done("new", name="from-main", switch=False)
    await desk.done("new", name="from-topic", start="topic", switch=False)
    assert (repo.oid("from-main"), repo.oid("from-topic")) == (main, tip)
    assert repo.git("symbolic-ref", "--short", "HEAD") == "topic"
    with pytest.raises(UserError, match="no commit nowhere"):
        await desk.plan("new", name="x", start="nowhere")
    with pytest.raises(UserError, match="no commit --all"):
        await desk.plan("new", name="x", start="--all")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("main", "there already"),
        ("MAIN", "almost the same"),
        ("main/x", "folder"),
        ("theirs", "on origin"),
        ("-x", "begins with -"),
        ("a b", "space"),
        ("", "empty"),
        ("x.lock", ".lock"),
    ],
)
async def test_names_that_cannot_be(desk: Desk, repo: Repo, name: str, why: str) -> None:
    repo.topic("theirs", "work", push=True)
    repo.delete("theirs")
    with pytest.raises(UserError, match=why):
        await desk.plan("new", name=name)


async def test_a_new_branch_has_nothing_of_an_earlier_one_of_its_name(desk: Desk, repo: Repo) -> None:
    repo.git("config", "branch.again.description", "old")
    await desk.done("new", name="again")
    assert repo.config("branch.again.description") is None
    assert (await desk.undo()).state == "done"
    assert repo.config("branch.again.description") == "old"


async def test_undoing_a_new_branch_keeps_what_was_committed_on_it(desk: Desk, repo: Repo) -> None:
    await desk.done("new", name="topic")
    tip = repo.commit("work")
    report = await desk.undo()
    assert report.state == "failed"
    assert {refusal.ref for refusal in report.refused} == {"refs/heads/topic", "HEAD"}
    assert repo.oid("topic") == tip
    assert repo.git("symbolic-ref", "--short", "HEAD") == "topic"


async def test_track_and_untrack(desk: Desk, repo: Repo) -> None:
    repo.topic("topic", "work")
    repo.git("push", "-q", "origin", "topic:topic")
    before = picture(repo)
    plan = await desk.plan("track", branch="topic", upstream="origin/topic")
    assert plan.commands == (
        ("git", "config", "--local", "branch.topic.remote", "origin"),
        ("git", "config", "--local", "branch.topic.merge", "refs/heads/topic"),
    )
    report = await desk.executor.perform(desk.git, plan)
    assert [change.ref for change in report.done] == ["refs/heads/topic"]
    assert repo.git("rev-parse", "--abbrev-ref", "topic@{upstream}") == "origin/topic"
    followed = picture(repo)
    assert (await desk.undo()).state == "done"
    assert picture(repo) == before
    assert (await desk.redo()).state == "done"
    assert picture(repo) == followed
    plan = await desk.plan("track", branch="topic")
    assert plan.commands == (
        ("git", "config", "--local", "--unset-all", "branch.topic.remote"),
        ("git", "config", "--local", "--unset-all", "branch.topic.merge"),
    )
    await desk.done("track", branch="topic")
    assert picture(repo) == before
    with pytest.raises(UserError, match="names no remote"):
        await desk.plan("track", branch="topic", upstream="nowhere/topic")
    with pytest.raises(UserError, match="no branch nowhere"):
        await desk.plan("track", branch="nowhere", upstream="origin/topic")


async def test_several_values_of_one_setting_come_back(desk: Desk, repo: Repo) -> None:
    repo.topic("topic", "work", push=True)
    repo.git("config", "--add", "branch.topic.merge", "refs/heads/other")
    await desk.done("track", branch="topic")
    assert (await desk.undo()).state == "done"
    assert repo.git("config", "--get-all", "branch.topic.merge").split() == ["refs/heads/topic", "refs/heads/other"]


async def test_a_dry_run_looks_and_changes_nothing(desk: Desk, repo: Repo) -> None:
    before = picture(repo)
    plan = await desk.plan("new", name="topic")
    report = await desk.executor.perform(desk.git, plan, dry_run=True)
    assert (report.dry_run, report.state, report.op_id, report.commands) == (True, "planned", "", plan.commands)
    assert picture(repo) == before
    assert not desk.journal.path.exists()
    repo.branch("topic")
    report = await desk.executor.perform(desk.git, plan, dry_run=True)
    assert report.state == "planned"
    repo.commit("more")
    repo.git("branch", "-f", "topic", "main")
    report = await desk.executor.perform(desk.git, plan, dry_run=True)
    assert report.state == "failed"
    assert report.refused


async def test_a_repository_without_commits_or_remotes(place: Place) -> None:
    repo = place.init("empty")
    desk = Desk(repo)
    with pytest.raises(UserError, match="no commit"):
        await desk.plan("new", name="topic")
    with pytest.raises(UserError, match="no remote"):
        await desk.plan("sync")
    repo.commit("first")
    await desk.done("new", name="topic")
    assert (await desk.undo()).state == "done"
    with pytest.raises(UserError, match="no remote"):
        await desk.plan("push")


async def test_nothing_to_undo_or_redo(desk: Desk, repo: Repo) -> None:
    from app.git import undo

    with pytest.raises(UserError, match="nothing to undo"):
        await desk.undo()
    with pytest.raises(UserError, match="nothing to redo"):
        await desk.redo()
    with pytest.raises(UserError, match="no operation"):
        await desk.undo("01ARZ3NDEKTSV4RRFFQ6000000")
    first = await desk.done("new", name="topic", switch=False)
    await desk.undo()
    with pytest.raises(UserError, match="undone already"):
        await desk.undo(first.op_id)
    await desk.done("new", name="other", switch=False)
    with pytest.raises(UserError, match="nothing to redo"):
        await desk.redo()
    assert (await desk.redo(first.op_id)).state == "done"
    plan = await undo.plan_undo(desk.executor, desk.git, desk.rules)
    assert plan.title == "Undo: New branch topic"

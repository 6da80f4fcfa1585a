"""Undo and redo as such: chains, older operations, and operations whose work is not moving refs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.errors import UserError
from app.git import plans, undo
from app.git.handlers import Work
from app.git.model import Plan, RefChange
from tests.git.crashing import CrashError
from tests.git.operating import Desk, picture, pins, states
from tests.git.repos import Repo


@pytest.fixture
def desk(repo: Repo) -> Desk:
    return Desk(repo)


async def test_a_chain_goes_back_to_the_beginning(desk: Desk, repo: Repo) -> None:
    seen = [picture(repo, reflogs=False)]
    for kind, arguments in (
        ("new", {"name": "one"}),
        ("push", {}),
        ("rename", {"old": "one", "new": "two"}),
        ("switch", {"branch": "main"}),
        ("track", {"branch": "two"}),
    ):
        await desk.done(kind, **arguments)
        seen.append(picture(repo, reflogs=False))
    for expected in reversed(seen[:-1]):
        assert (await desk.undo()).state == "done"
        assert picture(repo, reflogs=False) == expected
    with pytest.raises(UserError, match="nothing to undo"):
        await desk.undo()
    assert {state for kind, state in states(desk.journal) if kind != "undo"} == {"undone"}


async def test_an_older_operation_is_undone_by_its_id(desk: Desk, repo: Repo) -> None:
    first = await desk.done("new", name="one", switch=False)
    await desk.done("new", name="two", switch=False)
    report = await desk.undo(first.op_id)
    assert report.undoes == first.op_id
    assert (await desk.executor.entry(first.op_id)).undone_by == report.op_id
    assert "refs/heads/one" not in repo.refs()
    assert "refs/heads/two" in repo.refs()
    again = await desk.redo(report.op_id)
    assert again.title == "Redo: New branch one"
    assert "refs/heads/one" in repo.refs()
    assert (await desk.undo(again.op_id)).title == "Undo: New branch one"


async def test_an_operation_that_depends_on_a_later_one_says_what_is_in_the_way(desk: Desk, repo: Repo) -> None:
    first = await desk.done("new", name="one", switch=False)
    await desk.done("rename", old="one", new="two")
    report = await desk.undo(first.op_id)
    assert report.state in ("done", "failed")
    assert "refs/heads/two" in repo.refs()


async def test_an_undo_is_shown_before_it_is_done(desk: Desk, repo: Repo) -> None:
    tip = repo.topic("topic", "work", push=True)
    desk.landed["topic"] = ("merged", "merged")
    await desk.done("prune")
    plan = await undo.plan_undo(desk.executor, desk.git, desk.rules)
    assert plan.commands == (
        (
            *("git", "push", "--porcelain", "--atomic", "--no-follow-tags", "--force-with-lease=refs/heads/topic:"),
            *("--", "origin", f"{tip}:refs/heads/topic"),
        ),
        ("git", "update-ref", "--stdin", "<<<", f"create refs/heads/topic {tip}"),
        ("git", "config", "--local", "branch.topic.remote", "origin"),
        ("git", "config", "--local", "branch.topic.merge", "refs/heads/topic"),
    )
    assert any("not undone" in note for note in plan.notes)
    before = picture(repo)
    report = await desk.executor.perform(desk.git, plan, dry_run=True)
    assert report.state == "planned"
    assert picture(repo) == before


async def test_pins_keep_names_that_differ_in_case_apart() -> None:
    from app.git.pins import pins_of

    changes = [RefChange(f"refs/heads/{name}", "local", "a" * 40, "", "") for name in ("Foo", "foo", "FOO", "bar")]
    found = pins_of("OP", changes)
    assert [ref.rpartition("/")[2] for ref in found] == ["Foo", "foo.2", "FOO.3", "bar"]
    assert [found[ref] for ref in found] == [change.key for change in changes]


async def test_what_is_not_ticked_is_neither_done_nor_shown(desk: Desk, repo: Repo) -> None:
    for name in ("one", "two"):
        repo.topic(name, name, push=True)
        desk.landed[name] = ("merged", "merged")
    plan = await desk.plan("prune")
    part = plans.select(plan, {"local::refs/heads/two"})
    assert part.commands == (("git", "branch", "-D", "--", "two"),)
    assert {change.key for change in part.config} == {"branch.two.remote", "branch.two.merge"}
    report = await desk.executor.perform(desk.git, plan, {"local::refs/heads/two"})
    assert report.commands == part.commands
    assert set(repo.refs("refs/heads/")) == {"refs/heads/main", "refs/heads/one"}
    assert set(repo.origin.refs()) == {"refs/heads/main", "refs/heads/one", "refs/heads/two"}
    nothing = plans.select(plan, set())
    assert (nothing.changes, nothing.config, nothing.commands) == ((), (), ())


# Operations of another kind


class Writer:
    """Writes a file, and takes it away again: an operation that does not move refs."""

    def __init__(self) -> None:
        self.fail = ""

    async def act(self, work: Work) -> None:
        tree = (await work.git.run("write-tree")).line
        await work.pin("index", tree)
        await work.note({"before": "absent"})
        if self.fail == "act":
            raise UserError("the disk is full")
        (work.git.path / "made.txt").write_text("made\n")

    async def undo(self, work: Work) -> None:
        assert work.data["before"] == "absent"
        (work.git.path / "made.txt").unlink(missing_ok=True)
        work.refused.append(("other.txt", "it was changed since"))

    def undo_plan(self, plan: Plan, data: dict[str, Any]) -> Plan:
        return replace(plan, commands=(("rm", "made.txt"),))


@pytest.fixture
def writer(desk: Desk) -> Writer:
    writer = Writer()
    desk.executor = replace(desk.executor, handlers={"hygiene": writer})
    return writer


PLAN = Plan("hygiene", "work", "Write a file", (RefChange("made.txt", "local", "", "", "missing"),))


async def test_a_handler_has_the_same_life(desk: Desk, repo: Repo, writer: Writer) -> None:
    made = repo.path / "made.txt"
    report = await desk.executor.perform(desk.git, PLAN, dry_run=True)
    assert (report.state, made.exists()) == ("planned", False)
    report = await desk.executor.perform(desk.git, PLAN)
    assert (report.state, made.exists()) == ("done", True)
    assert [change.ref for change in report.done] == ["made.txt"]
    assert list(pins(repo).values()) == [repo.git("write-tree")]
    plan = await undo.plan_undo(desk.executor, desk.git, desk.rules)
    assert (plan.title, plan.commands) == ("Undo: Write a file", (("rm", "made.txt"),))
    report = await desk.executor.perform(desk.git, plan)
    assert (report.state, made.exists()) == ("done", False)
    assert [(refusal.ref, refusal.why) for refusal in report.refused] == [("other.txt", "it was changed since")]
    assert (await desk.redo()).state == "done"
    assert made.exists()
    assert (await desk.undo()).state == "done"
    assert not made.exists()


async def test_a_handler_that_fails_after_a_note_waits_to_be_settled(desk: Desk, repo: Repo, writer: Writer) -> None:
    writer.fail = "act"
    report = await desk.executor.perform(desk.git, PLAN)
    assert (report.state, report.message) == ("pinned", "the disk is full")
    writer.fail = ""
    assert (await undo.settle(desk.executor, desk.git, desk.rules, report.op_id, "finish")).state == "done"
    assert (repo.path / "made.txt").exists()


@pytest.mark.parametrize("how", ["finish", "undo"])
async def test_a_handler_killed_on_the_way(desk: Desk, repo: Repo, writer: Writer, how: Any) -> None:
    for where in ("planned", "handled"):

        async def die(place: str, where: str = where) -> None:
            if place == where:
                raise CrashError

        with pytest.raises(CrashError):
            await desk.watched(die).perform(desk.git, PLAN)
        (entry,) = await desk.executor.interrupted()
        if where == "planned" and how == "undo":
            # Nothing noted, so there is nothing to take back.
            assert (await desk.executor.abandon(desk.git, entry.op_id)).state == "undone"
        else:
            await undo.settle(desk.executor, desk.git, desk.rules, entry.op_id, how)
        assert (repo.path / "made.txt").exists() == (how == "finish")
        assert await desk.executor.interrupted() == ()

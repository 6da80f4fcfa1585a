"""The forms and pages of the Git screen: what is typed and chosen in them reaches the service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input

from app.errors import UserError
from tests.git_fake_service import FakeGit
from tests.git_fakes import (
    cut_short,
    journal,
    prune_plan,
    report,
    workshop,
)
from tests.screens.git_host import Host, asked, page_text, press, run, settled

WIDE, MIDDLE, NARROW = (160, 48), (100, 30), (80, 24)


async def test_new_branch() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "n", *"spikes")

        def preview() -> str:
            return str(app.screen.query_one("#preview").content)  # type: ignore[attr-defined]  # a Static

        assert "the name does not follow the rule" in preview()
        await press(pilot, "enter")
        assert asked(app, "plan") == [], "a wrong name is not taken"
        app.screen.query_one("#field0", Input).value = ""
        await press(pilot, *"fix", "tab", *"OPS-44", "down", *"stale quote", "enter")
        await settled(pilot)
        await pilot.pause()
        made = asked(app, "plan")
        assert made == [], "it is there already"
        assert "fix/" in preview()
        await press(pilot, "backspace", *"s", "tab", *"main", "enter")
        await settled(pilot)
        made = asked(app, "plan", "perform")
        assert made[0][:3] == ("plan", "new", "trading")
        assert made[0][3]["start"] == "main"
        assert made[1][0] == "perform"
        await press(pilot, "n", "escape")
        assert app.screen_stack[-1] is app.screen
        assert len(asked(app, "plan")) == 1


async def test_rename_and_track() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.pane.branches.reveal("refs/heads/spike")
        await press(pilot, "m")
        field = app.screen.query_one("#field0", Input)
        field.value = "fix/OPS-50-depth"
        await press(pilot, "enter")
        await settled(pilot)
        assert asked(app, "plan") == [("plan", "rename", "trading", {"old": "spike", "new": "fix/OPS-50-depth"})]
        assert app.pane.page == "plan"
        await press(pilot, "escape", "t")
        app.screen.query_one("#field0", Input).value = "nowhere/x"
        await press(pilot, "enter")
        assert len(asked(app, "plan")) == 1, "there is no such remote"
        app.screen.query_one("#field0", Input).value = "origin/spike"
        await press(pilot, "enter")
        await settled(pilot)
        assert asked(app, "plan")[1] == ("plan", "track", "trading", {"name": "spike", "upstream": "origin/spike"})


async def test_findings_are_mended_through_a_plan() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "A")
        assert "4 findings, 1 ticked" in page_text(app)
        await press(pilot, "j", "space", "enter")
        ticked = [found.key for found in asked(app, "plan")[0][3]["findings"]]
        assert ticked == ["readme_name:readme.md", "large_file:data/ticks.parquet"]
        assert app.pane.page == "plan"
        await press(pilot, "enter")
        assert "hygiene in trading: done" in page_text(app)
        app.git.findings = ()
        await press(pilot, "A", "enter")
        assert "nothing to mend" in page_text(app)


async def test_broadcast_is_sent_only_where_it_is_told_to() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "b")
        assert "mara pushed 3 commits to main" in page_text(app)
        await press(pilot, "y")
        assert "mara pushed 3 commits" in app.copied
        await press(pilot, "enter")
        app.screen.query_one("#field0", Input).value = "file:notes.md"
        await press(pilot, "enter")
        await settled(pilot)
        assert asked(app, "broadcast")[-1] == ("broadcast", "trading", "", "file:notes.md")
        assert "✓ sent to file:notes.md" in page_text(app)
        await press(pilot, "enter")
        app.screen.query_one("#field0", Input).value = "file:/forbidden"
        await press(pilot, "enter")
        await settled(pilot)
        assert "the file cannot be written" in page_text(app)


async def test_the_journal_leads_to_each_operation_and_back() -> None:
    app = Host(FakeGit.of(*workshop(), operations=journal()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "J", "j", "j")
        await press(pilot, "enter")
        assert "done, and undone since" in page_text(app)
        await press(pilot, "ctrl+r")
        assert asked(app, "plan_redo") == [("plan_redo", "trading", "op-5")]
        await press(pilot, "escape", "J")
        assert app.pane.page == "journal"
        await press(pilot, "g", "u")
        assert asked(app, "plan_undo") == [("plan_undo", "trading", "op-8")]
        await press(pilot, "escape", "J", "enter", "escape")
        assert app.pane.page == "journal"
        await press(pilot, "y")
        assert app.copied == "op-8"
        await press(pilot, "escape")
        assert app.pane.page == "commits"


async def test_a_long_journal_is_read_as_far_as_one_looks() -> None:
    many = tuple(replace(journal()[0], op_id=f"op-{n}") for n in range(230))
    app = Host(FakeGit.of(*workshop(), operations=many))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "J", "G", "G", "G")
        assert len(app.pane.journal_page().reports) == 230


async def test_what_stops_half_way_is_offered_at_once() -> None:
    app = Host(FakeGit.of(*workshop(), outcome=cut_short()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "P", "enter")
        assert "finishes it" in page_text(app)
        app.git.cut, app.git.outcome = (cut_short(),), None
        await press(pilot, "enter")
        assert asked(app, "settle") == [("settle", "op-9", "finish")]
        app.git.outcome = report(prune_plan(), "", state="planned", done=(), message="everything is as it is there")
        await press(pilot, "P", "enter")
        assert "✓ prune in trading: nothing to do" in page_text(app)


async def test_a_fetch_that_needs_a_login_gets_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    lent: list[tuple[str, ...]] = []

    async def run_in_terminal(app: Any, argv: tuple[str, ...]) -> int:
        lent.append(argv)
        return 0

    monkeypatch.setattr("screens.editor.run_in_terminal", run_in_terminal)
    app = await run(("f",), FakeGit.of(workshop()[10]))
    assert lent == [("git", "-C", "/home/mara/src/client", "fetch", "--all", "--prune")]
    assert asked(app, "fetch") == [("fetch", "client")]


@pytest.mark.parametrize(("key", "how"), [("enter", "finish"), ("u", "undo")])
async def test_what_was_cut_short_is_offered_at_the_start(key: str, how: str) -> None:
    app = Host(FakeGit.of(*workshop(), cut=(cut_short(),)))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        assert app.pane.branches.has_focus, "the keyboard stays where it was"
        assert "prune in trading was interrupted" in page_text(app)
        assert "was cut short" in str(app.pane.status.content)
        await press(pilot, "escape")
        assert app.pane.page == "commits"
        await press(pilot, "I", key)
        assert asked(app, "settle") == [("settle", "op-9", how)]
        assert f"prune in trading: {'done' if how == 'finish' else 'undone'}" in page_text(app)
        assert "cut short" not in str(app.pane.status.content)


async def test_what_was_cut_short_can_fail_again() -> None:
    app = Host(FakeGit.of(*workshop(), cut=(cut_short(),), outcome=UserError("origin cannot be reached")))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "I", "enter")
        assert "origin cannot be reached" in page_text(app)
        assert "cut short" in str(app.pane.status.content)
        await press(pilot, "J", "escape", "escape")

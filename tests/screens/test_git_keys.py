"""Each key of the Git screen asks the service for what it says, and moves where it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input

from app.errors import UserError
from app.git.model import Plan, RefChange, Refusal
from tests.git_fakes import (
    FakeGit,
    cut_short,
    journal,
    many_repositories,
    oid,
    prune_plan,
    report,
    small,
    trading,
    workshop,
)
from tests.screens.git_host import Host, settled
from tests.waiting import until

WIDE, MIDDLE, NARROW = (160, 48), (100, 30), (80, 24)


async def press(pilot: Any, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def page_text(app: Host) -> str:
    page = app.pane.page_widget()
    return "\n".join(page.render_line(y).text.rstrip() for y in range(page.size.height))


def asked(app: Host, *kinds: str) -> list[tuple[Any, ...]]:
    return [call for call in app.git.calls if call[0] in kinds]


async def run(keys: tuple[str, ...], service: FakeGit | None = None, size: tuple[int, int] = WIDE) -> Host:
    app = Host(service or FakeGit.of(*workshop()))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, *keys)
    return app


@pytest.mark.parametrize(
    ("keys", "calls"),
    [
        (("j", "c"), [("plan", "switch", "trading", {"name": "main"}), ("perform", "switch", "trading", frozenset())]),
        (("s",), [("plan", "sync", "trading", {})]),
        (("p",), [("plan", "push", "trading", {"name": "feature/OPS-41-limit-orders"})]),
        (("P",), [("plan", "prune", "trading", {})]),
        (("L",), [("plan", "align", "trading", {})]),
        (
            ("space", "j", "space", "P"),
            [("plan", "prune", "trading", {"names": ("feature/OPS-41-limit-orders", "chore/OPS-2-lint")})],
        ),
        (
            ("space", "space", "p"),
            [
                ("plan", "push", "trading", {"name": "feature/OPS-41-limit-orders"}),
                ("plan", "push", "trading", {"name": "main"}),
            ],
        ),
        (
            ("j", "j", "space", "t"),
            [("plan", "track", "trading", {"name": "chore/OPS-2-lint", "upstream": "origin/chore/OPS-2-lint"})],
        ),
        (("u",), [("plan_undo", "trading", "")]),
        (("ctrl+r",), [("plan_redo", "trading", "")]),
        (("f",), [("fetch", "trading")]),
        (("r",), [("refresh", "trading")]),
        (("h", "space", "space", "f"), [("fetch", "trading", "quarterdeck")]),
        (("h", "space", "space", "r"), [("refresh", "trading"), ("refresh", "quarterdeck")]),
        (("h", "space", "space", "P"), [("plan", "prune", "trading", {}), ("plan", "prune", "quarterdeck", {})]),
        (("h", "j", "p"), [("plan", "push", "quarterdeck", {})]),
        (("J",), [("journal", "trading", "")]),
        (("H",), [("hooks", "trading")]),
        (("H", "enter"), [("hooks", "trading"), ("install_hooks", "trading")]),
        (("H", "x"), [("hooks", "trading"), ("uninstall_hooks", "trading")]),
        (("b",), [("broadcast", "trading", "", "")]),
    ],
)
async def test_each_key_asks_for_what_it_says(keys: tuple[str, ...], calls: list[tuple[Any, ...]]) -> None:
    app = await run(keys)
    assert [call for call in app.git.calls if call[0] != "commits"] == calls


async def test_a_plan_is_shown_before_anything_is_done() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        assert asked(app, "perform") == []
        assert "4 of 6 ticked" in page_text(app)
        await press(pilot, "space")
        assert "3 of 6 ticked" in page_text(app)
        assert "$ git branch -D -- feature/OPS-30-calendars" in page_text(app)
        await press(pilot, "enter")
        ticked = {change.key for change in prune_plan().changes[1:4]}
        assert asked(app, "perform") == [("perform", "prune", "trading", frozenset(ticked))]
        assert "prune in trading: done" in page_text(app)
        await press(pilot, "u")
        assert asked(app, "plan_undo") == [("plan_undo", "trading", "op-7")]
        await press(pilot, "escape")
        assert app.pane.page == "commits"
        assert app.pane.panel == "branches"


async def test_what_needs_a_decision_is_shown_even_when_it_is_done_at_once_otherwise() -> None:
    service = FakeGit.of(*workshop())
    service.plans["switch"] = Plan(
        "switch",
        "trading",
        "Switch to main",
        commands=(("git", "switch", "main"),),
        refused=(Refusal("HEAD", "it would lose changes"),),
    )
    app = await run(("j", "c"), service)
    assert asked(app, "perform") == []
    assert app.pane.page == "plan"


async def test_a_sync_is_done_at_once_and_says_what_it_left_alone() -> None:
    moved = RefChange("refs/remotes/origin/main", "local", oid(1), oid(2), "moved there", "origin")
    left = Refusal("refs/heads/spike", "it has commits of its own", "rebase it")
    service = FakeGit.of(*workshop())
    service.plans["sync"] = Plan("sync", "trading", "Sync with origin", (moved,), refused=(left,), notes=("a note",))
    app = Host(service)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "s")
        assert asked(app, "perform") == [("perform", "sync", "trading", frozenset({moved.key}))]
        assert "spike: it has commits of its own" in page_text(app)
        service.plans["sync"] = Plan("sync", "trading", "Sync with origin", notes=("everything is as it is there",))
        await press(pilot, "s")
        assert "everything is as it is there" in page_text(app)


async def test_a_sync_of_several_is_done_at_once_even_if_some_have_nothing_to_do() -> None:
    moved = RefChange("refs/heads/main", "local", oid(1), oid(2), "forward by 1 commit")
    service = FakeGit.of(trading(), small("api"))
    app = Host(service)

    def planned(kind: str, repository: str, **more: object) -> Plan:
        return Plan("sync", repository, "Sync with origin", (moved,) if repository == "api" else ())

    service._plan = planned  # type: ignore[method-assign]  # another answer for each repository
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "h", "space", "space", "s")
        assert {call[2] for call in asked(app, "perform")} == {"trading", "api"}
        assert "sync in api: done" in page_text(app)


async def test_plans_of_several_repositories_say_whose_they_are() -> None:
    app = await run(("h", "space", "space", "L"), FakeGit.of(trading(), small("api")))
    text = "\n".join("".join(part for part, _ in line.parts) for line in app.pane.plan_page()._lines.values())
    assert "trading: Bring names and upstreams in line" in text
    assert "api: Bring names and upstreams in line" in text


async def test_a_broadcast_proposes_the_file_that_is_configured() -> None:
    service = FakeGit.of(*workshop())
    service.broadcast_to = ("stdout", "file:here.md", "file:~/broadcast.md")
    app = Host(service)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "b", "enter")
        assert app.screen.query_one("#field0", Input).value == "file:here.md"


async def test_what_went_wrong_is_said_in_place() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        app.git.plans["sync"] = UserError("origin asks for a password", where="trading", fix="press f to sign in")
        await press(pilot, "s")
        assert "✗ trading: origin asks for a password" in page_text(app)
        assert "press f to sign in" in page_text(app)
        await press(pilot, "escape")
        app.git.outcome = UserError("the server refused", where="origin")
        await press(pilot, "P", "enter")
        assert "✗ origin: the server refused" in page_text(app)
        app.git.outcome = ZeroDivisionError("of our own making")
        await press(pilot, "P", "enter")
        assert "ZeroDivisionError: of our own making" in page_text(app)
        app.git.outcome = report(prune_plan(), done=(), state="failed", message="nothing was changed")
        await press(pilot, "P", "enter")
        assert "✗ prune in trading: failed" in page_text(app)
        assert "nothing was changed" in page_text(app)
        app.git.outcome = report(prune_plan(), refused=(Refusal("refs/heads/x", "it moved", "r reads again"),))
        await press(pilot, "P", "enter")
        assert "x: it moved" in page_text(app)


async def test_one_repository_failing_does_not_keep_the_others_from_it() -> None:
    service = FakeGit.of(*workshop())
    app = Host(service)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        original = service.plan

        async def plan(kind: Any, repository: str, **arguments: object) -> Plan:
            if repository == "quarterdeck":
                raise UserError("it is locked", where=repository)
            return await original(kind, repository, **arguments)

        service.plan = plan  # type: ignore[method-assign]  # one of two fails
        await press(pilot, "h", "space", "space", "P")
        assert "quarterdeck: it is locked" in page_text(app)
        assert "4 of 6 ticked" in page_text(app)
        await press(pilot, "enter")
        assert [call[2] for call in asked(app, "perform")] == ["trading"]
        assert app.pane.repositories.marks == ()


async def test_what_is_under_way_is_said_and_carried_through() -> None:
    service = FakeGit.of(*workshop())
    app = Host(service)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        service.gate = asyncio.Event()
        await press(pilot, "enter")
        await until(lambda: app.pane.performing, what="the operation under way")
        assert app.pane.unsaved() == "prune in trading"
        assert "prune in trading" in str(app.pane.status.content)
        assert "doing it" in page_text(app)
        await press(pilot, "escape", "j")
        assert app.pane.performing, "what has begun is carried through"
        assert app.pane.branches.has_focus
        service.gate.set()
        await settled(pilot)
        assert app.pane.unsaved() == ""
        assert "prune in trading: done" in page_text(app)
        assert app.pane.branches.has_focus, "the report takes no keyboard away"


async def test_what_ends_while_another_area_is_open_takes_no_keyboard() -> None:
    service = FakeGit.of(*workshop())
    app = Host(service)
    async with app.run_test(size=NARROW) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        service.gate = asyncio.Event()
        await press(pilot, "enter")
        app.pane.active = False
        app.screen.set_focus(None)
        service.gate.set()
        await settled(pilot)
        assert app.focused is None
        assert app.pane.page == "text"
        app.screen.set_focus(app.pane.plan_page())
        app.pane.on_activated()
        await settled(pilot)
        assert app.focused is app.pane.page_widget()


async def test_a_fetch_is_cancelled() -> None:
    app = await run(("escape",))
    assert asked(app, "cancel") == [("cancel", "notebooks")]


async def test_panels_by_keys() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        pane = app.pane
        assert pane.branches.has_focus
        for key, has in (
            ("tab", pane.commits),
            ("tab", pane.repositories),
            ("tab", pane.branches),
            ("shift+tab", pane.repositories),
            ("l", pane.branches),
            ("right", pane.commits),
            ("right", pane.commits),
            ("h", pane.branches),
            ("left", pane.repositories),
            ("left", pane.repositories),
            ("enter", pane.branches),
            ("enter", pane.commits),
            ("escape", pane.branches),
        ):
            await press(pilot, key)
            assert has.has_focus, key


async def test_the_cursor_chooses_the_repository_and_the_branch() -> None:
    app = Host(FakeGit.of(*many_repositories()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "j")
        assert str(app.pane.commits.border_title) == "chore/OPS-2-lint"
        assert app.git.calls[-1] == ("commits", "trading", "refs/heads/chore/OPS-2-lint", "")
        await press(pilot, "h", "j")
        assert app.pane.feed.current == "service-00"
        assert app.pane.branches.total == 2
        assert app.git.calls[-1] == ("commits", "service-00", "refs/heads/main", "")


@pytest.mark.parametrize("size", [WIDE, MIDDLE, NARROW])
async def test_commits_are_read_as_far_as_one_looks(size: tuple[int, int]) -> None:
    service = FakeGit.of(trading(), history=250)
    app = Host(service)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "enter", "G", "G", "G")
        assert len(app.pane.commits.commits) == 250
        assert app.pane.commits.complete
        await press(pilot, "y")
        assert app.copied == app.pane.commits.commits[-1].oid
        reads = len(asked(app, "commits"))
        await press(pilot, "escape", "j", "k")
        assert len(asked(app, "commits")) == reads + 1, "what was read is kept"


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


async def test_filter_of_both_lists() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"gone", "enter")
        assert len(app.pane.branches.rows) == 4
        assert "4 of 15" in str(app.pane.branches.border_subtitle)
        assert app.pane.branches.has_focus
        await press(pilot, "asterisk")
        assert len(app.pane.branches.marks) == 4
        await press(pilot, "escape")
        assert len(app.pane.branches.rows) == 15
        await press(pilot, "escape")
        assert app.pane.branches.marks == ()
        await press(pilot, "h", "slash", *"broken")
        assert list(app.pane.repositories.rows) == ["shared", "usb-stick", "downloads"]
        await press(pilot, "escape")
        assert len(app.pane.repositories.rows) == 12
        assert app.pane.repositories.has_focus


async def test_copy_and_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[Any, ...]] = []
    monkeypatch.setattr("screens.editor.open_in_editor", lambda app, path, **more: opened.append((str(path), more)))
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "y")
        assert app.copied == "feature/OPS-41-limit-orders"
        await press(pilot, "h", "y")
        assert app.copied == "/home/mara/src/trading"
        await press(pilot, "P", "y")
        assert app.copied.startswith("git push --porcelain --atomic")
        await press(pilot, "escape", "e")
        assert opened == [("/home/mara/src/trading", {"setting": ""})]


@pytest.mark.parametrize("size", [WIDE, MIDDLE, NARROW])
async def test_panels_take_turns_where_there_is_no_room(size: tuple[int, int]) -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        pane = app.pane

        def shown() -> list[str]:
            panels = {"side": pane.repositories, "branches": pane.branches, "right": pane.page_widget()}
            return [
                name
                for name, widget in panels.items()
                if widget.region and all(n.display for n in widget.ancestors_with_self)
            ]

        everything = ["side", "branches", "right"]
        assert shown() == (["branches"] if size == NARROW else everything)
        await press(pilot, "tab")
        assert shown() == (["right"] if size == NARROW else everything)
        await press(pilot, "P")
        assert shown() == {WIDE: everything, MIDDLE: ["side", "right"], NARROW: ["right"]}[size]
        await press(pilot, "escape", "z")
        assert shown() == ["branches"]
        await press(pilot, "z", "h")
        assert shown() == (["side"] if size == NARROW else everything)


async def test_a_direct_operation_leaves_the_keyboard_in_the_list_where_there_is_room() -> None:
    app = Host(FakeGit.of(*workshop()))
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "c")
        assert app.pane.branches.has_focus
        assert "switch in trading: done" in page_text(app)
        await press(pilot, "j")
        assert app.pane.page == "commits", "going on puts the report away"
    app = await run(("j", "c"), size=NARROW)
    assert app.pane.panel == "right"


async def test_nothing_can_be_asked_of_a_repository_that_cannot_be_read() -> None:
    app = await run(("h", "G", *["k"] * 2, "P", "s", "n", "J"), FakeGit.of(*workshop()))
    assert app.pane.feed.current == "downloads"
    assert asked(app, "plan", "journal") == []
    app = await run(("r",), FakeGit.of(*workshop()[8:9]))
    assert asked(app, "refresh") == [("refresh", "usb-stick")]


async def test_keys_without_any_repository() -> None:
    app = await run(("c", "P", "f", "u", "tab", "slash", "space", "y", "z", "escape"), FakeGit.of())
    assert app.git.calls == []


@pytest.mark.parametrize("made", [lambda: FakeGit.of(small("a")), lambda: FakeGit.of(*many_repositories())])
async def test_every_key_works_in_every_panel(made: Callable[[], FakeGit]) -> None:
    app = Host(made())
    async with app.run_test(size=MIDDLE) as pilot:
        await settled(pilot)
        for panel in ("h", "l"):
            for key in ("c", "s", "p", "P", "L", "u", "J", "A", "H", "b", "f", "r", "y", "asterisk", "G", "g"):
                await press(pilot, panel, key, "escape", "escape")

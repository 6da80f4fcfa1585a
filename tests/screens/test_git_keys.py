"""Each key of the Git screen asks the service for what it says, and moves where it says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import Input

from app.errors import UserError
from app.git.model import Plan, RefChange, Refusal
from tests.git_fake_service import FakeGit
from tests.git_fakes import (
    many_repositories,
    oid,
    prune_plan,
    report,
    small,
    trading,
    workshop,
)
from tests.screens.git_host import Host, asked, page_text, press, run, settled
from tests.waiting import until

WIDE, MIDDLE, NARROW = (160, 48), (100, 30), (80, 24)


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

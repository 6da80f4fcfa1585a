"""Plans: ticks, what is locked, the commands, and the lines between that the cursor passes over."""

from __future__ import annotations

from dataclasses import replace

from app.git.model import Plan, RefChange
from tests.git_fakes import HOSTILE, align_plan, delete, oid, prune_plan
from tests.widgets.git_lists import ListApp, controls, lines
from widgets.plan_view import PlanView, shell, what_of

SIZE = (80, 60)


async def test_ticks_are_taken_from_the_plan_and_turned_by_keys() -> None:
    app = ListApp(PlanView())
    async with app.run_test(size=SIZE) as pilot:
        plan = prune_plan()
        app.list.show_plans([plan])
        app.list.focus()
        await pilot.pause()
        assert app.list.ticked() == {change.key for change in plan.changes[:4]}
        text = "\n".join(lines(app))
        assert "4 of 6 ticked" in text
        assert "[ ] feature/OPS-17-risk-limits" in text
        assert "stays: a worktree has it: ~/src/trading-hotfix" in text
        assert "Undo brings back branches" in text
        assert "$ git branch -D -- feature/OPS-29-gap-filter" in text
        assert "branch.feature/OPS-29-gap-filter.remote: origin → unset" in text
        assert "release/2026.02: protected by release/*" in text
        await pilot.press("space")
        assert plan.changes[0].key not in app.list.ticked()
        assert "branch.feature/OPS-29-gap-filter.remote" not in "\n".join(lines(app)), "its settings stay with it"
        assert app.heard == ["ticked"]
        await pilot.press("a")
        assert app.list.ticked() == {change.key for change in plan.changes if not change.locked}
        await pilot.press("a")
        assert app.list.ticked() == frozenset()
        await pilot.press("enter")
        assert "confirmed" not in app.heard, "nothing is ticked"
        await pilot.press("a", "enter")
        assert app.heard[-1] == "confirmed"


async def test_the_cursor_stops_at_changes_only_and_locked_ones_stay() -> None:
    app = ListApp(PlanView())
    async with app.run_test(size=(80, 14)) as pilot:
        plan = prune_plan()
        app.list.show_plans([plan])
        app.list.focus()
        await pilot.pause()
        seen = [app.list.key]
        for _ in range(5):
            await pilot.press("j")
            seen.append(app.list.key)
        assert seen == [f"0 {change.key}" for change in plan.changes]
        before = app.list.ticked()
        await pilot.press("space")
        assert app.list.ticked() == before
        top = app.list.scroll_offset.y
        await pilot.press(*["j"] * 30)
        assert app.list.key == seen[-1]
        assert app.list.scroll_offset.y > top, "what stands below the last change can be read too"
        assert "git branch" in "\n".join(lines(app))
        await pilot.press("g")
        assert app.list.key == seen[0]
        assert app.list.scroll_offset.y == 0
        await pilot.press("G", "ctrl+u", "pagedown", "pagedown", "k")


async def test_several_plans_and_those_that_could_not_be_made() -> None:
    app = ListApp(PlanView())
    async with app.run_test(size=SIZE) as pilot:
        app.list.show_plans([prune_plan(), align_plan()], ["shared: it cannot be read\ngit config --global …"])
        app.list.focus()
        await pilot.pause()
        text = "\n".join(lines(app))
        assert text.index("it cannot be read") < text.index("Delete branches") < text.index("Bring names")
        assert app.list.ticked(1) == {change.key for change in align_plan().changes}
        await pilot.press("G", "space")
        assert len(app.list.ticked(1)) == 1
        assert len(app.list.ticked(0)) == 4
        app.list.set_commands(1, (("git", "push", "origin", "x y"),))
        assert "git push origin 'x y'" in app.list.commands_text
        app.list.set_busy("doing it")
        await pilot.press("space", "a", "enter")
        assert len(app.list.ticked(1)) == 1
        assert not app.list.can_perform


async def test_a_plan_with_nothing_to_do() -> None:
    app = ListApp(PlanView())
    async with app.run_test(size=SIZE) as pilot:
        app.list.show_plans([Plan("prune", "trading", "Delete branches whose work is in main")])
        await pilot.pause()
        assert any("nothing to do" in line for line in lines(app))
        assert not app.list.can_perform


async def test_what_belongs_together_is_ticked_together() -> None:
    app = ListApp(PlanView())
    async with app.run_test(size=SIZE) as pilot:
        plan = align_plan()
        keys = [change.key for change in plan.changes]
        app.list.show_plans([replace(plan, arguments={"groups": [keys]})])
        app.list.focus()
        await pilot.press("space")
        assert app.list.ticked() == frozenset()
        await pilot.press("space")
        assert app.list.ticked() == frozenset(keys)


async def test_hostile_text_is_harmless() -> None:
    app = ListApp(PlanView())
    async with app.run_test(size=SIZE) as pilot:
        change = delete(HOSTILE, reason=f"because {HOSTILE}", locked=f"no {HOSTILE}")
        plan = replace(prune_plan(), changes=(change,), commands=(("git", "branch", "-D", "--", HOSTILE),))
        app.list.show_plans([plan])
        await pilot.pause()
        assert controls(lines(app)) == []
        assert "\x1b" not in app.list.commands_text


def test_changes_in_a_word() -> None:
    change = RefChange("refs/heads/x", "local", oid(1), oid(2), "")
    assert what_of(change) == f"{oid(1)[:7]} → {oid(2)[:7]}"
    assert what_of(replace(change, new="")) == "delete"
    assert what_of(replace(change, old="")) == "create"
    assert what_of(replace(change, new=oid(1))) == "settings"
    head = replace(change, ref="HEAD", old="ref: refs/heads/main", new="ref: refs/heads/fix/x")
    assert what_of(head) == "main → fix/x"


def test_commands_as_a_shell_takes_them() -> None:
    assert shell(("git", "branch", "-D", "--", "a b")) == "git branch -D -- 'a b'"
    given = shell(("git", "update-ref", "--stdin", "<<<", "create a b", "commit"))
    assert given == "git update-ref --stdin <<< 'create a b\ncommit'"

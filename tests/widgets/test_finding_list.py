"""Findings: their ticks, and what would mend them."""

from __future__ import annotations

from app.git.hygiene.model import Finding, Step
from tests.git_fakes import audit
from tests.widgets.git_lists import ListApp, controls, lines
from widgets.finding_list import FindingList, step_words

SIZE = (70, 40)


async def test_ticks_and_what_only_a_person_can_mend() -> None:
    app = ListApp(FindingList())
    async with app.run_test(size=SIZE) as pilot:
        app.list.show_findings(audit())
        app.list.focus()
        await pilot.pause()
        shown = lines(app)
        text = "\n".join(shown)
        assert "[✓] ○ readme.md" in text
        assert "[ ] ⚠ data/ticks.parquet" in text
        assert "    ✗ Docs/a.md, docs/a.md" in text
        assert "move readme.md to README.md" in text
        assert "add /data/ticks.parquet to .gitignore" in text
        assert controls(shown) == []
        assert app.list.path == "readme.md"
        await pilot.press("space", "space")
        assert [found.kind for found in app.list.ticked] == ["large_file"]
        await pilot.press("space")
        assert [found.kind for found in app.list.ticked] == ["large_file"], "twins need a person"
        await pilot.press("G")
        assert app.list.path == "", "about no file"
        await pilot.press("a")
        assert len(app.list.ticked) == 3
        await pilot.press("a", "enter")
        assert app.list.ticked == ()


async def test_many_steps_are_summed_up() -> None:
    app = ListApp(FindingList())
    async with app.run_test(size=SIZE) as pilot:
        steps = tuple(Step("remove", f"a{n}") for n in range(9))
        app.list.show_findings([Finding("unicode_twins", "error", ("a",), ("a",), "twins", steps)])
        await pilot.pause()
        assert "      and 5 more" in lines(app)
        app.list.show_findings(())
        await pilot.pause()
        assert "nothing to mend" in lines(app)[0]
        assert step_words(Step("write", "LICENSE", "MIT License…")) == "write LICENSE"

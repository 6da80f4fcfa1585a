"""What the panels of the Content screen say: keys of the one that has the focus, faults as faults, nothing stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from screens import content
from screens.chooser import Choice, ChoiceList
from screens.content_versions import Versions
from screens.help import collect
from tests.screens.content_host import lines, opened, reported, shows
from tests.screens.test_content_elsewhere import noted

WRONG = "---\ntitle: Mine\nfields:\n  - name: title\n---\n# {{ title }}\n\n{{ unknown_field }}\n"


async def test_the_keys_below_are_those_of_the_panel_that_has_the_focus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "SAID_S", 0.3)
    async with opened(tmp_path, size=(80, 24)) as (pilot, pane, _):
        await reported(pilot, pane)
        pane.say("✓ something that is said in so many words that they would fill all of the line below twice over")
        assert "ctrl+s save" in str(pane.status.content)
        assert pane.status.content.cell_length <= 80
        await shows(pane, lambda: "something" not in str(pane.status.content), "gone by itself")
        await pilot.press("alt+right")
        await shows(pane, lambda: "Markdown/Discord/Text" in str(pane.status.content), "preview")
        assert "ctrl+s" not in str(pane.status.content)
        await pilot.press("tab")
        await shows(pane, lambda: "a apply · x refuse · enter go there" in str(pane.status.content), "style")
        await pilot.press("escape")
        await shows(pane, lambda: "enter opens" in str(pane.status.content), "list")


async def test_find_and_reflow_are_reached_from_the_list_and_told_by_the_help(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await pilot.press("ctrl+f")
        await shows(pane, lambda: "no text is open" in str(pane.status.content), "told")
        await reported(pilot, pane, story="one two")
        await pilot.press("escape")
        told = {line.id for line in collect(pilot.app.screen.active_bindings)}
        assert {"content.find", "content.reflow"} <= told
        await pilot.press("ctrl+f")
        await shows(pane, lambda: getattr(pilot.app.focused, "id", "") == "find", "find")


async def test_a_form_shows_no_findings_of_another_text(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane, story="Wow!!")
        await shows(pane, lambda: pane.findings.findings, "findings")
        pane.new_draft("report")
        await shows(pane, lambda: pane.form is not None and pane.form.is_mounted and pane.form._entries, "form")
        pane._lint()
        await shows(pane, lambda: not pane._linting and pane._lint_soon is None, "looked at")
        assert not pane.findings.findings
        assert "!!" not in lines(pane, "StyleFindings")
        await shows(pane, lambda: "Wow" not in lines(pane, "MarkdownPreview"), "preview")
        # Nothing was typed, so there is nothing to find again.
        await pilot.press("escape")
        await shows(pane, lambda: pane.form is None and pane.findings.findings, "findings again")
        assert "what was typed" not in str(pane.status.content)


async def test_a_template_that_is_wrong_is_told_with_file_and_line_in_every_preview(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/mine.md").write_text(WRONG)
    async with opened(tmp_path) as (_, pane, _):
        pane.new_draft("mine")
        await shows(pane, lambda: pane.form is not None and pane.form.is_mounted and pane.form._entries, "form")
        for view in ("Markdown", "Discord", "Text"):
            pane.preview.show_view(view)
            await shows(pane, lambda: "✗" in lines(pane, "MarkdownPreview"), view)
            shown = "".join(lines(pane, "MarkdownPreview").split())
            assert "mine.md:8" in shown.replace("│", ""), (view, shown)
            assert "message" not in shown
            assert "there is no text yet" in lines(pane, "MarkdownPreview")


async def test_versions_say_what_the_key_will_show(tmp_path: Path) -> None:
    async with opened(tmp_path, size=(80, 24)) as (pilot, pane, _):
        await reported(pilot, pane)
        await (await pane.desk())._settle()
        await pilot.press("ctrl+t")
        await shows(pane, lambda: isinstance(pilot.app.screen, Versions), "versions")
        box = pilot.app.screen.query_one(".dialog")
        assert "d compares with the version before  esc leaves" in box._border_subtitle.plain
        await pilot.press("d")
        assert "d compares with the text now" in box._border_subtitle.plain
        assert "from the version before to it" in pilot.app.screen.view.plain


async def test_a_note_is_not_offered_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await (await pane.desk()).add_note("Engine oil", "x")
        await noted(pilot, pane, "Engine")
        await (await pane.desk())._settle()
        await pilot.press(*"[[Eng")
        await shows(pane, lambda: pane.editor.offer.names == ("Engine oil",), "offered")


async def test_the_place_of_a_finding_is_gone_to_and_not_chosen(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane, story="It is very very good!!")
        await shows(pane, lambda: pane.findings.findings, "findings")
        finding = pane.findings.findings[0]
        await pilot.press("alt+right", "tab")
        await pilot.press("enter")
        await shows(pane, lambda: pane.editor.has_focus, "there")
        assert pane.editor.selected_text == ""
        assert pane.editor.lines.offset_of(pane.editor.cursor_location) == finding.start


def test_what_is_wrong_with_a_choice_and_its_side_stand_apart() -> None:
    choices = ChoiceList()
    choices.show([Choice("mine", "Mine", "", "user", "what is wrong " * 20)])
    drawn = "".join(text for text, _ in choices.draw("mine", 100))
    assert drawn.rstrip().endswith(" user")
    assert len(drawn) == 100

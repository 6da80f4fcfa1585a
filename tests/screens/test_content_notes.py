"""Notes in the Content screen: tags by a key, and the notes that link to one."""

from __future__ import annotations

from pathlib import Path

from screens.chooser import Chooser
from screens.feedback_forms import Question
from tests.screens.content_host import lines, opened, shows
from tests.screens.test_content_elsewhere import noted


async def test_tags_are_shown_and_changed_by_a_key(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await noted(pilot, pane, "Engine")
        await pilot.press(*"It hums.")
        await pilot.press("escape", "t")
        await shows(pane, lambda: isinstance(pilot.app.screen, Question), "asked")
        await pilot.press(*"iron, below", "enter")
        await shows(pane, lambda: pane.note is not None and pane.note.tags == ("below", "iron"), "kept")
        assert "#below #iron" in pane.editor._border_title.plain
        assert pane.editor.text == "It hums."
        assert not pane.changed
        await shows(pane, lambda: "below" in lines(pane, "#texts"), "listed")
        # Typed in the text, the key is a letter.
        pane.go("middle")
        await pilot.press("ctrl+end", "t", "b")
        assert pane.editor.text == "It hums.tb"


async def test_notes_that_link_to_one_are_shown_and_opened(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        desk = await pane.desk()
        await desk.add_note("Journal", "See [[Engine]].")
        await noted(pilot, pane, "Engine")
        await pilot.press("escape", "b")
        await shows(pane, lambda: isinstance(pilot.app.screen, Chooser), "shown")
        await pilot.press("enter")
        await shows(pane, lambda: pane.note is not None and pane.note.title == "Journal", "opened")
        await pilot.press("escape", "b")
        await shows(pane, lambda: "no note links to Journal" in str(pane.status.content), "none")

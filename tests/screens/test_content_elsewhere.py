"""A text that is open in the Content screen while another journal keeps versions of it: shown, asked, never lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from app.content.drafts.drafts import Drafts
from app.content.notes.notes import Notes
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.storage import register
from screens.chooser import Chooser
from screens.content import ContentPane
from screens.content_versions import Versions
from tests.screens.content_host import opened, reported, shows


@asynccontextmanager
async def another(folder: Path) -> AsyncIterator[tuple[Drafts, Notes, Spool]]:
    """Another instance over the same database, with a journal of its own."""
    db, spool = Database(f"sqlite:///{folder / 'content.db'}"), Spool(folder / "another.db")
    register(spool)
    spool.start(db, Bus())
    try:
        yield Drafts(db, spool), Notes(db, spool), spool
    finally:
        await spool.close()
        db.close()


async def noted(pilot: Pilot[None], pane: ContentPane, title: str) -> None:
    """Make a note by its keys."""
    from screens.feedback_forms import Question

    await pilot.press("n")
    await shows(pane, lambda: isinstance(pilot.app.screen, Question), "question")
    await pilot.press(*title, "enter")
    await shows(pane, lambda: pane.note is not None and pane.note.title == title, "note")
    await pilot.pause()


async def test_what_was_kept_elsewhere_is_shown_where_nothing_was_typed(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _), another(tmp_path) as (_, notes, spool):
        await noted(pilot, pane, "Engine")
        await pilot.press(*"It hums.")
        await pilot.press("ctrl+s")
        await shows(pane, lambda: pane.note is not None and pane.note.version == 2 and not pane.changed, "kept")
        assert pane.note is not None
        await (await pane.desk())._settle()
        theirs = await notes.save(await notes.find("engine"), body="It hums no more.")
        assert await spool.flush(10.0)
        await shows(pane, lambda: pane.editor.text == "It hums no more.", "shown")
        assert "changed elsewhere" in str(pane.status.content)
        assert not pane.changed
        # A state alone is taken over without a word, and the text stays as it is.
        await notes.place(theirs, state="trashed")
        await shows(pane, lambda: pane.note is not None and pane.note.state == "trashed", "state")
        assert pane.editor.text == "It hums no more."


async def test_the_list_follows_what_happens_elsewhere(tmp_path: Path) -> None:
    def titles(pane: ContentPane) -> list[str]:
        return [entry.title for entry in pane.texts.entries.values()]

    async with opened(tmp_path) as (pilot, pane, _), another(tmp_path) as (_, notes, spool):
        await noted(pilot, pane, "Engine")
        await pilot.press("escape")
        await shows(pane, lambda: titles(pane) == ["Engine"], "list")
        theirs = await notes.add("Gears", "They turn.", ())
        assert await spool.flush(10.0)
        await shows(pane, lambda: titles(pane) == ["Gears", "Engine"], "a new one")
        assert pane.texts.entry is not None
        assert pane.texts.entry.title == "Engine"
        renamed, _others = await notes.rename(theirs, "Wheels")
        assert await spool.flush(10.0)
        await shows(pane, lambda: titles(pane) == ["Wheels", "Engine"], "another title")
        await notes.place(renamed, state="trashed")
        assert await spool.flush(10.0)
        await shows(pane, lambda: titles(pane) == ["Engine"], "gone")


async def test_what_was_kept_elsewhere_meanwhile_is_asked_about_and_both_stay(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _), another(tmp_path) as (drafts, _, spool):
        await reported(pilot, pane)
        assert pane.draft is not None
        identity = pane.draft.id
        await (await pane.desk())._settle()
        await pilot.press("ctrl+end", *"Mine.")
        await drafts.save(await drafts.find(identity), "Theirs.")
        assert await spool.flush(10.0)
        await shows(pane, lambda: "changed elsewhere: version 2" in str(pane.status.content), "told")
        assert pane.editor.text.endswith("Mine.")
        await pilot.press("ctrl+s")
        await shows(pane, lambda: isinstance(pilot.app.screen, Chooser), "asked")
        await pilot.press("down", "enter")
        await shows(pane, lambda: isinstance(pilot.app.screen, Versions), "theirs")
        assert pilot.app.screen.list.versions["0"].body == "Theirs."
        await pilot.press("escape", "ctrl+s")
        await shows(pane, lambda: isinstance(pilot.app.screen, Chooser), "asked again")
        await pilot.press("enter")
        await shows(pane, lambda: "✓ version 3" in str(pane.status.content), "mine")
        desk = await pane.desk()
        found = await desk.versions(pane.draft)
        assert [each.number for each in found] == [3, 2, 1]
        assert found[1].body == "Theirs."
        assert found[0].body.endswith("Mine.")


async def test_a_text_that_is_left_is_kept_behind_what_was_kept_elsewhere(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _), another(tmp_path) as (_, notes, spool):
        await noted(pilot, pane, "Engine")
        await (await pane.desk())._settle()
        await notes.save(await notes.find("engine"), body="Theirs.", tags=("iron",))
        assert await spool.flush(10.0)
        await pilot.press(*"Mine.")
        # The look that comes by itself may be earlier or later than this.
        await pilot.press("escape")
        await noted(pilot, pane, "Other")
        desk = await pane.desk()
        kept = await desk.note("engine")
        found = await desk.note_versions(kept)
        bodies = [each.body for each in found]
        assert "Theirs." in bodies
        assert "Mine." in bodies[0]
        assert len({each.number for each in found}) == len(found)
        assert kept.tags == ("iron",)

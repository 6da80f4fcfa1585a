"""Lists of the Content screen: what is put into archive and trash comes back as it was, notes too."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert

from app.content.tables import publication
from app.db.types import utc_now
from app.ids import new_id
from tests.screens.content_host import lines, opened, reported, shows
from tests.screens.test_content_elsewhere import noted

SENT = {
    "version_id": None,
    "template": "report",
    "target": "site",
    "kind": "files",
    "queue": "site",
    "state": "sent",
    "title": "The journal",
    "payload": {},
    "payload_hash": "0" * 64,
    "parts": 1,
    "parts_sent": 1,
    "zone": "UTC",
    "attempts": 1,
}


async def test_a_note_comes_back_from_the_trash_by_the_key_that_put_it_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await noted(pilot, pane, "Engine room")
        await pilot.press("escape")
        await shows(pane, lambda: bool(pane.texts.rows) and not pane._reading, "listed")
        # Notes have no archive: the key is not offered for one.
        assert "archive" not in str(pane.status.content)
        assert pane.check_action("archive", ()) is None
        await pilot.press("x")
        await shows(pane, lambda: "in the trash" in str(pane.status.content), "trash")
        assert "notes trash ID" not in str(pane.status.content)
        await pilot.press("left")
        await shows(pane, lambda: pane.listed == "trash" and "Engine room" in lines(pane, "#texts"), "shown")
        await pilot.press("x")
        await shows(pane, lambda: not pane.texts.rows and not pane._reading, "back")
        assert (await (await pane.desk()).note("engine-room")).state == "active"


async def test_what_is_published_comes_back_as_published(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, runtime):
        await reported(pilot, pane)
        assert pane.draft is not None
        desk, draft = await pane.desk(), pane.draft
        await desk._settle()
        now = utc_now()
        sent = {**SENT, "id": new_id(), "draft_id": draft.id, "due_at": now, "created_at": now, "updated_at": now}
        await runtime.db.run(lambda conn: conn.execute(insert(publication).values(**sent, sent_at=now)))
        await desk.set_state(draft, "published")
        for key, state in (("A", "archived"), ("A", "published"), ("x", "trashed"), ("x", "published")):
            pane.listed = "archive" if state == "published" and key == "A" else "sent"
            if state == "published" and key == "x":
                pane.listed = "trash"
            pane.list_again()
            pane.go("left")
            await shows(pane, lambda: bool(pane.texts.rows) and not pane._reading, "listed")
            await pilot.press(key)
            await shows(pane, lambda: not pane.texts.rows and not pane._reading, state)
            assert (await desk.find(draft.id)).state == state


async def test_u_takes_back_what_was_put_away_last_and_then_changes_of_the_text(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await reported(pilot, pane)
        await pilot.press("ctrl+end", *"More.")
        await pilot.press("ctrl+s")
        await shows(pane, lambda: not pane.changed, "kept")
        await pilot.press("escape")
        await shows(pane, lambda: bool(pane.texts.rows) and not pane._reading, "listed")
        await pilot.press("x")
        await shows(pane, lambda: "u takes that back" in str(pane.status.content), "trash")
        await shows(pane, lambda: not pane.texts.rows, "gone")
        await pilot.press("u")
        await shows(pane, lambda: "✓ taken back: The journal, in the list `work`" in str(pane.status.content), "back")
        await shows(pane, lambda: bool(pane.texts.rows), "listed again")
        assert pane.editor.text.endswith("More.")
        await pilot.press("u")
        await shows(pane, lambda: "last change in The journal is taken back" in str(pane.status.content), "text")
        assert not pane.editor.text.endswith("More.")


async def test_a_new_note_is_in_the_list_that_is_shown(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, pane, _):
        await pilot.press("right", "right")
        await shows(pane, lambda: pane.listed == "sent" and not pane._reading, "sent")
        await noted(pilot, pane, "Engine room")
        await shows(pane, lambda: "Engine room" in lines(pane, "#texts"), "listed")
        assert pane.listed == "notes"

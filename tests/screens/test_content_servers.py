"""The Content screen over SQLite, MariaDB and MySQL: what is written by keys is there when it is opened again."""

from __future__ import annotations

from pathlib import Path

from screens.content_publish import Publish
from tests.screens.content_host import Host, engine, lines, reported, shows
from tests.servers import (  # noqa: F401  # fixtures
    database,
    database_url,
    mariadb,
    mariadb_session,
    named_server,
    prepared_databases,
)


async def test_written_published_and_there_again(tmp_path: Path, database_url: str) -> None:  # noqa: F811
    config = f'[[content.targets]]\nname = "site"\nkind = "files"\nfolder = "{tmp_path / "site"}"\n'
    async with engine(tmp_path, config, url=database_url) as runtime:
        app = Host(runtime)
        async with app.run_test(size=(160, 48)) as pilot:
            pane = app.pane
            await shows(pane, lambda: pane._desk is not None and not pane._reading, "listed")
            await reported(pilot, pane, story="Ümläute ⚓ und 日本語.")
            await pilot.press("ctrl+end", *"And goes.", "ctrl+s")
            await shows(pane, lambda: pane.draft is not None and pane.draft.version == 2, "kept")
            await pilot.press("ctrl+o")
            await shows(pane, lambda: isinstance(app.screen, Publish), "publish")
            page = app.screen
            assert isinstance(page, Publish)
            await shows(pane, lambda: page._known and page.list.problems["site"] == 0, "looked at")
            await pilot.press("enter")
            await shows(pane, lambda: "site sent" in str(pane.status.content), "sent")
            await pilot.press("escape", "n", *"Engine room", "enter")
            await shows(pane, lambda: pane.note is not None, "note")
            await pilot.press(*"It hums.", "ctrl+s")
            await shows(pane, lambda: pane.note is not None and pane.note.version == 2, "kept")
            await shows(pane, lambda: runtime.content.snapshot().drafts == 0, "counted")
    async with engine(tmp_path, config, url=database_url) as runtime:
        app = Host(runtime)
        async with app.run_test(size=(160, 48)) as pilot:
            pane = app.pane
            await shows(pane, lambda: "Engine room" in lines(pane, "#texts"), "notes")
            await pilot.press("slash", *"hums", "enter")
            await shows(pane, lambda: pane.wanted == "hums" and len(pane.texts.rows) == 1, "found")
            await pilot.press("escape", "right", "right")
            await shows(pane, lambda: pane.listed == "sent" and "The journal" in lines(pane, "#texts"), "published")
            await pilot.press("enter")
            await shows(pane, lambda: pane.draft is not None, "open")
            assert pane.editor.text == "# The journal\n\nÜmläute ⚓ und 日本語.\nAnd goes."
            await pilot.press("ctrl+o")
            await shows(pane, lambda: isinstance(app.screen, Publish), "publish")
            page = app.screen
            assert isinstance(page, Publish)
            await shows(pane, lambda: page._known and page.list.problems["site"] == 0, "looked at")
            assert not page.list.last["site"].differs

"""An app that holds nothing but the Content screen, over the real service with a database and a journal of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from app.content.service import ContentService
from app.db.engine import Database
from app.db.spool import Spool
from app.events import Bus
from app.settings import load
from app.storage import register
from screens.content import ContentPane
from tests.waiting import until
from widgets.theme import THEMES, complete

TEMPLATE = """---
title: Report
help: What happened.
fields:
  - name: title
    required: true
  - name: story
    kind: long
targets: [site]
---
# {{ title }}

{{ story }}
"""


class Host(App[None]):
    """Mounts the pane and attaches it to a service (or to none, for the time before the engine is up)."""

    CSS = "Screen { background: $background; color: $foreground; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, runtime: Any) -> None:
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = "quarterdeck"
        self.runtime = runtime
        self.pane = ContentPane()
        self.copied = ""

    def get_css_variables(self) -> dict[str, str]:
        return complete(self.current_theme, super().get_css_variables())

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        if self.runtime is not None:
            self.pane.attach(self.runtime)
        self.pane.on_activated()
        self.pane.focus_default()

    def copy_to_clipboard(self, text: str) -> None:
        self.copied = text
        super().copy_to_clipboard(text)


@asynccontextmanager
async def engine(folder: Path, config: str = "", *, draining: bool = True, url: str = "") -> AsyncIterator[Any]:
    """A runtime whose Content area is real; without draining nothing leaves the journal."""
    templates = folder / "templates"
    templates.mkdir(parents=True, exist_ok=True)
    (templates / "report.md").write_text(TEMPLATE)
    path = folder / "config.toml"
    path.write_text(f'[content]\nauthor = "Mara"\ntemplates = "{templates}"\n{config}')
    loaded = load(path)
    bus, db, spool = Bus(), Database(url or f"sqlite:///{folder / 'content.db'}"), Spool(folder / "spool.db")
    register(spool)
    if draining:
        spool.start(db, bus)
    content = ContentService(loaded, db=db, spool=spool, bus=bus)
    await content.start()
    try:
        yield SimpleNamespace(bus=bus, settings=loaded.settings, content=content, db=db)
    finally:
        await content.close()
        await spool.close()
        db.close()


@asynccontextmanager
async def opened(
    folder: Path, config: str = "", size: tuple[int, int] = (160, 48)
) -> AsyncIterator[tuple[Pilot[None], ContentPane, Any]]:
    """The screen with its list read."""
    async with engine(folder, config) as runtime:
        app = Host(runtime)
        async with app.run_test(size=size) as pilot:
            await shows(app.pane, lambda: app.pane._desk is not None and not app.pane._reading)
            yield pilot, app.pane, runtime


async def shows(pane: ContentPane, look: Callable[[], object], what: str = "") -> None:
    """Wait until the screen has come so far; its line below tells where it stands if it never does."""
    try:
        await until(look, within=30.0)
    except AssertionError:
        raise AssertionError(f"{what}: {pane.status.content!s}") from None


async def reported(pilot: Pilot[None], pane: ContentPane, title: str = "The journal", story: str = "It waits.") -> None:
    """Make a draft of the template by its keys."""
    from screens.chooser import Chooser

    pane.new_draft()
    await shows(pane, lambda: isinstance(pilot.app.screen, Chooser), "templates")
    await pilot.press(*"report")
    await pilot.press("enter")
    await shows(pane, lambda: pane.form is not None and pane.form.is_mounted and pane.form._entries, "form")
    await pilot.pause()
    await pilot.press(*title)
    await pilot.press("tab")
    await pilot.pause()
    await pilot.press(*story)
    await pilot.press("ctrl+s")
    await shows(pane, lambda: pane.draft is not None and pane.form is None, "draft")
    await pilot.pause()


def lines(pane: ContentPane, name: str) -> str:
    """What a panel shows, line by line."""
    widget = pane.query_one(name)
    return "\n".join(strip.text.rstrip() for strip in widget.render_lines(widget.outer_size.region))

"""Pictures of the Content screen in each state, over the real service, at a large and a small size, dark and light."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.content.outgoing import Delivered
from screens.chooser import Chooser
from screens.confirm import Confirm
from screens.content import ContentPane
from screens.content_pages import _Ways
from screens.content_publish import Publish
from screens.content_versions import Versions
from tests.screens.content_host import Host, engine, lines, reported, shows

SIZES = {"160x48": (160, 48), "80x24": (80, 24)}
LATER_S = 3 * 3600 + 60
"""All ages are told as of three hours later, so that they are the same whenever the picture is made."""
STORY = "We utilize the queue -- it is **very** unique!!\nSee `journal.py` and [the plan](https://example.org)."
TARGETS = """
[[content.targets]]
name = "site"
kind = "files"
folder = "site"
address = "https://example.org"

[[content.targets]]
name = "letters"
kind = "email"
host = "mail.example.org"
sender = "mara@example.org"
to = ["crew@example.org"]
"""
DAY = re.compile(r"\d{4}-\d\d-\d\d")
NOBODY = "mysql+pymysql://root@127.0.0.1:9/nothing"
Act = Callable[[Any, ContentPane], Awaitable[None]]


class Drawn(Host):
    """The screen with an engine that lives as long as the app."""

    def __init__(self, folder: Path, theme: str, url: str = "", *, up: bool = True) -> None:
        super().__init__(None)
        self.theme = theme
        self._folder, self._url, self._up = folder, url, up
        self._stack = AsyncExitStack()

    async def on_mount(self) -> None:  # type: ignore[override]  # the engine takes time to open
        self.pane.texts.clock = lambda: time.time() + LATER_S
        if self._up:
            self.runtime = await self._stack.enter_async_context(engine(self._folder, TARGETS, url=self._url))
            self.pane.attach(self.runtime)
        self.pane.on_activated()
        self.pane.focus_default()

    async def on_unmount(self) -> None:
        await self._stack.aclose()


async def listed(pilot: Any, pane: ContentPane) -> None:
    await shows(pane, lambda: pane._desk is not None and not pane._reading, "list")


async def previewed(pane: ContentPane, true: Callable[[], bool]) -> None:
    """Wait until the preview shows something; where it is folded away, nothing is made for it."""
    await shows(pane, lambda: not pane.preview.size.width or true(), "preview")


async def settled(pilot: Any, pane: ContentPane) -> None:
    """Wait until preview and findings have followed."""
    text = pane.editor.text
    await previewed(pane, lambda: pane.preview._made_for is not None and pane.preview._made_for[0] == text)
    await shows(pane, lambda: pane._lint_soon is None and not pane._linting and not pane._reading, "findings")
    await pilot.pause()


async def written(pilot: Any, pane: ContentPane) -> None:
    await listed(pilot, pane)
    await reported(pilot, pane, title="The journal waits", story="x")
    pane.put_text(f"# The journal waits\n\n{STORY}\n\n## Next\n\n- quotes\n- bars\n\n```python\nprint('hello')\n```\n")
    await pilot.press("ctrl+s")
    await shows(pane, lambda: not pane.changed, "kept")
    await settled(pilot, pane)
    pane.say("")


async def several(pilot: Any, pane: ContentPane) -> None:
    desk = await pane.desk()
    await desk.add_note("Engine room", "It hums.", ("engine", "below"))
    await desk.add_note("A note whose title is much longer than the list is wide at any size", "x")
    for title in ("Release 1.2", "Morning", "日本語の題名 ⚓", "What [b]was[/b] learned \x1b[31m"):
        begun = await desk.begin("report")
        await desk.make(begun, {"title": title, "story": "It waits."})
        # The list is ordered by time.
        await pilot.pause(0.01)
    pane.list_again()
    await shows(pane, lambda: len(pane.texts.rows) >= 6 and not pane._reading, "texts")
    # The cursor stays with its row while others come.
    await pilot.press("g", "j", "j", "space")
    await pilot.pause()


async def opened_text(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    await pilot.press("ctrl+home")
    await pilot.pause()


async def changed(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    await pilot.press("ctrl+end", *"More of it.")
    await settled(pilot, pane)


async def discord(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    await pilot.press("alt+right", "right")
    await shows(pane, lambda: "message" in lines(pane, "MarkdownPreview"), "messages")
    await pilot.pause()


async def findings(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    await pilot.press("alt+right", "tab", "j")
    await pilot.pause()


async def zoomed(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    await pilot.press("alt+z")
    await pilot.pause()


async def found(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    await pilot.press("ctrl+f", *"jour")
    await pilot.pause()


async def endless(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    pane.put_text("a" * 60 + "!")
    await pilot.press("ctrl+f", "alt+r")
    pilot.app.screen.focused.value = "(a+)+$"
    await settled(pilot, pane)


async def choosing(pilot: Any, pane: ContentPane) -> None:
    await listed(pilot, pane)
    pane.new_draft()
    await shows(pane, lambda: isinstance(pilot.app.screen, Chooser), "templates")
    await pilot.press(*"re")
    await pilot.pause()


async def form(pilot: Any, pane: ContentPane) -> None:
    await listed(pilot, pane)
    pane.new_draft("report")
    await shows(pane, lambda: pane.form is not None and pane.form.is_mounted and bool(pane.form._entries), "form")
    await pilot.pause()
    await pilot.press(*"The sails", "tab")
    await pilot.pause()
    await pilot.press(*"They are **up**.")
    await previewed(pane, lambda: "They are up." in lines(pane, "MarkdownPreview"))
    await pilot.pause()


async def wrong(pilot: Any, pane: ContentPane) -> None:
    await listed(pilot, pane)
    pane.new_draft("report")
    await shows(pane, lambda: pane.form is not None and pane.form.is_mounted and bool(pane.form._entries), "form")
    await pilot.pause()
    await previewed(pane, lambda: "[Title]" in lines(pane, "MarkdownPreview"))
    await pilot.press("ctrl+s")
    await pilot.pause()


async def publishing(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    await looked_at(pilot, pane)


async def looked_at(pilot: Any, pane: ContentPane) -> None:
    await pilot.press("ctrl+o")
    await shows(pane, lambda: isinstance(pilot.app.screen, Publish), "dialog")
    page = pilot.app.screen
    await shows(pane, lambda: None not in page.list.problems.values() and page._known, "looked at")
    await pilot.pause()


async def published(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    # The style guide would keep the other text from being sent.
    pane.put_text("# The journal waits\n\nIt is here.\n")
    await looked_at(pilot, pane)
    await pilot.press("enter")
    await shows(pane, lambda: "site sent" in str(pane.status.content), "sent")
    await pilot.press("ctrl+end", *"And goes.", "ctrl+o")
    await shows(pane, lambda: isinstance(pilot.app.screen, Publish), "dialog")
    page = pilot.app.screen
    await shows(pane, lambda: None not in page.list.problems.values() and "site" in page.list.last, "looked at")
    await pilot.pause()


async def again(pilot: Any, pane: ContentPane) -> None:
    await published(pilot, pane)
    await pilot.press("enter")
    await shows(pane, lambda: isinstance(pilot.app.screen, Confirm), "asked")


async def versions(pilot: Any, pane: ContentPane) -> None:
    await changed(pilot, pane)
    await pilot.press("ctrl+t")
    await shows(pane, lambda: isinstance(pilot.app.screen, Versions), "versions")
    await pilot.press("down")
    await pilot.pause()


async def nothing_fits(pilot: Any, pane: ContentPane) -> None:
    await listed(pilot, pane)
    await pilot.press("slash", *"storm", "enter")
    await shows(pane, lambda: "storm" in lines(pane, "#texts"), "said")
    await pilot.pause()


async def trash(pilot: Any, pane: ContentPane) -> None:
    await listed(pilot, pane)
    await pilot.press("left")
    await shows(pane, lambda: pane.listed == "trash" and "trash is empty" in lines(pane, "#texts"), "trash")
    await pilot.pause()


async def no_endpoint(pilot: Any, pane: ContentPane) -> None:
    await written(pilot, pane)
    await pilot.press("ctrl+g")
    await shows(pane, lambda: "✗" in str(pane.status.content), "how")
    await pilot.pause()


async def reading(pilot: Any, pane: ContentPane) -> None:
    await several(pilot, pane)
    pane.texts.set_pale(True)
    await pilot.pause()


async def away(pilot: Any, pane: ContentPane) -> None:
    await shows(pane, lambda: "looks again" in lines(pane, "#texts"), "why")
    await shows(pane, lambda: pane.snapshot is not None and not pane.snapshot.up, "told")
    pane.say("")
    await pilot.pause()


async def nothing(pilot: Any, pane: ContentPane) -> None:
    await pilot.pause()


STATES: dict[str, Act] = {
    each.__name__: each
    for each in (
        listed, several, reading, opened_text, changed, discord, findings, zoomed, found, endless, choosing, form,
        wrong, publishing, published, again, versions, nothing_fits, trash, no_endpoint,
    )
}  # fmt: skip


@pytest.fixture(autouse=True)
def same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ages are those of three hours later; the lexer is there before the picture."""
    from widgets import source

    source.warm()
    for module in ("screens.content_publish", "screens.content_versions"):
        monkeypatch.setattr(f"{module}.wall_clock", lambda: time.time() + LATER_S)
    read = _Ways.read

    async def without_days(ways: _Ways) -> list[Delivered]:
        return [
            replace(each, publication=replace(each.publication, url=DAY.sub("2026-11-21", each.publication.url)))
            for each in await read(ways)
        ]

    monkeypatch.setattr(_Ways, "read", without_days)


def before(act: Act) -> Callable[[Any], Awaitable[None]]:
    async def run(pilot: Any) -> None:
        await act(pilot, pilot.app.pane)

    return run


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STATES)
def test_picture(name: str, size: str, tmp_path: Path, snap_compare: Any) -> None:
    app = Drawn(tmp_path, "quarterdeck")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before(STATES[name]))


@pytest.mark.parametrize("name", ["several", "opened_text", "form", "published"])
def test_picture_in_light_colours(name: str, tmp_path: Path, snap_compare: Any) -> None:
    app = Drawn(tmp_path, "quarterdeck-light")
    assert snap_compare(app, terminal_size=SIZES["160x48"], run_before=before(STATES[name]))


@pytest.mark.parametrize("size", SIZES)
def test_picture_without_a_database(size: str, tmp_path: Path, snap_compare: Any) -> None:
    app = Drawn(tmp_path, "quarterdeck", NOBODY)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before(away))


@pytest.mark.parametrize("size", SIZES)
def test_picture_before_the_engine_is_up(size: str, tmp_path: Path, snap_compare: Any) -> None:
    app = Drawn(tmp_path, "quarterdeck", up=False)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=before(nothing))

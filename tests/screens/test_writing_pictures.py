"""Pictures of the editor, its previews, the findings and the form, at a large and a small size, dark and light."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from app.content.render.discord import length, to_discord
from app.content.render.split import split
from app.content.style.model import Options
from app.content.style.service import StyleService
from tests.widgets.test_field_form import FIELDS, Host, problem
from tests.widgets.writing import TEXT, WritingApp
from widgets.field_form import FieldForm
from widgets.markdown_editor import MarkdownEditor
from widgets.markdown_find import EditorBox
from widgets.markdown_preview import MarkdownPreview, discord_blocks, markdown_blocks, text_blocks
from widgets.style_findings import StyleFindings

SIZES = {"160x48": (160, 48), "80x24": (80, 24)}
DRAFT = (
    TEXT
    + """
## What comes next

| area | done | left |
|---|---:|---|
| tests | 12 | *nothing* |
| market | 3 | quotes — and bars |

1. We utilize the queue — it is very unique!
2. Then `{% for row in rows %}` is left... open

{# a note to ourselves #}
<!-- and one for nobody -->
"""
)
ODD = "\x1b[31mred\x1b[0m \x07bell\ttab \u202eback\n\n" + "x" * 400 + "\n" + "- a\x00b\n" * 3


async def names(typed: str) -> Sequence[str]:
    return [name for name in ("alpha centauri", "alphabet of ships", "beta") if name.startswith(typed)]


class Desk(Widget):
    """The editor, and beside it the preview over the findings; below 100 columns the editor alone."""

    DEFAULT_CSS = """
    Desk EditorBox, Desk #right { width: 1fr; height: 1fr; }
    Desk MarkdownPreview { height: 2fr; }
    Desk StyleFindings { height: 1fr; }
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.editor = MarkdownEditor(text, complete=names)
        self.editor.border_title = "Morning update"
        self.editor.hint = ("write, or ctrl+n for a template",)
        self.preview = MarkdownPreview(
            {
                "markdown": markdown_blocks,
                "discord": discord_blocks(lambda text: split(to_discord(text), 400), length, 400),
                "text": text_blocks,
            }
        )
        self.findings = StyleFindings()

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield EditorBox(self.editor)
            if self.app.size.width >= 100:
                with Vertical(id="right"):
                    yield self.preview
                    yield self.findings

    def show(self) -> None:
        """Bring all panels up to the text."""
        found = StyleService(Options()).check(self.editor.text).findings
        self.editor.show_findings([(one.start, one.end, one.severity) for one in found])
        if self.preview.is_mounted:
            self.preview.show_text(self.editor.text)
            self.findings.show_findings(found)


STATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "written": (DRAFT, ("pagedown", "home")),
    "completion": (DRAFT, ("down", "down", "down", "down", "down", "end", "[", "[", "a")),
    "selected": (DRAFT, ("down", "down", "shift+down", "shift+down", "shift+down", "shift+end")),
    "finding": (DRAFT, ("f8",)),
    "found": (DRAFT, ("ctrl+f", *"is", "down")),
    "replaced": (DRAFT, ("ctrl+f", *"wor", "tab", *"WOR", "alt+a")),
    "wrong": (DRAFT, ("ctrl+f", "alt+r", "(")),
    "odd": (ODD, ()),
    "empty": ("", ()),
    "discord": (DRAFT, ("discord",)),
    "text": (DRAFT, ("text",)),
}


def press(desk: Desk, keys: tuple[str, ...]) -> Callable[[Any], Any]:
    async def rest(pilot: Any) -> None:
        for _ in range(400):
            await pilot.pause(0.01)
            busy = [worker for worker in pilot.app.workers if not worker.is_finished]
            if not busy and desk.preview._soon is None:
                break
        await pilot.pause(0.3)

    async def before(pilot: Any) -> None:
        for key in keys:
            if key in desk.preview.views:
                if desk.preview.is_mounted:
                    desk.preview.show_view(key)
            else:
                await pilot.press(key)
                await pilot.app.workers.wait_for_complete()
        desk.show()
        await rest(pilot)

    return before


@pytest.mark.parametrize("theme", ["quarterdeck", "quarterdeck-light"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STATES)
def test_editor(name: str, size: str, theme: str, snap_compare: Any) -> None:
    text, keys = STATES[name]
    desk = Desk(text)
    app = WritingApp(desk, theme, focus=desk.editor)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=press(desk, keys))


FORMS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "new": ({}, ()),
    "filled": (
        {"name": "Ada", "runs": 12, "day": "2026-11-21", "mood": "busy", "parts": ["git"], "public": True},
        ("tab", "tab", "tab"),
    ),
    "wrong": ({"runs": "many", "day": "soon"}, ("ctrl+s",)),
    "long": ({"name": "Ada", "story": "One **day**\n\n- a\n- b"}, ("shift+tab",)),
}


@pytest.mark.parametrize("theme", ["quarterdeck", "quarterdeck-light"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FORMS)
def test_form(name: str, size: str, theme: str, snap_compare: Any) -> None:
    values, keys = FORMS[name]
    form = FieldForm(FIELDS, values, problem)
    form.border_title = "Morning update"

    async def before(pilot: Any) -> None:
        await pilot.press(*keys)

    assert snap_compare(Host(form, theme), terminal_size=SIZES[size], run_before=before)

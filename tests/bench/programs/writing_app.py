"""The editor as it is used: a draft with its colours, the findings of the style guide and the preview, all alive."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import TextArea

from app.content.render.discord import length, to_discord
from app.content.render.split import split
from app.content.style.model import Options
from app.content.style.service import StyleService
from widgets.markdown_editor import MarkdownEditor
from widgets.markdown_find import EditorBox
from widgets.markdown_preview import MarkdownPreview, discord_blocks, markdown_blocks, quick_turns
from widgets.theme import THEMES, complete

LINT_AFTER_S = 0.3
LINTED = 1_000_000
"""Characters of a text that is checked while it is written."""


class Writing(App[None]):
    """The editor at the left, the preview at the right."""

    CSS = """
    Screen { background: $background; color: $foreground; }
    EditorBox, MarkdownPreview { width: 1fr; height: 1fr; }
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        for known in THEMES:
            self.register_theme(known)
        self.theme = "quarterdeck"
        self.editor = MarkdownEditor(text)
        self.preview = MarkdownPreview(
            {"markdown": markdown_blocks, "discord": discord_blocks(lambda text: split(to_discord(text)), length)}
        )
        self.style = StyleService(Options())
        self._soon: Timer | None = None

    def get_css_variables(self) -> dict[str, str]:
        return complete(self.current_theme, super().get_css_variables())

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield EditorBox(self.editor)
            yield self.preview

    def on_mount(self) -> None:
        self.editor.focus()
        self.editor.move_cursor((self.editor.lines.line_count // 2, 0))
        self.on_text_area_changed()

    def on_text_area_changed(self) -> None:
        """A key was typed."""
        self.preview.show_text(self.editor.text)
        if self._soon is not None:
            self._soon.stop()
        if sum(map(len, self.editor.lines.lines)) > LINTED:
            return
        self._soon = self.set_timer(LINT_AFTER_S, self._lint)

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        """The cursor moved: the preview follows."""
        row, _ = event.selection.end
        y = self.editor.wrapping.location_to_offset(event.selection.end).y - int(self.editor.scroll_offset.y)
        self.preview.follow(row, y)

    def _lint(self) -> None:
        self.run_worker(self._check(), exclusive=True, group="lint")

    async def _check(self) -> None:
        text = self.editor.text
        with quick_turns():
            report = await asyncio.to_thread(self.style.check, text)
        if text == self.editor.text:
            self.editor.show_findings([(one.start, one.end, one.severity) for one in report.findings])


if __name__ == "__main__":
    Writing(Path(sys.argv[1]).read_text("utf-8")).run()

"""Small questions of the Feedback screen: tags, a note, and the corrected output."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Input, Static, TextArea

from screens.dialog import Dialog
from screens.feedback_text import key, keys
from screens.type_ahead import Behind, again, arrived, bound
from widgets.lines_view import LinesView, TextLine
from widgets.safe_text import clean_line, in_place
from widgets.word_diff import counted, diff_lines

if TYPE_CHECKING:
    from textual.timer import Timer

DIFF_AFTER_S = 0.15
"""How long after the last key the difference follows."""


class LastWord(Suggester):
    """Completes the last of several words."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.words = tuple(words)

    async def get_suggestion(self, value: str) -> str | None:
        """The whole text with its last word completed."""
        before, sign, last = value.rpartition(",")
        start = last.lstrip()
        if not start:
            return None
        space = last[: len(last) - len(start)]
        given = {word.strip() for word in before.split(",")}
        match = next((word for word in self.words if word.startswith(start) and word not in given), None)
        return f"{before}{sign}{space}{match}" if match is not None else None


class Line(Input):
    """A field of one line. Lines that are pasted become one."""

    def __init__(self, value: str, hint: str) -> None:
        super().__init__(value, placeholder=hint, compact=True, select_on_focus=False)
        self.cursor_blink = False
        self.behind = Behind()

    def on_mount(self) -> None:
        """Show the end, where the cursor is; a field scrolls by itself only once it is typed into."""
        self.call_after_refresh(lambda: self.scroll_to(x=self.max_scroll_x, animate=False, force=True))

    async def _on_key(self, event: events.Key) -> None:
        if self.behind.take(event):
            return
        if event.key == "enter":
            # Before the keys behind it, which would be written still.
            self.behind.close(event)
            await self.action_submit()

    def _on_paste(self, event: events.Paste) -> None:
        event.text = " ".join(line.strip() for line in event.text.splitlines() if line.strip())


class Question(Dialog[str | None]):
    """One line to fill in. Dismissed with it, or None."""

    DEFAULT_CSS = """
    Question .dialog { width: 76; }
    Question Input { background: $panel; border: none; padding: 0 1; height: 1; }
    Question #wrong { margin-top: 1; width: 1fr; height: auto; max-height: 6; }
    Question #about { color: $text-muted; margin-top: 1; width: 1fr; height: auto; max-height: 6; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", tooltip="Leave everything as it is", id="feedback.question_cancel"),
        Binding(
            "tab",
            "complete",
            "Complete",
            show=False,
            priority=True,
            tooltip="Take the completion",
            id="feedback.complete",
        ),
    ]

    def __init__(
        self,
        title: str,
        value: str,
        *,
        hint: str,
        about: str = "",
        keep: str = "keeps it for the verdict",
        wrong: str = "",
        left: str | None = None,
    ) -> None:
        """`wrong` says why `value` could not be kept; `left` is what there is once it is left, where that is not
        `value`."""
        super().__init__()
        self._wrong, self._left = wrong, value if left is None else left
        self._title, self._value, self._hint, self._about, self._keep = title, value, hint, about, keep
        self._words: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = keys(("enter", self._keep), ("esc", "leaves"))
            yield Line(self._value, self._hint)
            if self._wrong:
                yield Static(Content.assemble(("⚠ ", "$warning"), clean_line(self._wrong, 600)), id="wrong")
            if self._about:
                yield Static(Content(clean_line(self._about, 600)), id="about")

    def on_mount(self) -> None:
        self.set_focus(self.query_one(Line), scroll_visible=False)
        self.offer(self._words)
        self.opened.set()

    def offer(self, words: Sequence[str]) -> None:
        """Complete with these words from now on."""
        self._words = tuple(words)
        # Before it is mounted there is no field yet; mounting comes back here.
        for entry in self.query(Input):
            entry.suggester = LastWord(words)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the line."""
        event.stop()
        self.app.call_later(self._close, event.value.strip())

    async def _close(self, value: str) -> None:
        line = self.query_one(Line)
        await arrived(line, line)
        self.dismiss(value)
        await again(self.app, line.behind.keys or ())

    def action_complete(self) -> None:
        """Take the completion."""
        self.query_one(Input).action_cursor_right()

    def unsaved(self) -> str:
        """The line, where it is another one."""
        changed = self.query_one(Input).value.strip() != self._left.strip()
        return f"what was typed under {self._title}" if changed else ""

    def action_cancel(self) -> None:
        """Close with nothing."""
        self.dismiss(None)


def split_tags(text: str) -> tuple[str, ...]:
    """Tags of a line, in which commas stand between them."""
    return tuple(dict.fromkeys(" ".join(tag.split()) for tag in text.split(",") if tag.strip()))


class ForeignArea(TextArea):
    """Edits a text that may hold anything: what it holds is kept, and none of it reaches the terminal."""

    keeps = ""
    """Id of the binding that closes the dialog around it and keeps the text."""
    keep: Callable[[], None]

    def __init__(self, text: str, **options: Any) -> None:
        super().__init__(text, **options)
        self.cursor_blink = False
        self.behind = Behind()

    async def _on_key(self, event: events.Key) -> None:
        if not self.behind.take(event) and self.keeps in bound(self.screen, event.key):
            # Before the keys behind it, which would be written still.
            self.behind.close(event)
            self.keep()

    def get_line(self, line_index: int) -> Text:
        """A line as it is shown."""
        return Text(in_place(self.document.get_line(line_index)), end="", no_wrap=True)


class Correction(Dialog[str | None]):
    """The output in an editor, and what is different below it. Dismissed with the text, or None."""

    DEFAULT_CSS = """
    Correction .dialog { width: 96%; max-width: 150; height: 90%; padding: 0 1; }
    Correction TextArea, Correction TextArea:focus { height: 3fr; border: none; background: $panel; padding: 0 1; }
    Correction #about { height: auto; max-height: 4; width: 1fr; margin-bottom: 1; }
    Correction #diff { height: 2fr; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "Keep", tooltip="Keep it for the verdict", id="feedback.correction_keep"),
        Binding("ctrl+e", "editor", "Editor", tooltip="In your own editor", priority=True, id="feedback.editor"),
        Binding(
            "escape",
            "cancel",
            "Cancel",
            # The text area would take it to leave itself.
            priority=True,
            tooltip="Leave the output as it was",
            id="feedback.correction_cancel",
        ),
    ]

    def __init__(
        self,
        output: str,
        text: str,
        *,
        title: str = "Correct the output",
        about: str = "",
        keep: str = "keeps it",
        at: str = "",
        left: str | None = None,
    ) -> None:
        """`output` as it is, `text` as it was corrected so far; `about` says what is wrong with it, `at` where.

        `left` is what there is once the editor is left with `esc`, where that is not `text`.
        """
        super().__init__()
        self._left = text if left is None else left
        self._at, self._loaded = at, text
        self._output, self._text = output, text
        self._title, self._about, self._keep = title, about, keep
        self._soon: Timer | None = None
        self.diff = LinesView()
        self.diff.id = "diff"
        self.diff.can_focus = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = keys(("ctrl+s", self._keep), ("ctrl+e", "own editor"), ("esc", "leaves"))
            if self._about:
                yield Static(Content.assemble(("⚠ ", "$warning"), self._about), id="about")
            area = ForeignArea(self._text, soft_wrap=True, show_line_numbers=False, tab_behavior="indent")
            area.keeps, area.keep = "feedback.correction_keep", self.action_keep
            yield area
            yield self.diff

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        # Rare line ends become usual ones in the editor: only what was edited is another text.
        self._loaded = area.text
        if self._at and self._at in area.text:
            before = area.text[: area.text.index(self._at)]
            area.move_cursor((before.count("\n"), len(before) - before.rfind("\n") - 1), center=True)
        self.set_focus(area, scroll_visible=False)
        self._show()
        self.opened.set()

    def on_text_area_changed(self) -> None:
        """Let the difference follow once the keys rest."""
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(DIFF_AFTER_S, self._show)

    def _show(self) -> None:
        self._soon = None
        text = self._edited
        if text == self._output:
            self.diff.set_placeholder(((("no difference", "$text-muted"),),))
            self.diff.show(None)
        else:
            self.diff.show(lambda width: self._difference(text, width), keep=True)

    def _difference(self, text: str, width: int) -> Iterator[TextLine]:
        added, taken = counted(self._output, text)
        yield TextLine(((f"difference  +{added:,} −{taken:,} words", "$text-muted"),))
        yield from diff_lines(self._output, text, width)

    def action_keep(self) -> None:
        """Close with the text."""
        self.app.call_later(self._close)

    async def _close(self) -> None:
        area = self.query_one(ForeignArea)
        await arrived(area, area)
        self.dismiss(self._edited)
        await again(self.app, area.behind.keys or ())

    @property
    def _edited(self) -> str:
        text = self.query_one(TextArea).text
        return self._text if text == self._loaded else text

    def unsaved(self) -> str:
        """What was typed and not kept."""
        return "what was typed in the editor" if self._edited != self._left else ""

    def action_cancel(self) -> None:
        """Close with nothing, after asking where that loses what was typed."""
        if not self.unsaved():
            self.dismiss(None)
            return
        from screens.confirm import Confirm

        about = f"What was typed would be lost; {key('ctrl+s')} {self._keep}."

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.app.push_screen(Confirm("Leave the editor?", about, yes="leave it", no="go on typing"), answered)

    def action_editor(self) -> None:
        """Go on in the user's own editor."""
        self.run_worker(self._in_editor(), exclusive=True, group="editor", exit_on_error=False)

    async def _in_editor(self) -> None:
        from screens.editor import arguments, editor_command, run_in_terminal, windowed

        area = self.query_one(TextArea)
        command = editor_command()
        if windowed(command):
            self.app.notify("An editor with a window of its own cannot be waited for", severity="warning")
            return
        with tempfile.TemporaryDirectory(prefix="quarterdeck-") as folder:
            path = Path(folder) / "output.md"
            try:
                # What was no text when it came is the same bytes there.
                path.write_text(area.text, encoding="utf-8", errors="surrogateescape")
                code = await run_in_terminal(self.app, arguments(command, path))
                text = path.read_text(encoding="utf-8", errors="surrogateescape")
            except (OSError, UnicodeError) as error:
                why = getattr(error, "strerror", None) or str(error)
                self.app.notify(f"{command[0]}: {why}", severity="error", markup=False)
                return
        if code == 0:
            area.text = text if area.text.endswith("\n") else text.removesuffix("\n")

"""What somebody else would change in a text, place by place, each taken or refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from screens.dialog import Dialog
from widgets.figures import count
from widgets.lines_view import LinesView, TextLine
from widgets.safe_text import clean, clean_line
from widgets.word_diff import ADDED, TAKEN, flowed

if TYPE_CHECKING:
    from app.content.ai.hunks import Hunk

AROUND = 60
"""Characters of the text around a change that are shown with it."""


class Changes(Dialog[frozenset[int] | None]):
    """Dismissed with the numbers of the changes that are taken, or None."""

    DEFAULT_CSS = """
    Changes .dialog { width: 96%; max-width: 130; height: 90%; padding: 0 1; }
    Changes LinesView { height: 1fr; background: $surface; }
    Changes #about { color: $text-muted; width: 1fr; height: auto; max-height: 4; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take", tooltip="Write what is ticked into the text", id="changes.take"),
        Binding("space", "tick", "Tick", tooltip="Take this change, or refuse it", id="changes.tick"),
        Binding("a", "all", "All", tooltip="Take all, or none", id="changes.all"),
        Binding("u,escape", "leave", "Take back", tooltip="Leave the text as it was", id="changes.leave"),
    ]

    def __init__(self, title: str, text: str, changes: Sequence[Hunk], about: str = "") -> None:
        """`text` is the text before; `about` says what is known of the changes."""
        super().__init__()
        self._title, self._text, self._changes, self._about = title, text, tuple(changes), about
        self._taken = set(range(len(self._changes)))
        self.view = LinesView()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            if self._about:
                yield Static(Content(clean(self._about, 600)), id="about")
            yield self.view

    def on_mount(self) -> None:
        self.view.focus()
        self._show(keep=False)

    def _show(self, *, keep: bool = True) -> None:
        self.view.show(self._lines, keep=keep)
        keys = Content.assemble(
            (f"{len(self._taken)} of {count(len(self._changes), 'change')} · ", "$text-muted"),
            *(
                part
                for key, about in (("enter", "takes"), ("space", "ticks"), ("u", "takes all back"))
                for part in ((key, "$accent"), (f" {about}  ", "$text-muted"))
            ),
        )
        self.query_one(".dialog", Vertical).border_subtitle = keys

    def _lines(self, width: int) -> Iterator[TextLine]:
        for number, hunk in enumerate(self._changes):
            taken = number in self._taken
            line = self._text.count("\n", 0, hunk.start) + 1
            sign = ("[✓] ", "$success") if taken else ("[ ] ", "$text-muted")
            yield TextLine((sign, (f"line {line}", "$text-muted")), str(number))
            before = self._text[max(hunk.start - AROUND, 0) : hunk.start].rpartition("\n")[2]
            after = self._text[hunk.end : hunk.end + AROUND].partition("\n")[0]
            parts = [
                (clean_line(before, AROUND * 2), "$text-muted"),
                (clean(hunk.before), TAKEN),
                (clean(hunk.after), ADDED),
                (clean_line(after, AROUND * 2), "$text-muted"),
            ]
            yield from flowed(parts, width, "    ")
            yield TextLine()

    def action_tick(self) -> None:
        """Take the change under the cursor, or refuse it."""
        if self.view.key:
            self._taken ^= {int(self.view.key)}
            self._show()

    def action_all(self) -> None:
        """Take all, or none."""
        every = set(range(len(self._changes)))
        self._taken = set() if self._taken == every else every
        self._show()

    def action_take(self) -> None:
        """Close with those that are taken."""
        self.dismiss(frozenset(self._taken))

    def action_leave(self) -> None:
        """Leave the text as it was."""
        self.dismiss(None)

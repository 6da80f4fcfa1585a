"""One of several things to choose: a field that filters them, the things below it, and what the chosen one is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from screens.dialog import Dialog
from widgets.row_list import Part, RowList
from widgets.safe_text import clean, clean_line, fit, shorten, width_of

NAME_WIDTH = 30


class Choice(NamedTuple):
    """Something to choose. `about` says what it is; `wrong`, why it cannot be chosen."""

    key: str
    title: str
    about: str = ""
    side: str = ""
    wrong: str = ""


class ChoiceList(RowList):
    """The choices, one line each."""

    can_focus = False
    LIT = True

    def __init__(self) -> None:
        super().__init__()
        self.choices: dict[str, Choice] = {}

    def show(self, choices: Sequence[Choice]) -> None:
        """Show these, the cursor on the first."""
        self.choices = {choice.key: choice for choice in choices}
        self.set_rows(list(self.choices), keep=False)

    @property
    def choice(self) -> Choice | None:
        """The choice under the cursor."""
        return self.choices.get(self.cursor_row or "")

    def signature(self, row: str) -> Hashable:
        """A choice does not change."""
        return self.choices[row]

    def draw(self, row: str, width: int) -> Iterable[Part]:
        """`Devlog            What was built, and why.        shipped`."""
        choice = self.choices[row]
        side = shorten(clean_line(choice.side, 40), 14)
        side = f" {side}" if side else ""
        first = min(NAME_WIDTH, max(width // 3, 12))
        room = max(width - first - width_of(side) - 4, 4)
        return (
            ("✗ " if choice.wrong else "  ", "$error"),
            (fit(clean_line(choice.title, 100), first), "$text-muted" if choice.wrong else "bold"),
            (f" {fit(clean_line(' '.join((choice.wrong or choice.about).split()), 400), room)}", "$text-muted"),
            (f"{side} ", "$text-muted"),
        )


class Chooser(Dialog[str | None]):
    """Dismissed with the key of what was chosen, or None."""

    DEFAULT_CSS = """
    Chooser .dialog { width: 96%; max-width: 110; height: auto; padding: 0 1; }
    Chooser Input, Chooser Input:focus { height: 1; border: none; background: $panel; padding: 0 1; margin-bottom: 1; }
    Chooser ChoiceList { height: auto; max-height: 16; background: $surface; }
    Chooser #about { color: $text-muted; width: 1fr; height: auto; max-height: 5; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", tooltip="Leave without a choice", id="chooser.cancel"),
        Binding("down,ctrl+j", "move(1)", "Down", show=False, priority=True, tooltip="Next", id="chooser.down"),
        Binding("up,ctrl+k", "move(-1)", "Up", show=False, priority=True, tooltip="Previous", id="chooser.up"),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], *, done: str = "chooses", hint: str = "") -> None:
        """`done` says what `enter` does."""
        super().__init__()
        self._title, self._choices, self._done, self._hint = title, tuple(choices), done, hint
        self.list = ChoiceList()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content.assemble(
                ("enter", "$accent"),
                (f" {self._done} · ", "$text-muted"),
                ("esc", "$accent"),
                (" leaves", "$text-muted"),
            )
            entry = Input(placeholder=self._hint or "type to filter", compact=True)
            entry.cursor_blink = False
            yield entry
            yield self.list
            yield Static(Content(""), id="about")

    def on_mount(self) -> None:
        # The box keeps its height while one filters.
        self.list.styles.height = max(1, min(len(self._choices), 16))
        self.list.set_placeholder(((("nothing fits", "$text-muted"),),))
        self.list.show(self._choices)
        self.query_one(Input).focus()
        self._tell()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what fits all words."""
        event.stop()
        words = event.value.casefold().split()
        fits = [
            choice
            for choice in self._choices
            if all(word in f"{choice.key} {choice.title} {choice.about}".casefold() for word in words)
        ]
        typed = event.value.strip().casefold()

        def far(choice: Choice) -> int:
            title = choice.title.casefold()
            return 0 if title.startswith(typed) else 1 if all(word in title for word in words) else 2

        self.list.show(sorted(fits, key=far))
        self._tell()

    def on_row_list_moved(self) -> None:
        """Tell what the choice is."""
        self._tell()

    def on_row_list_chosen(self) -> None:
        """Take what was clicked twice."""
        self._take()

    def _tell(self) -> None:
        choice = self.list.choice
        text = "" if choice is None else choice.wrong or choice.about
        style = "$error" if choice is not None and choice.wrong else "$text-muted"
        self.query_one("#about", Static).update(Content.styled(clean(text, 600), style))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the choice under the cursor."""
        event.stop()
        self._take()

    def _take(self) -> None:
        choice = self.list.choice
        if choice is not None and not choice.wrong:
            self.dismiss(choice.key)

    def action_move(self, step: int) -> None:
        """Another choice."""
        self.list.action_move(step)

    def action_cancel(self) -> None:
        """Leave."""
        self.dismiss(None)

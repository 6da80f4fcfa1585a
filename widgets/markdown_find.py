"""Finding and replacing: two fields below the editor, and what they do to it as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from widgets.figures import count
from widgets.markdown_editor import MarkdownEditor
from widgets.markdown_search import MOST, Query, nearest
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from textual.timer import Timer

SOON_S = 0.15
"""How long after the last key in the text the matches are counted anew."""
SWITCHES = {"case": ("Aa", "alt+c"), "whole": ("word", "alt+w"), "regex": (".*", "alt+r")}


class FindBar(Vertical):
    """What to look for and what to put instead. Hidden until it is opened."""

    DEFAULT_CSS = """
    FindBar { height: 2; display: none; background: $surface; }
    FindBar Horizontal { height: 1; }
    FindBar Static { width: auto; height: 1; padding: 0 1; }
    FindBar .label { width: 10; color: $text-muted; }
    FindBar Input { width: 1fr; min-width: 14; height: 1; border: none; padding: 0 1; }
    FindBar Input { background: $surface; color: $foreground; }
    FindBar Input:focus { background: $panel; border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", show=False, id="find.close", tooltip="Back to the text"),
        Binding("down,f3", "next(1)", "Next", show=False, id="find.next", tooltip="The next match"),
        Binding("up,shift+f3", "next(-1)", "Previous", show=False, id="find.previous", tooltip="The match before"),
        Binding(
            "tab,shift+tab", "other", "Other field", show=False, priority=True, id="find.other", tooltip="The other"
        ),
        Binding("alt+c", "switch('case')", "Case", show=False, id="find.case", tooltip="Whether capitals matter"),
        Binding("alt+w", "switch('whole')", "Words", show=False, id="find.whole", tooltip="Whole words only"),
        Binding("alt+r", "switch('regex')", "Regex", show=False, id="find.regex", tooltip="A regular expression"),
        Binding("alt+a", "replace_all", "Replace all", show=False, id="find.all", tooltip="Replace all, as one step"),
    ]

    def __init__(self, editor: MarkdownEditor) -> None:
        super().__init__()
        self.editor = editor
        self._on: dict[str, bool] = dict.fromkeys(SWITCHES, False)
        self._soon: Timer | None = None
        self._told = ""

    def compose(self) -> ComposeResult:
        for name in ("find", "replace"):
            with Horizontal():
                yield Static(name, classes="label")
                entry = Input(compact=True, id=name, select_on_focus=True)
                entry.cursor_blink = False
                yield entry
                yield Static(id=f"{name}-state")

    def on_mount(self) -> None:
        self.watch(self.editor, "selection", self._follow, init=False)

    # Opening

    def open(self) -> None:
        """Show the fields; what is chosen in the text, on one line, is looked for."""
        start, end = sorted(self.editor.selection)
        entry = self._entry("find")
        if start != end and start[0] == end[0]:
            entry.value = self.editor.selected_text
        self.display = True
        # At once: the letters that follow belong to the field.
        self.screen.set_focus(entry)
        entry.action_select_all()
        self._look()

    def action_close(self) -> None:
        """Hide the fields; `f3` still finds what they hold."""
        self.display = False
        self.editor.hits = None
        self.editor.refresh_changed()
        self.screen.set_focus(self.editor)

    @property
    def query_made(self) -> Query:
        """What the fields ask for."""
        return Query(self._entry("find").value, **self._on)

    def _entry(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    # Looking

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the matches as the query is typed, from where the cursor stands."""
        event.stop()
        self._told = ""
        if event.input.id == "find" and self.display:
            self._look(go=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The next match; from the second field, this one replaced first."""
        event.stop()
        if event.input.id == "replace" and not self._try_replacing():
            return
        self.action_next(1)

    def _look(self, *, go: bool = False) -> None:
        try:
            self.editor.look_for(self.query_made)
            found = self.editor.matches()
        except ValueError as error:
            self._wrong(error)
        else:
            self._told = ""
            if go:
                number = nearest(found, self.editor.lines.offset_of(min(self.editor.selection)), 1)
                if number is not None:
                    self.editor.go_to(*found[number])
        self._count()

    def _wrong(self, error: ValueError) -> None:
        self.editor.hits = None
        self.editor.refresh_changed()
        self._told = clean_line(f"✗ {error}", 60)

    def action_next(self, step: int) -> None:
        """Go to the next match, or the one before."""
        self.editor.action_find_again(step)
        self._count()

    def action_switch(self, name: str) -> None:
        """Look for it otherwise."""
        self._on[name] = not self._on[name]
        self._look(go=True)

    def action_other(self) -> None:
        """To the other field."""
        self.screen.set_focus(self._entry("find" if self._entry("replace").has_focus else "replace"))

    # Replacing

    def _try_replacing(self) -> bool:
        try:
            self.editor.replace_match(self._entry("replace").value)
        except ValueError as error:
            self._told = clean_line(f"✗ {error}", 60)
            self._count()
            return False
        return True

    def action_replace_all(self) -> None:
        """Replace all matches; one `ctrl+z` takes it back."""
        try:
            made = self.editor.replace_every(self._entry("replace").value)
        except ValueError as error:
            self._told = clean_line(f"✗ {error}", 60)
        else:
            self._told = f"✓ {made:,} replaced" if made else ""
        self._count()

    # Telling

    def _follow(self) -> None:
        if self.display and self._soon is None:
            self._soon = self.set_timer(SOON_S, self._count)

    def _count(self) -> None:
        self._soon = None
        if not self.display:
            return
        found: list[tuple[int, int]] = []
        try:
            found = self.editor.matches()
        except ValueError as error:
            self._wrong(error)
        text = self._told
        if not text and self.query_made.text:
            text = "no match" if not found else count(len(found), "match", "matches")
            if len(found) >= MOST:
                text = f"{MOST:,} matches and more"
            start, end = (self.editor.lines.offset_of(place) for place in sorted(self.editor.selection))
            number = nearest(found, start, 1)
            if number is not None and found[number] == (start, end):
                text = f"{number + 1:,} of {text}"
        style = "$error" if text.startswith("✗") else "$success" if text.startswith("✓") else "$text-muted"
        switches = [
            (f" {sign} ", "$ink on $accent" if self._on[name] else "$text-muted")
            for name, (sign, _) in SWITCHES.items()
        ]
        self.query_one("#find-state", Static).update(Content.assemble((f"{text}  ", style), *switches))
        hint = "enter replaces · alt+a all"
        self.query_one("#replace-state", Static).update(Content.styled(hint, "$text-muted"))


class EditorBox(Vertical):
    """The editor, and below it the fields for finding when `ctrl+f` opens them."""

    DEFAULT_CSS = """
    EditorBox { width: 1fr; height: 1fr; }
    EditorBox MarkdownEditor { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+f", "find", "Find", id="editor.find", tooltip="Find and replace in the text"),
    ]

    def __init__(self, editor: MarkdownEditor) -> None:
        super().__init__()
        self.editor = editor
        self.bar = FindBar(editor)

    def compose(self) -> ComposeResult:
        yield self.editor
        yield self.bar

    def action_find(self) -> None:
        """Open the fields."""
        self.bar.open()

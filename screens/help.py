"""The `?` panel: every key in force where it was opened, searchable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from screens.base import Pane
from screens.dialog import Dialog
from widgets.keymap import key_label
from widgets.safe_text import fit

if TYPE_CHECKING:
    from textual.binding import ActiveBinding

EVERYWHERE = "Everywhere"
IDS_FROM = 110
"""Columns from which the ids of the actions have room beside the rest."""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One action as the panel lists it."""

    group: str
    keys: str
    description: str
    tooltip: str
    shown: bool = True
    id: str = ""
    """What `[keys]` in config.toml calls it."""

    def matches(self, words: str) -> bool:
        """True when every word occurs somewhere in the line."""
        text = f"{self.group} {self.keys} {self.description} {self.tooltip} {self.id}".casefold()
        return all(word in text for word in words.casefold().split())


def collect(active: Mapping[str, ActiveBinding]) -> list[KeyLine]:
    """The described keys in force, those of the area first and movement last, one line per action."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    more: dict[tuple[str, str, str], tuple[str, bool, str]] = {}
    for key, (node, binding, _enabled, tooltip) in active.items():
        if not binding.id or not binding.description:
            continue
        pane = next((owner for owner in node.ancestors_with_self if isinstance(owner, Pane)), None)
        entry = (pane.TITLE if pane is not None else EVERYWHERE, binding.action, binding.description)
        label = key_label(key)
        labels = lines.setdefault(entry, [])
        if label not in labels:
            labels.append(label)
        more[entry] = (tooltip, binding.show, binding.id)
    found = [KeyLine(entry[0], " ".join(keys), entry[2], *more[entry]) for entry, keys in lines.items()]
    return sorted(found, key=lambda line: (line.group == EVERYWHERE, not line.shown))


def table(lines: Iterable[KeyLine], width: int = 0) -> Content:
    """The lines below the names of their groups; with `width` columns for it, each action's id at the end."""
    rows: list[Content] = []
    group = ""
    lines = list(lines)
    keys = max((cell_len(line.keys) for line in lines), default=0) + 2
    widest = max((cell_len(line.description) for line in lines), default=0) + 2
    ids = max((cell_len(line.id) for line in lines), default=0) if width >= IDS_FROM else 0
    room = width - keys - widest - ids - 2
    for line in lines:
        if line.group != group:
            group = line.group
            rows += [Content("")] if rows else []
            rows.append(Content.styled(group, "bold $accent"))
        about = f"{fit(line.tooltip, room)}  " if ids else line.tooltip
        rows.append(
            Content.assemble(
                (line.keys.ljust(keys), "bold $foreground"),
                (fit(line.description, widest), "$foreground"),
                (about, "$text-muted"),
                (line.id if ids else "", "$muted"),
            ).rstrip()
        )
    return Content("\n").join(rows)


class Help(Dialog[None]):
    """Lists the keys; typing narrows the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "close", "Close", tooltip="Back to where you were", id="help.close"),
        Binding("down", "scroll(1)", "Down", tooltip="Scroll down", show=False, id="help.down"),
        Binding("up", "scroll(-1)", "Up", tooltip="Scroll up", show=False, id="help.up"),
        Binding("pagedown", "scroll(10)", "Page down", tooltip="Scroll a page down", show=False, id="help.page_down"),
        Binding("pageup", "scroll(-10)", "Page up", tooltip="Scroll a page up", show=False, id="help.page_up"),
    ]

    def __init__(self, active: Mapping[str, ActiveBinding], *, title: str = "", about: str = "") -> None:
        super().__init__()
        self._lines = collect(active)
        self._title = title
        self._about = about

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title = Content(f"Keys ─ {self._title}" if self._title else "Keys")
            box.border_subtitle = Content("type to search · esc closes")
            search = Input(placeholder="search", id="search", compact=True)
            search.cursor_blink = False
            yield search
            with VerticalScroll(can_focus=False):
                if self._about:
                    yield Static(Content.styled(self._about + "\n", "$text-muted"), id="about")
                yield Static(table(self._lines), id="keys")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_resize(self, event: events.Resize) -> None:
        """Show as many columns as there is room for."""
        self.call_after_refresh(self._fill, self.query_one("#search", Input).value)

    def _fill(self, words: str) -> None:
        found = [line for line in self._lines if line.matches(words)]
        keys = self.query_one("#keys", Static)
        keys.update(table(found, keys.size.width) if found else Content.styled("no key does this", "$text-muted"))

    def on_input_submitted(self) -> None:
        self.action_close()

    def action_close(self) -> None:
        """Back."""
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        """Move the list."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

"""The versions of a text: each with what changed, and one brought back."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content

from screens.dialog import Dialog
from widgets.figures import short_age, wall_clock
from widgets.lines_view import LinesView, TextLine
from widgets.row_list import Part, RowList
from widgets.safe_text import clean_line, fit
from widgets.word_diff import counted, diff_lines


class Version(NamedTuple):
    """A text that was kept."""

    number: int
    reason: str
    body: str
    at: float


class VersionList(RowList):
    """Versions, the latest first."""

    def __init__(self, versions: Sequence[Version]) -> None:
        super().__init__()
        self.versions = {str(place): version for place, version in enumerate(versions)}

    def signature(self, row: str) -> Hashable:
        """A version never changes."""
        return self.versions[row]

    def draw(self, row: str, width: int) -> Iterable[Part]:
        """`12  saved        3 h`."""
        version = self.versions[row]
        age = short_age(wall_clock() - version.at)
        return (
            (f"{version.number:>4}  ", "bold"),
            (fit(version.reason, max(width - 14, 4)), ""),
            (f"{age.rjust(7)} ", "$text-muted"),
        )


class Versions(Dialog[int | None]):
    """Dismissed with the place of the version to bring back (0 is the latest), or None."""

    DEFAULT_CSS = """
    Versions .dialog { width: 96%; max-width: 150; height: 90%; padding: 0 1; }
    Versions Horizontal { height: 1fr; }
    Versions VersionList { width: 30; height: 1fr; background: $surface; }
    Versions LinesView { width: 1fr; height: 1fr; background: $surface; padding: 0 0 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "restore", "Bring back", tooltip="This text as the next version", id="versions.restore"),
        Binding(
            "d", "against", "Against", tooltip="Changes to the text now, or to the version before", id="versions.d"
        ),
        Binding("tab,shift+tab", "other", "Other", show=False, tooltip="List, or text", id="versions.other"),
        Binding("escape", "leave", "Leave", tooltip="Leave everything as it is", id="versions.leave"),
    ]

    def __init__(self, title: str, versions: Sequence[Version], text: str) -> None:
        """`text` is what stands in the editor."""
        super().__init__()
        self._title, self._versions, self._text = title, tuple(versions), text
        self._now = True
        self.list = VersionList(versions)
        self.view = LinesView()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = Content(clean_line(self._title, 80))
            with Horizontal():
                yield self.list
                yield self.view

    def on_mount(self) -> None:
        self.list.set_rows(list(self.list.versions), keep=False)
        self.list.focus()
        self._show()

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        """Show what is different in this one."""
        if event.list is self.list:
            self._show()

    @property
    def _place(self) -> int:
        return int(self.list.cursor_row or 0)

    def _show(self) -> None:
        other = "the version before" if self._now else "the text now"
        keys = (("enter", "brings it back"), ("d", f"compares with {other}"), ("esc", "leaves"))
        self.query_one(".dialog", Vertical).border_subtitle = Content.assemble(
            *(part for key, about in keys for part in ((key, "$accent"), (f" {about}  ", "$text-muted")))
        )
        self.view.show(self._lines)

    def _lines(self, width: int) -> Iterator[TextLine]:
        version = self._versions[self._place]
        earlier = self._versions[self._place + 1].body if self._place + 1 < len(self._versions) else ""
        before, after = (version.body, self._text) if self._now else (earlier, version.body)
        if before == after:
            yield TextLine((("the same text", "$text-muted"),))
            yield TextLine()
        else:
            added, taken = counted(before, after)
            which = "from it to the text now" if self._now else "from the version before to it"
            yield TextLine(((f"+{added:,} −{taken:,} words {which}", "$text-muted"),))
            yield TextLine()
        yield from diff_lines(before, after, width)

    def action_against(self) -> None:
        """Changes to the text now, or to the version before."""
        self._now = not self._now
        self._show()

    def action_other(self) -> None:
        """From the list to the text, and back."""
        (self.list if self.view.has_focus else self.view).focus()

    def action_restore(self) -> None:
        """Close with this version."""
        self.dismiss(self._place)

    def action_leave(self) -> None:
        """Close with nothing."""
        self.dismiss(None)

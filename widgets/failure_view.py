"""Shows one subject in sections (failure, output, log, locals, history), whose names stand in the lower border."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.style import Style

from widgets.row_list import Part, RowList
from widgets.safe_text import shorten, width_of

if TYPE_CHECKING:
    from widgets.failure_lines import Line
    from widgets.subjects import Subject


class FailureView(RowList):
    """The lines of a subject's section, with a cursor on them while it has the keyboard."""

    FAST_STRIPS = 256
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "section(1)", "Next section", show=False, id="tests.section_next", tooltip="Next section"),
        Binding(
            "h,left", "section(-1)", "Previous section", show=False, id="tests.section_back", tooltip="Section before"
        ),
        Binding(
            "enter", "unfold_frames", "Unfold", show=False, id="tests.frames", tooltip="Show or hide library frames"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.auto_links = False
        self.subject: Subject | None = None
        self.section = ""
        self.root = ""
        self._wanted = ""
        self._lines: list[Line] = []
        self._unfolded: frozenset[str] = frozenset()
        self._built_width = -1
        self._warming = False

    # Content

    def show(self, subject: Subject | None, root: str = "") -> None:
        """Show a subject; the same one again keeps its section and where it was scrolled to."""
        same = subject is not None and self.subject is not None and subject.key == self.subject.key
        self.subject, self.root = subject, root
        if not same:
            self._unfolded = frozenset()
            self._wanted = ""
        self._choose(keep=same)

    def show_section(self, name: str) -> None:
        """Turn to a section, and stay there while the same subject is shown."""
        if self.subject is not None and name in self.subject.sections():
            self._wanted = name
            self._choose(keep=False)

    def show_first(self) -> None:
        """Turn back to the first section: of a failing test, its failure."""
        self._wanted = ""
        self._choose(keep=False)

    @property
    def target(self) -> tuple[str, int] | None:
        """File and line to open: of the line under the cursor, else of the subject."""
        if self.has_focus and self._cursor < len(self._lines):
            for line in reversed(self._lines[: self._cursor + 1]):
                if line.target is not None:
                    return line.target
        return self.subject.target() if self.subject is not None else None

    @property
    def plain(self) -> str:
        """The section's text, to copy."""
        return self.subject.plain(self.section) if self.subject is not None else ""

    def show_cursor(self) -> bool:
        """Only who reads with the keyboard needs a cursor."""
        return self.has_focus

    def _choose(self, *, keep: bool) -> None:
        names = self.subject.sections() if self.subject is not None else {}
        before = self.section
        first = next(iter(names), "")
        self.section = self._wanted if names.get(self._wanted) else first
        self._build(keep=keep and self.section == before)
        self.refresh_titles()

    def _build(self, *, keep: bool) -> None:
        from widgets.failure_lines import Layout

        width = self.scrollable_content_region.width
        self._built_width = width
        if self.subject is None or width <= 0:
            self._lines = []
        else:
            self._lines = list(self.subject.lines(self.section, Layout(width - 1, self.root, self._unfolded)))
            if not self._warming and any(line.bare for line in self._lines):
                self._warming = True
                self.run_worker(self._warm(), group="source", exit_on_error=False)
        self.set_rows([str(n) for n in range(len(self._lines))], keep=keep)

    async def _warm(self) -> None:
        """Load the highlighter away from the event loop, then colour what is shown."""
        from widgets import source

        await asyncio.to_thread(source.warm)
        if self.is_mounted:
            self._build(keep=True)

    # Painting

    def signature(self, row: str) -> Hashable:
        """A line depends on nothing but itself."""
        return self._lines[int(row)]

    def draw(self, row: str, width: int) -> Sequence[Part]:
        """The pieces of one line."""
        return self._lines[int(row)].parts

    def refresh_titles(self) -> None:
        """Write the subject's title and the names of its sections into the border."""
        room = max(self.size.width - 2, 8)
        if self.subject is None:
            self.write_border("title", Content(""))
            self.write_border("subtitle", Content(""))
            return
        self.write_border("title", Content.assemble(*_shortened(self.subject.title(), room)))
        names = self.subject.sections()
        if len(names) < 2:
            self.write_border("subtitle", Content(""))
            return
        tabs: list[Content] = []
        for name, filled in names.items():
            style = "$accent bold" if name == self.section else ("$text-muted" if filled else "$muted")
            text = f"[{name}]" if name == self.section else f" {name} "
            click = Style.from_meta({"@click": f"show_section('{name}')"})
            tabs.append(Content.styled(text, style).stylize(click))
        self.write_border("subtitle", Content("").join(tabs))

    def on_resize(self) -> None:
        """Fold the lines to the new width."""
        if self.scrollable_content_region.width != self._built_width:
            self._build(keep=True)
            self.refresh_titles()

    # Keys

    def action_section(self, step: int) -> None:
        """Turn to the next section that has something to show."""
        if self.subject is None:
            return
        names = [name for name, filled in self.subject.sections().items() if filled]
        if self.section in names:
            self.show_section(names[(names.index(self.section) + step) % len(names)])

    def action_show_section(self, name: str) -> None:
        """Turn to the section that was clicked."""
        self.show_section(name)

    def action_unfold_frames(self) -> None:
        """Show or hide the library frames of the line under the cursor."""
        toggle = self._lines[self._cursor].toggle if self._cursor < len(self._lines) else ""
        if toggle:
            self._unfolded = self._unfolded ^ {toggle}
            self._build(keep=True)


def _shortened(parts: Sequence[Part], room: int) -> list[Part]:
    """The pieces of a title in `room` columns: the longest gives way first."""
    result = list(parts)
    spare = room - sum(width_of(text) for text, _ in result)
    while spare < 0:
        longest = max(range(len(result)), key=lambda n: width_of(result[n][0]))
        size = width_of(result[longest][0])
        smaller = max(size + spare, size // 2, 4)
        if smaller >= size:
            break
        result[longest] = (shorten(result[longest][0], smaller), result[longest][1])
        spare += size - smaller
    return result

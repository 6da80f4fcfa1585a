"""What the style guide says of a text, below its preview: each finding with what would put it right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from widgets import hints
from widgets.figures import count
from widgets.lines_view import LinesView, TextLine, folded
from widgets.markdown_canvas import SIGNS
from widgets.row_list import Part
from widgets.safe_text import clean_line, shorten

if TYPE_CHECKING:
    from app.content.style.model import Finding

MOST = 500
"""Findings that are listed; more than these nobody reads one by one."""
SAYS = {"error": "error", "warn": "warning", "info": "note"}


class StyleFindings(LinesView):
    """The findings in the order of the text. `enter` goes to one, `a` takes its suggestion, `x` sets it aside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Go there", show=False, id="style.go", tooltip="To the place in the text"),
        Binding("a", "take", "Take", show=False, id="style.take", tooltip="Write what is suggested"),
        Binding("x", "refuse", "Set aside", show=False, id="style.refuse", tooltip="Leave the text as it is here"),
    ]
    DEFAULT_CSS = """
    StyleFindings, StyleFindings:focus {
        background: $background;
        border: round $panel;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        border-subtitle-align: right;
    }
    StyleFindings:focus { border: round $accent; border-title-color: $accent; }
    """

    class Asked(Message):
        """Something is to be done about a finding."""

        def __init__(self, finding: Finding) -> None:
            super().__init__()
            self.finding = finding

    class Wanted(Asked):
        """Its place is to be shown."""

    class Taken(Asked):
        """Its replacement is to be written, with those of its group."""

    class Refused(Asked):
        """It is to be told no more."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: tuple[Finding, ...] = ()

    def on_mount(self) -> None:
        self.border_title = "Style"
        self.set_placeholder(((("what the style guide says of the text", "$text-muted"),),))

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show these; the cursor stays on the finding that it is on, if that is still there."""
        self.findings = tuple(findings)
        self.show(self._made, keep=True)

    def show_nothing(self) -> None:
        """No text is looked at."""
        self.findings = ()
        self.show(None)

    @property
    def finding(self) -> Finding | None:
        """The finding under the cursor."""
        return next((finding for key, finding in self._keyed() if key == self.key), None)

    def action_go(self) -> None:
        """Show the place in the text."""
        if (finding := self.finding) is not None:
            self.post_message(self.Wanted(finding))

    def action_take(self) -> None:
        """Write what is suggested."""
        finding = self.finding
        if finding is not None and finding.replacement is not None:
            self.post_message(self.Taken(finding))
        elif finding is not None:
            self.app.notify("This one needs other words: there is nothing to take.", timeout=3)

    def action_refuse(self) -> None:
        """Tell it no more."""
        if (finding := self.finding) is not None:
            self.post_message(self.Refused(finding))

    def _keyed(self) -> Iterator[tuple[str, Finding]]:
        seen: dict[str, int] = {}
        for finding in self.findings[:MOST]:
            # Edits move findings: what they are about tells them apart, then their order.
            name = f"{finding.rule}\0{finding.text}"
            seen[name] = seen.get(name, 0) + 1
            yield f"{name}\0{seen[name]}", finding

    def _made(self, width: int) -> Iterator[TextLine]:
        if not self.findings:
            yield TextLine((("✓ ", "$success"), ("nothing against the style guide", "")))
            return
        yield TextLine(tuple(self._sums()))
        for key, finding in self._keyed():
            sign, style = SIGNS.get(finding.severity, SIGNS["info"])
            place = f"{finding.line}:{finding.column}"
            words = _words(finding.text, max(width - len(place) - 4, 8))
            yield TextLine(((f"{sign} ", style), (place, "$text-muted"), ("  ", ""), (words, "bold")), key)
            yield from _below(finding.message, finding.replacement, width)
        if len(self.findings) > MOST:
            yield TextLine(((f"and {len(self.findings) - MOST:,} more", "$text-muted"),))

    def _sums(self) -> Iterator[Part]:
        first = True
        for severity, (sign, style) in SIGNS.items():
            number = sum(finding.severity == severity for finding in self.findings)
            if number:
                yield ("" if first else "   ", "")
                yield (f"{sign} ", style)
                yield (count(number, SAYS[severity]), "$text-muted")
                first = False


hints.known("style", (each for each in StyleFindings.BINDINGS if isinstance(each, Binding)))


@lru_cache(maxsize=1024)
def _words(text: str, room: int) -> str:
    return shorten(clean_line(text, 200).strip() or "a blank", room)


@lru_cache(maxsize=1024)
def _below(message: str, replacement: str | None, width: int) -> tuple[TextLine, ...]:
    lines = folded(message, width, "$text-muted", lead=("  ", ""), limit=2)
    if replacement is not None:
        lines += folded(replacement.strip() or "nothing", width, lead=("  → ", "$success"), limit=2)
    return tuple(lines)

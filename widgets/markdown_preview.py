"""What becomes of a draft where it is read: shown beside the editor, a moment behind the keys."""

from __future__ import annotations

import contextlib
import sys
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.worker import Worker

from widgets.content_lines import markdown_lines
from widgets.lines_view import LinesView, TextLine, folded, wrapped
from widgets.markdown_editing import ITEM, is_prose
from widgets.markdown_syntax import FRONT, OPENING, PLAIN, state_after
from widgets.row_list import Part
from widgets.safe_text import clean

if TYPE_CHECKING:
    from textual.timer import Timer

SOON_S = 0.12
"""How long after the last key the preview follows."""
MOST_S = 0.6
"""How far behind it falls while the keys do not rest."""
TURN_S = 0.0005
"""A turn of a thread while texts are worked on."""
SHORT = 2_000
"""Characters of a text that is made ready at once, without a thread."""
DISCORD_LIMIT = 2_000


class Block(NamedTuple):
    """Lines that were made of the text from one of its lines on."""

    row: int
    lines: Sequence[TextLine]


Make = Callable[[str, int], Sequence[Block]]
"""What a text looks like in so many columns. Called in a thread; raises ValueError for a text that cannot be shown."""


Wanted = tuple[str, str, str, int]
"""What a preview was made of: the text, why there is none, the view, and the columns."""


class View(NamedTuple):
    """A kind of preview. `prepare` makes of the text what `make` then gets; it is awaited, and may raise ValueError."""

    make: Callable[[Any, int], Sequence[Block]]
    prepare: Callable[[str], Awaitable[Any]] | None = None


class _Turns:
    """How often the threads of the process take turns, for as long as any of them works on a text."""

    working = 0
    usual = 0.0


@contextlib.contextmanager
def quick_turns() -> Iterator[None]:
    """While a thread works on a text, keys do not wait long for their turns, of which each takes several."""
    if not _Turns.working:
        _Turns.usual = sys.getswitchinterval()
        sys.setswitchinterval(min(_Turns.usual, TURN_S))
    _Turns.working += 1
    try:
        yield
    finally:
        _Turns.working -= 1
        if not _Turns.working:
            sys.setswitchinterval(_Turns.usual)


def markdown_blocks(text: str, width: int) -> list[Block]:
    """Markdown as the terminal can show it. What was made of a part stays until that part changes."""
    return [Block(row, _markdown(part, width)) for row, part in _parts(text)]


def text_blocks(text: str, width: int) -> list[Block]:
    """The text alone, broken between words."""
    return [Block(row, _plain(line, width)) for row, line in enumerate(text.split("\n"))]


def discord_blocks(
    split: Callable[[str], Sequence[str]], length: Callable[[str], int], limit: int = DISCORD_LIMIT
) -> Make:
    """Discord's messages, as `split` makes them: each with its length (as `length` counts) of `limit`, and the cuts."""

    def make(text: str, width: int) -> list[Block]:
        parts = split(text)
        rows, whole, before = text.count("\n") + 1, sum(map(len, parts)) or 1, 0
        made = []
        for number, part in enumerate(parts, 1):
            head = _message_head(number, len(parts), length(part), limit, width)
            made.append(Block(rows * before // whole, head))
            for row, block in _parts(part, front=False):
                at = before + len(part) * row // (part.count("\n") + 1)
                made.append(Block(rows * at // whole, _discord(block, width)))
            before += len(part)
        return made

    return make


def _message_head(number: int, count: int, size: int, limit: int, width: int) -> tuple[TextLine, ...]:
    sign: Part = ("✗ ", "$error") if size > limit else ("● ", "$accent")
    told = f"{size:,} of {limit:,}"
    name = f"message {number} of {count}" if count > 1 else "message"
    line = "─" * max(width - len(name) - len(told) - 5, 1)
    head = TextLine((sign, (name, "bold"), (f" {line} ", "$muted"), (told, sign[1] if size > limit else "$text-muted")))
    cut = TextLine((("✂ cut here: what follows is a message of its own", "$text-muted"),))
    return (cut, head) if number > 1 else (head,)


def _parts(text: str, *, front: bool = True) -> Iterator[tuple[int, str]]:
    """Pieces of a text between empty lines, a block of code being one; each with its first line."""
    state, start, piece = OPENING if front else PLAIN, 0, list[str]()
    for row, line in enumerate(text.split("\n")):
        after = state_after(line, state)
        if state == FRONT or after == FRONT:
            start = row + 1
        elif not line.strip() and state in (PLAIN, OPENING):
            if piece:
                yield start, "\n".join(piece)
            start, piece = row + 1, []
        else:
            piece.append(line)
        state = after
    if piece:
        yield start, "\n".join(piece)


@lru_cache(maxsize=4096)
def _markdown(part: str, width: int) -> tuple[TextLine, ...]:
    return (*markdown_lines(_joined(part), width), TextLine())


@lru_cache(maxsize=1024)
def _discord(part: str, width: int) -> tuple[TextLine, ...]:
    made: list[TextLine] = []
    for small, lines in _small(part):
        if small:
            made += folded(lines, width - 2, "$text-muted", lead=("  ", ""))
        else:
            made += markdown_lines(lines, width)
    return (*made, TextLine())


def _small(part: str) -> Iterator[tuple[bool, str]]:
    """Discord's small lines (`-# `), and what stands between them."""
    between: list[str] = []
    for line in part.split("\n"):
        if line.startswith("-# "):
            if between:
                yield False, "\n".join(between)
            between = []
            yield True, line[3:]
        else:
            between.append(line)
    if between:
        yield False, "\n".join(between)


@lru_cache(maxsize=4096)
def _plain(line: str, width: int) -> tuple[TextLine, ...]:
    return tuple(TextLine((("  ", ""), (piece, ""))) for piece in wrapped(clean(line), max(width - 2, 8)))


def _joined(part: str) -> str:
    """Lines of one paragraph as one, as Markdown takes them; hard line ends stay."""
    made: list[str] = []
    state, open_ = PLAIN, False
    for line in part.split("\n"):
        prose = state == PLAIN and is_prose(line)
        if prose and open_ and not ITEM.match(line) and not line.lstrip().startswith(">"):
            made[-1] = f"{made[-1].rstrip()} {line.strip()}"
        else:
            made.append(line)
        open_ = prose and not line.endswith(("  ", "\\")) and not line.lstrip().startswith(">")
        state = state_after(line, state)
    return "\n".join(made)


class MarkdownPreview(LinesView):
    """Shows one of several views of a text. `←` and `→` go through them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,right", "view(1)", "Next view", show=False, id="preview.next", tooltip="The next kind of preview"),
        Binding("h,left", "view(-1)", "View before", show=False, id="preview.before", tooltip="The kind before"),
    ]
    DEFAULT_CSS = """
    MarkdownPreview, MarkdownPreview:focus {
        background: $background;
        border: round $panel;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        border-subtitle-align: right;
    }
    MarkdownPreview:focus { border: round $accent; border-title-color: $accent; }
    """

    def __init__(self, views: Mapping[str, Make | View]) -> None:
        """`views` by the name that its tab has."""
        super().__init__()
        self.views = {name: view if isinstance(view, View) else View(view) for name, view in views.items()}
        self.view = next(iter(views))
        self._text = self._problem = ""
        self._blocks: Sequence[Block] = ()
        self._tops: list[int] = []
        self._made_for: Wanted | None = None
        self._soon: Timer | None = None
        self._since = self._took_s = 0.0
        self._place = (0, 0)
        self.set_placeholder(((("what you write is shown here", "$text-muted"),),))

    def on_mount(self) -> None:
        self.border_title = "Preview"
        self._tell()

    # What is shown

    def show_text(self, text: str, problem: str = "") -> None:
        """Show another text, as soon as the keys rest; instead of it, why there is none."""
        self._text, self._problem = text, problem
        now = time.monotonic()
        if self._soon is None:
            self._since = now
        elif now - self._since < max(MOST_S, 10 * self._took_s):
            self._soon.stop()
        else:
            return
        # What takes long is made seldom, so that the keys have the machine for themselves.
        self._soon = self.set_timer(max(SOON_S, 3 * self._took_s), self._make)

    def show_view(self, name: str) -> None:
        """Show the text as this one of the views."""
        self.view = name
        self._tell()
        self._make()

    def action_view(self, step: int) -> None:
        """The next view, or the one before."""
        names = list(self.views)
        self.show_view(names[(names.index(self.view) + step) % len(names)])

    def on_resize(self) -> None:
        """Make it anew for the new width."""
        self._make()

    def follow(self, row: int, y: int) -> None:
        """Bring what was made of a line of the text to line `y` of the view."""
        self._place = (row, y)
        top = self._top_of(row) - y
        if self._blocks and abs(top - int(self.scroll_offset.y)) > 1:
            self.scroll_to(y=max(0, top), animate=False, force=True)

    def _top_of(self, row: int) -> int:
        if not self._blocks:
            return 0
        number = max(bisect_right(self._blocks, row, key=lambda block: block.row) - 1, 0)
        block = self._blocks[number]
        ends = self._blocks[number + 1].row if number + 1 < len(self._blocks) else block.row + 1
        share = (row - block.row) / max(ends - block.row, 1)
        return self._tops[number] + int(len(block.lines) * min(max(share, 0.0), 1.0))

    def _make(self) -> None:
        self._soon = None
        width = self.scrollable_content_region.width
        wanted = (self._text, self._problem, self.view, width)
        if width < 2 or wanted == self._made_for:
            return
        view = self.views[self.view]
        if self._problem:
            self._take(wanted, _not_made(self._problem, width - 1))
        elif not self._text.strip():
            self._take(wanted, ())
        elif len(self._text) <= SHORT and view.prepare is None:
            self._take(wanted, _made(view, self._text, width - 1))
        else:
            self._making: Worker[None] = self.run_worker(
                partial(self._aside, wanted, view), exclusive=True, group="preview"
            )

    async def _aside(self, wanted: Wanted, view: View) -> None:
        import asyncio

        text, _, _, width = wanted
        began = time.monotonic()
        try:
            given = text if view.prepare is None else await view.prepare(text)
        except ValueError as error:
            blocks = _failed(error, width - 1)
        else:
            with quick_turns():
                blocks = await asyncio.to_thread(_made, view, given, width - 1)
        self._took_s = time.monotonic() - began
        if wanted[1] == self._problem:
            self._take(wanted, blocks)

    def _take(self, wanted: Wanted, blocks: Sequence[Block]) -> None:
        other = self._made_for is None or self._made_for[2] != wanted[2]
        self._made_for, self._blocks = wanted, blocks
        self._tops = [0]
        for block in blocks:
            self._tops.append(self._tops[-1] + len(block.lines))
        self.show(lambda width: chain.from_iterable(block.lines for block in blocks), keep=not other)
        self.follow(*self._place)

    def _tell(self) -> None:
        tabs = [(f" {name} ", "$ink on $accent" if name == self.view else "$text-muted") for name in self.views]
        self.write_border("subtitle", Content.assemble(*tabs))


def _made(view: View, given: Any, width: int) -> Sequence[Block]:
    try:
        return view.make(given, width)
    except (ValueError, RecursionError) as error:
        return _failed(error, width)


def _not_made(problem: str, width: int) -> Sequence[Block]:
    lines = folded(problem, width, lead=("✗ ", "$error"))
    return [Block(0, [TextLine((("there is no text yet", "bold"),)), TextLine(), *lines])]


def _failed(error: Exception, width: int) -> Sequence[Block]:
    why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return [Block(0, folded(f"cannot be shown: {why}", width, lead=("✗ ", "$error")))]

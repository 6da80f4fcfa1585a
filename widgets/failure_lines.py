"""A traceback as lines for the screen: the chain oldest first, the project's own frames in full, others in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from widgets import source
from widgets.safe_text import clean, clean_line, fold, shorten, shorten_start, width_of

if TYPE_CHECKING:
    from app.testing.model import ExceptionInfo, Failure, Frame

Part = tuple[str, str]
MESSAGE_LINES = 200
MESSAGE_LIMIT = 40_000
PHASES = {"collect": "while collecting", "setup": "in setup", "teardown": "in teardown"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a detail view."""

    parts: tuple[Part, ...] = ()
    target: tuple[str, int] | None = None
    """File and line that `e` opens from here."""
    toggle: str = ""
    """What `enter` unfolds from here."""
    bare: bool = False
    """Source that has its colours only once the lexer is loaded."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What lines depend on besides their content."""

    width: int
    root: str = ""
    unfolded: frozenset[str] = frozenset()


def place(path: str, root: str) -> str:
    """A path as short as it stays clear: from the project, or from the installed package, or from the library."""
    shown = clean_line(path, 400)
    parts = PurePath(shown).parts
    for n in range(len(parts) - 1, 0, -1):
        if parts[n - 1] in ("site-packages", "dist-packages") or parts[n - 1].startswith("python3"):
            return "/".join(parts[n:])
    home = root.rstrip("/") + "/"
    return shown[len(home) :] if root and shown.startswith(home) else shown


def headline(exception: ExceptionInfo) -> str:
    """Type and first line of the message."""
    first = exception.message.strip().partition("\n")[0]
    return clean_line(f"{exception.type}: {first}" if first else exception.type)


def failure_lines(failure: Failure, layout: Layout, key: str = "0") -> Iterator[Line]:
    """Everything about one failure."""
    if failure.phase in PHASES:
        yield Line((("⚠ ", "$warning"), (f"error {PHASES[failure.phase]}", "$text-muted")))
    if not failure.exceptions:
        for text in fold(clean(failure.text.strip("\n") or "no message", MESSAGE_LIMIT), layout.width):
            yield Line(((text, ""),))
        return
    last = failure.exceptions[-1]
    yield from message_lines(last, layout, "$error")
    for older, newer in reversed(list(zip(failure.exceptions, failure.exceptions[1:], strict=False))):
        how = "caused by " if older.relation == "cause" else "during handling of "
        text = shorten(headline(older), max(layout.width - len(how) - 2, 8))
        yield Line((("↳ ", "$muted"), (how, "$text-muted"), (text, "" if newer is last else "$text-muted")))
    for number, exception in enumerate(failure.exceptions):
        if len(failure.exceptions) > 1 or exception.frames:
            yield Line()
        if len(failure.exceptions) > 1:
            yield Line(((shorten(headline(exception), layout.width), "bold"),))
        yield from frame_lines(exception.frames, layout, f"{key}.{number}")
        if exception.relation is not None:
            led = "led to" if exception.relation == "cause" else "and while that was handled"
            yield Line()
            yield Line((("↓ ", "$muted"), (led, "$text-muted")))


def message_lines(exception: ExceptionInfo, layout: Layout, style: str) -> Iterator[Line]:
    """Type and message; pytest's explanation below keeps its shape, with differences in colour."""
    message = clean(exception.message.strip("\n"), MESSAGE_LIMIT)
    name = clean_line(exception.type, 400)
    first, _, rest = message.partition("\n")
    for text in fold(f"{name}: {first}" if first else name, layout.width):
        yield Line(((text, f"{style} bold"),))
    lines = rest.split("\n") if rest else []
    for text in lines[:MESSAGE_LINES]:
        for piece in fold(text, max(layout.width - 2, 8)):
            yield Line((("  ", ""), (piece, difference(text))))
    if len(lines) > MESSAGE_LINES:
        yield Line(((f"  … {len(lines) - MESSAGE_LINES:,} more lines; y copies all", "$text-muted"),))


def difference(text: str) -> str:
    """The style of a line of pytest's explanation: what was expected, what came, or plain."""
    bare = text.lstrip()
    if bare.startswith("- "):
        return "$error"
    if bare.startswith("+ ") and not bare.startswith("+  where") and not bare.startswith("+    where"):
        return "$success"
    return "$text-muted" if bare.startswith(("?", "+ ")) else ""


def frame_lines(frames: Sequence[Frame], layout: Layout, key: str) -> Iterator[Line]:
    """Frames oldest first. Calls inside libraries take one line until they are unfolded."""
    position = 0
    while position < len(frames):
        if frames[position].own:
            yield from one_frame(frames[position], layout)
            position += 1
            continue
        end = position
        while end < len(frames) and not frames[end].own:
            end += 1
        group = f"{key}.{position}"
        if group in layout.unfolded:
            for frame in frames[position:end]:
                yield from one_frame(frame, layout, group)
        else:
            yield library_line(frames[position:end], layout, group)
        position = end


def library_line(frames: Sequence[Frame], layout: Layout, group: str) -> Line:
    """A run of calls inside libraries, named by its last."""
    frame = frames[-1]
    lead = f"⋯ {len(frames)} library frames, last " if len(frames) > 1 else "⋯ "
    lead = shorten(lead, layout.width // 2)
    where = f"{place(frame.path, layout.root)}:{frame.line} in {clean_line(frame.function, 200)}"
    text = lead + shorten_start(where, max(layout.width - width_of(lead), 8))
    return Line(((text, "$text-muted"),), (frame.path, frame.line), group)


def one_frame(frame: Frame, layout: Layout, toggle: str = "") -> Iterator[Line]:
    """Where a call stands, and its source with the current line marked."""
    target = (frame.path, frame.line)
    function = shorten(f" in {clean_line(frame.function, 200)}", layout.width // 2)
    where = shorten_start(f"{place(frame.path, layout.root)}:{frame.line}", max(layout.width - width_of(function), 8))
    yield Line(((where, "$info" if frame.own else "$text-muted"), (function, "$text-muted")), target, toggle)
    numbers = [line.number for line in frame.source]
    gutter = max((len(str(number)) for number in numbers), default=0)
    texts = tuple(clean_line(line.text.rstrip("\n").replace("\t", "    ")) for line in frame.source)
    blank = min((len(text) - len(text.lstrip()) for text in texts if text.strip()), default=0)
    texts = tuple(text[blank:] for text in texts)
    python = frame.path.endswith((".py", ".pyi", ".pyw"))
    ready = source.ready()
    pieces = source.coloured(texts) if python and ready else tuple(((text, ""),) for text in texts)
    room = max(layout.width - gutter - 5, 8)
    for number, text, parts in zip(numbers, texts, pieces, strict=True):
        here = number == frame.line
        lead: tuple[Part, ...] = (
            ("▸ " if here else "  ", "$accent"),
            (str(number).rjust(gutter), "$text" if here else "$text-muted"),
            (" │ ", "$muted"),
        )
        if width_of(text) > room:
            parts = cut(parts, room)
        if here:
            parts = tuple((piece, f"{style} bold".strip()) for piece, style in parts)
        yield Line((*lead, *parts), (frame.path, number), toggle, bare=python and not ready)


def cut(parts: Sequence[Part], room: int) -> tuple[Part, ...]:
    """Pieces of a line that is too long, with an ellipsis at the end."""
    result: list[Part] = []
    for text, style in parts:
        size = width_of(text)
        if size >= room:
            result.append((shorten(f"{text}  ", room), style))
            break
        result.append((text, style))
        room -= size
    return tuple(result)


def local_lines(failure: Failure, layout: Layout) -> Iterator[Line]:
    """The variables of each of the project's own frames, newest frame first."""
    for exception in reversed(failure.exceptions):
        for frame in reversed(exception.frames):
            if not frame.locals:
                continue
            where = shorten_start(f"{place(frame.path, layout.root)}:{frame.line}", layout.width // 2)
            function = shorten(f" in {clean_line(frame.function, 200)}", layout.width // 2)
            target = (frame.path, frame.line)
            yield Line(((where, "$info"), (function, "$text-muted")), target)
            widest = min(max(width_of(clean_line(name, 80)) for name, _ in frame.locals), 24, layout.width // 3)
            for name, value in frame.locals:
                label = shorten(clean_line(name, 80), widest)
                texts = fold(clean(value, 4_000), max(layout.width - widest - 5, 8))
                for n, text in enumerate(texts):
                    lead = label.ljust(widest) if n == 0 else " " * widest
                    yield Line((("  ", ""), (lead, ""), (" = " if n == 0 else "   ", "$muted"), (text, "$text-muted")))
            yield Line()

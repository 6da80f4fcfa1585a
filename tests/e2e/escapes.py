"""What a program writes to its terminal: the part that draws, and the questions that want an answer.

pyte draws text, colours and cursor movements. Everything newer (private modes, keyboard protocols, operating system
commands) is answered or recorded here and left out of what pyte sees, since it would print parts of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

SPECIAL = re.compile(
    rb"\x1b\[(?P<mark>[<=>?])(?P<private>[0-9;:]*)(?P<between>[ -/]*)(?P<end>[@-~])"
    rb"|\x1b\[(?P<plain>[0-9;]*)(?P<ask>[cnt])"
    rb"|\x1b\[[0-9;:]*(?:[ -/]+[@-~]|(?<=:)[0-9;:]*[@-~])"
    rb"|\x1b\[[0-9;]*:[0-9;:]*m"
    rb"|\x1b\](?P<osc>[^\x07\x1b]*)(?P<stop>\x07|\x1b\\)"
    rb"|\x1b[PX^_](?P<string>[^\x1b]*)\x1b\\"
    rb"|\x1b[=>78]"
)
UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?)?\Z")
DRAWN_MODES = {7, 25}
"""Private modes that pyte knows and that change what is seen: line wrap and the cursor."""
ALTERNATE = {47, 1047, 1049}
SYNCHRONISED = 2026
COLOURS = {"10": "rgb:c7c7/cccc/d6d6", "11": "rgb:0e0e/1212/1818"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the output in its order: bytes to draw, the other screen, a question, or the end of a frame."""

    kind: Literal["draw", "alternate", "ask", "frame"]
    data: bytes = b""
    on: bool = False


@dataclass(slots=True)
class Reader:
    """Takes output apart. Sequences may be split anywhere between two calls."""

    kitty: list[int] = field(default_factory=list)
    """Flags of the keyboard protocol that the program has pushed."""
    _rest: bytes = b""

    def read(self, data: bytes) -> Iterator[Piece]:
        """The pieces of `data`, with what was left over from the calls before."""
        data = self._rest + data
        cut = UNFINISHED.search(data)
        end = cut.start() if cut else len(data)
        self._rest = data[end:]
        position = 0
        for match in SPECIAL.finditer(data, 0, end):
            if match.start() > position:
                yield Piece("draw", data[position : match.start()])
            position = match.end()
            yield from self._special(match)
        if position < end:
            yield Piece("draw", data[position:end])

    def _special(self, match: re.Match[bytes]) -> Iterator[Piece]:
        if match["mark"]:
            yield from self._private(match["mark"], match["private"], match["between"], match["end"])
        elif match["ask"]:
            yield from self._ask(match["plain"], match["ask"])
        elif match["osc"] is not None:
            code, _, rest = match["osc"].decode("latin-1").partition(";")
            if rest == "?" and code in COLOURS:
                yield Piece("ask", f"\x1b]{code};{COLOURS[code]}".encode() + match["stop"])
        elif match["string"] is not None:
            if match["string"].startswith(b"+q"):
                yield Piece("ask", b"\x1bP0+r\x1b\\")
            elif match["string"].startswith(b"$q"):
                yield Piece("ask", b"\x1bP0$r\x1b\\")
        elif match[0] in (b"\x1b7", b"\x1b8"):
            yield Piece("draw", match[0])

    def _private(self, mark: bytes, private: bytes, between: bytes, end: bytes) -> Iterator[Piece]:
        numbers = [int(part) for part in re.split(rb"[;:]", private) if part]
        if mark == b"?" and end in b"hl" and not between:
            for number in numbers:
                yield from self._mode(number, on=end == b"h")
        elif mark == b"?" and between == b"$" and end == b"p" and numbers:
            state = 2 if numbers[0] == SYNCHRONISED else 0
            yield Piece("ask", b"\x1b[?%d;%d$y" % (numbers[0], state))
        elif end == b"u":
            yield from self._keyboard(mark, numbers)
        elif mark == b">" and end == b"q":
            yield Piece("ask", b"\x1bP>|quarterdeck-tests(1)\x1b\\")
        elif mark == b">" and end == b"c":
            yield Piece("ask", b"\x1b[>41;1;0c")
        elif mark == b"?" and end == b"n" and numbers == [6]:
            yield Piece("ask", b"cursor?")

    def _mode(self, number: int, *, on: bool) -> Iterator[Piece]:
        if number in ALTERNATE:
            yield Piece("alternate", on=on)
        elif number == SYNCHRONISED:
            if not on:
                yield Piece("frame")
        elif number in DRAWN_MODES:
            yield Piece("draw", b"\x1b[?%d%s" % (number, b"h" if on else b"l"))

    def _keyboard(self, mark: bytes, numbers: list[int]) -> Iterator[Piece]:
        if mark == b"?":
            yield Piece("ask", b"\x1b[?%du" % (self.kitty[-1] if self.kitty else 0))
        elif mark == b">":
            self.kitty.append(numbers[0] if numbers else 0)
        elif mark == b"<":
            del self.kitty[-(numbers[0] if numbers else 1) :]

    def _ask(self, plain: bytes, what: bytes) -> Iterator[Piece]:
        if what == b"c":
            yield Piece("ask", b"\x1b[?62;22c")
        elif what == b"n" and plain == b"5":
            yield Piece("ask", b"\x1b[0n")
        elif what == b"n" and plain == b"6":
            yield Piece("ask", b"cursor")
        elif what == b"t" and plain in (b"14", b"16", b"18"):
            yield Piece("ask", b"size" + plain)

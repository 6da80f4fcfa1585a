"""What filling a template may cost: a budget of work that every step of the template is charged to.

The budget is counted in units and not in seconds, so that a template that is filled today is filled on a busy machine
as well; a unit is about what one character or one element of a list costs. The processor time is the second line.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

UNITS = 4_000_000
CPU_S = 1.0
"""Seconds of the processor, for the whole of one filling: several times what the units take, since a busy machine, or a
collection of garbage that falls into it, is no fault of the template."""
OUTPUT = 1_000_000
"""Characters of a filled template."""
ELEMENTS = 20_000
"""Elements of a list, with those of the lists in it."""
DIGITS = 4096
"""Bits of a whole number."""
LOOK_EVERY = 16
TEXT_COST, LIST_COST, PRINT_COST = 16, 8, 8


class LimitError(Exception):
    """A template does more than one may, or what none may. `fix` says what to do."""

    def __init__(self, what: str, fix: str = "let it do less") -> None:
        super().__init__(what)
        self.fix = fix


class Guard:
    """The budget of one filling."""

    def __init__(self, units: int = UNITS, cpu_s: float = CPU_S) -> None:
        self._left = units
        self._until = time.thread_time() + cpu_s
        self._calls = 0

    def spend(self, units: int = 1) -> None:
        """Take units. Raises LimitError when none are left."""
        self._left -= units
        self._calls += 1
        late = self._calls % LOOK_EVERY == 0 and time.thread_time() > self._until
        if late or self._left < 0:
            # One sentence for both: which of them comes first is a matter of the machine.
            raise LimitError("it does more work than a template may: are there loops in loops, or calls of itself?")

    def made(self, value: Any) -> Any:
        """The value, once it is charged."""
        if isinstance(value, str):
            self.spend(TEXT_COST + len(value))
        elif isinstance(value, (list, tuple, dict)):
            self.spend(LIST_COST + weight(value)[0])
        elif isinstance(value, int):
            whole(value)
            self.spend()
        else:
            self.spend()
        return value

    def room(self, length: int) -> None:
        """Refuse a text of so many characters before it is made."""
        if length > OUTPUT:
            raise LimitError(f"a text of {length:,} characters would be made, at most {OUTPUT:,} are possible")
        self.spend(TEXT_COST + max(0, length))

    def power(self, base: int, exponent: int) -> None:
        """Refuse a power that is too long before it is made."""
        if base.bit_length() * abs(exponent) > DIGITS:
            raise LimitError("a number that is too long would be made")

    def printed(self, value: Any) -> None:
        """Charge what is printed; a list with all that stands in it."""
        if isinstance(value, str):
            self.spend(PRINT_COST + len(value))
        elif isinstance(value, (list, tuple, dict)):
            self.room(sum(weight(value)))
        else:
            self.spend(PRINT_COST)

    def join(self, pieces: Iterable[str]) -> str:
        """The pieces as one text. Raises LimitError before it is too long."""
        kept: list[str] = []
        length = 0
        for piece in pieces:
            length += len(piece)
            if length > OUTPUT or len(kept) > OUTPUT:
                raise LimitError(f"it prints more than {OUTPUT:,} characters")
            if piece:
                kept.append(piece)
        return "".join(kept)


def weight(value: Any) -> tuple[int, int]:
    """How many elements stand in a list or dict, with those of the lists in it, and how many characters.

    Raises LimitError for more than `ELEMENTS`.
    """
    elements = characters = 0
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, str):
            characters += len(inner)
        elif isinstance(inner, (list, tuple, dict)):
            elements += len(inner)
            if elements > ELEMENTS:
                raise LimitError(f"a list of more than {ELEMENTS:,} elements would be made")
            waiting.extend(inner)
            if isinstance(inner, dict):
                waiting.extend(inner.values())
    return elements, characters


def whole(value: int) -> int:
    """The number. Raises LimitError for one that is too long."""
    if value.bit_length() > DIGITS:
        raise LimitError("a number that is too long would be made")
    return value

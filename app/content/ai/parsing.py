"""Streams of bytes cut into what they say: server-sent events, and one JSON value a line.

However the bytes were cut on their way, the same comes out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.errors import UserError

LINE_BYTES = 16 * 1024 * 1024
"""A longer line is no text that anybody writes."""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event; `name` is empty where none was given."""

    name: str
    data: str


class Lines:
    """Lines of UTF-8, ended by LF, CR LF or CR. What is no UTF-8 is shown as U+FFFD."""

    def __init__(self) -> None:
        self._open = bytearray()
        self._after_cr = False
        self._first = True

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The lines that end within `chunk`. Raises UserError for one that does not end."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        *ended, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in ended:
            self._open += line
            yield self._taken()
        self._open += rest
        if len(self._open) > LINE_BYTES:
            raise UserError("the answer has a line without an end", fix="check the address of the endpoint")

    def close(self) -> Iterator[str]:
        """The last line, where nothing ended it."""
        if self._open:
            yield self._taken()

    def _taken(self) -> str:
        line = self._open.decode("utf-8", "replace")
        self._open.clear()
        if self._first:
            self._first = False
            line = line.removeprefix("\ufeff")
        return line


class Events:
    """Server-sent events. Comments, `id:` and `retry:` are passed over."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that end within `chunk`."""
        for line in self._lines.feed(chunk):
            yield from self._line(line)

    def close(self) -> Iterator[Event]:
        """The last event, where the stream ended without the blank line that belongs behind it."""
        for line in self._lines.close():
            yield from self._line(line)
        yield from self._line("")

    def _line(self, line: str) -> Iterator[Event]:
        if not line:
            if self._data:
                yield Event(self._name, "\n".join(self._data))
            self._name, self._data = "", []
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value


def value_of(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is; None for anything else, such as one that was cut off."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None

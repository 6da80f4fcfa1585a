"""A JSON document: an array of objects, alone or under a key of an object, or one object. Read piece by piece."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from app.feedback.contract import RAW_BYTES, ROW_BYTES
from app.feedback.imports.items import Item
from app.feedback.model import Violation

CHUNK = 1 << 20
UNDER = ("data", "items", "records", "rows", "tasks", "traces", "observations")
"""Keys of an object whose value may be the array."""
_OPENING = re.compile(r'\s*(?:\{\s*"(?:' + "|".join(UNDER) + r')"\s*:\s*)?\[')
_BETWEEN = re.compile(r"[\s,]*")
_NEXT = re.compile(r"\}\s*,\s*(?=\{)")
_DECODER = json.JSONDecoder()


def read(stream: BinaryIO, position: int = 0) -> Iterator[Item]:
    """Elements after the first `position` ones; `Item.end` counts elements, `Item.line` says where each begins.

    A piece that is no JSON reaches up to the next object that follows a comma, or to the end of the document.
    """
    text = _Text(stream)
    found = _OPENING.match(text.left)
    number = 0
    within = found is not None
    if found is not None:
        text.skip(found.end())
    while True:
        text.skip_between()
        if not text.left:
            return
        if within and text.left[0] == "]":
            if found is not None and "{" in found.group():
                return
            # Behind an array that stands alone nothing should follow; what does is not passed over.
            within = False
            text.skip(1)
            continue
        item = text.element()
        number += 1
        item.end = number
        if number > position:
            yield item


class _Text:
    """What was read and not used yet. Bytes that are no UTF-8 pass through as lone surrogates."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._over = False
        self._more()

    @property
    def left(self) -> str:
        """The beginning of what is left: at least some characters, unless it is the end."""
        return self._buffer[self._at : self._at + 4096]

    def skip(self, count: int) -> None:
        """Pass over so many characters."""
        self._line += self._buffer.count("\n", self._at, self._at + count)
        self._at += count

    def skip_between(self) -> None:
        """Pass over what separates two elements."""
        while True:
            found = _BETWEEN.match(self._buffer, self._at)
            assert found is not None
            self.skip(found.end() - self._at)
            if self._at < len(self._buffer) or not self._more():
                return

    def element(self) -> Item:
        """The next element."""
        line = self._line
        while True:
            try:
                _, end = _DECODER.raw_decode(self._buffer, self._at)
                # A number may go on in the next piece.
                if end < len(self._buffer) or self._over:
                    raw = self._taken(end)
                    return Item(line, 0, raw)
                why = ""
            except (json.JSONDecodeError, RecursionError) as error:
                why = (
                    f"not valid JSON: {error.msg}" if isinstance(error, json.JSONDecodeError) else "has too many levels"
                )
            long = len(self._buffer) - self._at > ROW_BYTES + CHUNK
            if long:
                return self._broken(line, f"has more than {ROW_BYTES} bytes, or is not valid JSON")
            if not self._more() and why:
                return self._broken(line, why)

    def _broken(self, line: int, why: str) -> Item:
        digest, size, head = hashlib.sha256(), 0, b""
        while True:
            found = _NEXT.search(self._buffer, self._at)
            # The mark may lie across two pieces.
            end = found.start() + 1 if found else len(self._buffer) - (0 if self._over else 64)
            raw = self._taken(max(end, self._at))
            digest.update(raw)
            size += len(raw)
            head = head if len(head) == RAW_BYTES else (head + raw)[:RAW_BYTES]
            if found or not self._more():
                if not found and self._at < len(self._buffer):
                    continue
                return Item(line, 0, head, fault=Violation("", why), size=size, digest=digest.hexdigest())

    def _taken(self, end: int) -> bytes:
        text = self._buffer[self._at : end]
        self.skip(end - self._at)
        return text.encode(errors="surrogateescape")

    def _more(self) -> bool:
        """Read on; False at the end of the stream."""
        if self._over:
            return False
        data = self._stream.read(CHUNK)
        self._over = not data
        self._buffer = self._buffer[self._at :] + self._decode(data, self._over)
        self._at = 0
        return bool(data)

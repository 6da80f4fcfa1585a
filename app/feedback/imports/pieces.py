"""The text of a JSON document, read piece by piece: elements whole, also where they are broken."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from typing import BinaryIO

from app.feedback.contract import RAW_BYTES, ROW_BYTES
from app.feedback.imports.brackets import Count
from app.feedback.imports.items import Item
from app.feedback.model import Violation

CHUNK = 1 << 20
LOOKED_AT = 4096
AHEAD = 4 * ROW_BYTES
"""Characters within which the end of an element that is broken or too long is looked for by its brackets."""
NEAR = 1 << 16
COUNTED = 1 << 24
"""Characters of a document that may be counted in vain; then ends are looked for only within `NEAR` ones."""
_BETWEEN = re.compile(r"[\s,]*")
_NEXT = re.compile(r"\}\s*,\s*(?=\{)")
_DECODER = json.JSONDecoder()


class Text:
    """What was read and not used yet. Bytes that are no UTF-8 pass through as lone surrogates."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._over = False
        self._in_vain = 0

    @property
    def left(self) -> str:
        """The beginning of what is left: enough to tell what it is, and nothing at the end."""
        while len(self._buffer) - self._at < LOOKED_AT and self._more():
            pass
        return self._buffer[self._at : self._at + LOOKED_AT]

    @property
    def next(self) -> str:
        """The next sign; nothing at the end."""
        while self._at == len(self._buffer) and self._more():
            pass
        return self._buffer[self._at : self._at + 1]

    def skip(self, count: int) -> None:
        """Pass over so many characters."""
        self._line += self._buffer.count("\n", self._at, self._at + count)
        self._at += count

    def behind_separators(self) -> str:
        """Pass over what separates two elements; the next sign, nothing at the end."""
        while True:
            found = _BETWEEN.match(self._buffer, self._at)
            assert found is not None
            self.skip(found.end() - self._at)
            if self._at < len(self._buffer) or not self._more():
                return self._buffer[self._at : self._at + 1]

    def missing(self, sign: str) -> Item:
        """Says that something should stand here."""
        why = f"`{sign}` is missing: the file may be cut off, give it whole"
        return Item(self._line, 0, b"", fault=Violation("", why))

    def element(self) -> Item:
        """The next element."""
        line = self._line
        while True:
            try:
                _, end = _DECODER.raw_decode(self._buffer, self._at)
                # A number may go on in the next piece.
                if end < len(self._buffer) or self._over:
                    return Item(line, 0, self._taken(end))
            except RecursionError:
                return self._broken(line, "has too many levels")
            except json.JSONDecodeError as error:
                if self._over or not self._may_go_on(error):
                    return self._broken(line, f"not valid JSON: {error.msg}")
            if len(self._buffer) - self._at > ROW_BYTES + CHUNK:
                return self._broken(line, f"has more than {ROW_BYTES} bytes, or is not valid JSON")
            self._more()

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether it may only be the end of what was read that is wrong."""
        # No word and no sign of JSON is longer.
        return error.msg.startswith("Unterminated") or error.pos > len(self._buffer) - 16

    def _broken(self, line: int, why: str) -> Item:
        """The element at hand: by its brackets, else up to the next object that follows a comma, else to the end."""
        end = self._counted()
        if end:
            raw = self._taken(end)
            return Item(line, 0, raw[:RAW_BYTES], None, Violation("", why), len(raw), hashlib.sha256(raw).hexdigest())
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

    def _counted(self) -> int:
        """Where the element at hand ends by its brackets; 0 where these do not tell."""
        if self.next not in "{[":
            return 0
        count, most = Count(), AHEAD if self._in_vain < COUNTED else NEAR
        while not (end := count.end(self._buffer, self._at, self._at + most)):
            if count.failed or len(self._buffer) - self._at >= most or not self._more():
                self._in_vain += count.at
                return 0
        return end

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

"""JSON lines: one object a line, in UTF-8. A line without end holds no more memory than a row may have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from app.feedback.contract import RAW_BYTES, ROW_BYTES
from app.feedback.imports.items import Item
from app.feedback.model import Violation

BOM = b"\xef\xbb\xbf"


def read(stream: BinaryIO, position: int = 0, line: int = 0) -> Iterator[Item]:
    """Lines that are not blank, from `position` on, which is the beginning of the line after `line`."""
    if position:
        stream.seek(position)
    readline = stream.readline
    most = ROW_BYTES + 2
    while raw := readline(most):
        line += 1
        position += len(raw)
        if len(raw) == most and not raw.endswith(b"\n"):
            item = _endless(stream, raw, position, line)
            position = item.end
            yield item
            continue
        if line == 1 and raw.startswith(BOM):
            raw = raw[len(BOM) :]
        raw = raw.strip(b" \t\r\n")
        if raw:
            yield Item(line, position, raw)


def _endless(stream: BinaryIO, raw: bytes, position: int, line: int) -> Item:
    """Read on to the end of a line that is too long, and keep its beginning, its place, its size and its hash."""
    digest, size, head, begin = hashlib.sha256(raw), len(raw), raw[:RAW_BYTES], position - len(raw)
    while not raw.endswith(b"\n") and (raw := stream.readline(ROW_BYTES)):
        digest.update(raw)
        size += len(raw)
        position += len(raw)
    why = Violation("", f"the line has {size} bytes from byte {begin} of the file on, at most {ROW_BYTES} are taken")
    return Item(line, position, head, fault=why, size=size, digest=digest.hexdigest())

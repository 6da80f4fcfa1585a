"""Files that hold no rows as text: refused as a whole, rather than line by line."""

from __future__ import annotations

import codecs
import re

from app.errors import UserError

MANY = 20
"""Lines after which nobody doubts that others are like them."""
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
}
_KNOWN = {
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF87a": "a GIF image",
    b"GIF89a": "a GIF image",
    b"%PDF-": "a PDF document",
    b"\x7fELF": "a program",
    b"SQLite format 3\0": "an SQLite database",
    b"\xd0\xcf\x11\xe0\xa1\xb1": "a document of Microsoft Office",
}
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_JSON = re.compile(rb'[\[{]\s*["\[\]{}]')


def refuse(data: bytes, name: str, *, whole: bool, told: bool) -> None:
    """Raises UserError for the beginning (or the whole) of a file that is packed, or no text in UTF-8. Where its format
    was `told`, hardly a readable line is no reason."""
    for mark, packing in _PACKED.items():
        if data.startswith(mark):
            raise UserError(f"the file is packed with {packing}", where=name, fix="unpack it first")
    for mark, what in _KNOWN.items():
        if data.startswith(mark):
            raise UserError(f"the file is {what}", where=name, fix="name a file of rows")
    if data.startswith(_WIDE) and b"\0" in data:
        raise UserError("the file is in UTF-16", where=name, fix="save it in UTF-8")
    if not told and _no_text(data, whole):
        raise UserError(
            "the file is no text in UTF-8", where=name, fix="save it in UTF-8; --format reads it line by line as it is"
        )


def _no_text(data: bytes, whole: bool) -> bool:
    """Whether less than a tenth of the lines is text: of many lines, or of few with zeros and no JSON among them."""
    lines = [line for each in data.split(b"\n") if (line := each.strip(b"\0 \t\r"))]
    if len(lines) > 1 and not whole:
        del lines[-1]
    if 10 * sum(len(line) for line in lines if _is_text(line)) >= sum(map(len, lines)):
        return False
    return len(lines) >= MANY or (any(b"\0" in line for line in lines) and not any(map(_JSON.match, lines)))


def _is_text(line: bytes) -> bool:
    try:
        # The end of the line may be that of what was looked at.
        codecs.utf_8_decode(line, "strict", False)
    except UnicodeDecodeError:
        return False
    return b"\0" not in line

"""Bytes of a file as text to check, and back again, so that what no fix touches stays as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BOM = "\ufeff"
_ENDING = re.compile(r"\r\n?|\n")
_ESCAPED = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Source:
    """A text with `\\n` at the end of each line. Bytes that are no UTF-8 stand in it as single surrogates."""

    text: str
    endings: tuple[str, ...] = ()
    """How each line ends; none where all end with `\\n`."""
    bom: bool = False

    @property
    def broken(self) -> int:
        """Offset of the first byte that is no UTF-8; -1 where all are."""
        found = _ESCAPED.search(self.text)
        return found.start() if found else -1

    def encoded(self, text: str) -> bytes:
        """Another text with as many lines, as bytes with this one's line ends and byte order mark."""
        if self.endings:
            lines = text.split("\n")
            text = "".join(line + ending for line, ending in zip(lines, (*self.endings, ""), strict=True))
        return ((_BOM if self.bom else "") + text).encode("utf-8", "surrogateescape")


def decoded(raw: bytes) -> Source:
    """Any bytes as text."""
    text = raw.decode("utf-8", "surrogateescape")
    bom = text.startswith(_BOM)
    text = text[1:] if bom else text
    if "\r" not in text:
        return Source(text, bom=bom)
    return Source(_ENDING.sub("\n", text), tuple(_ENDING.findall(text)), bom)


def shown(text: str) -> str:
    """The same with a replacement character for each byte that is no UTF-8, so that it can be printed as JSON."""
    return _ESCAPED.sub("\ufffd", text)

"""Names of files that not every system can hold: what is wrong with one, and the nearest one that is right."""

from __future__ import annotations

import re

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$)(?=\.|$)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")
LONGEST = 255
"""Bytes of one name that common file systems hold."""


def problem(component: str) -> str:
    """Why Windows or a common file system cannot hold this name of a file or folder; empty when all can."""
    if component.endswith((" ", ".")):
        return f"ends with a {'space' if component.endswith(' ') else 'dot'}, which Windows drops"
    reserved = _RESERVED.match(component.split(".", 1)[0].rstrip(" "))
    if reserved:
        return f"{reserved[0]} is a device on Windows"
    bad = _FORBIDDEN.search(component)
    if bad:
        shown = bad[0] if bad[0].isprintable() else f"\\x{ord(bad[0]):02x}"
        return f"holds {shown}, which Windows refuses"
    if _NOT_UTF8.search(component):
        return "holds bytes that are not UTF-8, which macOS and Windows refuse"
    if len(component.encode("utf-8", "surrogateescape")) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return ""


def repaired(component: str) -> str:
    """The nearest name that every system can hold."""
    name = _NOT_UTF8.sub("_", _FORBIDDEN.sub("_", component)).rstrip(" .") or "_"
    stem, dot, rest = name.partition(".")
    if _RESERVED.match(stem.rstrip(" ")):
        name = f"{stem.rstrip(' ')}_{dot}{rest}"
    raw = name.encode("utf-8", "surrogateescape")
    if len(raw) > LONGEST:
        head, dot, extension = name.rpartition(".")
        keep = f".{extension}" if dot and len(extension) < 20 else ""
        room = LONGEST - len(keep.encode("utf-8", "surrogateescape"))
        name = (head if keep else name).encode("utf-8", "surrogateescape")[:room].decode("utf-8", "ignore") + keep
    return name

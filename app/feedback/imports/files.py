"""A file of rows, whatever its format: told by what is in it, read with the map that fits it, and taken in."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from app.errors import UserError
from app.feedback import ingest
from app.feedback.imports import array, tools
from app.feedback.imports.maps import Conversion, Map, load
from app.feedback.imports.reader import Format as Format
from app.feedback.imports.reader import Reader
from app.feedback.model import Extra, ImportReport

if TYPE_CHECKING:
    from app.db.engine import Database

LOOKED_AT = 65_536
"""Bytes at the beginning that tell the format."""
LARGE = 4_000_000
"""Bytes from which on a process of its own makes the rows ready."""
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}
_WIDE = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Look:
    """What a file seems to be: its format, and the tool that it comes from (empty: rows of the contract)."""

    format: Format
    tool: str = ""


def look(data: bytes, name: str = "the file", given: Format | None = None) -> Look:
    """Tell format and tool by the beginning of a file; `given` overrules the format. Raises UserError for a file that
    is packed, or not in UTF-8."""
    for mark, packing in _PACKED.items():
        if data.startswith(mark):
            raise UserError(f"the file is packed with {packing}", where=name, fix="unpack it first")
    if data.startswith(_WIDE) and b"\0" in data:
        raise UserError("the file is in UTF-16", where=name, fix="save it in UTF-8")
    if data.startswith(b"PAR1"):
        return Look(given or "parquet")
    text = data.decode("utf-8-sig", errors="replace").lstrip()
    form = given or ("jsonl" if _lines(text, name) else _form(text))
    if form == "json":
        return Look(form, tools.of(_object(text[text.find("{", 1 if _wrapped(text) else 0) :])))
    if form == "jsonl":
        return Look(form, tools.of(_object(text)))
    return Look(form)


async def import_file(
    db: Database,
    path: Path,
    *,
    name: str = "",
    form: Format | None = None,
    using: str = "",
    extra: Extra = "forbid",
    progress: Callable[[ImportReport], None] = lambda report: None,
    patience_s: float = ingest.PATIENCE_S,
) -> ImportReport:
    """Take in a file, going on where an import of the same file was interrupted.

    `name` is what it is called where its path says nothing. `using` names a tool of `tools.TOOLS` or a TOML file with
    a map; without it the tool is told by the content. Raises UserError for what cannot be read.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UserError(f"the file cannot be opened: {error.strerror}", where=str(path)) from None
    with stream:
        try:
            beginning = stream.read(LOOKED_AT)
            stream.seek(0)
        except OSError as error:
            raise UserError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
        found = look(beginning, str(path), form)
        map_ = _map(using or found.tool)
        table = found.format in {"csv", "parquet"}
        convert = Conversion(map_, table) if table or map_ is not None else None
        mark, size = _mark(path, stream, beginning, f"{found.format} {convert} {extra}")
        source = ingest.Source(name or str(path), mark, size >= LARGE, convert)
        read = Reader(stream, found.format, str(path))
        return await ingest.import_rows(db, source, read, extra=extra, progress=progress, patience_s=patience_s)


def _mark(path: Path, stream: BinaryIO, beginning: bytes, how: str) -> tuple[bytes | None, int]:
    """What tells that the same file is read in the same way, which an interrupted import needs; and its size."""
    facts = os.fstat(stream.fileno())
    place = str(path.resolve())
    return ingest.fingerprint(place, str(facts.st_size), str(facts.st_mtime_ns), beginning, how), facts.st_size


def _map(using: str) -> Map | None:
    if not using:
        return None
    if using in tools.TOOLS:
        return tools.TOOLS[using]
    path = Path(using).expanduser()
    if path.suffix != ".toml" and not path.exists():
        raise UserError(
            f"there is no map {using!r}", fix=f"name one of {', '.join(tools.TOOLS)}, or a TOML file with a map"
        )
    return load(path)


def _lines(text: str, name: str) -> bool:
    """Whether these are JSON lines, whatever the first of them is: it may be broken, or no row at all."""
    lines = text.splitlines()
    if text.startswith(("{", "[")):
        # Complete by itself, with more behind it.
        return len(lines) > 1 and _is_json(lines[0]) and any(map(str.strip, lines[1:]))
    if Path(name).suffix.lower() in {".jsonl", ".ndjson"}:
        return True
    return any(line.lstrip().startswith("{") and _is_json(line) for line in lines)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _form(text: str) -> Format:
    if text.startswith("["):
        return "json"
    if not text.startswith("{"):
        return "csv" if text.strip() else "jsonl"
    first, _, others = text.partition("\n")
    others = others.lstrip()
    # An object that is written over many lines goes on with something other than an object.
    spread = not first.rstrip().endswith("}") and others and not others.startswith("{")
    return "json" if spread or _wrapped(text) else "jsonl"


def _wrapped(text: str) -> bool:
    """An object that holds the array, rather than the rows of a tool that have such a key themselves."""
    return re.match(r'\{\s*"(?:' + "|".join(array.UNDER) + r')"\s*:\s*\[', text) is not None


def _object(text: str) -> dict[str, Any]:
    """The object at the beginning; its keys as far as they can be told where it is cut off."""
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

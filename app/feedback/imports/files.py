"""A file of rows, whatever its format: told by what is in it, read with the map that fits it, and taken in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from app.errors import UserError
from app.feedback import ingest
from app.feedback.imports import tools
from app.feedback.imports.formats import LOOKED_AT
from app.feedback.imports.formats import look as look
from app.feedback.imports.maps import Conversion, Map, load
from app.feedback.imports.reader import Format as Format
from app.feedback.imports.reader import Reader
from app.feedback.model import Extra, ImportReport

if TYPE_CHECKING:
    from app.db.engine import Database

LARGE = 4_000_000
"""Bytes from which on a process of its own makes the rows ready."""


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
    called = name or str(path)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise UserError(f"the file cannot be opened: {error.strerror}", where=called) from None
    with stream:
        try:
            beginning = stream.read(LOOKED_AT)
            stream.seek(0)
        except OSError as error:
            raise UserError(f"the file cannot be read: {error.strerror or error}", where=called) from None
        found = look(beginning, called, form, mapped=bool(using) and using not in tools.TOOLS)
        map_ = _map(using or found.tool)
        table = found.format in {"csv", "parquet"}
        convert = Conversion(map_, table) if table or map_ is not None else None
        mark, size = _mark(path, stream, beginning, f"{found.format} {convert} {extra}")
        source = ingest.Source(called, mark, size >= LARGE, convert)
        read = Reader(stream, found.format, called)
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

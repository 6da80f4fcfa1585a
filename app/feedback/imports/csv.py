"""CSV with a header line. Cells become what the contract wants: numbers, lists of tags, JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from app.errors import UserError
from app.feedback.contract import ROW_BYTES
from app.feedback.imports.items import Item
from app.feedback.model import Violation

DELIMITERS = ",;\t|"
_NEVER_CLOSED = Violation("", "the quote of a cell is never closed: the row reaches up to the end of the file")


class _Lines:
    """Physical lines for the csv module, which remembers those of the row at hand."""

    def __init__(self, stream: BinaryIO) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self.taken: list[str] = []
        self.wanted = False
        """The file ended within a row, which only a quote that is not closed makes longer than its lines."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(ROW_BYTES)
        if not line:
            self.wanted = bool(self.taken)
            raise StopIteration
        self.taken.append(line)
        return line

    def row(self) -> bytes:
        """The bytes of the lines taken since the last call."""
        text, self.taken = "".join(self.taken), []
        return text.encode(errors="surrogateescape").rstrip(b"\r\n")

    def detach(self) -> None:
        self._text.detach()


def read(stream: BinaryIO, position: int = 0, name: str = "the file") -> Iterator[Item]:
    """Rows after the first `position` ones; `Item.end` counts rows. Raises UserError for a header that is none."""
    lines = _Lines(stream)
    csv.field_size_limit(ROW_BYTES)
    try:
        first = next(lines, "")
        header = _header(first, name)
        if header is None:
            return
        names, delimiter = header
        lines.row()
        rows = csv.reader(lines, delimiter=delimiter, strict=False)
        number, at = 0, 1
        while True:
            fault: Violation | None = None
            cells: list[str] = []
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                # With a quote that is not closed a cell takes in one row after the other.
                fault = Violation("", f"not CSV: {error}; see that the quotes of its cells are closed")
            start, at = at + 1, 1 + rows.line_num
            raw = lines.row()
            if not cells and fault is None:
                continue
            number += 1
            if number <= position:
                continue
            if fault is None:
                fault = _NEVER_CLOSED if lines.wanted else _wrong(cells, names)
            value = None if fault else dict(zip(names, cells, strict=True))
            yield Item(start, number, raw, value, fault)
    finally:
        lines.detach()


def typed(value: Mapping[str, Any]) -> dict[str, Any]:
    """Cells as the contract wants them; an empty cell is an absent field, but for input and output."""
    row: dict[str, Any] = {}
    for name, cell in value.items():
        if not isinstance(cell, str):
            row[name] = cell
        elif not cell and name not in {"input", "output"}:
            continue
        elif name == "score" or name in {"context", "score_raw"}:
            row[name] = _json(cell)
        elif name == "tags":
            found = _json(cell) if cell.lstrip().startswith("[") else None
            row[name] = found if isinstance(found, list) else [tag.strip() for tag in cell.split(",") if tag.strip()]
        else:
            row[name] = cell
    return row


def _json(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def _header(line: str, name: str) -> tuple[list[str], str] | None:
    if not line.strip():
        return None
    delimiter = max(DELIMITERS, key=line.count)
    names = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    double = next((cell for cell in names if names.count(cell) > 1), None)
    if double is not None or not all(names):
        what = f"the column {double!r} is there twice" if double else "a column has no name"
        raise UserError(f"the header line is wrong: {what}", where=name, fix="give every column a name of its own")
    return names, delimiter


def _wrong(cells: list[str], names: list[str]) -> Violation | None:
    if any("\udc80" <= sign <= "\udcff" for cell in cells if not cell.isascii() for sign in cell):
        return Violation("", "not UTF-8")
    if len(cells) != len(names):
        return Violation("", f"has {len(cells)} cell{'s' * (len(cells) != 1)}, the header has {len(names)}")
    return None

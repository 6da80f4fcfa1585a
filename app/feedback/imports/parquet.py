"""Parquet, row group by row group. Needs pyarrow, which is an extra."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from app.errors import UserError
from app.feedback.imports.items import Item

EXTRA = "pip install 'quarterdeck[parquet]'"
ROWS = 1000


def read(stream: BinaryIO, position: int = 0, name: str = "the file") -> Iterator[Item]:
    """Rows after the first `position` ones; `Item.end` and `Item.line` count rows.

    Raises UserError where pyarrow is missing, and for a file that is no Parquet.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise UserError("reading Parquet needs pyarrow", where=name, fix=EXTRA) from None
    try:
        file = ParquetFile(stream)
        number = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if number + rows <= position:
                number += rows
                continue
            for batch in file.iter_batches(ROWS, row_groups=[group]):
                for row in batch.to_pylist():
                    number += 1
                    if number > position:
                        value = {key: _plain(cell) for key, cell in row.items() if cell is not None}
                        raw = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")
                        yield Item(number, number, raw, value)
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"the file is no Parquet that can be read: {error}", where=name) from None


def _plain(value: Any) -> Any:
    """The value as JSON has it; a number that is none is nothing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)

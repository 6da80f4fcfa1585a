"""A file that is read row by row, in this process or in another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import reduction
from typing import Any, BinaryIO, Literal

from app.feedback.imports import array, csv, jsonl, parquet
from app.feedback.imports.items import Item

Format = Literal["jsonl", "json", "csv", "parquet"]


@dataclass(slots=True)
class Reader:
    """Reads the rows of a file from a place on. A process that is started with it gets the open file itself, whatever
    its path leads to by then."""

    stream: BinaryIO
    form: Format = "jsonl"
    name: str = "the file"

    def __call__(self, position: int, line: int) -> Iterator[Item]:
        """Rows behind this place. Raises UserError for what is no such file."""
        if self.form == "jsonl":
            return jsonl.read(self.stream, position, line)
        if self.form == "json":
            return array.read(self.stream, position)
        read = csv.read if self.form == "csv" else parquet.read
        return read(self.stream, position, self.name)

    def __getstate__(self) -> tuple[Any, Format, str]:
        return reduction.DupFd(self.stream.fileno()), self.form, self.name

    def __setstate__(self, state: tuple[Any, Format, str]) -> None:
        file, self.form, self.name = state
        self.stream = os.fdopen(file.detach(), "rb")
        # Both processes share one place in the file, and the other one has looked at its beginning.
        self.stream.seek(0)

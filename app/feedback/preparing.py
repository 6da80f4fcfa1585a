"""Batches made ready: here, or in a process of their own so that reading goes on while the database writes."""

from __future__ import annotations

import json
import logging
import marshal
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.db.types import utc_now
from app.feedback.exported import without_decisions
from app.feedback.identities import identities
from app.feedback.imports.items import Item
from app.feedback.model import Extra, Violation
from app.feedback.quarantine import Entry, entry
from app.feedback.rows import Prepared, ViolationError, parse, parse_object, prepare, whole

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

log = logging.getLogger(__name__)

BATCH_ROWS = 16_000
"""Many rows in one transaction: each page of an index is written once for all of its new keys."""
BATCH_BYTES = 8_000_000
Place = tuple[int, int]
"""Position and line."""
Raw = tuple[bytes, Mapping[str, Any] | None]
"""A row as it stood, and as it was read where it is not one JSON object."""
Convert = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes a row of the contract of an object of another shape; may raise ViolationError."""
Broken = tuple[int, str, str, bytes]
"""Index, field, reason; and the row as one JSON object where it was read from something else (else empty)."""
Ready = tuple[list[tuple[Any, ...]], list[tuple[str, ...]], list[bool], list[Broken]]
"""Values, tags and `own_id` of each row that keeps the contract, and those that do not."""


@dataclass(slots=True)
class Batch:
    """Some items made ready. `start` and `end` are the places before and after them."""

    start: Place
    end: Place
    items: list[Item] = field(default_factory=list)
    rows: list[Prepared] = field(default_factory=list)
    """Rows that keep the contract."""
    indexes: Sequence[int] = ()
    """Of the item of each row."""
    refused: list[Entry] = field(default_factory=list)


class Preparer:
    """Turns items into batches. With `helper`, in a process of its own; without one, in the calling thread."""

    def __init__(
        self,
        items: Iterator[Item],
        start: Place,
        batch: str,
        extra: Extra,
        *,
        helper: bool,
        convert: Convert | None = None,
    ) -> None:
        self._items = items
        self._place = start
        self._work = (batch, extra, convert)
        self._ids = identities()
        self._sent: Batch | None = None
        self._pipe: Connection | None = None
        self._process: Any = None
        if helper and (os.cpu_count() or 1) > 1:
            self._open()

    def next(self) -> Batch | None:
        """The next batch; None at the end. Blocks: to be called in a thread."""
        if self._pipe is None:
            found = self._read()
            if found is not None:
                _fill(found, ready(_raws(found.items), *self._work, self._ids))
            return found
        if self._sent is None:
            self._send(self._pipe, self._read())
        batch = self._sent
        if batch is None:
            return None
        # Read while the helper is at work, so that it need not wait for the next one.
        following = self._read()
        answer = self._pipe.recv_bytes()
        # Only now: the helper reads nothing while it waits to be rid of an answer.
        self._send(self._pipe, following)
        _fill(batch, marshal.loads(answer))
        return batch

    def close(self) -> None:
        """End the helper."""
        if self._pipe is not None:
            self._pipe.close()
            self._process.terminate()
            self._process.join()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, *self._work), daemon=True)
        self._process.start()
        theirs.close()

    def _send(self, pipe: Connection, batch: Batch | None) -> None:
        self._sent = batch
        if batch is not None:
            pipe.send_bytes(marshal.dumps(_raws(batch.items)))

    def _read(self) -> Batch | None:
        batch, size = Batch(self._place, self._place), 0
        for item in islice(self._items, BATCH_ROWS):
            batch.items.append(item)
            size += len(item.raw)
            if size >= BATCH_BYTES:
                break
        if not batch.items:
            return None
        batch.end = self._place = (batch.items[-1].end, batch.items[-1].line)
        return batch


def _raws(items: list[Item]) -> list[Raw]:
    """What there is to make ready; an item that could not be read is so already."""
    return [(item.raw, item.value) for item in items if item.fault is None]


def ready(
    raws: list[Raw], batch: str, extra: Extra, convert: Convert | None, ids: Iterator[str], now: datetime | None = None
) -> Ready:
    """The rows as values for the table, and those that break the contract."""
    moment = now or utc_now()
    values: list[tuple[Any, ...]] = []
    tags: list[tuple[str, ...]] = []
    own: list[bool] = []
    refused: list[Broken] = []
    for index, (raw, value) in enumerate(raws):
        try:
            if convert is not None:
                value = convert(whole(raw) if value is None else value)
            row = parse(raw, extra) if value is None else parse_object(value, extra)
            found = prepare(row, now=moment, batch=batch, identity=next(ids))
        except ViolationError as error:
            # A line of an export is kept as it stood, with its decisions.
            text = b"" if convert is without_decisions else _as_json(value)
            refused.append((index, error.violation.field, error.violation.reason, text))
            continue
        values.append(found.values)
        tags.append(found.tags)
        own.append(found.own_id)
    return values, tags, own, refused


def _as_json(value: Mapping[str, Any] | None) -> bytes:
    """What can be mended and tried again, which a line of a table could not."""
    if value is None:
        return b""
    try:
        return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")
    except (ValueError, TypeError, RecursionError):
        return b""


def _fill(batch: Batch, found: Ready) -> None:
    """Put what came of a batch's items into it."""
    values, tags, own, broken = found
    batch.rows = list(map(Prepared, values, tags, own))
    if len(values) == len(batch.items):
        batch.indexes = range(len(values))
        return
    reasons = {index: (Violation(name, reason), text) for index, name, reason, text in broken}
    indexes, number = [], 0
    for index, item in enumerate(batch.items):
        if item.fault is not None:
            batch.refused.append(Entry(item.line, item.fault, *item.kept()))
            continue
        found_broken = reasons.get(number)
        number += 1
        if found_broken is None:
            indexes.append(index)
        else:
            why, text = found_broken
            batch.refused.append(entry(text, why, item.line) if text else Entry(item.line, why, *item.kept()))
    batch.indexes = indexes


def _serve(pipe: Connection, batch: str, extra: Extra, convert: Convert | None) -> None:
    """The helper: answers until the other end is closed, however the other process came to its end."""
    ids = identities()
    while True:
        try:
            raws = marshal.loads(pipe.recv_bytes())
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send_bytes(marshal.dumps(ready(raws, batch, extra, convert, ids)))
        except (BrokenPipeError, KeyboardInterrupt):
            return

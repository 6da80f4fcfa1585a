"""Batches made ready: here, or in a process of their own so that reading goes on while the database writes."""

from __future__ import annotations

import gc
import json
import logging
import marshal
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.db.types import utc_now
from app.errors import UserError
from app.feedback.exported import without_decisions
from app.feedback.identities import identities
from app.feedback.imports.items import Item
from app.feedback.model import Extra, Violation
from app.feedback.quarantine import Entry, entry
from app.feedback.rows import Prepared, ViolationError, parse, parse_object, prepare, whole

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

log = logging.getLogger(__name__)

BATCH_ROWS = 24_000
"""Many rows in one transaction: each page of an index is written once for all of its new keys. Others who write wait
for its end, at most a second or two."""
BATCH_BYTES = 16_000_000
FIRST_ROWS = 4_000
"""The first batch is small, so that writing begins early; each one after it is twice as large, up to the full size."""
PIECE_ROWS = 2_000
"""Few rows at a time as objects: until they are written they are kept as bytes, which take a third of the memory."""
PIECE_BYTES = 2_000_000
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
class Opened:
    """Some items as what they are to become."""

    items: list[Item]
    rows: list[Prepared]
    """Rows that keep the contract."""
    indexes: Sequence[int]
    """Of the item of each row."""
    refused: list[Entry]


@dataclass(slots=True)
class Piece:
    """Some items, and what came of them as `ready` says it, packed."""

    items: list[Item]
    packed: bytes = b""

    def opened(self) -> Opened:
        """The rows themselves, made anew at each call."""
        return _opened(self.items, marshal.loads(self.packed))


@dataclass(slots=True)
class Batch:
    """What is written in one transaction. `start` and `end` are the places before and after it."""

    start: Place
    end: Place
    pieces: list[Piece] = field(default_factory=list)


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
        self._most = min(FIRST_ROWS, BATCH_ROWS)
        self._work = (batch, extra, convert)
        self._ids = identities()
        self._sent: Piece | None = None
        self._pipe: Connection | None = None
        self._process: Any = None
        if helper and (os.cpu_count() or 1) > 1:
            self._open()

    def next(self) -> Batch | None:
        """The next batch; None at the end. Blocks: to be called in a thread, never in two at once."""
        batch, rows, size = Batch(self._place, self._place), 0, 0
        while rows < self._most and size < BATCH_BYTES and (piece := self._piece(self._most - rows)) is not None:
            batch.pieces.append(piece)
            rows += len(piece.items)
            size += sum(len(item.raw) for item in piece.items)
        if not batch.pieces:
            return None
        self._most = min(BATCH_ROWS, 2 * self._most)
        last = batch.pieces[-1].items[-1]
        batch.end = self._place = (last.end, last.line)
        return batch

    def _piece(self, most: int) -> Piece | None:
        """The next piece, made ready."""
        if self._pipe is None:
            piece = self._read(most)
            if piece is not None:
                piece.packed = marshal.dumps(ready(_raws(piece.items), *self._work, self._ids))
            return piece
        if self._sent is None:
            self._send(self._pipe, self._read(most))
        piece = self._sent
        if piece is None:
            return None
        # Read while the helper is at work, so that it need not wait for the next one.
        following = self._read(BATCH_ROWS)
        try:
            piece.packed = self._pipe.recv_bytes()
        except (EOFError, OSError):
            raise _ended() from None
        # Only now: the helper reads nothing while it waits to be rid of an answer.
        self._send(self._pipe, following)
        return piece

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

    def _send(self, pipe: Connection, piece: Piece | None) -> None:
        self._sent = piece
        if piece is not None:
            try:
                pipe.send_bytes(marshal.dumps(_raws(piece.items)))
            except OSError:
                raise _ended() from None

    def _read(self, most: int) -> Piece | None:
        items: list[Item] = []
        size = 0
        for item in islice(self._items, min(most, PIECE_ROWS)):
            items.append(item)
            size += len(item.raw)
            if size >= PIECE_BYTES:
                break
        return Piece(items) if items else None


def _ended() -> UserError:
    return UserError(
        "the process that makes the rows ready was ended",
        fix="see that there is memory left, and give the same import again: it goes on where it stopped",
    )


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


def _opened(items: list[Item], found: Ready) -> Opened:
    values, tags, own, broken = found
    rows = list(map(Prepared, values, tags, own))
    if len(rows) == len(items):
        return Opened(items, rows, range(len(rows)), [])
    reasons = {index: (Violation(name, reason), text) for index, name, reason, text in broken}
    indexes: list[int] = []
    refused: list[Entry] = []
    number = 0
    for index, item in enumerate(items):
        if item.fault is not None:
            refused.append(Entry(item.line, item.fault, *item.kept()))
            continue
        found_broken = reasons.get(number)
        number += 1
        if found_broken is None:
            indexes.append(index)
        else:
            why, text = found_broken
            refused.append(entry(text, why, item.line) if text else Entry(item.line, why, *item.kept()))
    return Opened(items, rows, indexes, refused)


def _serve(pipe: Connection, batch: str, extra: Extra, convert: Convert | None) -> None:
    """The helper: answers until the other end is closed, however the other process came to its end."""
    ids = identities()
    with little_collecting():
        _answer(pipe, batch, extra, convert, ids)


@contextmanager
def little_collecting() -> Iterator[None]:
    """Look for garbage seldom: a piece makes some ten thousand objects that all live until it is done."""
    before = gc.get_threshold()
    gc.set_threshold(100_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _answer(pipe: Connection, batch: str, extra: Extra, convert: Convert | None, ids: Iterator[str]) -> None:
    while True:
        try:
            raws = marshal.loads(pipe.recv_bytes())
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send_bytes(marshal.dumps(ready(raws, batch, extra, convert, ids)))
        except (BrokenPipeError, KeyboardInterrupt):
            return

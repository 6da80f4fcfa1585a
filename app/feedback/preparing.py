"""Batches made ready: here, or in a process of their own that reads the file and goes on while the database writes."""

from __future__ import annotations

import gc
import json
import marshal
import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.db.types import utc_now
from app.errors import UserError
from app.feedback.contract import FeedbackIn
from app.feedback.exported import without_decisions
from app.feedback.folding import Folded, fold
from app.feedback.identities import identities
from app.feedback.imports.items import Item
from app.feedback.model import Extra, Violation
from app.feedback.quarantine import Entry, entry
from app.feedback.rows import Prepared, ViolationError, parse, parse_object, prepare, whole

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

BATCH_ROWS = 24_000
"""Many rows in one transaction: each page of an index is written once for all of its new keys. Others who write wait
for its end, at most a second or two."""
BATCH_BYTES = 16_000_000
FIRST_ROWS = 4_000
"""The first batch is small, so that writing begins early; each one after it is twice as large, up to the full size."""
PIECE_ROWS = 2_000
"""Few rows at a time as objects: until they are written they are kept as bytes, which take a third of the memory."""
PIECE_BYTES = 2_000_000
PIPE_BYTES = 1 << 20
"""What the helper may be ahead of who reads, where the system lets a pipe hold that much."""
Place = tuple[int, int]
"""Position and line."""
Read = Callable[[int, int], Iterator[Item]]
"""Items from (position, line) on."""
Convert = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes a row of the contract of an object of another shape; may raise ViolationError."""
Parsed = tuple[FeedbackIn, Item, Mapping[str, Any] | None]
"""A row that came in, the item that it was, and what was made of that where it was no row of the contract."""


@dataclass(frozen=True, slots=True)
class Work:
    """What becomes of items; a value, since another process needs it, too."""

    read: Read
    start: Place
    batch: str
    extra: Extra
    convert: Convert | None
    most: int
    """Rows of a piece."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some items, and what came of them, packed. `end` is the place behind them."""

    end: Place
    items: int
    size: int
    """Bytes of the items."""
    packed: bytes
    """Folded rows that keep the contract."""
    stood: bytes
    """The items of these rows, as they stood."""
    broken: bytes
    """What does not keep the contract."""

    def rows(self) -> Folded:
        """The rows, made anew at each call."""
        return Folded(*marshal.loads(self.packed))

    def stand(self) -> list[Item]:
        """The item of each row."""
        return [Item(line, 0, raw) for line, raw in marshal.loads(self.stood)]

    def refused(self) -> list[Entry]:
        """What goes to the quarantine."""
        return [Entry(line, Violation(*why), *kept) for line, why, kept in marshal.loads(self.broken)]


@dataclass(slots=True)
class Batch:
    """What is written in one transaction. `start` and `end` are the places before and after it."""

    start: Place
    end: Place
    pieces: list[Piece] = field(default_factory=list)


class Preparer:
    """Turns what is read into batches. With `helper`, in a process of its own; without one, in the calling thread."""

    def __init__(
        self, read: Read, start: Place, batch: str, extra: Extra, *, helper: bool, convert: Convert | None = None
    ) -> None:
        work = Work(read, start, batch, extra, convert, min(PIECE_ROWS, BATCH_ROWS))
        self._place = start
        self._most = min(FIRST_ROWS, BATCH_ROWS)
        self._pipe: Connection | None = None
        self._process: Any = None
        if helper and (os.cpu_count() or 1) > 1:
            self._pieces = self._received(self._open(work))
        else:
            self._pieces = made(work)

    def next(self) -> Batch | None:
        """The next batch; None at the end. Blocks: to be called in a thread, never in two at once."""
        batch, rows, size = Batch(self._place, self._place), 0, 0
        while rows < self._most and size < BATCH_BYTES and (piece := next(self._pieces, None)) is not None:
            batch.pieces.append(piece)
            rows += piece.items
            size += piece.size
        if not batch.pieces:
            return None
        self._most = min(BATCH_ROWS, 2 * self._most)
        batch.end = self._place = batch.pieces[-1].end
        return batch

    def close(self) -> None:
        """End the helper."""
        if self._pipe is not None:
            self._pipe.close()
            self._process.terminate()
            self._process.join()

    def _open(self, work: Work) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe(duplex=False)
        _widen(theirs)
        self._process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self._process.start()
        theirs.close()
        return self._pipe

    @staticmethod
    def _received(pipe: Connection) -> Iterator[Piece]:
        while head := _part(pipe):
            end, items, size, failed = marshal.loads(head)
            if failed:
                raise pickle.loads(failed)
            yield Piece(end, items, size, _part(pipe), _part(pipe), _part(pipe))


def _part(pipe: Connection) -> bytes:
    try:
        return pipe.recv_bytes()
    except (EOFError, OSError):
        raise UserError(
            "the process that makes the rows ready was ended",
            fix="see that there is memory left, and give the same import again: it goes on where it stopped",
        ) from None


def made(work: Work) -> Iterator[Piece]:
    """Read on, and make the rows ready piece by piece."""
    items = work.read(*work.start)
    ids = identities()
    while True:
        read: list[Item] = []
        size = 0
        for item in islice(items, work.most):
            read.append(item)
            size += len(item.raw)
            if size >= PIECE_BYTES:
                break
        if not read:
            return
        yield _piece(read, size, work, ids)


def _piece(items: list[Item], size: int, work: Work, ids: Iterator[str]) -> Piece:
    now = utc_now()
    read: list[Parsed] = []
    refused: list[Entry] = []
    for item in items:
        if item.fault is not None:
            refused.append(Entry(item.line, item.fault, *item.kept()))
            continue
        value = item.value
        try:
            if work.convert is not None:
                value = work.convert(whole(item.raw) if value is None else value)
            row = parse(item.raw, work.extra) if value is None else parse_object(value, work.extra)
        except ViolationError as error:
            refused.append(_refused(item, value, error.violation, work))
        else:
            read.append((row, item, value))
    # By time, as most indexes go, which so are written in one place after the other; of rows that are the same, the
    # first one in the file counts.
    rows, stood, more = _prepared(sorted(read, key=lambda each: each[0].captured_at or now), now, work, ids)
    if _twice(rows):
        rows, stood, more = _prepared(read, now, work, ids)
    refused = sorted(refused + more, key=lambda each: each.line)
    last = items[-1]
    broken = [
        (each.line, (each.violation.field, each.violation.reason), (each.raw, each.size, each.digest))
        for each in refused
    ]
    packed = marshal.dumps(fold(rows).packed())
    return Piece((last.end, last.line), len(items), size, packed, marshal.dumps(stood), marshal.dumps(broken))


def _prepared(
    read: Iterable[Parsed], now: datetime, work: Work, ids: Iterator[str]
) -> tuple[list[Prepared], list[tuple[int, bytes]], list[Entry]]:
    """Rows for the table, the items of these as they stood, and what is refused."""
    rows: list[Prepared] = []
    stood: list[tuple[int, bytes]] = []
    refused: list[Entry] = []
    for row, item, value in read:
        try:
            rows.append(prepare(row, now=now, batch=work.batch, identity=next(ids)))
        except ViolationError as error:
            refused.append(_refused(item, value, error.violation, work))
        else:
            stood.append((item.line, item.raw))
    return rows, stood, refused


def _twice(rows: Sequence[Prepared]) -> bool:
    """Whether two of them are one, or have one id."""
    return len({row.unique_key for row in rows}) < len(rows) or len({row.id for row in rows}) < len(rows)


def _refused(item: Item, value: Mapping[str, Any] | None, why: Violation, work: Work) -> Entry:
    # A line of an export is kept as it stood, with its decisions.
    text = b"" if work.convert is without_decisions else _as_json(value)
    return entry(text, why, item.line) if text else Entry(item.line, why, *item.kept())


def _as_json(value: Mapping[str, Any] | None) -> bytes:
    """What can be mended and tried again, which a line of a table could not."""
    if value is None:
        return b""
    try:
        return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")
    except (ValueError, TypeError, RecursionError):
        return b""


@contextmanager
def little_collecting() -> Iterator[None]:
    """Look for garbage seldom: a piece makes some ten thousand objects that all live until it is done."""
    before = gc.get_threshold()
    gc.set_threshold(100_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _serve(pipe: Connection, work: Work) -> None:
    """The helper: sends until all is read, or the other end is closed, however the other process came to its end."""
    try:
        with little_collecting():
            for piece in made(work):
                head = marshal.dumps((piece.end, piece.items, piece.size, b""))
                for part in (head, piece.packed, piece.stood, piece.broken):
                    pipe.send_bytes(part)
        pipe.send_bytes(b"")
    except (BrokenPipeError, KeyboardInterrupt):
        return
    except Exception as error:
        # Told where the import runs, as if it had been raised there.
        pipe.send_bytes(marshal.dumps(((0, 0), 0, 0, pickle.dumps(error))))


def _widen(pipe: Connection) -> None:
    """Let a pipe hold more, so that the helper is not woken for every few rows."""
    try:
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        return

"""Batches made ready: here, or in a process of their own that reads the file and goes on while the database writes."""

from __future__ import annotations

import gc
import json
import marshal
import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.db.types import utc_now
from app.errors import UserError
from app.feedback.ahead import Ahead
from app.feedback.exported import without_decisions
from app.feedback.folding import Folded, fold
from app.feedback.identities import identities
from app.feedback.imports.items import Item
from app.feedback.model import Extra, Violation
from app.feedback.quarantine import Entry, entry
from app.feedback.rows import CAPTURED_AT, UNIQUE_KEY, Prepared, ViolationError, parse, parse_object, prepare, whole
from app.feedback.texts import is_pure

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

BATCH_ROWS = 24_000
"""Many rows in one transaction: each page of an index is written once for all of its new keys. Others who write wait
for its end, at most a second or two."""
BATCH_BYTES = 16_000_000
FIRST_ROWS = 4_000
"""The first batch is small, so that writing begins early; each one after it is twice as large, up to the full size."""
PIECE_ROWS = 6_000
"""Rows at a time as objects, and in the order of their times: until they are written they are kept as bytes, which take
a third of the memory."""
PIECE_BYTES = 6_000_000
PIECES_AHEAD = 4
"""Pieces that may be ready and not wanted yet: about a batch, so that neither side waits for a pause of the other."""
PIPE_BYTES = 1 << 20
"""What a pipe should hold besides, where the system lets it."""
Place = tuple[int, int]
"""Position and line."""
Read = Callable[[int, int], Iterator[Item]]
"""Items from (position, line) on."""
Convert = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes a row of the contract of an object of another shape; may raise ViolationError."""


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
        self._ahead: Ahead[Piece] | None = None
        self._pieces: Iterator[Piece]
        if helper and (os.cpu_count() or 1) > 1:
            self._ahead = Ahead(self._received(self._open(work)), PIECES_AHEAD)
            self._pieces = iter(self._ahead)
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
        if self._pipe is not None and self._ahead is not None:
            # Whoever reads from the pipe hears its end, and only then it is closed.
            self._process.terminate()
            self._process.join()
            self._ahead.close()
            self._pipe.close()

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
    rows: list[Prepared] = []
    stood: list[tuple[int, bytes]] = []
    refused: list[Entry] = []
    convert, extra, batch = work.convert, work.extra, work.batch
    for item in items:
        if item.fault is not None:
            refused.append(Entry(item.line, item.fault, *item.kept()))
            continue
        raw, value = item.raw, item.value
        try:
            if convert is not None:
                value = convert(whole(raw) if value is None else value)
            row = parse(raw, extra) if value is None else parse_object(value, extra)
            rows.append(prepare(row, now=now, batch=batch, identity="", pure=value is None and is_pure(raw)))
        except ViolationError as error:
            # A line of an export is kept as it stood, with its decisions.
            text = b"" if convert is without_decisions else _as_json(value)
            why = error.violation
            refused.append(entry(text, why, item.line) if text else Entry(item.line, why, *item.kept()))
            continue
        stood.append((item.line, raw))
    rows, stood = _by_time(rows, stood)
    last = items[-1]
    broken = [
        (each.line, (each.violation.field, each.violation.reason), (each.raw, each.size, each.digest))
        for each in refused
    ]
    packed = fold(rows, ids).packed()
    # Marshal looks up whatever is held twice.
    del rows
    return Piece(
        (last.end, last.line), len(items), size, marshal.dumps(packed), marshal.dumps(stood), marshal.dumps(broken)
    )


def _by_time(rows: list[Prepared], stood: list[tuple[int, bytes]]) -> tuple[list[Prepared], list[tuple[int, bytes]]]:
    """In the order in which they were captured: as most indexes go, which are so written in one place after the other.

    Of rows that are the same the first one in the file counts, so that these stay as they are.
    """
    if len({row.values[UNIQUE_KEY] for row in rows}) < len(rows) or any(row.own_id for row in rows):
        return rows, stood
    times = [row.values[CAPTURED_AT] for row in rows]
    order = sorted(range(len(rows)), key=times.__getitem__)
    return [rows[at] for at in order], [stood[at] for at in order]


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

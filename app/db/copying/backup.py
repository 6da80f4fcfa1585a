"""A backup: one compressed file of JSON lines that any of the databases can take in.

The first line says what is inside: format, revision of the tables, their columns and how many rows they have. Then
comes for each table a line with its name, a line for every row, and a line with their number and checksum; the last
line holds the number of all rows and the SHA-256 of every line before it. `zcat FILE` shows it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from app.db import migrate
from app.db.copying.rows import SUMS, Key, Shape, Values, line, shape_from
from app.db.copying.snapshot import Snapshot
from app.db.copying.target import note
from app.errors import UserError
from app.ids import new_id

FORMAT = "quarterdeck backup"
VERSION = 1
LEVEL = 3
"""Of gzip: a third of the time of its usual level, and nearly as small."""
LONGEST_LINE = 1 << 30
UNFINISHED = ".part"
"""Ends the name of a backup that is being written."""

Tell = Callable[[str, str, int], None]
"""Called with the phase, the table and the rows done so far; may raise to stop."""


def write_backup(
    path: Path, snapshot: Snapshot, shapes: Sequence[Shape], counts: dict[str, int], tell: Tell
) -> tuple[dict[str, tuple[int, int]], list[dict[str, Any]]]:
    """Write the file, whole or not at all; answers with rows and checksum of each table, and with what was changed.

    Raises OSError where the file cannot be written; whatever stood there before is then as it was, unless it is the
    folder that the disk would not take.
    """
    tables = [{**shape.describe(), "rows": counts[shape.name]} for shape in shapes]
    header = {
        "format": FORMAT,
        "version": VERSION,
        "id": new_id(),
        "revision": migrate.head(),
        "made_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "from": snapshot.label,
        "tables": tables,
    }
    done: dict[str, tuple[int, int]] = {}
    notes: list[dict[str, Any]] = []
    _tidy(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", suffix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            fcntl.flock(raw, fcntl.LOCK_EX)
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=LEVEL, filename="") as packed:
                file = _Hashed(cast("IO[bytes]", packed))
                file.put(header)
                for shape in shapes:
                    file.put({"table": shape.name})
                    rows = total = 0
                    for values in snapshot.rows(shape):
                        each = line(shape, values)
                        file.write(each.text)
                        rows, total = rows + 1, (total + each.sum) % SUMS
                        if each.changed:
                            notes.append(note(shape, each, "changed", each.changed))
                        if rows % 1000 == 0:
                            tell("copy", shape.name, rows)
                    file.put({"end": shape.name, "rows": rows, "sum": f"{total:032x}"})
                    done[shape.name] = rows, total
                    tell("copy", shape.name, rows)
                digest = file.digest()
                file.put({"end": FORMAT, "rows": sum(rows for rows, _ in done.values()), "sha256": digest})
            raw.flush()
            os.fsync(raw.fileno())
        Path(temporary).replace(path)
        _settle(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    return done, notes


def _settle(folder: Path) -> None:
    """Keep the file's name over a power loss as well, where the file system can be asked for that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def _tidy(path: Path) -> None:
    """Delete what backups of this name left that were killed. One that is under way holds the lock of its file."""
    for left in path.parent.glob(f".{glob.escape(path.name)}-*{UNFINISHED}"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


class Backup:
    """A backup file, opened for reading. Use `Backup.opened`."""

    checked = True
    """The file was read to its end once and cannot have changed since."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self.label = str(path)
        self._raw = file
        self._file = gzip.GzipFile(fileobj=file, mode="rb")
        self._reading = ""
        header = self._header()
        self.identity = hashlib.sha256(f"backup {header['id']}".encode()).hexdigest()
        self._revision = str(header["revision"])
        self._tables: list[dict[str, Any]] = header["tables"]

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: Path) -> Iterator[Backup]:
        """Open and read the header; raises UserError for anything that is no backup of ours."""
        try:
            file = path.open("rb")
        except OSError as error:
            raise UserError(
                f"the backup cannot be opened: {error.strerror}", where=str(path), fix="check the path"
            ) from error
        with file:
            yield cls(path, file)

    def revision(self) -> str:
        """The revision of the tables inside."""
        return self._revision

    def shapes(self) -> list[Shape]:
        """The tables inside, as they were when the backup was made."""
        return [shape_from(described) for described in self._tables]

    def count(self, shape: Shape) -> int:
        """Rows of a table, as the header says."""
        return next(int(table["rows"]) for table in self._tables if table["name"] == shape.name)

    def check(self, tell: Tell) -> None:
        """Read the file to its end and compare every checksum; raises UserError when it is not whole."""
        self._rewind()
        digest, rows, table_rows, table = hashlib.sha256(), 0, 0, ""
        while True:
            text = self._line()
            if text[:1] == b"[":
                table_rows += 1
                if table_rows % 10_000 == 0:
                    tell("check", table, table_rows)
            else:
                control = self._control(text)
                if "table" in control:
                    table, table_rows = str(control["table"]), 0
                elif control.get("end") == FORMAT:
                    if control.get("rows") != rows or control.get("sha256") != digest.hexdigest():
                        raise self._damaged("its checksum is wrong")
                    break
                elif "end" in control:
                    if control.get("end") != table or control.get("rows") != table_rows:
                        raise self._damaged(f"rows of {table} are missing")
                    rows += table_rows
                    tell("check", table, table_rows)
            digest.update(text)
        if self._read(1):
            raise self._damaged("something follows its end")
        self._rewind()

    def rows(self, shape: Shape, after: Key | None = None, until: Key | None = None) -> Iterator[Values]:
        """The rows that follow; they can be read once, in the order of the file."""
        if self._reading != shape.name:
            self._seek(shape.name)
        while True:
            text = self._line()
            if text[:1] != b"[":
                self._reading = ""
                return
            try:
                values = shape.decode(json.loads(text))
            except (ValueError, TypeError, ArithmeticError) as error:
                raise self._damaged(f"a row of {shape.name} cannot be read ({error})") from error
            yield values
            if until is not None and shape.key(values) == until:
                return

    def _header(self) -> dict[str, Any]:
        try:
            header = self._control(self._line())
        except UserError as error:
            raise UserError(
                "this is not a backup of Quarterdeck", where=self.label, fix="`qd db backup FILE` makes one"
            ) from error
        if header.get("format") != FORMAT:
            raise UserError(
                "this is not a backup of Quarterdeck", where=self.label, fix="`qd db backup FILE` makes one"
            )
        revision = str(header.get("revision"))
        if header.get("version") != VERSION or revision > migrate.head():
            raise UserError(
                f"a newer Quarterdeck made this backup (revision {revision}, this one knows {migrate.head()})",
                where=self.label,
                fix="update Quarterdeck",
            )
        if revision not in migrate.revisions():
            raise self._damaged(f"its revision {revision[:20]!r} does not exist")
        try:
            for table in header["tables"]:
                shape_from(table)
                int(table["rows"])
            str(header["id"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._damaged("its header cannot be read") from error
        return header

    def _seek(self, table: str) -> None:
        while True:
            text = self._line()
            if text[:1] == b"{":
                control = self._control(text)
                if control.get("table") == table:
                    self._reading = table
                    return
                if control.get("end") == FORMAT:
                    raise self._damaged(f"it holds no table {table}")

    def _rewind(self) -> None:
        self._raw.seek(0)
        self._file = gzip.GzipFile(fileobj=self._raw, mode="rb")
        self._reading = ""

    def _control(self, text: bytes) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except ValueError as error:
            raise self._damaged("a line of it cannot be read") from error
        if not isinstance(found, dict):
            raise self._damaged("a line of it cannot be read")
        return found

    def _line(self) -> bytes:
        text = self._read(0)
        if not text.endswith(b"\n"):
            raise self._damaged("it ends in the middle")
        return text

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read(size) if size else self._file.readline(LONGEST_LINE)
        except EOFError as error:
            raise self._damaged("it ends in the middle") from error
        except (OSError, zlib.error) as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, why: str) -> UserError:
        return UserError(f"the backup is damaged: {why}", where=self.label, fix="use another copy of it")


class _Hashed:
    """A file whose lines are hashed while they are written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def put(self, control: dict[str, Any]) -> None:
        """A line that says something about the lines around it."""
        self.write(json.dumps(control, separators=(",", ":")).encode())

    def write(self, text: bytes) -> None:
        """A line."""
        self._hash.update(text + b"\n")
        self._file.write(text + b"\n")

    def digest(self) -> str:
        """SHA-256 of everything so far."""
        return self._hash.hexdigest()

"""Carries tables from a source into a database, part by part, and compares what arrived with what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pkgutil import resolve_name
from typing import Any, Protocol

from sqlalchemy import Connection, select

from app.db.copying import state, target
from app.db.copying.ahead import one_ahead
from app.db.copying.report import Meter, TableReport
from app.db.copying.rows import SUMS, Key, Line, Shape, Values, line
from app.db.copying.snapshot import Snapshot, between, explained
from app.db.copying.state import Mode, Part
from app.db.copying.target import Batch, Limits
from app.db.engine import Database
from app.db.tables import ON_MERGE, OWN_STAYS, all_tables
from app.errors import UserError

Write = Callable[[Connection], Any]


class Source(Protocol):
    """What rows come from: a database at one moment, or a backup file."""

    label: str
    identity: str
    checked: bool
    """The rows are certainly those that an earlier attempt read."""

    def rows(self, shape: Shape, after: Key | None = None, until: Key | None = None) -> Iterator[Values]:
        """Rows in the order of their keys."""


class Transfer:
    """One copy into one database."""

    def __init__(self, source: Source, db: Database, mode: Mode, meter: Meter, *, prepared: bool) -> None:
        self._source = source
        self._db = db
        self._mode: Mode = mode
        self._tell = meter
        self._prepared = prepared
        self._limits: Limits = self._run(Limits.of, write=False)
        # The kind of server is known since it answered.
        self._whole_numbers = db.backend == "mysql"
        self.notes: list[dict[str, Any]] = []
        self._at_fault = 0

    def table(self, shape: Shape) -> TableReport:
        """Carry one table."""
        report = TableReport(shape.name)
        self._tell("copy", shape.name, 0)
        self._fresh(shape, report) if self._mode == "fresh" else self._merge(shape, report)
        self._tell("copy", shape.name, report.rows)
        return report

    def verify(self, shapes: Iterable[Shape], reports: dict[str, TableReport]) -> None:
        """Read the target and compare rows and checksums with those of the parts; raises UserError where they differ.

        A merge compares every row it writes as it goes, since the target holds other rows too.
        """
        if self._mode != "fresh":
            for report in reports.values():
                report.verified = True
            return
        with Snapshot.opened(self._db) as there:
            for shape in shapes:
                wanted: list[Part] = self._run(partial(state.parts, table=shape.name), write=False)
                rows = total = 0
                self._tell("verify", shape.name, 0)
                for values in there.rows(shape):
                    rows, total = rows + 1, (total + line(shape, values).sum) % SUMS
                    if rows % 1000 == 0:
                        self._tell("verify", shape.name, rows)
                self._tell("verify", shape.name, rows)
                expected = sum(part.rows for part in wanted), sum(part.sum for part in wanted) % SUMS
                if (rows, total) != expected:
                    raise self._differs(shape, rows, expected[0])
                reports[shape.name].verified = True

    def _fresh(self, shape: Shape, report: TableReport) -> None:
        """Take up where an earlier attempt stopped: parts that are as they were are read, but not written again."""
        parts: list[Part] = self._run(partial(state.parts, table=shape.name), write=False)
        after: Key | None = None
        for part in parts:
            until = shape.decode_key(part.last_key)
            again = self._again(shape, part, after, until)
            self._count(report, again)
            after = until
        seq = parts[-1].seq + 1 if parts else 0
        lines = enumerate(self._batches(shape, self._source.rows(shape, after)), seq)
        for part in one_ahead(lines, lambda each: self._arrive(shape, *each)):
            self._count(report, part)
            self._tell("copy", shape.name, report.rows)

    def _again(self, shape: Shape, part: Part, after: Key | None, until: Key) -> Part:
        """A part of an earlier attempt, brought up to date where the source has changed since."""
        rows = total = 0
        for values in self._source.rows(shape, after, until):
            rows += 1
            if not self._source.checked:
                total = (total + self._line(shape, values).sum) % SUMS
        if self._source.checked or (rows, total) == (part.read_rows, part.read_sum):
            return part

        def renew(conn: Connection) -> Part:
            conditions = between(shape, after, until)
            self._untouched(conn, shape, part, after, until)
            target.remove(conn, shape, conditions)
            made = Part(part.seq, part.last_key, 0, 0, 0, 0)
            for lines in self._batches(shape, self._source.rows(shape, after, until)):
                made = _joined(made, self._part(shape, part.seq, lines, self._write(conn, shape, lines)))
            made = Part(part.seq, part.last_key, made.read_rows, made.read_sum, made.rows, made.sum, made.notes)
            state.add_part(conn, shape.name, made)
            return made

        renewed: Part = self._run(renew)
        return renewed

    def _untouched(self, conn: Connection, shape: Shape, part: Part, after: Key | None, until: Key) -> None:
        """Rows are deleted only where every single one of them came from this copy and is still as it was."""
        rows = total = 0
        for values in conn.execute(select(*shape.table.columns).where(*between(shape, after, until))):
            rows, total = rows + 1, (total + line(shape, shape.plain(values)).sum) % SUMS
        if (rows, total) != (part.rows, part.sum):
            raise self._differs(shape, rows, part.rows)

    def _arrive(self, shape: Shape, seq: int, lines: list[Line]) -> Part:
        def bring(conn: Connection) -> Part:
            if state.has_part(conn, shape.name, seq):
                # The commit arrived and only its answer did not.
                return state.parts(conn, shape.name)[-1]
            made = self._part(shape, seq, lines, self._write(conn, shape, lines))
            state.add_part(conn, shape.name, made)
            return made

        made: Part = self._run(bring)
        return made

    def _write(self, conn: Connection, shape: Shape, lines: list[Line]) -> Batch:
        return target.write(conn, shape, lines, self._limits)

    def _part(self, shape: Shape, seq: int, lines: list[Line], batch: Batch) -> Part:
        return Part(
            seq,
            shape.encode_key(shape.key(lines[-1].values)),
            len(lines),
            sum(row.sum for row in lines) % SUMS,
            len(batch.inserted),
            sum(row.sum for row in batch.inserted) % SUMS,
            (*batch.notes, *_changed(shape, batch.inserted)),
        )

    def _count(self, report: TableReport, part: Part) -> None:
        report.rows += part.read_rows
        report.inserted += part.rows
        report.refused += part.read_rows - part.rows
        report.checksum = f"{(int(report.checksum, 16) + part.read_sum) % SUMS:032x}"
        self._note(part.notes)

    def _merge(self, shape: Shape, report: TableReport) -> None:
        total = left = 0
        known = all_tables().tables[shape.name].info
        keep = self._mode == "keep" or OWN_STAYS in known
        look = resolve_name(known[ON_MERGE]) if ON_MERGE in known else None

        def merge(lines: list[Line]) -> tuple[list[Line], Batch]:
            work = partial(target.merge, shape=shape, given=lines, limits=self._limits, keep=keep, look=look)
            return lines, self._run(work)

        for lines, batch in one_ahead(self._batches(shape, self._source.rows(shape)), merge):
            report.rows += len(lines)
            report.inserted += len(batch.inserted)
            report.updated += len(batch.updated)
            report.kept += batch.kept
            report.refused += sum(note["kind"] == "refused" for note in batch.notes) + len(batch.left)
            total = (total + sum(row.sum for row in lines)) % SUMS
            self._note((*batch.notes, *_changed(shape, [*batch.inserted, *batch.updated])))
            self.notes += batch.left[: max(0, target.MOST_NOTES - left)]
            left += len(batch.left)
            self._tell("copy", shape.name, report.rows)
        report.checksum = f"{total:032x}"

    def _line(self, shape: Shape, values: Values) -> Line:
        return line(shape, values, whole_numbers=self._whole_numbers)

    def _batches(self, shape: Shape, rows: Iterator[Values]) -> Iterator[list[Line]]:
        lines: list[Line] = []
        size = 0
        for values in rows:
            row = self._line(shape, values)
            if lines and (size + len(row.text) > target.BATCH_BYTES or len(lines) >= target.BATCH_ROWS):
                yield lines
                lines, size = [], 0
            lines.append(row)
            size += len(row.text)
        if lines:
            yield lines

    def _note(self, notes: Iterable[dict[str, Any]]) -> None:
        found = list(notes)
        self.notes += found
        self._at_fault += len(found)
        target.fits(self._db, self._at_fault)

    def _run(self, work: Write, write: bool = True) -> Any:
        with explained(self._db):
            return self._db.run_now(work, write, prepared=self._prepared)

    def _differs(self, shape: Shape, rows: int, wanted: int) -> UserError:
        return UserError(
            f"the table {shape.name} holds {rows:,} rows that are not the {wanted:,} which were copied",
            where=self._db.masked_url,
            fix="another program has written to it; end that program and start with an empty database, or use --merge",
        )


def _joined(one: Part, other: Part) -> Part:
    return Part(
        one.seq,
        one.last_key,
        one.read_rows + other.read_rows,
        (one.read_sum + other.read_sum) % SUMS,
        one.rows + other.rows,
        (one.sum + other.sum) % SUMS,
        tuple(chain(one.notes, other.notes)),
    )


def _changed(shape: Shape, rows: Iterable[Line]) -> list[dict[str, Any]]:
    return [target.note(shape, row, "changed", row.changed) for row in rows if row.changed]

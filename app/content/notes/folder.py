"""A folder of Markdown and the notes, kept in step: both ways, or only one.

What both were when they were last the same stands in a journal of this machine. First the database has a note, then
the disk its file, then the journal both: whoever is ended in between finds them the same the next time. A file is
written over only while it is as it was seen, and no text of either side is given up: those of notes stay in their
history, those of files become a note's version, and where both changed there is a copy as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.content.model import Note, NoteChange
from app.content.notes.folder_files import Folder
from app.content.notes.folder_journal import Row, SyncJournal, journal_of
from app.content.notes.folder_pairs import Mode, Pair, paired
from app.content.notes.folder_steps import Deciding, Step
from app.content.notes.notes import Notes
from app.errors import UserError

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool

TOGETHER, TOGETHER_BYTES = 64, 4 * 1024 * 1024
"""Notes, and bytes of their files, that are held at once."""
FLUSH_S = 60.0


@dataclass(frozen=True, slots=True)
class Change:
    """What happened, or with a dry run would happen, to a note and its file."""

    what: NoteChange
    path: str
    note: str
    title: str


@dataclass(slots=True)
class Report:
    """What a run did; `same` counts what needed nothing. What had faults was left as it was on both sides."""

    root: Path
    changes: list[Change] = field(default_factory=list)
    faults: list[UserError] = field(default_factory=list)
    same: int = 0


class FolderSync:
    """One folder and the notes of one database."""

    def __init__(self, db: Database, spool: Spool, root: Path) -> None:
        self._spool, self._notes, self._folder = spool, Notes(db, spool), Folder(root)

    async def run(
        self, mode: Mode = "both", *, dry: bool = False, told: Callable[[int, int], None] | None = None
    ) -> Report:
        """Make both sides, or the one that `mode` names, what the other one is.

        `told` is called with how many files and notes are done, and how many there are to do.
        Raises UserError where the folder or the database cannot be used, or another process is at work in the folder.
        """
        await self._settled()
        with journal_of(self._folder.root) as journal:
            rows = await asyncio.to_thread(journal.rows)
            known = {row.path: (row.stamp, row.file) for row in rows}
            # Files that are only to be told of need no folder yet.
            scan = await asyncio.to_thread(self._folder.scan, known, absent=dry and mode == "out")
            if scan.empty and rows and mode != "out":
                fix = "mount it; if it is meant, put any file into it, and the notes go to the trash"
                raise UserError("the folder is empty, but had notes", where=str(self._folder.root), fix=fix)
            filed = await self._notes.filed()
            pairs, gone = paired(rows, scan, filed, mode)
            report = Report(self._folder.root, faults=scan.faults)
            same = [pair for pair in pairs if pair.same]
            report.same = len(same)
            if not dry:
                await asyncio.to_thread(journal.keep, _stamped(same), gone)
            deciding = Deciding(self._folder, scan, filed, {row.note for row in rows}, mode, dry=dry)
            todo, done = [pair for pair in pairs if not pair.same], 0
            for group in _groups(todo):
                if told is not None:
                    told(done, len(todo))
                await self._together(group, deciding, journal, report, dry=dry)
                done += len(group)
        return report

    async def _together(
        self, group: Sequence[Pair], deciding: Deciding, journal: SyncJournal, report: Report, *, dry: bool
    ) -> None:
        notes = await self._notes.get([pair.note.id for pair in group if pair.note is not None])
        steps = await asyncio.to_thread(_decided, group, notes, deciding, report)
        if not dry:
            records = [step.record for step in steps if step.record is not None]
            if records:
                await self._notes.keep(records)
                await self._settled()
                steps = await self._arrived(steps, report)
            steps = await asyncio.to_thread(_done, steps, journal, report)
        for step in steps:
            if step.what == "same":
                report.same += step.row is not None
            else:
                report.changes.append(Change(step.what, step.path, step.note.id, step.note.title))

    async def _arrived(self, steps: Sequence[Step], report: Report) -> list[Step]:
        """The steps whose notes the database has as they were kept. The others are done the next time."""
        found = {note.id: note for note in await self._notes.filed([step.note.id for step in steps])}
        arrived = []
        for step in steps:
            note = found.get(step.note.id)
            if step.record is None or (
                note is not None and (note.hash, note.state) == (step.note.hash, step.note.state)
            ):
                arrived.append(step)
            else:
                report.faults.append(UserError("the note was changed meanwhile", where=step.path, fix="run it again"))
        return arrived

    async def _settled(self) -> None:
        if not await self._spool.flush(FLUSH_S):
            fix = "see `qd db status`, and run it again"
            raise UserError("notes still wait for the database", where=str(self._folder.root), fix=fix)


def _decided(group: Sequence[Pair], notes: dict[str, Note], deciding: Deciding, report: Report) -> list[Step]:
    steps = []
    for pair in group:
        try:
            steps += deciding.about(pair, notes.get(pair.note.id) if pair.note is not None else None)
        except UserError as error:
            report.faults.append(_placed(error, pair))
        except FileExistsError as error:
            report.faults.append(UserError("there is such a file now", where=str(error.filename), fix="run it again"))
    return steps


def _placed(error: UserError, pair: Pair) -> UserError:
    """The error with the file that it is about, which those of notes do not know."""
    if error.where or pair.file is None:
        return error
    return UserError(error.what, where=pair.file.path, fix=error.fix)


def _done(steps: Sequence[Step], journal: SyncJournal, report: Report) -> list[Step]:
    done = []
    for step in steps:
        try:
            if step.act is not None:
                step.act()
            done.append(step)
        except UserError as error:
            report.faults.append(error)
        except FileExistsError:
            report.faults.append(UserError("there is such a file now", where=step.path, fix="run it again"))
    rows = [step.row for step in done if step.row is not None]
    journal.keep(rows, [step.note.id for step in done if step.row is None and not step.leave])
    return done


def _stamped(pairs: Sequence[Pair]) -> Iterator[Row]:
    """Rows of files that need not be read the next time."""
    for pair in pairs:
        base, file = pair.base, pair.file
        if base is not None and file is not None and file.stamp and file.stamp != base.stamp:
            yield Row(base.note, base.path, base.file, base.hash, base.title, file.stamp)


def _groups(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    group: list[Pair] = []
    size = 0
    for pair in pairs:
        more = pair.file.size if pair.file is not None else 0
        if group and (len(group) == TOGETHER or size + more > TOGETHER_BYTES):
            yield group
            group, size = [], 0
        group.append(pair)
        size += more
    if group:
        yield group

"""Which file of a folder is which note: by the journal, by path, by hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from app.content.notes.folder_files import File, Scan
from app.content.notes.folder_journal import Row
from app.content.notes.folder_names import key
from app.content.notes.store import Filed

Mode = Literal["both", "in", "out"]
"""Which side is written: both, the notes alone, the folder alone."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A file, a note, and what they were when they were last the same, as far as there are any of these."""

    base: Row | None
    file: File | None
    note: Filed | None

    @property
    def same(self) -> bool:
        """Whether nothing changed since."""
        base, file, note = self.base, self.file, self.note
        return (
            base is not None
            and file is not None
            and note is not None
            and note.state == "active"
            and (file.hash, note.hash) == (base.file, base.hash)
            and file.path == base.path == note.path
        )


def paired(rows: Sequence[Row], scan: Scan, notes: Iterable[Filed], mode: Mode) -> tuple[list[Pair], list[str]]:
    """The pairs, and the ids of the rows whose notes are in this database no more.

    What nobody can tell of now, such as a note whose file's folder cannot be read, is left out.
    """
    known = {note.id: note for note in notes}
    left = dict(scan.files)
    pairs: list[Pair] = []
    lost: list[Row] = []
    for row in rows:
        note = known.get(row.note)
        if note is not None:
            file = left.pop(row.path, None)
            if file is not None:
                pairs.append(Pair(row, file, note))
            elif not scan.unknown(row.path):
                lost.append(row)
    moved = _Left(left)
    for row in lost:
        note = known[row.note]
        file = moved.at(note.path) or moved.holding(row.file, row.path) or moved.like(row.path)
        pairs.append(Pair(row, file, note))
    based = {row.note for row in rows}
    free = [note for note in known.values() if note.id not in based] if mode != "in" else []
    without = []
    for note in free:
        file = moved.at(note.path)
        if file is not None:
            pairs.append(Pair(None, file, note))
        else:
            without.append(note)
    for note in without:
        file = moved.like(note.path)
        if file is not None or (note.state == "active" and not scan.unknown(note.path)):
            pairs.append(Pair(None, file, note))
    if mode != "out":
        # Of files with one name the one on top gets the slug that a link without folders names.
        new = sorted(moved.files.values(), key=lambda file: (file.path.count("/"), file.path))
        pairs += [Pair(None, file, None) for file in new]
    return pairs, [row.note for row in rows if row.note not in known]


class _Left:
    """The files that belong to no note yet."""

    def __init__(self, files: dict[str, File]) -> None:
        self.files = files
        self._hashes: dict[str, list[str]] = {}
        self._keys: dict[str, str] = {}
        for path, file in files.items():
            self._hashes.setdefault(file.hash, []).append(path)
            self._keys.setdefault(key(path), path)

    def at(self, path: str) -> File | None:
        """The file of this name."""
        return self.files.pop(path, None)

    def holding(self, digest: str, path: str) -> File | None:
        """A file with this hash, rather one that is called like `path`."""
        found = [each for each in self._hashes.get(digest, ()) if each in self.files]
        name = path.rsplit("/", 1)[-1]
        best = next((each for each in found if each.rsplit("/", 1)[-1] == name), found[0] if found else "")
        return self.at(best)

    def like(self, path: str) -> File | None:
        """The file whose name some file system takes for this one."""
        return self.at(self._keys.get(key(path), "")) if path else None

"""What is to be done about a file and its note: decided alone, from what both were and are."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.content.model import Note, NoteChange
from app.content.notes.folder_files import File, Folder, Scan, hash_of
from app.content.notes.folder_journal import Row
from app.content.notes.folder_names import conflicting, free, key, name_of, within
from app.content.notes.folder_pairs import Mode, Pair
from app.content.notes.folder_text import FileText, parse, stem, written
from app.content.notes.links import slug_of
from app.content.notes.notes import blank, free_slug, link_name, next_version, record_of
from app.content.notes.notes import hash_of as note_hash
from app.content.notes.records import NoteRecord
from app.content.notes.store import Filed
from app.db.types import utc_now


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one note and its file: `record` is kept first, then `act` done, then `row` written.

    `row` is None where the journal is to forget the note; with `leave` it stays as it is.
    """

    what: NoteChange
    path: str
    note: Note
    record: NoteRecord | None = None
    act: Callable[[], None] | None = None
    row: Row | None = None
    leave: bool = False


class Deciding:
    """Decides about pairs, one after the other. It writes nothing but copies of conflicts, and those not if `dry`."""

    def __init__(
        self, folder: Folder, scan: Scan, notes: Sequence[Filed], based: Container[str], mode: Mode, *, dry: bool
    ) -> None:
        """`based` are the ids of the notes that the journal knows."""
        self._folder, self._scan, self._mode, self._dry = folder, scan, mode, dry
        self._taken = {*scan.names, *map(key, scan.files)}
        self._slugs = {note.slug for note in notes}
        self._hashes: dict[str, list[str]] = {}
        for note in notes if mode == "in" else ():
            if note.state == "active" and note.id not in based:
                self._hashes.setdefault(note.hash, []).append(note.id)

    def about(self, pair: Pair, note: Note | None) -> list[Step]:
        """The steps of a pair; none where its note is gone. Raises UserError where both are to be left as they are."""
        base, file = pair.base, pair.file
        if note is None:
            return [] if file is None or pair.note is not None else self._imported(file)
        here = base is None or note.hash != base.hash
        if file is None:
            return self._without_file(note, here=here, known=base is not None)
        there = base is None or file.hash != base.file
        if note.state == "trashed":
            return self._trashed(note, file, base, there=there)
        if here and there:
            return self._both(note, file, base)
        if there or (base is not None and file.path != base.path and not here):
            return self._left(note, file) if self._mode == "out" else [self._taken_over(note, file, base, "taken")]
        return self._left(note, file) if self._mode == "in" else [self._written(note, file, base)]

    def _left(self, note: Note, file: File) -> list[Step]:
        return [Step("left", file.path, note, leave=True)]

    def _without_file(self, note: Note, *, here: bool, known: bool) -> list[Step]:
        if note.state == "trashed":
            return [Step("same", note.path, note)]
        if known and self._mode == "in":
            return [Step("left", note.path, note, leave=True)]
        if known and not here and self._mode == "both":
            gone = replace(note, state="trashed", revision=note.revision + 1, updated_at=utc_now())
            return [Step("trashed", note.path, gone, record_of(gone))]
        folder, name = "", name_of(link_name(note))
        path = note.path
        if within(path):
            folder, name = path[: path.rfind("/") + 1], name_of(stem(path))
        if not within(path) or key(path) in self._taken:
            path = free(name, folder, self._taken)
        self._taken.add(key(path))
        data = written(note, path).encode()
        kept, record = _placed(note, path)
        row = Row(note.id, path, hash_of(data), note.hash, note.title, "")
        return [Step("exported", path, kept, record, partial(self._folder.create, path, data), row)]

    def _trashed(self, note: Note, file: File, base: Row | None, *, there: bool) -> list[Step]:
        if there and self._mode != "out":
            return [self._taken_over(note, file, base, "restored")]
        if there or self._mode == "in":
            return self._left(note, file)
        return [Step("trashed", file.path, note, act=partial(self._folder.trash, file.path, file.hash))]

    def _imported(self, file: File) -> list[Step]:
        text = parse(self._folder.text(file), file.path)
        return [self._made(text, file)]

    def _made(self, text: FileText, file: File) -> Step:
        slug = free_slug(slug_of(stem(file.path)) or slug_of(text.title) or "note", self._slugs)
        made = blank(slug, text.title, text.body, text.tags, path=file.path, front=text.front)
        known = self._hashes.get(digest := note_hash(made))
        if known:
            there = replace(made, id=known.pop(0), hash=digest)
            return Step("same", file.path, there, row=_row(there, file))
        self._slugs.add(slug)
        kept, record = next_version(made, "imported")
        return Step("imported", file.path, kept, record, row=_row(kept, file))

    def _taken_over(self, note: Note, file: File, base: Row | None, what: NoteChange) -> Step:
        text = parse(self._folder.text(file), file.path)
        slug = note.slug
        if base is not None and slug_of(stem(file.path)) not in (slug_of(stem(base.path)), ""):
            slug = free_slug(slug_of(stem(file.path)), self._slugs - {note.slug})
            self._slugs.add(slug)
        changed = replace(
            note,
            slug=slug,
            title=text.title,
            tags=text.tags,
            front=text.front,
            body=text.body,
            path=file.path,
            state="active",
        )
        if note_hash(changed) != note.hash:
            kept, record = next_version(changed, "imported")
            return Step(what, file.path, kept, record, row=_row(kept, file))
        if (changed.slug, changed.path, changed.state) == (note.slug, note.path, note.state):
            return Step("same", file.path, note, row=_row(note, file))
        kept = replace(
            note, slug=slug, path=file.path, state="active", revision=note.revision + 1, updated_at=utc_now()
        )
        return Step("moved" if what == "taken" else what, file.path, kept, record_of(kept), row=_row(kept, file))

    def _written(self, note: Note, file: File, base: Row | None) -> Step:
        path = self._target(note, file, base)
        if path != file.path:
            self._taken.add(key(path))
        data = written(note, path).encode()
        kept, record = _placed(note, path)
        row = Row(note.id, path, hash_of(data), note.hash, note.title, "")
        if path == file.path and row.file == file.hash:
            return Step("same" if record is None else "moved", path, kept, record, row=_row(kept, file))
        what: NoteChange = "written" if base is None or note.hash != base.hash else "moved"
        return Step(what, path, kept, record, partial(self._write, file, path, data), row)

    def _write(self, file: File, path: str, data: bytes) -> None:
        if path != file.path:
            self._folder.move(file.path, path, file.hash)
        if hash_of(data) != file.hash:
            self._folder.replace(path, data, file.hash)

    def _target(self, note: Note, file: File, base: Row | None) -> str:
        """Where the file is to be: a note that got another name, or that was moved elsewhere, takes its file along."""
        if base is None or file.path != base.path:
            return file.path
        if note.path != base.path and within(note.path) and key(note.path) not in self._taken - {key(file.path)}:
            return note.path
        if note.title != base.title and slug_of(stem(file.path)) != note.slug:
            folder = file.path[: file.path.rfind("/") + 1]
            return free(name_of(link_name(note)), folder, self._taken - {key(file.path)})
        return file.path

    def _both(self, note: Note, file: File, base: Row | None) -> list[Step]:
        given = self._folder.text(file)
        text = parse(given, file.path)
        ours = written(note, file.path)
        said = replace(note, title=text.title, tags=text.tags, front=text.front, body=text.body)
        if given == ours or note_hash(said) == note.hash:
            kept, record = _placed(note, file.path) if self._mode != "in" else (note, None)
            return [Step("same", file.path, kept, record, row=_row(kept, file))]
        steps = []
        if self._mode != "in":
            steps = self._copied(note, file.path, ours)
        if self._mode == "out":
            return [*steps, Step("conflict", file.path, note, leave=True)]
        return [*steps, self._taken_over(note, file, base, "conflict")]

    def _copied(self, note: Note, path: str, text: str) -> list[Step]:
        """Our text beside the file that has another one, once; it is a note of its own from now on."""
        data, number = text.encode(), 1
        day = note.updated_at.date().isoformat()
        while key(copy := conflicting(path, day, number)) in self._taken:
            there = self._scan.files.get(copy)
            if there is not None and there.hash == hash_of(data):
                return []
            number += 1
        self._taken.add(key(copy))
        if not self._dry:
            self._folder.create(copy, data)
        if self._mode == "out":
            return []
        return [self._made(parse(text, copy), File(copy, len(data), hash_of(data), ""))]


def _row(note: Note, file: File) -> Row:
    return Row(note.id, file.path, file.hash, note.hash, note.title, file.stamp)


def _placed(note: Note, path: str) -> tuple[Note, NoteRecord | None]:
    if note.path == path:
        return note, None
    kept = replace(note, path=path, revision=note.revision + 1)
    return kept, record_of(kept)

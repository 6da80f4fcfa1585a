"""Notes, as the rest of the area speaks of them: made, saved, linked, renamed, found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from app.content.model import Note, NoteHead, NoteReason, NoteState, NoteVersion
from app.content.notes import store
from app.content.notes.links import mended, names, slug_of, targets
from app.content.notes.records import BODY_LENGTH, MOST_TAGS, KeptRecord, NoteRecord, NotesRecord
from app.content.notes.resolve import backlinks, leading
from app.content.notes.store import Filed, NotePage
from app.content.notes.words import parse, tag
from app.content.tables import TITLE_LENGTH
from app.db.types import storable, utc_now
from app.errors import UserError
from app.ids import new_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from app.db.engine import Database
    from app.db.paging import Cursor
    from app.db.spool import Spool


FLUSH_S = 20.0
"""How long a new name waits for what was written before it."""


class Notes:
    """The notes of a database, written through the spool: what a call returns would survive a power loss."""

    def __init__(self, db: Database, spool: Spool) -> None:
        self._db, self._spool = db, spool

    async def add(
        self, title: str, body: str, tags: Iterable[str] = (), *, name: str = "", path: str = "", front: str = ""
    ) -> Note:
        """A new note with its first version; `name` is what its slug is made of, where that is not the title.

        Raises UserError for an empty title or a text that is too long.
        """
        slug = await self._free(slug_of(name) or slug_of(title) or "note")
        made = blank(slug, title, body, tags, path=path, front=front)
        kept, record = next_version(made, "imported" if path else "created")
        await self._put([record])
        return kept

    async def save(
        self,
        note: Note,
        *,
        title: str | None = None,
        body: str | None = None,
        tags: Iterable[str] | None = None,
        front: str | None = None,
        reason: NoteReason = "saved",
    ) -> Note:
        """Keep the note's next version; the note as it is when nothing of it is new. Raises UserError as `add`."""
        changed = replace(
            note,
            title=note.title if title is None else title_of(title),
            body=note.body if body is None else storable(body),
            tags=note.tags if tags is None else tags_of(tags),
            front=note.front if front is None else front,
        )
        if changed == note:
            return note
        kept, record = next_version(changed, reason)
        await self._put([record])
        return kept

    async def place(self, note: Note, *, state: NoteState | None = None, path: str | None = None) -> Note:
        """Put it into the trash or back, or say which file it is in; its text stays."""
        changed = replace(note, state=state or note.state, path=note.path if path is None else path)
        if changed == note:
            return note
        changed = replace(changed, revision=note.revision + 1, updated_at=utc_now() if state else note.updated_at)
        await self._put([record_of(changed)])
        return changed

    async def rename(self, note: Note, title: str) -> tuple[Note, tuple[Note, ...]]:
        """Give it another title, and the slug that goes with it; notes that link to it are mended in the same step.

        Its text is the one that it has by then, whatever `note` says. Returns the note and those that were mended.
        Raises UserError for an empty title, and where notes wait for the database.
        """
        title = title_of(title)
        # What is mended is read from the database, and must not be older than what was written last.
        if not await self._spool.flush(FLUSH_S):
            fix = "see `qd db status`, and try again; nothing was renamed"
            raise UserError("notes still wait for the database", where=note.title, fix=fix)
        note = (await self.get([note.id])).get(note.id, note)
        wanted = slug_of(title) or "note"
        slug = note.slug if wanted == note.slug else await self._free(wanted)
        if (slug, title) == (note.slug, note.title):
            return note, ()
        name = link_name(replace(note, slug=slug, title=title))
        linking, old = await self._linking(note, slug)
        others = [next_version(replace(each, body=mended(each.body, old, name)), "mended") for each in linking]
        own = next((each for each, _ in others if each.id == note.id), None)
        body = note.body if own is None else own.body
        kept, record = next_version(replace(note, slug=slug, title=title, body=body), "renamed")
        rest = [(each, other) for each, other in others if each.id != note.id]
        await self._put([record, *(other for _, other in rest)])
        return kept, tuple(each for each, _ in rest)

    async def find(self, name: str) -> Note:
        """The note with this slug, title or id, or the only one whose id ends so. Raises UserError."""
        wanted = " ".join(storable(name).split())
        found, several = await self._db.run(lambda conn: store.find(conn, wanted, slug_of(name)))
        if found is not None:
            return found
        if not several:
            raise UserError(f"there is no note {name[:40]!r}", fix="`qd notes list` and `qd notes search` show them")
        if several[0].title == wanted:
            slugs = ", ".join(head.slug for head in several)
            raise UserError(f"several notes have the title {wanted[:40]!r}: {slugs}", fix="name one of these")
        ids = ", ".join(head.id for head in several)
        raise UserError(f"several notes end in {wanted}: {ids}", fix="write more of the id")

    async def get(self, ids: Sequence[str]) -> dict[str, Note]:
        """The notes with these ids, by id; those that are not there are missing."""
        return {note.id: note for note in await self._db.run(lambda conn: store.whole(conn, ids))}

    async def page(
        self, state: NoteState = "active", tag_: str = "", *, limit: int = 100, after: Cursor | None = None
    ) -> NotePage:
        """Notes in this state, with this tag or any, the last changed first."""
        wanted = tag(tag_)
        return await self._db.run(lambda conn: store.heads(conn, state, wanted, limit, after))

    async def search(self, query: str, *, limit: int = 50) -> tuple[NoteHead, ...]:
        """The notes with all of these words and tags (`tag:x`), at most 200, the best first."""
        from app.content.notes.search import search

        wanted = parse(query)
        return await self._db.run(lambda conn: search(conn, wanted, limit))

    async def versions(self, note_id: str) -> tuple[NoteVersion, ...]:
        """The versions of a note, the latest first."""
        return await self._db.run(lambda conn: store.versions(conn, note_id))

    async def at(self, note: Note, number: int) -> Note:
        """The note as it was in this version. Raises UserError when it has no such version."""
        for version in await self.versions(note.id):
            # Of two with one number, which two people kept, the later one.
            if version.number == number:
                was = {name: getattr(version, name) for name in ("title", "front", "body", "tags", "hash")}
                return replace(note, **was, version=number, links=targets(version.body))
        fix = f"`qd notes history {note.slug}` lists them"
        raise UserError(f"there is no version {number}", where=note.title, fix=fix)

    async def backlinks(self, note: Note) -> tuple[NoteHead, ...]:
        """The notes that link to it, the last changed first."""
        return await self._db.run(lambda conn: backlinks(conn, note))

    async def linked(self, note: Note) -> Mapping[str, NoteHead | None]:
        """What it links to, by slug in the order of the text; None where there is no such note yet."""
        wanted = names(note.body)

        def read(conn: Connection) -> dict[str, NoteHead | None]:
            led = leading(conn, wanted)
            found = store.known(conn, list(led.values()))
            heads = ((name, found.get(led.get(name, ""))) for name in wanted)
            return {head.slug if head is not None else slug_of(name): head for name, head in heads if slug_of(name)}

        return await self._db.run(read)

    async def tags(self) -> Mapping[str, int]:
        """How many notes have each tag."""
        return await self._db.run(store.tags)

    async def filed(self, ids: Sequence[str] | None = None) -> tuple[Filed, ...]:
        """What a folder that is kept in step has to know, of every note or of these."""
        return await self._db.run(lambda conn: store.filed(conn, ids))

    async def keep(self, records: Sequence[NoteRecord]) -> None:
        """Keep notes in one step, as `next_version` and `record_of` made them."""
        await self._put(records)

    async def _linking(self, note: Note, slug: str) -> tuple[list[Note], frozenset[str]]:
        """The notes whose links will not lead to it any more when its slug is `slug`, and what these links name."""
        heads = await self._db.run(lambda conn: backlinks(conn, note, trashed=True))
        linking = list((await self.get([head.id for head in heads])).values())
        wanted = [name for each in linking for name in names(each.body) if slug_of(name) != slug]
        led = await self._db.run(lambda conn: leading(conn, wanted))
        old = frozenset(name for name, led_to in led.items() if led_to == note.id)
        return [each for each in linking if not old.isdisjoint(names(each.body))], old

    async def _free(self, slug: str) -> str:
        return free_slug(slug, await self._db.run(lambda conn: store.taken(conn, slug)))

    async def _put(self, records: Sequence[NoteRecord]) -> None:
        first = records[0]
        op_id = first.kept.id if first.kept is not None else f"{first.id}-{first.revision}"
        await store.put(self._spool, NotesRecord(notes=tuple(records)), op_id)


def link_name(note: Note) -> str:
    """What links to it are written with: its title, unless that leads elsewhere or cannot stand in a link."""
    plain = not set(note.title) & set("[]|#^/")
    return note.title if plain and slug_of(note.title) == note.slug else note.slug


def blank(slug: str, title: str, body: str, tags: Iterable[str], *, path: str = "", front: str = "") -> Note:
    """A note that has no version yet. Raises UserError for an empty title or too many tags."""
    now = utc_now()
    return Note(
        id=new_id(),
        slug=slug,
        title=title_of(title),
        body=body,
        tags=tags_of(tags),
        hash="",
        version=0,
        created_at=now,
        updated_at=now,
        revision=0,
        path=path,
        front=front,
    )


def free_slug(slug: str, taken: Container[str]) -> str:
    """The slug, with a number behind it where it is taken."""
    number, free = 2, slug
    while free in taken:
        free, number = f"{slug}-{number}", number + 1
    return free


def next_version(note: Note, reason: NoteReason) -> tuple[Note, NoteRecord]:
    """The note as its next version, and the record that keeps it. Raises UserError for a text that is too long."""
    for text in (note.body, note.front):
        if len(text) > BODY_LENGTH:
            raise UserError(f"the note has {len(text):,} characters, at most {BODY_LENGTH:,} fit", fix="divide it")
    now = utc_now()
    kept = replace(
        note,
        body=storable(note.body),
        hash=hash_of(note),
        version=note.version + 1,
        revision=note.revision + 1,
        updated_at=now,
        links=targets(note.body),
    )
    return kept, record_of(kept, KeptRecord(id=new_id(), number=kept.version, reason=reason, at=now))


def hash_of(note: Note) -> str:
    """What tells two texts of notes apart."""
    parts = json.dumps([note.title, sorted(note.tags), note.front, storable(note.body)])
    return hashlib.sha256(parts.encode()).hexdigest()


def record_of(note: Note, kept: KeptRecord | None = None) -> NoteRecord:
    """The note's state as it is kept, with a version or without."""
    values = asdict(note)
    del values["links"]
    return NoteRecord(**{**values, "kept": kept})


def title_of(title: str) -> str:
    """A title as it is kept: on one line, cut to what fits. Raises UserError for an empty one."""
    plain = " ".join(storable(title).split())[:TITLE_LENGTH]
    if not plain:
        raise UserError("a note has a title", fix="write a few words")
    return plain


def tags_of(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: each once, in order. Raises UserError for too many."""
    found = tuple(sorted({name for each in tags if (name := tag(storable(each)))}))
    if len(found) > MOST_TAGS:
        raise UserError(f"the note has {len(found)} tags, at most {MOST_TAGS} fit", fix="leave some out")
    return found

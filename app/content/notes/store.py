"""Notes in the database: written through the spool, read a page at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.content.model import Note, NoteHead, NoteState, NoteVersion
from app.content.notes.links import targets
from app.content.notes.records import KeptRecord, NoteRecord, NotesRecord
from app.content.notes.words import index
from app.content.tables import note, note_link, note_tag, note_version
from app.db.paging import Cursor, Key, page
from app.db.upsert import upsert

if TYPE_CHECKING:
    from app.db.spool import Spool

NOTE = "content.note"
"""Kind of the spooled operation that holds notes which change together, with the versions that were kept then."""
_notes, _versions, _tags, _links = note.c, note_version.c, note_tag.c, note_link.c
_HEAD = (_notes.id, _notes.slug, _notes.title, _notes.updated_at)
KEYS = (Key(_notes.updated_at, descending=True), Key(_notes.id, descending=True))
TAG_KEYS = (Key(_tags.updated_at, descending=True), Key(_tags.note_id, descending=True))
ID_LENGTH = 26
SAME_ENDING = 3
LOOK_UP = 500


@dataclass(frozen=True, slots=True)
class NotePage:
    """Notes, the last changed first; `after` leads on and is None at the end."""

    notes: tuple[NoteHead, ...]
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class Filed:
    """What a folder that is kept in step has to know of each note."""

    id: str
    slug: str
    path: str
    hash: str
    state: NoteState


async def put(spool: Spool, record: NotesRecord, op_id: str) -> None:
    """Keep notes; they would survive a power loss when this returns. Raises UserError when they could not."""
    await spool.put(NOTE, record.model_dump(mode="json"), op_id)


def apply(conn: Connection, payload: dict[str, Any]) -> None:
    """Write notes and their versions. Done again it changes nothing; a state that comes late replaces no later one.

    Versions are kept in any case: two who change one note lose nothing of what either wrote.
    """
    records = NotesRecord.model_validate_json(json.dumps(payload)).notes
    kept = [_version(record, record.kept) for record in records if record.kept is not None]
    if kept:
        upsert(conn, note_version, kept, keys=["id"], update=())
    if len(records) > 1 and _new(conn, records):
        return
    for record in records:
        _apply(conn, record)


def _version(record: NoteRecord, kept: KeptRecord) -> dict[str, Any]:
    same = record.model_dump(include={"title", "front", "body", "hash"})
    return {"note_id": record.id, "tags": list(record.tags), **same, **kept.model_dump()}


def _new(conn: Connection, records: Sequence[NoteRecord]) -> bool:
    """Write notes at once of which none is known and no slug is taken; False, and nothing done, where one is."""
    ids, slugs = [record.id for record in records], [record.slug for record in records]
    if len(set(ids)) < len(ids) or len(set(slugs)) < len(slugs):
        return False
    for begin in range(0, len(ids), LOOK_UP):
        part = slice(begin, begin + LOOK_UP)
        known = select(_notes.id).where(or_(_notes.id.in_(ids[part]), _notes.slug.in_(slugs[part]))).limit(1)
        if conn.scalar(known) is not None:
            return False
    try:
        with conn.begin_nested():
            conn.execute(insert(note), [_row(record) for record in records])
    except IntegrityError:
        return False
    _marked(conn, records)
    return True


def _row(record: NoteRecord) -> dict[str, Any]:
    return record.model_dump(exclude={"kept", "tags"}) | {"words": index(record.title, record.body)}


def _apply(conn: Connection, record: NoteRecord) -> None:
    known = conn.execute(
        select(_notes.revision, _notes.updated_at).where(_notes.id == record.id).with_for_update()
    ).first()
    if known is not None and (known.revision, known.updated_at) >= (record.revision, record.updated_at):
        return
    row = _row(record)
    ending = record.id.lower()
    # Two notes may have got one name while neither was in the database; the later one gives way.
    for slug in (record.slug, f"{record.slug[:150]}-{ending[-6:]}", f"{record.slug[:150]}-{ending}"):
        if _write(conn, {**row, "slug": slug}, new=known is None):
            break
    conn.execute(delete(note_tag).where(_tags.note_id == record.id))
    conn.execute(delete(note_link).where(_links.note_id == record.id))
    _marked(conn, [record])


def _marked(conn: Connection, records: Sequence[NoteRecord]) -> None:
    """Write the tags and the links of notes that have none."""
    tags = [
        {"note_id": record.id, "tag": tag, "updated_at": record.updated_at}
        for record in records
        for tag in dict.fromkeys(record.tags)
    ]
    if tags:
        conn.execute(insert(note_tag), tags)
    linked = [{"note_id": record.id, "target": target} for record in records for target in targets(record.body)]
    if linked:
        conn.execute(insert(note_link), linked)


def _write(conn: Connection, row: dict[str, Any], *, new: bool) -> bool:
    """Whether the slug was free; no upsert, which on servers would write over the other note."""
    taken = select(_notes.id).where(_notes.slug == row["slug"], _notes.id != row["id"])
    if conn.scalar(taken) is not None:
        return False
    try:
        with conn.begin_nested():
            conn.execute(insert(note).values(row) if new else update(note).where(_notes.id == row["id"]).values(row))
    except IntegrityError:
        if conn.scalar(taken.with_for_update()) is None:
            raise
        return False
    return True


def find(conn: Connection, name: str, slug: str) -> tuple[Note | None, tuple[NoteHead, ...]]:
    """The note with this slug, id or title, or the only one whose id ends so; else None, with the few that might be."""
    row = conn.execute(select(note).where(_notes.slug == slug)).first() if slug else None
    ending = name.upper() if name.isascii() and name.isalnum() and len(name) <= ID_LENGTH else ""
    if row is None and len(ending) == ID_LENGTH:
        row = conn.execute(select(note).where(_notes.id == ending)).first()
    if row is None:
        heads = titled(conn, name)
        if not heads and ending:
            alike = select(*_HEAD).where(_notes.id.like(f"%{ending}")).limit(SAME_ENDING)
            heads = with_tags(conn, conn.execute(alike))
        if len(heads) != 1:
            return None, heads
        row = conn.execute(select(note).where(_notes.id == heads[0].id)).one()
    return _whole(conn, [row])[0], ()


def titled(conn: Connection, title: str) -> tuple[NoteHead, ...]:
    """The notes with this title, the oldest first; those in the trash only where no other has it."""
    statement: Select[Any] = select(*_HEAD, _notes.state).where(_notes.title == title).order_by(_notes.id)
    # Servers compare titles without case; here they are compared as they are.
    rows = [row for row in conn.execute(statement) if row.title == title]
    return with_tags(conn, [row for row in rows if row.state == "active"] or rows)


def whole(conn: Connection, ids: Sequence[str]) -> list[Note]:
    """The notes with these ids that are there."""
    rows: list[Row[Any]] = []
    for begin in range(0, len(ids), LOOK_UP):
        rows += conn.execute(select(note).where(_notes.id.in_(ids[begin : begin + LOOK_UP])))
    return _whole(conn, rows)


def _whole(conn: Connection, rows: Sequence[Row[Any]]) -> list[Note]:
    ids = [row.id for row in rows]
    tags = tags_of(conn, ids)
    known = {"words"}
    return [
        Note(
            **{name: value for name, value in row._mapping.items() if name not in known},
            tags=tags.get(row.id, ()),
            links=targets(row.body),
        )
        for row in rows
    ]


def tags_of(conn: Connection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The tags of notes, by the notes' ids, in order."""
    found: dict[str, list[str]] = {}
    for begin in range(0, len(ids), LOOK_UP):
        statement = select(_tags.note_id, _tags.tag).where(_tags.note_id.in_(ids[begin : begin + LOOK_UP]))
        for note_id, tag in conn.execute(statement):
            found.setdefault(note_id, []).append(tag)
    return {note_id: tuple(sorted(tags)) for note_id, tags in found.items()}


def heads(conn: Connection, state: NoteState, tag: str, limit: int, after: Cursor | None) -> NotePage:
    """Notes in this state, with this tag or (empty) with any."""
    statement = select(*_HEAD).where(_notes.state == state)
    if tag:
        statement = statement.add_columns(*(key.column for key in TAG_KEYS))
        statement = statement.join(note_tag, _tags.note_id == _notes.id).where(_tags.tag == tag)
    found = page(conn, statement, TAG_KEYS if tag else KEYS, limit=limit, after=after)
    return NotePage(with_tags(conn, found.rows), found.last if found.more_after else None)


def with_tags(conn: Connection, rows: Iterable[Row[Any]]) -> tuple[NoteHead, ...]:
    """Rows of the list as its lines."""
    rows = list(rows)
    tags = tags_of(conn, [row.id for row in rows])
    return tuple(NoteHead(row.id, row.slug, row.title, tags.get(row.id, ()), row.updated_at) for row in rows)


def versions(conn: Connection, note_id: str, limit: int = 500) -> tuple[NoteVersion, ...]:
    """The versions of a note, the latest first."""
    order = (_versions.number.desc(), _versions.id.desc())
    rows = conn.execute(select(note_version).where(_versions.note_id == note_id).order_by(*order).limit(limit))
    return tuple(NoteVersion(**{**row._mapping, "tags": tuple(row.tags)}) for row in rows)


def backlinks(conn: Connection, slugs: Collection[str], *, trashed: bool = False) -> tuple[NoteHead, ...]:
    """The notes that link to one of these slugs, the last changed first."""
    linking = select(_links.note_id).where(_links.target.in_(slugs))
    statement = select(*_HEAD).where(_notes.id.in_(linking)).order_by(_notes.updated_at.desc(), _notes.id.desc())
    if not trashed:
        statement = statement.where(_notes.state == "active")
    return with_tags(conn, conn.execute(statement))


def known(conn: Connection, ids: Sequence[str]) -> dict[str, NoteHead]:
    """The notes that have one of these ids."""
    rows: list[Row[Any]] = []
    for begin in range(0, len(ids), LOOK_UP):
        rows += conn.execute(select(*_HEAD).where(_notes.id.in_(ids[begin : begin + LOOK_UP])))
    return {head.id: head for head in with_tags(conn, rows)}


def taken(conn: Connection, slug: str) -> frozenset[str]:
    """The slugs that are this one or begin with it and a hyphen."""
    return frozenset(conn.scalars(select(_notes.slug).where(_notes.slug.like(f"{slug}%"))))


def tags(conn: Connection) -> dict[str, int]:
    """How many notes have each tag, by the tags' names."""
    active = select(_notes.id).where(_notes.state == "active")
    counted = (
        select(_tags.tag, func.count().label("number"))
        .where(_tags.note_id.in_(active))
        .group_by(_tags.tag)
        .order_by(_tags.tag)
    )
    return {row.tag: row.number for row in conn.execute(counted)}


def filed(conn: Connection, ids: Sequence[str] | None = None) -> tuple[Filed, ...]:
    """All notes, in the order in which they were made; or those with these ids, at most `LOOK_UP`."""
    statement = select(_notes.id, _notes.slug, _notes.path, _notes.hash, _notes.state).order_by(_notes.id)
    if ids is not None:
        statement = statement.where(_notes.id.in_(ids))
    return tuple(Filed(*row) for row in conn.execute(statement))

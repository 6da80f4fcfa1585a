"""Which note a `[[link]]` leads to: by path where it names a folder, else by slug, else by title."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, or_, select

from app.content.model import Note, NoteHead
from app.content.notes import store
from app.content.notes.folder_names import key
from app.content.notes.links import names, slug_of
from app.content.tables import note

Each = TypeVar("Each")

TOGETHER = 100
_notes = note.c


def leading(conn: Connection, wanted: Iterable[str]) -> dict[str, str]:
    """The ids of the notes that names in links lead to, by name; those that lead nowhere are missing."""
    found: dict[str, str] = {}
    for group in _groups(list(dict.fromkeys(wanted))):
        slugs = {name: slug_of(name) for name in group}
        alike = [_notes.slug.like(f"{slugs[name]}-%") for name in group if "/" in name and slugs[name]]
        rows = conn.execute(
            select(_notes.id, _notes.slug, _notes.path, _notes.state)
            .where(or_(_notes.slug.in_(set(slugs.values())), *alike))
            .order_by(_notes.state, _notes.id)
        ).all()
        by_slug = {row.slug: row.id for row in rows}
        for name, slug in slugs.items():
            by_path = next((row.id for row in rows if "/" in name and _ends(row.path, name)), None)
            if leads := by_path or by_slug.get(slug):
                found[name] = leads
        found |= _titled(conn, [name for name in group if name not in found])
    return found


def backlinks(conn: Connection, of: Note, *, trashed: bool = False) -> tuple[NoteHead, ...]:
    """The notes that link to a note, the last changed first."""
    slugs = {slug for name in (of.slug, of.title, of.path) if (slug := slug_of(name))}
    heads = store.backlinks(conn, slugs, trashed=trashed)
    rivals = select(_notes.id).where(_notes.slug.like(f"{of.slug}-%"), _notes.path != "").limit(1)
    if slugs == {of.slug} and conn.scalar(rivals) is None:
        return heads
    linking = {note_id for note_id, used in _used(conn, heads, slugs) if of.id in leading(conn, used).values()}
    return tuple(head for head in heads if head.id in linking)


def _used(conn: Connection, heads: Sequence[NoteHead], slugs: set[str]) -> Iterator[tuple[str, list[str]]]:
    """The notes with the names in their links that have one of the slugs."""
    for group in _groups(heads):
        for row in conn.execute(select(_notes.id, _notes.body).where(_notes.id.in_([head.id for head in group]))):
            yield row.id, [name for name in names(row.body) if slug_of(name) in slugs]


def _titled(conn: Connection, wanted: Sequence[str]) -> dict[str, str]:
    if not wanted:
        return {}
    rows = conn.execute(
        select(_notes.title, _notes.id)
        .where(_notes.title.in_(wanted), _notes.state == "active")
        .order_by(_notes.id.desc())
    )
    # Servers compare titles without case; here they are compared as they are.
    return {row.title: row.id for row in rows if row.title in wanted}


def _ends(path: str, name: str) -> bool:
    """Whether a name with folders is the end of a path."""
    end = key(name.strip("/")).removesuffix(".md")
    own = key(path).removesuffix(".md")
    return own == end or own.endswith(f"/{end}")


def _groups(given: Sequence[Each]) -> Iterator[Sequence[Each]]:
    return (given[begin : begin + TOGETHER] for begin in range(0, len(given), TOGETHER))

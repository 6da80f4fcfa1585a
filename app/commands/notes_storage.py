"""What the commands of notes share: the storage, and the forms of their documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from app.commands.feedback_storage import FLUSH_S, opened
from app.commands.retrain_text import time
from app.content.model import Note, NoteHead, NoteVersion
from app.content.notes.notes import Notes

if TYPE_CHECKING:
    from app.settings import Loaded

Result = TypeVar("Result")
State = Literal["applied", "spooled"]


@asynccontextmanager
async def noting(loaded: Loaded) -> AsyncIterator[Notes]:
    """The notes of the configured database; what waits in the journal has reached it, if it can."""
    async with opened(loaded) as storage:
        await storage.spool.flush(FLUSH_S)
        yield Notes(storage.db, storage.spool)


async def reading(loaded: Loaded, read: Callable[[Notes], Awaitable[Result]]) -> Result:
    """What `read` returns of the notes."""
    async with noting(loaded) as notes:
        return await read(notes)


async def writing(loaded: Loaded, write: Callable[[Notes], Awaitable[Result]]) -> tuple[Result, State]:
    """What `write` returns, and whether it has reached the database already; else it is in the journal."""
    async with opened(loaded) as storage:
        await storage.spool.flush(FLUSH_S)
        done = await write(Notes(storage.db, storage.spool))
        return done, "applied" if await storage.spool.flush(FLUSH_S) else "spooled"


def head_document(note: NoteHead | Note) -> dict[str, Any]:
    """A line of the list."""
    plain = {name: getattr(note, name) for name in ("id", "slug", "title")}
    return {**plain, "tags": list(note.tags), "updated_at": time(note.updated_at)}


def note_document(note: Note) -> dict[str, Any]:
    """A whole note."""
    plain = {name: getattr(note, name) for name in ("state", "version", "body", "front", "path")}
    return {**head_document(note), **plain, "links": list(note.links), "created_at": time(note.created_at)}


def hit_document(head: NoteHead) -> dict[str, Any]:
    """A hit of the search."""
    return {**head_document(head), "snippet": head.snippet, "score": head.score}


def version_document(version: NoteVersion) -> dict[str, Any]:
    """A version with its text."""
    plain = {name: getattr(version, name) for name in ("number", "reason", "title", "body")}
    return {**plain, "tags": list(version.tags), "at": time(version.at)}

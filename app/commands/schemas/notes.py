"""What `qd notes` prints."""

from __future__ import annotations

from typing import get_args

from app.commands.schemas.build import COUNT, FLAG, TEXT, TIME, WHOLE, choice, document, many, maybe, record
from app.content.model import NoteChange, NoteReason, NoteState

HEAD = {"id": TEXT, "slug": TEXT, "title": TEXT, "tags": many(TEXT), "updated_at": TIME}
NOTE = record(
    **HEAD,
    state=choice(*get_args(NoteState)),
    version=COUNT,
    created_at=TIME,
    body=TEXT,
    front=TEXT,
    links=many(TEXT),
    path=TEXT,
)
STATE = choice("applied", "spooled")
HIT = record(**HEAD, snippet=TEXT, score={"type": "number"})
VERSION = record(number=WHOLE, reason=choice(*get_args(NoteReason)), title=TEXT, tags=many(TEXT), body=TEXT, at=TIME)

ADD = document("qd notes add", note=NOTE, state=STATE)
EDIT = document("qd notes edit", note=NOTE, state=STATE)
TAG = document("qd notes tag", note=NOTE, state=STATE)
RESTORE = document("qd notes restore", note=NOTE, state=STATE)
TRASH = document("qd notes trash", note=NOTE, state=STATE)
RENAME = document("qd notes rename", note=NOTE, state=STATE, mended=many(record(id=TEXT, slug=TEXT, title=TEXT)))
LIST = document("qd notes list", notes=many(record(**HEAD)), next=maybe(TEXT))
SEARCH = document("qd notes search", notes=many(HIT))
SHOW = document("qd notes show", note=NOTE)
HISTORY = document("qd notes history", id=TEXT, versions=many(VERSION))
LINKS = document(
    "qd notes links", id=TEXT, links=many(record(slug=TEXT, note=maybe(record(**HEAD)))), backlinks=many(record(**HEAD))
)

CHANGE = record(
    what=choice(*(what for what in get_args(NoteChange) if what != "same")), path=TEXT, note=TEXT, title=TEXT
)
_KEPT = {
    "folder": TEXT,
    "dry_run": FLAG,
    "changes": many(CHANGE),
    "faults": many(record(what=TEXT, where=TEXT, fix=TEXT)),
    "same": COUNT,
}
IMPORT = document("qd notes import", **_KEPT)
EXPORT = document("qd notes export", **_KEPT)
SYNC = document("qd notes sync", **_KEPT)

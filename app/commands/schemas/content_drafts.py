"""What `qd content` prints of templates and drafts."""

from __future__ import annotations

from typing import get_args

from app.commands.schemas.build import COUNT, FLAG, TEXT, TIME, WHOLE, Schema, choice, document, many, maybe, record
from app.content.model import FIELD_KINDS, DraftState, VersionReason

ANY: Schema = {}
OBJECT: Schema = {"type": "object"}
STATE = choice(*get_args(DraftState))
FIELD = record(
    name=TEXT,
    kind=choice(*FIELD_KINDS),
    label=TEXT,
    help=TEXT,
    default=ANY,
    required=FLAG,
    choices=many(TEXT),
)
TEMPLATE: Schema = {
    **record(id=TEXT, path=TEXT, origin=choice("shipped", "user", "imported"), error=maybe(TEXT)),
    "description": "one that is broken has an error and nothing of what follows",
}
TEMPLATE["properties"] |= {
    "kind": TEXT,
    "title": TEXT,
    "help": TEXT,
    "fields": many(FIELD),
    "targets": many(TEXT),
    "context": many(TEXT),
    "style": OBJECT,
    "egress": choice("any", "local"),
    "numbered": FLAG,
    "html": TEXT,
    "trusted": FLAG,
    "hash": TEXT,
}
HEAD = {
    "id": TEXT,
    "template": TEXT,
    "kind": TEXT,
    "number": maybe(WHOLE),
    "title": TEXT,
    "state": STATE,
    "version": COUNT,
    "updated_at": TIME,
}
CONTEXT: Schema = {"type": "object", "description": "by source, an object of captured_at, hash, why and data"}
DRAFT = record(
    **HEAD,
    created_at=TIME,
    template_hash=TEXT,
    fields=OBJECT,
    context=CONTEXT,
    body=TEXT,
)
VERSION = record(number=WHOLE, reason=choice(*get_args(VersionReason)), title=TEXT, words=COUNT, at=TIME)

TEMPLATES = document("qd content templates", templates=many(TEMPLATE))
NEW = document(
    "qd content new", draft=maybe(DRAFT), title=TEXT, text=TEXT, state=choice("applied", "spooled", "dry_run")
)
LIST = document("qd content list", drafts=many(record(**HEAD)), next=maybe(TEXT))
SHOW = document("qd content show", draft=DRAFT, versions=many(VERSION))
RENDER = document(
    "qd content render",
    id=TEXT,
    text=TEXT,
    parts=many(TEXT),
    path=maybe(TEXT),
    **{"as": choice("markdown", "html", "discord", "text")},
)
DIFF = document(
    "qd content diff",
    id=TEXT,
    to=WHOLE,
    pieces=many(record(kind=choice("same", "removed", "added"), text=TEXT)),
    **{"from": WHOLE},
)

_CHANGED = {"draft": DRAFT, "state": choice("applied", "spooled")}
EDIT = document("qd content edit", **_CHANGED)
RENAME = document("qd content rename", **_CHANGED)
RESTORE = document("qd content restore", **_CHANGED)
ARCHIVE = document("qd content archive", **_CHANGED)
TRASH = document("qd content trash", **_CHANGED)

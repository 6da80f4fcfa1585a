"""What `qd db` prints."""

from __future__ import annotations

from app.commands.schemas.build import COUNT, FLAG, TEXT, TIME, choice, document, many, maybe, record

_REFUSED = record(id=TEXT, kind=TEXT, put_at=TIME, refused_at=TIME, reason=TEXT)

STATUS = document(
    "qd db status",
    backend=choice("sqlite", "mariadb", "mysql"),
    url=TEXT,
    state=choice("current", "behind", "empty", "newer", "down"),
    problem=maybe(TEXT),
    server_version=maybe(TEXT),
    revision=maybe(TEXT),
    head=TEXT,
    journal=TEXT,
    waiting=COUNT,
    parked=COUNT,
    refused_count=COUNT,
    refused=many(_REFUSED),
)
UPGRADE = document("qd db upgrade", url=TEXT, before=maybe(TEXT), revision=TEXT, changed=FLAG)
REFUSED = document("qd db refused", refused=many(_REFUSED), retried=COUNT)
CONTRACTS = document("qd db schema", contracts={"type": "object", "description": "JSON Schemas by name"})

"""What `qd db` prints."""

from __future__ import annotations

from app.commands.schemas.build import COUNT, FLAG, SECONDS, TEXT, TIME, Schema, choice, document, many, maybe, record

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
    unfinished_copy=maybe(record(source=TEXT, started_at=TIME)),
)
UPGRADE = document("qd db upgrade", url=TEXT, before=maybe(TEXT), revision=TEXT, changed=FLAG)
REFUSED = document("qd db refused", refused=many(_REFUSED), retried=COUNT)
CONTRACTS = document("qd db schema", contracts={"type": "object", "description": "JSON Schemas by name"})

_TABLE = record(
    name=TEXT,
    rows=COUNT,
    inserted=COUNT,
    updated=COUNT,
    kept=COUNT,
    refused=COUNT,
    checksum=TEXT,
    verified=FLAG,
)
_COPY: dict[str, Schema] = {
    "source": TEXT,
    "target": TEXT,
    "revision": TEXT,
    "merge": maybe(choice("replace", "keep")),
    "resumed": FLAG,
    "rows": COUNT,
    "duration_s": SECONDS,
    "waiting": COUNT,
    "tables": many(_TABLE),
    "notes": many(record(table=TEXT, key=many({}), kind=choice("refused", "changed"), why=TEXT)),
}
COPY = document("qd db copy", **_COPY)
BACKUP = document("qd db backup", **_COPY)
RESTORE = document("qd db restore", **_COPY)

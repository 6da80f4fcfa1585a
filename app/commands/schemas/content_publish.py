"""What `qd content publish` and its kin print."""

from __future__ import annotations

from typing import get_args

from app.commands.schemas.build import COUNT, FLAG, TEXT, TIME, choice, document, many, maybe, record
from app.content.model import PUBLICATION_STATES, TargetKind

KIND = choice(*get_args(TargetKind))
DELIVERY = record(
    id=TEXT,
    draft_id=maybe(TEXT),
    target=TEXT,
    kind=KIND,
    title=TEXT,
    state=choice(*PUBLICATION_STATES),
    remote_id=maybe(TEXT),
    remote_ids=many(TEXT),
    url=maybe(TEXT),
    parts=COUNT,
    parts_sent=COUNT,
    attempts=COUNT,
    due_at=TIME,
    zone=maybe(TEXT),
    sent_at=maybe(TIME),
    error=maybe(TEXT),
    override=maybe(TEXT),
    replaces=maybe(TEXT),
)
PREVIEW = record(
    target=TEXT,
    kind=KIND,
    title=TEXT,
    parts=many(record(text=TEXT, data={"type": "object"})),
    problems=many(
        record(
            kind=choice("empty", "length", "limit", "disabled", "secret", "style", "published", "taken"),
            what=TEXT,
            overridable=FLAG,
        )
    ),
)

PUBLISH = document("qd content publish", dry_run=FLAG, deliveries=many(DELIVERY), previews=many(PREVIEW))
DELIVERIES = document("qd content deliveries", deliveries=many(DELIVERY))
DISPATCH = document("qd content dispatch", deliveries=many(DELIVERY))
RESOLVE = document("qd content resolve", deliveries=many(DELIVERY))
UNPUBLISH = document("qd content unpublish", deliveries=many(DELIVERY))
TARGETS = document("qd content targets", targets=many(record(name=TEXT, kind=KIND, disabled=maybe(TEXT))))

"""Drafts, as the rest of the area speaks of them: made, saved, restored, found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from app.content.drafts import store
from app.content.drafts.records import BODY_LENGTH, DraftRecord, VersionRecord
from app.content.drafts.store import DraftPage
from app.content.model import Draft, DraftState, DraftVersion, Template, VersionReason
from app.content.tables import TITLE_LENGTH
from app.db.types import storable, utc_now
from app.errors import UserError
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.paging import Cursor
    from app.db.spool import Spool

OPEN: tuple[DraftState, ...] = ("draft", "scheduled")
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")


@dataclass(frozen=True, slots=True)
class Changed:
    """A draft as it is, and what it becomes."""

    draft: Draft
    body: str
    fields: Mapping[str, Any]


class Drafts:
    """The drafts of a database, written through the spool: what a call returns would survive a power loss."""

    def __init__(self, db: Database, spool: Spool) -> None:
        self._db, self._spool = db, spool

    async def create(
        self,
        template: Template,
        title: str,
        body: str,
        *,
        fields: Mapping[str, Any],
        context: Mapping[str, Any],
        number: int | None = None,
        beside: Callable[[Draft], Changed] | None = None,
    ) -> Draft:
        """A new draft with its first version. Raises UserError for a text that is too long.

        `beside` tells, of the new draft, how another one changes: both are kept in one step.
        """
        now = utc_now()
        made = Draft(
            id=new_id(),
            template=template.id,
            template_hash=template.hash,
            kind=template.kind,
            title="",
            body="",
            state="draft",
            version=0,
            revision=0,
            created_at=now,
            updated_at=now,
            number=number,
            fields=fields,
            context=context,
        )
        kept, record = _kept(made, title, body, fields, "created")
        if beside is not None:
            changed = beside(kept)
            _, other = _kept(changed.draft, changed.draft.title, changed.body, changed.fields, "edited")
            record = record.model_copy(update={"beside": other})
        await store.put(self._spool, record)
        return kept

    async def save(
        self,
        draft: Draft,
        body: str,
        *,
        title: str | None = None,
        fields: Mapping[str, Any] | None = None,
        reason: VersionReason = "saved",
    ) -> Draft:
        """Keep the text as the draft's next version; the draft as it is when nothing of it is new.

        Raises UserError for a text that is too long.
        """
        title = draft.title if title is None else title
        fields = draft.fields if fields is None else fields
        if (_title(title), storable(body), fields) == (draft.title, draft.body, draft.fields):
            return draft
        return await self._keep(draft, title, body, fields, reason)

    async def restore(self, draft: Draft, version: DraftVersion) -> Draft:
        """The text of an earlier version as the next one."""
        return await self.save(draft, version.body, title=version.title, fields=version.fields, reason="restored")

    async def set_state(self, draft: Draft, state: DraftState) -> Draft:
        """Put it elsewhere; its text stays."""
        if draft.state == state:
            return draft
        changed = replace(draft, state=state, revision=draft.revision + 1, updated_at=utc_now())
        await store.put(self._spool, _record(changed))
        return changed

    async def bring_back(self, draft: Draft) -> Draft:
        """Take it out of the archive or the trash: into work, or to what is published where it stands somewhere."""
        return await self.set_state(draft, await self._db.run(lambda conn: store.state_by_deliveries(conn, draft.id)))

    async def find(self, name: str) -> Draft:
        """The draft with this id, or the only one whose id ends so. Raises UserError."""
        found, ids = await self._db.run(lambda conn: store.find(conn, name))
        if found is not None:
            return found
        if ids:
            raise UserError(f"several drafts end in {name}: {', '.join(ids)}", fix="write more of the id")
        raise UserError(f"there is no draft {name[:40]!r}", fix="`qd content list` shows them")

    async def page(
        self,
        states: tuple[DraftState, ...] = OPEN,
        template: str = "",
        *,
        limit: int = 100,
        after: Cursor | None = None,
    ) -> DraftPage:
        """Drafts in these states, the last changed first."""
        return await self._db.run(lambda conn: store.heads(conn, states, template, limit, after))

    async def versions(self, draft_id: str) -> tuple[DraftVersion, ...]:
        """The versions of a draft, the latest first."""
        return await self._db.run(lambda conn: store.versions(conn, draft_id))

    async def counts(self) -> Mapping[str, int]:
        """How many drafts are in each state."""
        return await self._db.run(store.counts)

    async def next_number(self, kind: str) -> int:
        """The number that the next draft of a numbered kind gets."""
        return 1 + await self._db.run(lambda conn: store.highest_number(conn, kind))

    async def numbered(self, kind: str, number: int) -> Draft | None:
        """The draft of a numbered kind with this number, the last made where several have it."""
        return await self._db.run(lambda conn: store.numbered(conn, kind, number))

    async def _keep(
        self, draft: Draft, title: str, body: str, fields: Mapping[str, Any], reason: VersionReason
    ) -> Draft:
        kept, record = _kept(draft, title, body, fields, reason)
        await store.put(self._spool, record)
        return kept


def _kept(
    draft: Draft, title: str, body: str, fields: Mapping[str, Any], reason: VersionReason
) -> tuple[Draft, DraftRecord]:
    """The draft with this as its next version, and how that is kept. Raises UserError for a text that is too long."""
    if len(body) > BODY_LENGTH:
        raise UserError(f"the text has {len(body):,} characters, at most {BODY_LENGTH:,} fit", fix="divide it")
    now = utc_now()
    kept = replace(
        draft,
        title=_title(title),
        body=storable(body),
        fields=fields,
        version=draft.version + 1,
        revision=draft.revision + 1,
        updated_at=now,
    )
    version = VersionRecord(id=new_id(), number=kept.version, reason=reason, words=words(body), at=now)
    return kept, _record(kept, version)


def words(text: str) -> int:
    """How many words a text has."""
    return sum(1 for _ in _WORD.finditer(text))


def _title(title: str) -> str:
    return " ".join(storable(title).split())[:TITLE_LENGTH]


def _record(draft: Draft, version: VersionRecord | None = None) -> DraftRecord:
    return DraftRecord(**{**asdict(draft), "kept": version})

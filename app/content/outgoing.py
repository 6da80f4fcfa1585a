"""Publishing a draft as one act: every target gets its own form of the text, or none gets any."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.content.model import Draft, Publication
from app.content.publishing import configured
from app.content.publishing.moments import moment
from app.content.publishing.publisher import Preview, Publisher
from app.errors import UserError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from app.content.drafts.drafts import Drafts
    from app.content.publishing.decisions import Decision
    from app.db.engine import Database
    from app.db.spool import Spool
    from app.settings import Loaded

FLUSH_S = 5.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was published of a draft, and whether what its target has is not what it would get now."""

    publication: Publication
    differs: bool = False


class Outgoing:
    """Publishes the drafts of one configuration."""

    def __init__(self, loaded: Loaded, db: Database, spool: Spool, drafts: Drafts, zone: ZoneInfo) -> None:
        self._loaded, self._spool, self._drafts, self._zone = loaded, spool, drafts, zone
        self._publisher: Publisher = configured.publisher(loaded, db, spool)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the targets."""
        return tuple(self._publisher.targets)

    def kind(self, target: str) -> str:
        """The kind of a target."""
        return self._publisher.target(target).kind

    def follow(self, changed: Callable[[], None]) -> None:
        """Call this whenever a delivery changes its state while it is sent from here."""
        self._publisher.dispatcher.changed = changed

    async def preview(self, draft: Draft, target: str) -> Preview:
        """What a target would get, and what is wrong with it; sends nothing."""
        text = await asyncio.to_thread(configured.text_of, draft, self._loaded)
        return await self._publisher.preview(text, self._publisher.target(target), draft.template, beside=draft.id)

    async def order(
        self, draft: Draft, targets: Sequence[str], at: str, override: str, *, again: bool = False, edit: bool = False
    ) -> str:
        """Publish to these, now or at the moment that is named; how a change of the clocks was decided, if it was.

        Where the draft stands already, it is refused, unless `edit` puts the new text in its place there or `again`
        makes a second post. Raises UserError, and then nothing goes anywhere.
        """
        if not targets:
            raise UserError("no target is ticked", fix="space ticks the one under the cursor")
        when = moment(at, self._zone, datetime.now(UTC)) if at else None
        previews = [await self.preview(draft, target) for target in targets]
        replaced = [await self._standing(preview) if edit else None for preview in previews]
        for preview, instead in zip(previews, replaced, strict=True):
            if stopped := preview.stopped(override, again=again or instead is not None):
                what = "; ".join(problem.what for problem in stopped)
                # A reason lets through what is a matter of style or of secrets, and nothing else.
                reason = ", give a reason" if all(problem.overridable for problem in stopped) else ""
                raise UserError(what, where=preview.target.name, fix=f"correct it{reason}, or untick this target")
            if instead is not None:
                await self._publisher.editable(instead, preview.target)
        versions = await self._drafts.versions(draft.id)
        version = versions[0].id if versions else None
        for preview, instead in zip(previews, replaced, strict=True):
            await self._publisher.order(
                preview,
                draft,
                when,
                version_id=version,
                override=override,
                replaces=instead,
                again=again or instead is not None,
            )
        if not await self._spool.flush(FLUSH_S):
            raise UserError("the order is kept, but the database is away", fix="it goes out when that is back")
        if when is None:
            await self._publisher.dispatcher.once()
        return when.told if when is not None else ""

    async def _standing(self, preview: Preview) -> Publication | None:
        """What was sent of the draft to the target of a preview, which another text can take the place of."""
        for problem in preview.problems:
            if problem.kind == "published":
                found = (await self._publisher.find(problem.delivery)).publication
                return found if found.state == "sent" else None
        return None

    async def take_back(self, sent: Publication) -> None:
        """Take away what was sent. Raises UserError where that is not possible."""
        await self._publisher.delete(sent)

    async def decide(self, publication: Publication, decision: Decision) -> None:
        """It did arrive, is sent again, or is not sent. Raises UserError where there is nothing to decide."""
        await self._publisher.decide(publication, decision)
        if decision != "drop":
            await self._publisher.dispatcher.once()

    async def states(self, draft: Draft) -> Sequence[Publication]:
        """Where a draft is published, the last first, and no more than that."""
        return await self._publisher.of_draft(draft.id)

    async def of_draft(self, draft: Draft) -> tuple[Delivered, ...]:
        """Where a draft is published, the last first; of what stands there last, whether it differs from the draft."""
        found = await self._publisher.of_draft(draft.id)
        seen: set[str] = set()
        delivered = []
        for each in found:
            differs = False
            if each.state == "sent" and each.target not in seen and each.target in self._publisher.targets:
                seen.add(each.target)
                differs = self._publisher.differs(each, await self.preview(draft, each.target))
            delivered.append(Delivered(each, differs))
        return tuple(delivered)

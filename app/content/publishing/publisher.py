"""Publishing, as the rest of the app speaks of it: look first, order, send, edit, delete, decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from app.content.model import Draft, Publication, PublicationState
from app.content.publishing import decisions, gate, standing, states, store
from app.content.publishing.dispatch import Dispatcher, Open
from app.content.publishing.model import NO_ID, Change, Final, Problem, Target, Text, When
from app.content.publishing.records import PublicationRecord, payload_hash
from app.content.publishing.store import Ordered
from app.content.tables import TITLE_LENGTH
from app.db.types import storable, utc_now
from app.errors import UserError
from app.ids import new_id

if TYPE_CHECKING:
    from app.db.engine import Database
    from app.db.spool import Spool

Checks = Callable[[str, str], gate.Check]
"""The style guide for a template and a target, by their names."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A text in the form of one target, and what is wrong with it."""

    target: Target
    final: Final
    problems: tuple[Problem, ...]

    def stopped(self, override: str, *, again: bool = False) -> tuple[Problem, ...]:
        """What keeps it from being published, given a reason or none; `again` lets a second post go out."""
        return tuple(
            problem
            for problem in self.problems
            if not ((override and problem.overridable) or (again and problem.kind == "published"))
        )


class Publisher:
    """Publishes to the configured targets. What a call orders would survive a power loss when it returns."""

    def __init__(
        self,
        db: Database,
        spool: Spool,
        targets: Sequence[Target],
        open_target: Open,
        checks: Checks,
        *,
        secrets: tuple[str, ...] = (),
        user: str = "",
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._db, self._spool, self._open, self._checks = db, spool, open_target, checks
        self.targets: Mapping[str, Target] = {target.name: target for target in targets}
        self._secrets, self._user, self._clock = secrets, user, clock
        usable = {name: target for name, target in self.targets.items() if not target.missing}
        self.dispatcher = Dispatcher(db, spool, usable, open_target, secrets=secrets, clock=clock)

    def target(self, name: str) -> Target:
        """The target of this name. Raises UserError."""
        if name not in self.targets:
            known = f"there are: {', '.join(self.targets)}" if self.targets else "add a [[content.targets]]"
            raise UserError(f"there is no target `{name[:60]}`", fix=known)
        return self.targets[name]

    async def preview(self, text: Text, target: Target, template: str = "", *, beside: str = "") -> Preview:
        """What would be sent to a target, and why not. Writes nothing and asks nobody outside.

        `beside` is the id of a draft: it is a problem where that stands at the target already.
        """
        adapter = self._open(target)
        try:
            final = adapter.final(text)
            # A command may look while the database is away; what is disabled is then found when it is sent.
            try:
                gone = await self._db.run(partial(states.disabled, queue=target.queue))
            except UserError:
                gone = ""
            told = f"{states.GONE} ({gone})" if gone else ""
            check = self._checks(template, target.name)
            found = gate.problems(final, adapter, check, self._secrets, told)
        finally:
            await adapter.close()
        asked = partial(standing.standing, draft_id=beside, target=target.name)
        if beside and final.parts and (there := await self._db.run(asked)):
            found.append(standing.problem(there, payload_hash([asdict(part) for part in final.parts])))
        return Preview(target, final, tuple(found))

    async def order(
        self,
        preview: Preview,
        draft: Draft | None = None,
        when: When | None = None,
        *,
        version_id: str | None = None,
        override: str = "",
        replaces: Publication | None = None,
        again: bool = False,
    ) -> str:
        """Order what a preview shows, for now or later; the id of the publication.

        `override` is the reason why it goes out although secrets or style errors were found; it is kept. `again` orders
        a second post of a draft that stands there already: without it such an order ends as `cancelled`, also where
        two were given at the same time. Raises UserError where it may not be published.
        """
        stopped = preview.stopped(override, again=again)
        if stopped:
            what = "; ".join(problem.what for problem in stopped)
            may = all(problem.overridable for problem in stopped)
            fix = "correct it, or give the reason with --override" if may else "correct it"
            if stopped[-1].kind == "published":
                fix = "edit it there, or order it again"
            raise UserError(what, where=preview.target.name, fix=fix)
        if replaces is not None:
            await self.editable(replaces, preview.target)
        now = self._clock()
        passed = [problem.what for problem in preview.problems]
        record = PublicationRecord.model_validate(
            {
                "id": new_id(),
                "draft_id": None if draft is None else draft.id,
                "version_id": version_id,
                "template": "" if draft is None else draft.template,
                "target": preview.target.name,
                "kind": preview.target.kind,
                "queue": preview.target.queue,
                "title": storable(preview.final.title)[:TITLE_LENGTH],
                "payload": [asdict(part) for part in preview.final.parts],
                "override": {"reason": override, "by": self._user, "problems": passed} if override else None,
                "replaces": None if replaces is None else replaces.id,
                "due_at": now if when is None else when.at,
                "zone": "" if when is None else when.zone,
                "again": again,
                "created_at": now,
            }
        )
        await store.put(self._spool, record)
        return record.id

    async def editable(self, publication: Publication, target: Target) -> None:
        """Raise UserError where no other text can take the place of what a delivery sent to this target."""
        if (publication.state, publication.target) != ("sent", target.name):
            why = f" ({publication.error})" if publication.state == "deleted" and publication.error else ""
            what = f"delivery {publication.id} to {publication.target} is {publication.state}{why}"
            raise UserError(f"{what}: it is not what stands in {target.name}", fix="publish anew")
        await self._known(publication, "edit")
        if (other := await self._db.run(partial(standing.edit_of, identity=publication.id))) is not None:
            fix = f"wait until it is sent and edit that, or `qd content resolve {other.id} --drop`"
            raise UserError(standing.edited_already(other), where=publication.target, fix=fix)

    async def _known(self, publication: Publication, change: Change) -> None:
        """Raise UserError where the target cannot change so what it was sent, or nobody knows what it is called there.

        Nothing is asked outside for that.
        """
        adapter = self._open(self.target(publication.target))
        try:
            why = adapter.refuses(change)
        finally:
            await adapter.close()
        if why:
            raise UserError(why, where=publication.target, fix="publish anew" if change == "edit" else "")
        if not publication.remote or not all(publication.remote):
            fix = "take it away there by hand" + ("; `--again` makes a second post" if change == "edit" else "")
            what = f"the id of delivery {publication.id} at the target is not known ({NO_ID})"
            raise UserError(what, where=publication.target, fix=fix)

    async def find(self, name: str) -> Ordered:
        """A publication by its id or the end of it. Raises UserError."""
        return await self._db.run(partial(store.find, name=name))

    async def of_draft(self, draft_id: str) -> list[Publication]:
        """What was published of a draft, the last first."""
        return await self._db.run(partial(store.listed, draft_id=draft_id))

    async def listed(self, only: Sequence[PublicationState] = (), limit: int = store.LISTED) -> list[Publication]:
        """Publications of all drafts, the last first."""
        return await self._db.run(partial(store.listed, only=only, limit=limit))

    async def counts(self) -> Mapping[str, int]:
        """How many publications are in each state."""
        return await self._db.run(store.counts)

    def differs(self, publication: Publication, preview: Preview) -> bool:
        """Whether what was sent is not what the draft would be now."""
        return publication.payload_hash != payload_hash([asdict(part) for part in preview.final.parts])

    async def decide(self, publication: Publication, decision: decisions.Decision) -> None:
        """Settle a publication that waits for the user. Raises UserError where there is nothing to decide."""
        given = partial(decisions.decide, identity=publication.id, decision=decision, now=self._clock())
        await self._db.run(given, write=True)

    async def delete(self, publication: Publication) -> None:
        """Take back what was sent. Raises UserError where that is not possible; done twice it does no harm."""
        if publication.state != "sent":
            raise UserError(f"delivery {publication.id} is {publication.state}", fix="only what was sent is deleted")
        await self._known(publication, "delete")
        adapter = self._open(self.target(publication.target))
        try:
            for remote_id in reversed(publication.remote):
                outcome = await adapter.delete(publication, remote_id)
                if outcome.kind != "accepted":
                    raise UserError(f"it was not deleted: {outcome.error}", where=publication.target, fix="try again")
        finally:
            await adapter.close()
        await self._db.run(partial(decisions.deleted, identity=publication.id, now=self._clock()), write=True)

    async def disabled(self) -> Mapping[str, str]:
        """Targets that may no longer be used, with what they answered."""
        found = {}
        for target in self.targets.values():
            if why := await self._db.run(partial(states.disabled, queue=target.queue)):
                found[target.name] = why
        return found

    async def enable(self, target: Target) -> bool:
        """Use a target again; False where it was not disabled."""
        return bool(await self._db.run(partial(states.enable, queue=target.queue), write=True))

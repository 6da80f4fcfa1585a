"""Carries plans out: a last look, the journal, pins, then step by step with the journal in between, and a look after.

Whatever happens in between, the journal says what was to be, and the repository says what is: `finish` takes an
operation up again from there, and `undo.plan_undo` takes back what was done of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.errors import UserError
from app.git import pins, plans, preflight, steps
from app.git.cli import Git
from app.git.configuration import read_configuration
from app.git.entries import Entry
from app.git.exclusive import alone, is_taken
from app.git.facts import Facts, addresses, by_key, missing_objects, read_facts, remotes_of
from app.git.handlers import Handler, Work
from app.git.journal import Journal
from app.git.model import Plan, Refusal, Report
from app.git.repository import read_layout
from app.git.stepping import Limits, StepRunner, StoppedError
from app.ids import new_id

log = logging.getLogger(__name__)

Record = Callable[[Entry], Awaitable[None]]
"""Keeps an entry's state in the database, such as through the spool. Raises UserError."""
Checkpoint = Callable[[str], Awaitable[None]]
"""Called between any two steps with a word for the place."""


async def _pass(place: str) -> None:
    """Nobody watches."""


async def _unrecorded(entry: Entry) -> None:
    """The local journal is enough."""


@dataclass(frozen=True, slots=True)
class Executor:
    """Performs plans. One for all repositories; operations on different ones may run beside each other."""

    journal: Journal
    locks: Path
    """Folder of the locks that keep two operations from one repository."""
    record: Record = _unrecorded
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    """By kind: operations whose work is not moving refs."""
    checkpoint: Checkpoint = _pass
    limits: Limits = field(default_factory=Limits)

    async def perform(
        self, git: Git, plan: Plan, ticked: Collection[str] | None = None, *, dry_run: bool = False
    ) -> Report:
        """Do what is ticked of a plan (None: what the plan itself ticks); with `dry_run` only look whether it could be.

        A report with the state `failed` means that nothing was changed; one that is neither `done` nor `failed` that
        the operation stopped half-way, and waits to be finished or undone. Raises UserError when it cannot begin.
        """
        chosen = plans.select(plan, ticked)
        if dry_run:
            return (await self._checked(git, chosen))[2]
        layout = await read_layout(git, await read_configuration(git))
        with alone(self.locks, str(layout.common_dir)):
            facts, todo, report = await self._checked(git, chosen)
            handled = todo.kind in ("undo", "redo") and self._handler(todo) is not None
            if report.state != "planned" or not (todo.changes or todo.config or handled):
                return await self._nothing_to_do(plan, replace(report, dry_run=False))
            entry = await self._begin(_begun(git, todo, facts))
            await self.checkpoint("planned")
            entry = await self._carry_out(git, entry, facts)
        return replace(entry.report(), message="; ".join(text for text in (entry.message, report.message) if text))

    async def finish(self, git: Git, op_id: str) -> Report:
        """Take up an operation that was interrupted, from wherever it is. What others have changed stays."""
        entry = await self.entry(op_id)
        if not entry.open:
            return entry.report()
        with alone(self.locks, entry.common_dir):
            entry = await self.entry(op_id)
            facts = await read_facts(git, remotes_of(entry.plan))
            entry = replace(entry, refused=entry.plan.refused, message="")
            return (await self._carry_out(git, entry, facts, resuming=True)).report()

    async def abandon(self, git: Git, op_id: str) -> Report:
        """Close an interrupted operation of which nothing is left to take back."""
        entry = await self.entry(op_id)
        if entry.open:
            with alone(self.locks, entry.common_dir):
                entry = await self._write(replace(entry, state="undone"), announce=True)
        return entry.report()

    async def entry(self, op_id: str) -> Entry:
        """An operation of the journal. Raises UserError when there is none."""
        found = await asyncio.to_thread(self.journal.get, op_id)
        if found is None:
            raise UserError(f"there is no operation {op_id} in the journal", fix="see qd git journal")
        return found

    async def interrupted(self) -> tuple[Entry, ...]:
        """Operations that began, did not end, and that nobody is at work on; oldest first."""

        def look() -> tuple[Entry, ...]:
            return tuple(e for e in self.journal.open_ones() if not is_taken(self.locks, e.common_dir))

        return await asyncio.to_thread(look)

    async def expire(
        self, git: Git, *, days: float = pins.RETENTION_DAYS, operations: int = pins.RETENTION_OPERATIONS
    ) -> int:
        """Give up the pins of operations that are too old or too many; returns how many operations it were."""
        layout = await read_layout(git, await read_configuration(git))
        place = str(layout.common_dir)
        old = await asyncio.to_thread(self.journal.expired, place, time.time() - days * 86_400, operations)
        await pins.unpin(git, [ref for entry in old for ref in entry.pins])
        await asyncio.to_thread(self.journal.put, *(replace(entry, unpinned=True) for entry in old))
        return len(old)

    async def _nothing_to_do(self, plan: Plan, report: Report) -> Report:
        """An interrupted operation of which nothing is left to take back is over, or it would stay the last."""
        if plan.kind != "undo" or plan.changes or plan.config or report.refused:
            return report
        target = await asyncio.to_thread(self.journal.get, str(plan.arguments.get("undoes")))
        if target is None or not target.open:
            return report
        await self._write(replace(target, state="undone"), announce=True)
        return replace(report, message="nothing of it was left to take back; it is closed")

    async def _begin(self, entry: Entry) -> Entry:
        """Into the journal and on its way to the database, or nothing is done at all."""
        entry = await self._write(entry)
        try:
            await self.record(entry)
        except UserError:
            await self._write(replace(entry, state="failed"))
            raise
        return entry

    async def _checked(self, git: Git, chosen: Plan) -> tuple[Facts, Plan, Report]:
        """The facts, what is really to be done, and the report of doing no more than looking."""
        if self._handler(chosen) is not None:
            if not chosen.changes and chosen.kind not in ("undo", "redo"):
                nothing = _looked(chosen, chosen, ["there is nothing to do"])
                return await read_facts(git), chosen, replace(nothing, state="done")
            return await read_facts(git), chosen, _looked(chosen, chosen, ())
        facts = await read_facts(git, remotes_of(chosen))
        needed = [c.new for c in chosen.changes] + [c.old for c in chosen.changes if c.side == "remote"]
        checked = preflight.check(chosen, facts, await missing_objects(git, needed))
        notes = [_said_already(checked)] if checked.already else []
        if checked.refused:
            return facts, chosen, _looked(chosen, checked.plan, [*notes, "nothing was changed"], checked.refused)
        if not (checked.plan.changes or checked.plan.config):
            stuck = bool(chosen.refused) and chosen.kind in ("undo", "redo")
            report = _looked(chosen, checked.plan, [*notes, "nothing was done" if stuck else "there is nothing to do"])
            return facts, checked.plan, replace(report, state="failed" if stuck else "done")
        return facts, checked.plan, _looked(chosen, checked.plan, notes)

    async def _carry_out(self, git: Git, entry: Entry, facts: Facts, *, resuming: bool = False) -> Entry:
        try:
            handler = self._handler(entry.plan)
            if handler is not None:
                return await self._hand_over(git, entry, handler)
            entry = await self._pinned(git, entry, facts)
            await self.checkpoint("pinned")
            runner = StepRunner(git, self.limits, self._write, self.checkpoint, resuming)
            entry, facts = await runner.run(entry, facts)
        except UserError as error:
            return await self._stopped(git, entry, error)
        return await self._ended(entry, facts)

    async def _pinned(self, git: Git, entry: Entry, facts: Facts) -> Entry:
        """Pin what is moved or deleted, with the reflogs of what is deleted."""
        changes = {change.key: change for change in entry.plan.changes}
        wanted = pins.pins_of(entry.op_id, entry.plan.changes)
        gone = await missing_objects(git, [changes[key].old for key in wanted.values()])
        objects = {ref: changes[key].old for ref, key in wanted.items() if changes[key].old not in gone}
        await pins.pin(git, objects)
        for ref in objects:
            change = changes[wanted[ref]]
            # Only while the branch is as it was: after a crash the copy is there, and the branch may have another log.
            if not change.new and facts.value(change) == change.old:
                # Of a remote's branch it is the mirror that has a reflog here, and git deletes it with the push.
                kept = change.ref if change.side == "local" else facts.tracking(change.remote, change.ref)
                if kept in facts.refs:
                    await pins.keep_reflog(facts.layout, kept, ref)
        state = "pinned" if entry.state == "planned" else entry.state
        return await self._write(replace(entry, pins={**entry.pins, **objects}, state=state))

    async def _ended(self, entry: Entry, facts: Facts) -> Entry:
        """Everything was tried: say what came of it."""
        told = {refusal.ref for refusal in entry.refused}
        unset = {key for key, (_, new) in by_key(entry.plan.config).items() if facts.setting(key) != new}
        unsettled = told | {steps.owner(key) for key in unset}
        settled = {c.key for c in entry.plan.changes if c.old == c.new and c.ref not in unsettled}
        done = entry.done | settled
        left = [
            Refusal(change.ref, f"not done: {preflight.moved(change, facts.value(change))}")
            for change in entry.plan.changes
            if change.key not in done and change.ref not in unsettled
        ]
        left += [
            Refusal(key, f"not done: it is {', '.join(facts.setting(key)) or 'not set'} now")
            for key in sorted(unset)
            if steps.owner(key) not in told
        ]
        return await self._close(replace(entry, state="done", done=done, refused=(*entry.refused, *left)))

    async def _close(self, entry: Entry) -> Entry:
        """Write the end of an operation, and in one go what it means for the one that it undoes."""
        also: list[Entry] = []
        if entry.undoes is not None:
            target = await asyncio.to_thread(self.journal.get, entry.undoes)
            if target is not None:
                also.append(replace(target, state="undone", undone_by=entry.op_id))
        return await self._write(entry, *also, announce=True)

    async def _stopped(self, git: Git, entry: Entry, error: UserError) -> Entry:
        """Something failed: when nothing has changed the operation is over, else it waits to be finished or undone."""
        entry = await self.entry(entry.op_id)
        refused = error.refused if isinstance(error, StoppedError) else ()
        entry = replace(entry, message=str(error), refused=(*entry.refused, *refused))
        try:
            certain = isinstance(error, StoppedError) and error.untouched
            untouched = not (entry.done or entry.data.get("touched")) and (certain or await _untouched(git, entry))
        except UserError:
            untouched = False  # The remote does not answer any more: nobody knows.
        if untouched:
            await pins.unpin(git, entry.pins)
            return await self._write(replace(entry, state="failed", pins={}), announce=True)
        return await self._write(entry, announce=True)

    async def _hand_over(self, git: Git, entry: Entry, handler: Handler) -> Entry:
        held = [entry]

        async def note(more: dict[str, Any]) -> None:
            work.data.update(more)
            # From now on something may be changed.
            data = {**held[0].data, **more, "touched": True}
            held[0] = await self._write(replace(held[0], state="pinned", data=data))

        async def keep(name: str, oid: str) -> None:
            ref = f"{pins.ROOT}{entry.op_id}/{name}"
            await pins.pin(git, {ref: oid})
            held[0] = await self._write(replace(held[0], pins={**held[0].pins, ref: oid}))

        work = Work(git, entry.op_id, entry.plan, dict(entry.data), note, keep)
        if entry.plan.arguments.get("direction") == "undo":
            held[0] = await self._write(replace(held[0], state="pinned"))
            await handler.undo(work)
        else:
            await handler.act(work)
        await self.checkpoint("handled")
        refused = tuple(Refusal(ref, why) for ref, why in work.refused)
        left = {refusal.ref for refusal in refused}
        done = frozenset(change.key for change in entry.plan.changes if change.ref not in left)
        return await self._close(replace(held[0], state="done", done=done, refused=refused))

    def _handler(self, plan: Plan) -> Handler | None:
        return self.handlers.get(str(plan.arguments.get("handler", plan.kind)))

    async def _write(self, entry: Entry, *also: Entry, announce: bool = False) -> Entry:
        """Write entries to the local journal, durably; with `announce` to the database as well."""
        now = time.time()
        written = [replace(each, revision=each.revision + 1, updated_at=now) for each in (entry, *also)]
        await asyncio.to_thread(self.journal.put, *written)
        if announce:
            try:
                for each in written:
                    await self.record(each)
            except UserError as error:
                log.warning("an operation is in the local journal only: %s", error)
                note = f"kept in the local journal only: {error}"
                written[0] = replace(written[0], message="; ".join(filter(None, (written[0].message, note))))
        return written[0]


def _looked(chosen: Plan, todo: Plan, notes: Iterable[str], refused: tuple[Refusal, ...] = ()) -> Report:
    """The report of having looked, and done nothing."""
    return Report(
        op_id="",
        kind=chosen.kind,
        repository=chosen.repository,
        dry_run=True,
        state="failed" if refused else "planned",
        plan=todo.changes,
        config=todo.config,
        commands=todo.commands,
        refused=(*chosen.refused, *refused),
        message="; ".join(notes),
        at=time.time(),
        title=chosen.title,
    )


def _begun(git: Git, plan: Plan, facts: Facts) -> Entry:
    undoes = plan.arguments.get("undoes")
    remotes = {change.remote for change in plan.changes if change.remote}
    given = plan.arguments.get("data")
    return Entry(
        op_id=new_id(),
        repository=plan.repository,
        path=str(git.path),
        common_dir=str(facts.layout.common_dir),
        plan=plan,
        at=time.time(),
        refused=plan.refused,
        undoes=str(undoes) if undoes else None,
        remotes=addresses(facts, sorted(remotes)),
        data={"head": facts.refs.get("HEAD", ""), **(given if isinstance(given, dict) else {})},
    )


def _said_already(checked: preflight.Checked) -> str:
    there = [change for change in checked.already if change.side == "remote" and not change.new]
    if len(there) == len(checked.already):
        return f"{len(there)} gone from the remote already"
    return f"{len(checked.already)} already as wanted"


async def _untouched(git: Git, entry: Entry) -> bool:
    """Whether nothing of a plan has been done."""
    facts = await read_facts(git, remotes_of(entry.plan))
    moving = [change for change in entry.plan.changes if change.old != change.new]
    config = by_key(entry.plan.config)
    between = [name for name, _ in steps.case_renames(entry.plan) if steps.between(name) in facts.branches]
    return (
        not between
        and not any(facts.value(change) == change.new for change in moving)
        and not any(facts.setting(key) == new for key, (old, new) in config.items() if old != new)
    )

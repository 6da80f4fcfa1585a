"""Runs the steps of one operation: each looks at what is there, does what is still to be done, and looks again."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from app.errors import UserError
from app.git import pins, plans, preflight, steps
from app.git.cli import Git, GitError, Output
from app.git.entries import Entry
from app.git.facts import HEADS, REMOTES, SYMBOLIC, Facts, by_key, missing_objects, read_facts, remotes_of
from app.git.model import OperationState, RefChange, Refusal
from app.git.pushing import QUIET, push
from app.git.steps import Command, Step

_DELETED = re.compile(r"^Deleted branch (?P<name>.*) \(was (?P<oid>[0-9a-f]{40,64})\)\.$", re.MULTILINE)
_KEPT = re.compile(r"^error: (?P<why>.*)$", re.MULTILINE)
ATTEMPTS = 3
"""How often something is tried that another git was quicker with."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long commands may take, in seconds: hooks of the user run within them."""

    push_s: float = 180.0
    fetch_s: float = 600.0
    local_s: float = 120.0


class StoppedError(UserError):
    """An operation cannot go on; `refused` says what is in the way, `untouched` that this step changed nothing."""

    def __init__(self, what: str, refused: Sequence[Refusal] = (), *, fix: str = "", untouched: bool = False) -> None:
        super().__init__(what, fix=fix)
        self.refused = tuple(refused)
        self.untouched = untouched


Write = Callable[[Entry], Awaitable[Entry]]


@dataclass(slots=True)
class StepRunner:
    """Runs one operation's steps in one repository."""

    git: Git
    limits: Limits
    write: Write
    checkpoint: Callable[[str], Awaitable[None]]
    resuming: bool = False
    """After a crash: what others have changed meanwhile is left to them, and the rest is done."""
    blocked: set[str] = field(default_factory=set)
    """Keys of changes that were refused."""

    async def run(self, entry: Entry, facts: Facts) -> tuple[Entry, Facts]:
        """All steps; the entry is written after each. Raises UserError (GitError, StoppedError) where one fails."""
        todo = steps.steps(entry.plan)
        for number, step in enumerate(todo):
            await self.checkpoint(f"before {step.name}")
            entry = await self._step(entry, step, facts)
            facts = await read_facts(self.git, remotes_of(entry.plan))
            state = _state(entry.state, step, todo[number + 1 :])
            entry = await self.write(replace(entry, done=_done(entry, facts), state=state))
            await self.checkpoint(f"after {step.name}")
        return entry, facts

    async def _step(self, entry: Entry, step: Step, facts: Facts) -> Entry:
        if step.fetches:
            return await self._fetch(entry, step, facts)
        entry, todo = self._still_to_do(entry, step, facts)
        if step.remote:
            await self._push(entry, step, todo)
            await self._follow(entry, step)
            await self._reflogs(entry, step.changes, facts)
            return entry
        wanted = self._settings(entry, step, facts)
        commands = _rest_of_rename(entry, step, facts) or step.make(todo, wanted)
        try:
            for command in commands:
                done = await self._call(command)
                if _is_deletion(command):
                    entry = await self._bring_back_moved(entry, done.text, todo, facts)
                    _check_deletion(command, done)
                await self.checkpoint(f"within {step.name}")
        except GitError as error:
            entry = await self._failed(entry, step, todo, wanted, error)
        for pair in step.renames:
            await self._heads_follow(*pair)
        await self._reflogs(entry, step.changes, facts)
        return entry

    def _still_to_do(self, entry: Entry, step: Step, facts: Facts) -> tuple[Entry, list[RefChange]]:
        """What is as it was planned to be before; what is neither that nor done is refused, and stays."""
        todo: list[RefChange] = []
        refused: list[RefChange] = []
        halfway = steps.halfway(entry.plan, facts.branches)
        for change in step.changes:
            now = facts.value(change)
            if now == change.old and change.key not in self.blocked:
                todo.append(change)
            elif now != change.new and change.key not in self.blocked and change.ref not in halfway:
                refused.append(change)
        told = [Refusal(change.ref, preflight.moved(change, facts.value(change))) for change in refused]
        keys = {change.key for change in refused}
        grouped = any(keys & group for group in plans.groups(entry.plan))
        if refused and (grouped or not self.resuming) and (step.remote or step.renames):
            # All or none: half of these would be worse than nothing.
            raise StoppedError(
                "somebody has changed this meanwhile", told, fix="undo the operation, or look again", untouched=True
            )
        self.blocked |= keys
        return replace(entry, refused=(*entry.refused, *told)), todo

    def _settings(self, entry: Entry, step: Step, facts: Facts) -> dict[str, tuple[str, ...]]:
        """Settings that are still to be made. What others have set stays, as does what refused branches have."""
        blocked = {c.ref for c in entry.plan.changes if c.key in self.blocked and c.side == "local"}
        wanted: dict[str, tuple[str, ...]] = {}
        for key, (old, new) in by_key(step.config).items():
            now = facts.setting(key)
            if now == new or steps.owner(key) in blocked:
                continue
            if now == old or now in _on_the_way(entry, key):
                wanted[key] = new
        return wanted

    async def _call(self, command: Command) -> Output:
        return await self.git.run(
            *command.args,
            input=command.input,
            config=command.config,
            timeout_s=self.limits.local_s,
            ok=command.ok,
        )

    async def _bring_back_moved(self, entry: Entry, said: str, todo: Sequence[RefChange], facts: Facts) -> Entry:
        """A branch that somebody moved between our look and git's deletion is made again, where it was by then."""
        planned = {change.ref: change for change in todo}
        pinned = {key: ref for ref, key in pins.pins_of(entry.op_id, entry.plan.changes).items()}
        for match in _DELETED.finditer(said):
            change, oid = planned.get(HEADS + match["name"]), match["oid"]
            if change is None or change.old == oid:
                continue
            quiet = {"core.logAllRefUpdates": "false"}
            await self.git.run("update-ref", change.ref, oid, "0" * len(oid), config=quiet)
            await pins.restore_reflog(facts.layout, pinned[change.key], change.ref)
            for key, values in facts.section(match["name"]).items():
                for value in values:
                    await self.git.run("config", "--local", "--add", key, value)
            self.blocked.add(change.key)
            moved = Refusal(change.ref, f"it was moved to {oid[:12]} just before it was to be deleted")
            entry = replace(entry, refused=(*entry.refused, moved))
        return entry

    async def _failed(
        self, entry: Entry, step: Step, todo: Sequence[RefChange], wanted: dict[str, tuple[str, ...]], error: GitError
    ) -> Entry:
        """git refused something: it may have happened all the same, or others were quicker to do it."""
        facts = await read_facts(self.git)
        left = [c for c in todo if facts.value(c) != c.new and c.key not in self.blocked]
        unset = [key for key, values in wanted.items() if facts.setting(key) != values]
        if not left and not unset:
            return entry
        if not step.optional:
            raise error
        refused = tuple(Refusal(change.ref, error.what, error.fix) for change in left)
        self.blocked |= {change.key for change in left}
        return replace(entry, refused=(*entry.refused, *refused))

    async def _push(self, entry: Entry, step: Step, todo: Sequence[RefChange]) -> None:
        for attempt in range(ATTEMPTS):
            if not todo:
                return
            done = await push(self.git, todo, step.remote, self.limits.push_s, logs=not _restores(entry, step))
            if not done.refused:
                return
            # What the host has done itself meanwhile, such as deleting a merged branch, is as good as done.
            facts = await read_facts(self.git, (step.remote,))
            left = [change for change in todo if facts.value(change) != change.new]
            if len(left) == len(todo) or attempt == ATTEMPTS - 1 or plans.splits(entry.plan, todo, left):
                said = f": {done.said}" if done.said else ""
                what = "; ".join(f"{each.ref.removeprefix(HEADS)}: {each.why}" for each in done.refused)
                what = f"{step.remote} did not take the push ({what}){said}"
                raise StoppedError(what, done.refused, untouched=done.untouched and not self.resuming)
            todo = left

    async def _follow(self, entry: Entry, step: Step) -> None:
        """Mirrors of what is there: git moves them with a push, but not where there was nothing left to push."""
        facts = await read_facts(self.git, (step.remote,))
        lines: list[str] = []
        for change in step.changes:
            mirror = facts.tracking(step.remote, change.ref)
            now, there = facts.refs.get(mirror, ""), facts.value(change)
            if not mirror or now == there or now.startswith(SYMBOLIC):
                continue
            if not there:
                lines.append(f"delete {mirror} {now}")
            elif not await missing_objects(self.git, (there,)):
                lines.append(f"update {mirror} {there} {now or '0' * len(there)}")
        for line in sorted(lines):
            await self._call(Command(("update-ref", "--stdin"), (line,), QUIET if _restores(entry, step) else {}))

    async def _fetch(self, entry: Entry, step: Step, facts: Facts) -> Entry:
        """Fetch, and put into the plan what that has really moved."""
        before = entry.data.get("mirrored", {}).get(step.remote)
        if before is None:
            before = _mirrored(facts, step.remote)
            known = {**entry.data.get("mirrored", {}), step.remote: before}
            entry = await self.write(replace(entry, data={**entry.data, "mirrored": known}))
        for command in step.make(step.changes, {}):
            await self._fetched(command)
        after = _mirrored(await read_facts(self.git), step.remote)
        planned = {change.ref: change for change in step.changes}
        found = [
            replace(
                planned.get(ref, RefChange(ref, "local", "", "", "the remote has it so", remote=step.remote)),
                old=before.get(ref, ""),
                new=after.get(ref, ""),
            )
            for ref in sorted({*before, *after})
            if before.get(ref) != after.get(ref)
        ]
        others = [change for change in entry.plan.changes if not steps.is_mirrored(change, (step.remote,))]
        plan = replace(entry.plan, changes=(*found, *others))
        await self._pin_more(entry, found)
        return replace(entry, plan=plan)

    async def _fetched(self, command: Command) -> None:
        for attempt in range(ATTEMPTS):
            try:
                await self.git.run(*command.args, timeout_s=self.limits.fetch_s)
            except GitError as error:
                # Another fetch was quicker with a ref; most often it has put there just what we want.
                if error.kind != "race" or attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    async def _pin_more(self, entry: Entry, changes: Sequence[RefChange]) -> None:
        keys = {change.key: change.old for change in changes}
        wanted = {ref: keys[key] for ref, key in pins.pins_of(entry.op_id, changes).items()}
        new = {ref: oid for ref, oid in wanted.items() if ref not in entry.pins}
        gone = await missing_objects(self.git, new.values())
        await pins.pin(self.git, {ref: oid for ref, oid in new.items() if oid not in gone})

    async def _heads_follow(self, old: str, new: str) -> None:
        """HEADs that a killed git left behind when it had renamed their branch."""
        facts = await read_facts(self.git)
        if HEADS + new not in facts.refs or HEADS + old in facts.refs:
            return
        for worktree in facts.worktrees:
            if worktree.head == HEADS + old and not worktree.missing:
                await Git(worktree.path).run("symbolic-ref", "HEAD", HEADS + new)

    async def _reflogs(self, entry: Entry, changes: Sequence[RefChange], facts: Facts) -> None:
        """Reflogs of branches, or of their mirrors, that came back; one that has got one of its own keeps that."""
        kept = entry.plan.arguments.get("reflogs")
        if isinstance(kept, dict):
            for change in changes:
                if change.key in kept and change.key not in self.blocked and change.new and not change.old:
                    ref = change.ref if change.side == "local" else facts.tracking(change.remote, change.ref)
                    if ref:
                        await pins.restore_reflog(facts.layout, str(kept[change.key]), ref)


def _restores(entry: Entry, step: Step) -> bool:
    """Whether this brings branches back whose mirrors have had reflogs."""
    kept = entry.plan.arguments.get("reflogs")
    return isinstance(kept, dict) and any(change.key in kept and not change.old for change in step.changes)


def _is_deletion(command: Command) -> bool:
    """Whether this deletes branches, of which git may keep some."""
    return command.args[:2] == ("branch", "-D")


def _check_deletion(command: Command, done: Output) -> None:
    if done.code:
        kept = "; ".join(match["why"] for match in _KEPT.finditer(done.stderr))
        raise GitError(kept or done.stderr, command=command.args, code=done.code, stderr=done.stderr)


def _rest_of_rename(entry: Entry, step: Step, facts: Facts) -> tuple[Command, ...]:
    """From the name in between, where a rename has stopped there."""
    stopped = steps.halfway(entry.plan, facts.branches)
    pairs = [(steps.between(old), new) for old, new in step.renames if HEADS + old in stopped]
    return tuple(Command(("branch", "-m", "--", *pair)) for pair in pairs)


def _on_the_way(entry: Entry, key: str) -> Iterable[tuple[str, ...]]:
    """Values that a setting may have between before and after: a rename carries those of the old name along."""
    for old_name, new_name in steps.renames(entry.plan):
        if steps.owner(key) == HEADS + new_name:
            yield steps.carried(entry.plan, key, new_name, old_name)
    yield ()


def _mirrored(facts: Facts, remote: str) -> dict[str, str]:
    prefix = f"{REMOTES}{remote}/"
    return {ref: oid for ref, oid in facts.refs.items() if ref.startswith(prefix) and not oid.startswith(SYMBOLIC)}


def _done(entry: Entry, facts: Facts) -> frozenset[str]:
    found = {change.key for change in entry.plan.changes if facts.value(change) == change.new}
    settled = {change.key for change in entry.plan.changes if change.old == change.new}
    return frozenset(entry.done | (found - settled))


def _state(before: OperationState, step: Step, rest: Sequence[Step]) -> OperationState:
    if not rest:
        return "local-done"
    if step.phase == "remote" and not any(other.phase == "remote" for other in rest):
        return "remote-done"
    return before

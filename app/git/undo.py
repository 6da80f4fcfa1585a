"""Taking operations back, and doing them again: the same life as any other operation, with old and new exchanged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from app.errors import UserError
from app.git import pins, plans, preflight, steps
from app.git.cli import Git
from app.git.configuration import read_configuration
from app.git.entries import OWN_NOTES, Entry
from app.git.executor import Executor
from app.git.facts import HEADS, SYMBOLIC, Facts, by_key, missing_objects, read_facts, remotes_of
from app.git.model import ConfigChange, Plan, RefChange, Refusal, Report, Rules
from app.git.names import clashes, free_name, is_protected
from app.git.repository import read_layout

_LOOK_BACK = 200
GONE = "its commits are gone from this repository, so it cannot be brought back"
NOT_UNDONE = "closed pull requests, pipelines that ran, hooks on the server and what others have fetched are not undone"


async def plan_undo(executor: Executor, git: Git, rules: Rules, op_id: str = "") -> Plan:
    """What taking an operation back would do: the given one, else the last that can be undone.

    Raises UserError when there is none. What cannot be brought back is in `refused`.
    """
    entry = await executor.entry(op_id) if op_id else await _last(executor, git, _can_be_undone)
    if entry is None:
        raise UserError("there is nothing to undo in this repository", where=str(git.path))
    _check(entry)
    return await _back(executor, git, entry, rules)


async def plan_redo(executor: Executor, git: Git, rules: Rules, op_id: str = "") -> Plan:
    """What doing an undone operation again would do: the given one, else the one undone last.

    Without an id, only an undo after which nothing else was done can be redone. Raises UserError.
    """
    entry = await executor.entry(op_id) if op_id else await _last(executor, git, _has_ended)
    if entry is not None and entry.plan.kind != "undo" and entry.undone_by:
        entry = await executor.entry(entry.undone_by)
    if entry is None or entry.plan.kind != "undo":
        raise UserError("there is nothing to redo in this repository", where=str(git.path))
    _check(entry)
    return await _back(executor, git, entry, rules)


async def settle(executor: Executor, git: Git, rules: Rules, op_id: str, how: Literal["finish", "undo"]) -> Report:
    """End an interrupted operation one way or the other. Raises UserError."""
    if how == "finish":
        return await executor.finish(git, op_id)
    plan = await plan_undo(executor, git, rules, op_id)
    if not (plan.changes or plan.config or plan.refused or "handler" in plan.arguments):
        return await executor.abandon(git, op_id)
    if plan.changes and not plans.select(plan).changes:
        raise UserError(
            f"what is left to take back is not done unasked: {plan.changes[0].reason}",
            fix="finish it, or undo it by hand with that ticked",
        )
    return await executor.perform(git, plan)


def _check(entry: Entry) -> None:
    if entry.undone_by:
        raise UserError(f"operation {entry.op_id} has been undone already", fix=f"redo it: {entry.undone_by}")
    if entry.state in ("failed", "undone"):
        raise UserError(f"operation {entry.op_id} has changed nothing that could be undone")


def _can_be_undone(entry: Entry) -> bool:
    return entry.open or (entry.state == "done" and entry.plan.kind != "undo" and not entry.undone_by)


def _has_ended(entry: Entry) -> bool:
    return entry.state == "done" and not entry.undone_by


async def _last(executor: Executor, git: Git, wanted: object) -> Entry | None:
    layout = await read_layout(git, await read_configuration(git))
    found = await asyncio.to_thread(executor.journal.latest, str(layout.common_dir), _LOOK_BACK)
    assert callable(wanted)
    return next((entry for entry in found if wanted(entry)), None)


async def _back(executor: Executor, git: Git, entry: Entry, rules: Rules) -> Plan:
    title = entry.plan.title
    kind: Literal["undo", "redo"] = "redo" if entry.plan.kind == "undo" else "undo"
    title = f"Redo: {title.removeprefix('Undo: ')}" if kind == "redo" else f"Undo: {title.removeprefix('Redo: ')}"
    handler = executor.handlers.get(str(entry.plan.arguments.get("handler", entry.plan.kind)))
    if handler is None:
        return replace(await _inverse(git, entry, rules, kind), title=title)
    name = str(entry.plan.arguments.get("handler", entry.plan.kind))
    if kind == "undo":
        plan = handler.undo_plan(entry.plan, dict(entry.data))
        data = {name: value for name, value in entry.data.items() if name not in OWN_NOTES}
        arguments = {**plan.arguments, "direction": "undo", "data": data}
    else:
        plan = (await executor.entry(entry.undoes or "")).plan
        arguments = {**plan.arguments, "direction": "act"}
    arguments = {**arguments, "handler": name, "undoes": entry.op_id}
    # All that was done goes back, and again, whether or not the first plan had ticked it by itself.
    changes = tuple(replace(change, ticked=True) for change in plan.changes)
    return replace(plan, kind=kind, repository=entry.repository, title=title, changes=changes, arguments=arguments)


@dataclass(slots=True)
class _Inverse:
    """The parts of a plan backwards, as they are gathered."""

    changes: list[RefChange] = field(default_factory=list)
    config: list[ConfigChange] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)
    """By the key of the change."""
    reflogs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


async def _inverse(git: Git, entry: Entry, rules: Rules, kind: Literal["undo", "redo"]) -> Plan:
    facts = await read_facts(git, remotes_of(entry.plan))
    missing = await missing_objects(git, (change.old for change in entry.plan.changes))
    found = _Inverse()
    pinned = {key: ref for ref, key in pins.pins_of(entry.op_id, entry.plan.changes).items()}
    halfway = steps.halfway(entry.plan, facts.branches)
    for change in entry.plan.changes:
        _invert(change, entry, facts, missing, halfway, found)
    _all_or_none(entry.plan, found)
    _restored_elsewhere(entry.plan, facts, found)
    for change in found.changes:
        source = change.key if change.key in pinned else _restored_key(change, entry.plan, found)
        if source in pinned:
            found.reflogs[change.key] = pinned[source]
    changes = tuple(_judged(change, facts, rules, kind) for change in found.changes)
    _invert_config(entry, facts, changes, found)
    arguments: dict[str, object] = {
        "undoes": entry.op_id,
        "renames": _turned(steps.renames(entry.plan), changes),
        "case_renames": _turned(steps.case_renames(entry.plan), changes),
        "groups": [sorted(group) for group in plans.groups(entry.plan)],
        "config_of": entry.plan.arguments.get("config_of", {}),
        "reflogs": found.reflogs,
    }
    if any(change.ref == facts.head_branch and change.old and change.new for change in changes):
        arguments["checked_out"] = facts.head_branch
    if remotes_of(entry.plan):
        found.notes.append(NOT_UNDONE)
    plan = Plan(
        kind=kind,
        repository=entry.repository,
        title="",
        changes=changes,
        config=tuple(found.config),
        refused=tuple(found.refused.values()),
        notes=tuple(found.notes),
        arguments=_without_broken_groups(arguments, {change.key for change in changes}),
    )
    return plans.complete(plan)


def _invert(
    change: RefChange, entry: Entry, facts: Facts, missing: set[str], halfway: frozenset[str], found: _Inverse
) -> None:
    now = facts.value(change)
    stopped = change.ref in halfway and change.side == "local"
    if change.old == change.new:
        # Only what belongs to the ref was changed; that goes back with it, wherever the ref is by now.
        if now:
            found.changes.append(replace(change, old=now, new=now, reason="as it was before"))
        return
    ours = now == change.new if entry.open else change.key in entry.done
    if (now == change.old or not ours) and not stopped:
        return
    back = replace(change, old=change.new, new=change.old, reason=_reason(change), ticked=True, locked="")
    if change.old in missing:
        found.refused[change.key] = Refusal(change.ref, GONE)
    elif now != change.new and not stopped:
        found.refused[change.key] = Refusal(change.ref, preflight.moved(back, now))
    elif change.ref == "HEAD" and not _can_stand(change.old, entry, facts):
        found.refused[change.key] = Refusal(change.ref, "there is no such branch any more")
    elif change.side == "local" and change.old and change.new and facts.holder(change.ref):
        held = facts.holder(change.ref)
        found.refused[change.key] = Refusal(change.ref, f"it is checked out in {held.path if held else '?'}")
    else:
        found.changes.append(back)


def _reason(change: RefChange) -> str:
    if not change.old:
        return "was made"
    return "was deleted" if not change.new else "was moved"


def _can_stand(value: str, entry: Entry, facts: Facts) -> bool:
    """Whether HEAD can be put back: to a commit, or to a branch that is there or comes back as well."""
    ref = value[len(SYMBOLIC) :]
    coming = any(change.ref == ref and change.side == "local" and change.old for change in entry.plan.changes)
    return not value.startswith(SYMBOLIC) or ref in facts.refs or coming


def _all_or_none(plan: Plan, found: _Inverse) -> None:
    """Where one change of a group cannot be taken back, none of it is."""
    for group in plans.groups(plan):
        stuck = [found.refused[key] for key in group if key in found.refused]
        if stuck:
            for change in [change for change in found.changes if change.key in group]:
                found.refused[change.key] = Refusal(change.ref, f"it belongs to {stuck[0].ref}, which stays")
                found.changes.remove(change)


def _restored_elsewhere(plan: Plan, facts: Facts, found: _Inverse) -> None:
    """Deleted branches whose names are in use again come back under another name."""
    grouped = {key for group in plans.groups(plan) for key in group}
    taken = set(facts.branches)
    fold_case = facts.configuration.flag("core.ignorecase")
    for change in plan.changes:
        if change.side != "local" or change.new or not change.ref.startswith(HEADS) or change.key in grouped:
            continue
        refusal = found.refused.get(change.key)
        name = change.ref[len(HEADS) :]
        coming = next((back for back in found.changes if back.key == change.key), None)
        in_the_way = coming and any(c.kind == "folder" or fold_case for c in clashes(name, taken))
        if in_the_way and coming is not None:
            found.changes.remove(coming)
        elif refusal is None or refusal.why == GONE:
            continue
        found.refused.pop(change.key, None)
        free = free_name(f"{name.replace('/', '-') if in_the_way else name}-restored", taken)
        taken.add(free)
        found.changes.append(
            RefChange(HEADS + free, "local", "", change.old, f"{name} was deleted, and its name is in use again")
        )


def _restored_key(change: RefChange, plan: Plan, found: _Inverse) -> str:
    """The key of the deletion that this branch under another name comes from."""
    here = {back.key for back in found.changes}
    same = (c for c in plan.changes if c.side == "local" and c.old == change.new and not c.new and c.key not in here)
    return next((c.key for c in same if change.reason.startswith(f"{c.ref[len(HEADS) :]} ")), "")


def _judged(change: RefChange, facts: Facts, rules: Rules, kind: str) -> RefChange:
    """A protected branch on a server is rewound or deleted only when somebody ticks it with open eyes."""
    if change.side != "remote" or kind != "undo" or not change.old:
        return change
    name = change.ref[len(HEADS) :]
    default = facts.servers[change.remote].head.removeprefix(HEADS)
    if is_protected(name, rules, default):
        return replace(change, ticked=False, reason="protected: others may have fetched it")
    return change


def _invert_config(entry: Entry, facts: Facts, changes: Iterable[RefChange], found: _Inverse) -> None:
    coming = {change.ref for change in changes if change.side == "local"}
    planned = {change.ref for change in entry.plan.changes if change.side == "local"}
    undone = {refusal.ref for refusal in found.refused.values()}
    for key, (old, new) in by_key(entry.plan.config).items():
        now, branch = facts.setting(key), steps.owner(key)
        if now == old or old == new or branch in undone:
            continue
        if branch in planned and branch not in coming and now != new:
            continue
        between = [steps.carried(entry.plan, key, after, before) for before, after in steps.renames(entry.plan)]
        if now == new or (entry.open and now in [(), *between]):
            found.config += [ConfigChange(key, value, None) for value in now]
            found.config += [ConfigChange(key, None, value) for value in old]
        else:
            found.refused[f"config:{key}"] = Refusal(key, f"it is {', '.join(now) or 'not set'} now")
    found.config[:] = [
        change
        for change in found.config
        if steps.owner(change.key) not in planned or steps.owner(change.key) in coming or _alone(change, found)
    ]


def _alone(change: ConfigChange, found: _Inverse) -> bool:
    """A setting of a branch that stands where it was already."""
    return steps.owner(change.key) not in {refusal.ref for refusal in found.refused.values()}


def _turned(pairs: tuple[tuple[str, str], ...], changes: tuple[RefChange, ...]) -> list[list[str]]:
    refs = {change.ref for change in changes if change.side == "local"}
    return [[new, old] for old, new in pairs if {HEADS + new, HEADS + old} <= refs]


def _without_broken_groups(arguments: dict[str, object], keys: set[str]) -> dict[str, object]:
    found = arguments["groups"]
    assert isinstance(found, list)
    groups = [[key for key in group if key in keys] for group in found]
    return {**arguments, "groups": [group for group in groups if len(group) > 1]}

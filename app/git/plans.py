"""Choosing from a plan: what is ticked, with the settings and the commands that belong to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from app.git import steps
from app.git.facts import HEADS
from app.git.model import ConfigChange, Plan, RefChange


def complete(plan: Plan) -> Plan:
    """The plan with its commands, as it is ticked by itself."""
    return replace(plan, commands=steps.commands(select(plan)))


def select(plan: Plan, ticked: Collection[str] | None = None) -> Plan:
    """The part of a plan that is to be done: `ticked` holds keys of changes; None takes what the plan itself ticks.

    What is locked never is. Changes that belong together (`arguments["groups"]`) are all in, or all out.
    """
    chosen = {
        change.key
        for change in plan.changes
        if not change.locked and (change.ticked if ticked is None else change.key in ticked)
    }
    for group in groups(plan):
        if not chosen.issuperset(group):
            chosen.difference_update(group)
    return keep(plan, (change for change in plan.changes if change.key in chosen))


def count_of(number: int, noun: str) -> str:
    """`1 finding`, `3 findings`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def keep(plan: Plan, changes: Iterable[RefChange]) -> Plan:
    """The plan with these of its changes only, the settings that belong to them, and a title that counts no others."""
    kept = tuple(changes)
    config = tuple(change for change in plan.config if _belongs(change, plan, kept))
    part = replace(plan, changes=kept, config=config, arguments=_arguments(plan, kept))
    title, noun = plan.arguments.get("title"), plan.arguments.get("noun")
    if isinstance(title, str) and isinstance(noun, str) and plan.kind not in ("undo", "redo"):
        part = replace(part, title=title.format(count=count_of(len(kept), noun)))
    return replace(part, commands=_commands(part))


def groups(plan: Plan) -> tuple[frozenset[str], ...]:
    """Keys of changes that are done together or not at all."""
    found = plan.arguments.get("groups")
    return tuple(frozenset(str(key) for key in group) for group in found) if isinstance(found, list | tuple) else ()


def splits(plan: Plan, changes: Iterable[RefChange], part: Iterable[RefChange]) -> bool:
    """Whether `part` of `changes` takes some of what belongs together, and leaves some."""
    keys, taken = {change.key for change in changes}, {change.key for change in part}
    return any(0 < len(taken & group) < len(keys & group) for group in groups(plan))


def _commands(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """What will be called. Plans that are not about refs say so themselves, for each change."""
    said = plan.arguments.get("commands_of")
    if not isinstance(said, dict):
        return steps.commands(plan)
    return tuple(tuple(str(word) for word in each) for change in plan.changes for each in said.get(change.key, ()))


def _belongs(config: ConfigChange, plan: Plan, kept: tuple[RefChange, ...]) -> bool:
    """Whether a setting's change is wanted: with the change that it was planned for, or with that of its branch."""
    for_change = plan.arguments.get("config_of")
    named = for_change.get(config.key) if isinstance(for_change, dict) else None
    if named is not None:
        return any(change.key == named for change in kept)
    ref = steps.owner(config.key)
    if not any(change.ref == ref and change.side == "local" for change in plan.changes):
        return True
    return any(change.ref == ref and change.side == "local" for change in kept)


def _arguments(plan: Plan, kept: tuple[RefChange, ...]) -> dict[str, object]:
    refs = {change.ref for change in kept if change.side == "local"}
    remotes = {change.remote for change in kept}
    arguments = dict(plan.arguments)
    for name in ("renames", "case_renames"):
        if name in arguments:
            pairs = steps.renames(plan) if name == "renames" else steps.case_renames(plan)
            arguments[name] = [list(pair) for pair in pairs if {HEADS + part for part in pair} <= refs]
    if "fetch" in arguments:
        arguments["fetch"] = [name for name in steps.fetched(plan) if name in remotes]
    return arguments

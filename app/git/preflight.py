"""The last look before anything is done: is everything still as it was when the plan was made?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from app.git import plans, steps
from app.git.facts import HEADS, SYMBOLIC, Facts, by_key
from app.git.model import ConfigChange, Operation, Plan, RefChange, Refusal
from app.git.names import clashes
from app.git.worktree import operation_in_progress


@dataclass(frozen=True, slots=True)
class Checked:
    """`plan` is what is really to be done. `already` is as wanted without us. `refused` forbids all of it."""

    plan: Plan
    already: tuple[RefChange, ...] = ()
    refused: tuple[Refusal, ...] = ()


def check(plan: Plan, facts: Facts, missing: Iterable[str] = ()) -> Checked:
    """Compare a plan with the facts. `missing` are objects that the repository does not have."""
    plan = _refreshed(plan, facts)
    todo: list[RefChange] = []
    already: list[RefChange] = []
    refused: list[Refusal] = []
    gone = set(missing)
    halfway = steps.halfway(plan, facts.branches)
    for change in plan.changes:
        now = facts.value(change)
        if change.ref in halfway and change.side == "local":
            todo.append(change)
        elif steps.is_mirrored(change, steps.fetched(plan)):
            (already if now == change.new else todo).append(change)
        elif now == change.new and change.old != change.new:
            already.append(change)
            todo += _leftover(change, facts)
        elif now != change.old:
            refused.append(Refusal(change.ref, moved(change, now), "look again: the plan is made anew"))
        elif change.side == "remote" and change.old in gone:
            refused.append(Refusal(change.ref, "what it holds is not in this repository, so it could not be undone"))
        elif change.new in gone:
            refused.append(Refusal(change.ref, f"the commit {change.new[:12]} is not in this repository any more"))
        else:
            todo.append(change)
            refused += _forbidden(change, plan, facts)
    refused += _half_done(plan, already, facts)
    refused += _clashes(todo, plan, facts)
    config, stale = _config(plan, facts)
    part = replace(plan, changes=tuple(dict.fromkeys(todo)), config=config)
    part = replace(part, arguments=_still(part), commands=steps.commands(part))
    return Checked(part, tuple(already), (*refused, *stale))


def moved(change: RefChange, now: str) -> str:
    """That a ref is not what the plan says."""
    where = f" on {change.remote}" if change.side == "remote" else ""
    if not now:
        return f"it is gone{where}"
    return f"it is at {_short(now)}{where} now" + (f", not at {_short(change.old)}" if change.old else "")


def in_progress(facts: Facts) -> Operation | None:
    """What git has begun in this working tree and not ended. A bisect may go on while branches change."""
    found = operation_in_progress(facts.layout.git_dir)
    return None if found == "bisect" else found


def _refreshed(plan: Plan, facts: Facts) -> Plan:
    """Refs that a fetch moves may have been fetched meanwhile: only where they are to come from counts."""
    remotes = steps.fetched(plan)
    if not remotes:
        return plan
    changes = tuple(
        replace(change, old=facts.value(change)) if steps.is_mirrored(change, remotes) else change
        for change in plan.changes
    )
    return replace(plan, changes=changes)


def _half_done(plan: Plan, already: list[RefChange], facts: Facts) -> Iterator[Refusal]:
    """Of what belongs together on a remote some is as wanted and some is not: somebody else has done something else."""
    for remote in {change.remote for change in plan.changes if change.side == "remote"}:
        there = [change for change in plan.changes if change.side == "remote" and change.remote == remote]
        if plans.splits(plan, there, [change for change in there if change in already]):
            for change in there:
                if change in already:
                    yield Refusal(change.ref, moved(change, facts.value(change)), "look again: the plan is made anew")


def _leftover(change: RefChange, facts: Facts) -> Iterator[RefChange]:
    """A branch that is gone from its remote already still has its mirror here."""
    if change.side == "remote" and not change.new:
        mirror = facts.tracking(change.remote, change.ref)
        value = facts.refs.get(mirror, "")
        if value and not value.startswith(SYMBOLIC):
            yield RefChange(mirror, "local", value, "", f"gone from {change.remote}", remote=change.remote)


def _forbidden(change: RefChange, plan: Plan, facts: Facts) -> Iterator[Refusal]:
    if change.side == "remote":
        if facts.configuration.remote(change.remote).mirror:
            yield Refusal(change.ref, f"{change.remote} is a mirror: all refs are pushed there, or none")
        elif not change.new and facts.servers[change.remote].head == change.ref:
            yield Refusal(change.ref, f"it is the default branch of {change.remote}", "choose another one on the host")
        return
    checked_out = plan.arguments.get("checked_out")
    if change.ref == "HEAD" or change.ref == checked_out:
        if facts.layout.worktree is None:
            yield Refusal(change.ref, "this repository has no working tree")
        elif under_way := in_progress(facts):
            yield Refusal(change.ref, f"a {under_way} is in progress", f"git {under_way} --continue, or --abort")
        elif change.ref == checked_out and facts.head_branch != checked_out:
            yield Refusal(change.ref, "it is not checked out any more", "look again: the plan is made anew")
        return
    if not change.ref.startswith(HEADS) or not change.old or change.old == change.new:
        return
    if change.ref in facts.busy:
        yield Refusal(change.ref, f"a {facts.busy[change.ref]} is at work on it", "end that first")
        return
    if change.ref in {HEADS + old for old, _ in steps.renames(plan)}:
        return
    leaves = any(other.ref == "HEAD" for other in plan.changes)
    if change.ref == facts.head_branch and not leaves:
        yield Refusal(change.ref, "it is checked out", "switch to another branch first")
    elif (holder := facts.holder(change.ref)) is not None:
        yield Refusal(change.ref, f"it is checked out in {holder.path}", "switch that working tree first")


def _clashes(todo: list[RefChange], plan: Plan, facts: Facts) -> Iterator[Refusal]:
    """Names that git could not hold beside those that are there: found before the first push, not after it."""
    fold_case = facts.configuration.flag("core.ignorecase")
    renamed = {HEADS + old for old, _ in steps.renames(plan)}
    leaving = {(change.side, change.remote, change.ref) for change in todo if change.old and not change.new}
    for change in todo:
        if change.old or not change.new or not change.ref.startswith(HEADS):
            continue
        there = facts.refs if change.side == "local" else facts.servers[change.remote].heads
        for other in there:
            if not other.startswith(HEADS) or other == change.ref:
                continue
            ending = (change.side, change.remote if change.side == "remote" else "", other) in leaving
            if change.side == "local" and other in renamed:
                continue
            for clash in clashes(change.ref[len(HEADS) :], [other[len(HEADS) :]]):
                if clash.kind == "folder" or (fold_case and change.side == "local" and not ending):
                    where = f" on {change.remote}" if change.side == "remote" else ""
                    yield Refusal(change.ref, clash.why + where, "choose another name")


def _config(plan: Plan, facts: Facts) -> tuple[tuple[ConfigChange, ...], list[Refusal]]:
    todo: list[ConfigChange] = []
    refused: list[Refusal] = []
    for key, (old, new) in by_key(plan.config).items():
        now = facts.setting(key)
        if now == old and old != new:
            todo += [change for change in plan.config if change.key == key]
        elif now not in (old, new):
            said = ", ".join(now) or "not set"
            refused.append(Refusal(key, f"it is {said} now", "look again: the plan is made anew"))
    return tuple(todo), refused


def _still(plan: Plan) -> dict[str, object]:
    """The arguments without renames that have happened already."""
    return dict(plans.keep(plan, plan.changes).arguments)


def _short(value: str) -> str:
    return value[len(SYMBOLIC) :] if value.startswith(SYMBOLIC) else value[:12]

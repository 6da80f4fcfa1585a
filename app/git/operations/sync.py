"""Fetching, and moving forward every branch that has nothing of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import UserError
from app.git.cli import Git
from app.git.facts import HEADS, REMOTES, SYMBOLIC, Facts, read_facts
from app.git.model import Plan, RefChange, Refusal, RepositoryState, Rules
from app.git.operations.common import Part, assemble, count, fetch_objects, is_ancestor, main_remote, upstream
from app.git.preflight import in_progress

UNDONE = "undo puts back what is known of the remote; the next fetch brings it again"


@dataclass(slots=True)
class _Found:
    moves: list[RefChange] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


async def plan(git: Git, state: RepositoryState, rules: Rules, *, remotes: Sequence[str] = ()) -> Plan:
    """The plan of fetching `remotes` (empty: all), and of moving branches forward to what they follow."""
    facts = await read_facts(git)
    wanted = [main_remote(facts, name) for name in remotes] or list(facts.configuration.remotes)
    if not wanted:
        raise UserError("there is no remote to sync with", where=state.path, fix="git remote add origin ADDRESS")
    facts = await read_facts(git, wanted)
    followed = {name: upstream(facts, name) for name in facts.branches}
    for remote in wanted:
        heads = facts.servers[remote].heads
        needed = {ref: heads[ref] for where, ref in followed.values() if where == remote and ref in heads}
        await fetch_objects(git, remote, needed)
    mirrored = [Part(changes=moved) for remote in wanted if (moved := _mirrors(facts, remote))]
    found = _Found()
    for name, (remote, ref) in followed.items():
        if remote in wanted:
            await _judge(git, facts, name, remote, ref, found)
    parts = [*mirrored, *(Part(changes=[change]) for change in found.moves)]
    arguments: dict[str, Any] = {"fetch": wanted}
    if any(change.ref == facts.head_branch for change in found.moves):
        arguments["checked_out"] = facts.head_branch
    title = f"Sync with {', '.join(wanted)}"
    request = {"remotes": list(remotes)}
    notes = [UNDONE] if mirrored else []
    if not parts:
        notes.append("everything is as it is there")
    return assemble(
        "sync", state, title, parts, facts=facts, request=request, refused=found.refused, notes=notes, **arguments
    )


def _mirrors(facts: Facts, remote: str) -> list[RefChange]:
    """The refs here that a fetch from this remote will move."""
    heads = facts.servers[remote].heads
    targets = {facts.tracking(remote, ref): oid for ref, oid in heads.items()}
    targets.pop("", None)
    prefix = f"{REMOTES}{remote}/"
    found = []
    for ref, oid in targets.items():
        if ref.startswith(prefix) and facts.refs.get(ref, "") != oid:
            reason = "new there" if ref not in facts.refs else "moved there"
            found.append(RefChange(ref, "local", facts.refs.get(ref, ""), oid, reason, remote=remote))
    sources = {facts.tracking(remote, HEADS + ref[len(prefix) :]) for ref in facts.refs if ref.startswith(prefix)}
    for ref, oid in facts.refs.items():
        if ref in sources and ref not in targets and not oid.startswith(SYMBOLIC):
            found.append(RefChange(ref, "local", oid, "", "deleted there", remote=remote))
    return found


async def _judge(git: Git, facts: Facts, name: str, remote: str, ref: str, found: _Found) -> None:
    """Whether a branch can move forward to what it follows."""
    here, there = facts.refs[HEADS + name], facts.servers[remote].heads.get(ref, "")
    if not there:
        mirror = facts.tracking(remote, ref)
        if mirror in facts.refs:
            fix = "prune it, or let it follow another one"
            found.refused.append(Refusal(HEADS + name, f"what it follows was deleted on {remote}", fix))
        return
    if here == there or await is_ancestor(git, there, here):
        return
    if not await is_ancestor(git, here, there):
        ahead, behind = await count(git, here, there), await count(git, there, here)
        why = f"it has {ahead} and {remote} {behind} commits that the other has not"
        found.refused.append(Refusal(HEADS + name, why, f"git rebase {remote}/{ref.removeprefix(HEADS)}, or merge"))
        return
    holder, under_way = facts.holder(HEADS + name), in_progress(facts)
    if holder is not None:
        fix = f"sync in {holder.path}"
        found.refused.append(Refusal(HEADS + name, f"it is checked out in {holder.path}", fix))
    elif HEADS + name in facts.busy:
        found.refused.append(Refusal(HEADS + name, f"a {facts.busy[HEADS + name]} is at work on it"))
    elif HEADS + name == facts.head_branch and (under_way or facts.layout.worktree is None):
        why = f"a {under_way} is in progress" if under_way else "it is the HEAD of this bare repository"
        found.refused.append(Refusal(HEADS + name, why))
    else:
        behind = await count(git, there, here)
        reason = f"forward by {behind} commit{'' if behind == 1 else 's'}"
        found.moves.append(RefChange(HEADS + name, "local", here, there, reason))

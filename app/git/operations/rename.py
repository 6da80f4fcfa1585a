"""Renaming a branch everywhere: here, on its remote, in what follows it, and as the remote's default."""

from __future__ import annotations

from app.errors import UserError
from app.git.cli import Git
from app.git.facts import HEADS, SYMBOLIC, Facts, read_facts
from app.git.model import ConfigChange, Plan, RefChange, Refusal, RepositoryState, Rules
from app.git.names import clashes
from app.git.operations.common import (
    Part,
    assemble,
    branch_oid,
    check_name,
    fetch_objects,
    protects,
    pull_requests,
    replaced,
    upstream,
)


async def plan(git: Git, state: RepositoryState, rules: Rules, *, old: str, new: str, remote: bool = True) -> Plan:
    """The plan of calling the branch `old` `new`; without `remote` only here."""
    facts = await read_facts(git)
    branch_oid(facts, old)
    if old == new:
        raise UserError(f"the branch is called {new} already")
    there, _ = upstream(facts, old)
    if remote and there:
        facts = await read_facts(git, (there,))
    part = await rename_part(git, facts, state, rules, old, new, remote=remote)
    request = {"old": old, "new": new, "remote": remote}
    return assemble("rename", state, f"Rename {old} to {new}", [part], facts=facts, request=request)


async def rename_part(
    git: Git, facts: Facts, state: RepositoryState, rules: Rules, old: str, new: str, *, remote: bool
) -> Part:
    """The changes of one rename. Its remote has been asked where `remote` is wanted. Raises UserError."""
    check_name(new, facts, rules, state.default_branch, leaving=old)
    for clash in clashes(new, [old]):
        if clash.kind == "folder":
            raise UserError(
                f"{old} cannot become {new} at once: {clash.why}", fix=f"rename it to {old.replace('/', '-')}-2 first"
            )
    if HEADS + old in facts.busy:
        raise UserError(f"a {facts.busy[HEADS + old]} is at work on {old}", fix="end that first")
    oid = branch_oid(facts, old)
    part = Part(renames=[(old, new)])
    part.changes += [
        RefChange(HEADS + new, "local", "", oid, f"was {old}"),
        RefChange(HEADS + old, "local", oid, "", f"is {new}"),
    ]
    where, merge = upstream(facts, old)
    follows = merge
    if remote and where in facts.servers:
        follows = await _there(git, facts, state, rules, old, new, part)
    _settings(facts, old, new, follows, part)
    if follows != merge:
        _followers(facts, old, where, merge, follows, part)
        _remote_head(facts, where, merge, follows, part)
    _local_followers(facts, old, new, part)
    return part


async def _there(git: Git, facts: Facts, state: RepositoryState, rules: Rules, old: str, new: str, part: Part) -> str:
    """What happens on the remote; returns the full name there that the branch follows afterwards, if any."""
    where, merge = upstream(facts, old)
    heads, default = facts.servers[where].heads, facts.servers[where].head
    wanted, oid = HEADS + new, heads.get(merge, "")
    if merge == wanted or merge != HEADS + old:
        if merge != wanted:
            part.notes.append(f"{where}/{merge.removeprefix(HEADS)} keeps its name, which was another one before")
        return merge
    taken = heads.get(wanted, "")
    if not oid:
        # Renamed on the host, or deleted there.
        return wanted if taken else ""
    for clash in clashes(new, [name[len(HEADS) :] for name in heads if name not in (merge, wanted)]):
        raise UserError(f"{old} cannot become {new}: on {where} {clash.why}", fix="choose another name")
    await fetch_objects(git, where, {merge: oid, **({wanted: taken} if taken else {})})
    if taken and taken != oid:
        raise UserError(
            f"{where} has a branch {new} already, with other commits", fix="choose another name, or delete that one"
        )
    if not taken:
        part.changes.append(RefChange(wanted, "remote", "", oid, f"was {old}", remote=where))
    if merge == default:
        part.refused.append(
            Refusal(
                merge,
                f"it is the default branch of {where}, which the host alone can change",
                f"make {new} the default branch on the host, then rename or prune there",
            )
        )
    elif protects(old, facts, state, rules) and old != state.default_branch:
        raise UserError(f"{old} is protected: it is not taken away from {where}", fix="rename it here only")
    else:
        part.changes.append(RefChange(merge, "remote", oid, "", f"is {new}", remote=where))
        part.notes.append(pull_requests(old))
    return wanted


def _settings(facts: Facts, old: str, new: str, follows: str, part: Part) -> None:
    """`branch -m` carries the settings along; what it follows may change."""
    leaving = facts.section(old)
    coming = {f"branch.{new}.{key[len(f'branch.{old}.') :]}": values for key, values in leaving.items()}
    merge = f"branch.{new}.merge"
    if merge in coming:
        if follows:
            coming[merge] = (follows,)
        else:
            del coming[merge]
            coming.pop(f"branch.{new}.remote", None)
            part.notes.append(f"what {old} followed is gone, so {new} follows nothing")
    for key, values in leaving.items():
        part.config += [ConfigChange(key, value, None) for value in values]
    for key in dict.fromkeys((*facts.section(new), *coming)):
        part.config += replaced(facts, key, coming.get(key, ()))


def _followers(facts: Facts, old: str, remote: str, before: str, after: str, part: Part) -> None:
    """Other branches that follow the renamed one of the remote."""
    for name in facts.branches:
        if name != old and after and upstream(facts, name) == (remote, before):
            part.config += replaced(facts, f"branch.{name}.merge", (after,))
            part.notes.append(f"{name} follows {remote}/{after.removeprefix(HEADS)} from then on")


def _local_followers(facts: Facts, old: str, new: str, part: Part) -> None:
    """Other branches that follow the renamed one here."""
    for name in facts.branches:
        settings = facts.configuration.branch(name)
        if name != old and settings.remote == "." and settings.merge == HEADS + old:
            part.config += replaced(facts, f"branch.{name}.merge", (HEADS + new,))


def _remote_head(facts: Facts, remote: str, before: str, after: str, part: Part) -> None:
    """What is known here of the remote's default branch, where that has been renamed on the host."""
    ref = f"refs/remotes/{remote}/HEAD"
    old, new = facts.tracking(remote, before), facts.tracking(remote, after)
    if facts.servers[remote].head == after and facts.refs.get(ref) == SYMBOLIC + old and new:
        part.changes.append(RefChange(ref, "local", SYMBOLIC + old, SYMBOLIC + new, "the remote says so"))

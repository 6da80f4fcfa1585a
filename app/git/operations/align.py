"""Putting right what does not fit together: what branches follow, their names, and remotes' default branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.errors import UserError
from app.git.cli import Git
from app.git.facts import HEADS, SYMBOLIC, Facts, read_facts
from app.git.model import Plan, RefChange, Refusal, RepositoryState, Rules
from app.git.names import clashes_to_tell, name_problem, suggestion
from app.git.operations.common import (
    Part,
    assemble,
    fetch_objects,
    following,
    main_remote,
    protects,
    pull_requests,
    unknown_branch,
    upstream,
)
from app.git.operations.rename import rename_part

_NAMED = 3
"""Branches that the title names."""


async def plan(
    git: Git, state: RepositoryState, rules: Rules, *, branches: Sequence[str] = (), remote: str = ""
) -> Plan:
    """The plan of mending every mismatch of a repository, each with one fix. What may be meant so is not ticked.

    With `branches` it is about these alone, and all of theirs is ticked: whoever names them has decided.
    `remote` is the one that counts, if it is there; empty: origin, else the first.
    """
    facts = await read_facts(git)
    for name in branches:
        if name not in facts.branches:
            raise unknown_branch(name, facts.branches)
    remotes = facts.configuration.remotes
    main = remote if remote in remotes else main_remote(facts)
    if remotes:
        facts = await read_facts(git, remotes)
    parts: list[Part] = []
    for name in dict.fromkeys(branches or facts.branches):
        part = await _misnamed(git, facts, state, rules, name)
        parts.append(part)
        if not part.changes:
            parts.append(await _follows(git, facts, state, rules, name, main))
    if branches:
        for part in parts:
            part.changes = [replace(change, ticked=True) for change in part.changes]
    else:
        parts += [_remote_head(facts, each) for each in remotes]
    refused = [
        Refusal(HEADS + clash.name, clash.why, f"rename it: qd git rename {clash.name} NAME")
        for clash in clashes_to_tell(facts.branches)
        if not branches or clash.name in branches
    ]
    notes = [] if any(part.changes or part.notes for part in parts) else ["everything fits together"]
    title = f"Align {', '.join(branches) if 0 < len(branches) <= _NAMED else 'the branches'} of {state.name}"
    request = {"branches": list(branches)}
    return assemble("align", state, title, parts, facts=facts, request=request, refused=refused, notes=notes)


async def _misnamed(git: Git, facts: Facts, state: RepositoryState, rules: Rules, name: str) -> Part:
    """Another name for a branch that does not follow the rule. A guess, so it is not ticked."""
    if not name_problem(name, rules, state.default_branch) or protects(name, facts, state, rules):
        return Part()
    better = suggestion(name, rules, [*facts.branches, *_remote_names(facts)])
    if not better:
        why = name_problem(name, rules, state.default_branch)
        return Part(refused=[Refusal(HEADS + name, why, f"qd git rename {name} NAME")])
    try:
        part = await rename_part(git, facts, state, rules, name, better, remote=True)
    except UserError as error:
        return Part(refused=[Refusal(HEADS + name, error.what, error.fix)])
    return _doubtful(part)


async def _follows(git: Git, facts: Facts, state: RepositoryState, rules: Rules, name: str, main: str) -> Part:
    """What a branch follows, put right."""
    remote, ref = upstream(facts, name)
    wanted = HEADS + name
    if not remote:
        settings = facts.configuration.branch(name)
        if settings.remote:
            return _nowhere(facts, name, main, wanted)
        if not main:
            return Part()
        if wanted in facts.servers[main].heads:
            return _following(facts, name, main, wanted, f"follows {main}/{name}, which is there")
        return Part()
    heads = facts.servers[remote].heads
    if ref not in heads:
        if wanted in heads:
            return _following(facts, name, remote, wanted, f"follows {remote}/{name}: what it followed is gone")
        gone = facts.tracking(remote, ref) in facts.refs or _was_pushed(state, name)
        why = "is gone" if gone else "is not there; a push makes it"
        return _doubtful(_following(facts, name, "", "", f"follows nothing: {remote}/{ref.removeprefix(HEADS)} {why}"))
    if ref != wanted:
        return await _other_name(git, facts, state, rules, name)
    if remote != main and wanted in facts.servers[main].heads:
        return _doubtful(_following(facts, name, main, wanted, f"follows {main}/{name} instead of {remote}"))
    if facts.tracking(remote, ref) and facts.tracking(remote, ref) not in facts.refs:
        return Part(notes=[f"{remote}/{name} is there, and not known here yet: a sync brings it"])
    return Part()


def _nowhere(facts: Facts, name: str, main: str, wanted: str) -> Part:
    """A branch that follows one of this repository, or of a remote that is none here (or an address)."""
    settings = facts.configuration.branch(name)
    if settings.remote == ".":
        if not settings.merge or settings.merge in facts.refs:
            return Part()
        return _doubtful(_following(facts, name, "", "", f"follows nothing: {settings.merge} is gone"))
    if not settings.merge:
        return Part()
    if main and wanted in facts.servers[main].heads:
        return _doubtful(_following(facts, name, main, wanted, f"follows {main}/{name} instead of {settings.remote}"))
    return _doubtful(_following(facts, name, "", "", f"follows nothing: {settings.remote} is no remote here"))


async def _other_name(git: Git, facts: Facts, state: RepositoryState, rules: Rules, name: str) -> Part:
    """A branch that follows one of another name: a plain `git push` would refuse."""
    remote, ref = upstream(facts, name)
    heads, short, wanted = facts.servers[remote].heads, ref.removeprefix(HEADS), HEADS + name
    if wanted in heads:
        return _following(facts, name, remote, wanted, f"follows {remote}/{name} instead of {remote}/{short}")
    others = [other for other in facts.branches if other != name and upstream(facts, other) == (remote, ref)]
    if short in facts.branches or others or protects(short, facts, state, rules):
        return _following(facts, name, "", "", f"follows nothing: {remote}/{short} is another branch")
    part = _following(facts, name, remote, wanted, f"follows {remote}/{name} instead of {remote}/{short}")
    await fetch_objects(git, remote, {ref: heads[ref]})
    part.changes += [
        RefChange(wanted, "remote", "", heads[ref], f"was {short} there", remote=remote),
        RefChange(ref, "remote", heads[ref], "", f"is {name} there", remote=remote),
    ]
    part.notes.append(pull_requests(short))
    return part


def _following(facts: Facts, name: str, remote: str, ref: str, reason: str) -> Part:
    oid = facts.refs[HEADS + name]
    config = following(facts, name, remote, ref)
    return Part([RefChange(HEADS + name, "local", oid, oid, reason)], config) if config else Part()


def _was_pushed(state: RepositoryState, name: str) -> bool:
    branch = state.branch(name)
    return branch is not None and branch.upstream_state == "gone"


def _remote_head(facts: Facts, remote: str) -> Part:
    """What is known here of a remote's default branch, as the remote itself says it."""
    server = facts.servers[remote]
    ref = f"refs/remotes/{remote}/HEAD"
    now, mirror = facts.refs.get(ref, ""), facts.tracking(remote, server.head)
    if server.head not in server.heads or not mirror or now == SYMBOLIC + mirror:
        return Part()
    name = server.head.removeprefix(HEADS)
    if mirror not in facts.refs:
        return Part(refused=[Refusal(ref, f"the default branch {name} is not known here yet", "sync first")])
    reason = f"the default branch of {remote} is {name}"
    return Part([RefChange(ref, "local", now, SYMBOLIC + mirror, reason)])


def _remote_names(facts: Facts) -> list[str]:
    return [ref[len(HEADS) :] for server in facts.servers.values() for ref in server.heads]


def _doubtful(part: Part) -> Part:
    """The same, not ticked by itself."""
    part.changes = [replace(change, ticked=False) for change in part.changes]
    return part

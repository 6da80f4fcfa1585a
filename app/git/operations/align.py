"""Putting right what does not fit together: what branches follow, their names, and remotes' default branches."""

from __future__ import annotations

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
    upstream,
)
from app.git.operations.rename import rename_part


async def plan(git: Git, state: RepositoryState, rules: Rules) -> Plan:
    """The plan of mending every mismatch of a repository, each with one fix. What may be meant so is not ticked."""
    facts = await read_facts(git)
    remotes = facts.configuration.remotes
    if remotes:
        facts = await read_facts(git, remotes)
    parts: list[Part] = []
    for name in facts.branches:
        part = await _misnamed(git, facts, state, rules, name)
        parts.append(part or await _follows(git, facts, state, rules, name))
    parts += [_remote_head(facts, remote) for remote in remotes]
    refused = [
        Refusal(HEADS + clash.name, clash.why, f"rename it: qd git rename {clash.name} NAME")
        for clash in clashes_to_tell(facts.branches)
    ]
    notes = [] if any(part.changes for part in parts) else ["everything fits together"]
    title = f"Align the branches of {state.name}"
    return assemble("align", state, title, parts, facts=facts, refused=refused, notes=notes)


async def _misnamed(git: Git, facts: Facts, state: RepositoryState, rules: Rules, name: str) -> Part | None:
    """Another name for a branch that does not follow the rule. A guess, so it is not ticked."""
    if not name_problem(name, rules, state.default_branch) or protects(name, facts, state, rules):
        return None
    better = suggestion(name, rules, [*facts.branches, *_remote_names(facts)])
    if not better:
        why = name_problem(name, rules, state.default_branch)
        return Part(refused=[Refusal(HEADS + name, why, f"qd git rename {name} NAME")])
    try:
        part = await rename_part(git, facts, state, rules, name, better, remote=True)
    except UserError as error:
        return Part(refused=[Refusal(HEADS + name, error.what, error.fix)])
    part.changes = [_unticked(change) for change in part.changes]
    return part


async def _follows(git: Git, facts: Facts, state: RepositoryState, rules: Rules, name: str) -> Part:
    """What a branch follows, put right."""
    remote, ref = upstream(facts, name)
    main, wanted = main_remote(facts), HEADS + name
    if not remote:
        settings = facts.configuration.branch(name)
        if settings.remote or not main:
            return Part()
        if wanted in facts.servers[main].heads:
            return _following(facts, name, main, wanted, f"follows {main}/{name}, which is there")
        return Part()
    heads = facts.servers[remote].heads
    if ref not in heads:
        if wanted in heads:
            return _following(facts, name, remote, wanted, f"follows {remote}/{name}: what it followed is gone")
        if facts.tracking(remote, ref) not in facts.refs and not _was_pushed(facts, state, name):
            return Part()  # It was never there: the first push makes it.
        part = _following(facts, name, "", "", f"follows nothing: {remote}/{ref.removeprefix(HEADS)} is gone")
        part.changes = [_unticked(change) for change in part.changes]
        return part
    if ref != wanted:
        return await _other_name(git, facts, state, rules, name)
    if remote != main and wanted in facts.servers[main].heads:
        part = _following(facts, name, main, wanted, f"follows {main}/{name} instead of {remote}")
        part.changes = [_unticked(change) for change in part.changes]
        return part
    return Part()


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


def _was_pushed(facts: Facts, state: RepositoryState, name: str) -> bool:
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


def _unticked(change: RefChange) -> RefChange:
    return replace(change, ticked=False)

"""Pushing branches to their remotes, all of one remote at once, never over what others have pushed."""

from __future__ import annotations

from collections.abc import Sequence

from app.errors import UserError
from app.git.cli import Git
from app.git.facts import HEADS, Facts, read_facts
from app.git.model import Plan, RefChange, Refusal, RepositoryState, Rules
from app.git.names import name_problem
from app.git.operations.common import (
    Part,
    assemble,
    branch_oid,
    count,
    fetch_objects,
    following,
    is_ancestor,
    protects,
    push_remote,
    upstream,
)


async def plan(
    git: Git,
    state: RepositoryState,
    rules: Rules,
    *,
    branches: Sequence[str] = (),
    remote: str = "",
    force: bool = False,
) -> Plan:
    """The plan of pushing `branches` (empty: the one checked out) to `remote` (empty: where each is pushed to).

    With `force`, branches whose history was rewritten are pushed too, where nobody else has pushed meanwhile.
    """
    facts = await read_facts(git)
    names = list(dict.fromkeys(branches)) or [_current(facts)]
    for name in names:
        branch_oid(facts, name)
    where = {name: remote or push_remote(facts, name) for name in names}
    if not all(where.values()):
        raise UserError("there is no remote to push to", where=state.path, fix="add one: git remote add origin ADDRESS")
    facts = await read_facts(git, list(where.values()))
    parts = [await _part(git, facts, state, rules, name, where[name], force) for name in names]
    title = f"Push {names[0]}" if len(names) == 1 else f"Push {len(names)} branches"
    request = {"branches": list(branches), "remote": remote, "force": force}
    return assemble("push", state, title, parts, facts=facts, request=request)


async def _part(
    git: Git, facts: Facts, state: RepositoryState, rules: Rules, name: str, remote: str, force: bool
) -> Part:
    part = Part()
    followed_remote, followed = upstream(facts, name)
    target = HEADS + name
    if followed_remote == remote and followed != target:
        short = followed.removeprefix(HEADS)
        if facts.configuration.get("push.default") == "upstream":
            target = followed
        elif not protects(short, facts, state, rules):
            part.refused.append(
                Refusal(HEADS + name, f"it follows {remote}/{short}, which has another name", "align the names first")
            )
            return part
    oid, there = facts.refs[HEADS + name], facts.servers[remote].heads.get(target, "")
    keep = bool(followed_remote) and followed_remote != remote
    config = [] if keep or target == followed else following(facts, name, remote, target)
    if there == oid:
        if config:
            part.changes.append(RefChange(HEADS + name, "local", oid, oid, f"follows {remote}"))
            part.config = config
        else:
            part.notes.append(f"{name} is on {remote} already")
        return part
    change = await _judged(git, facts, state, rules, name, remote, target, force)
    if isinstance(change, Refusal):
        part.refused.append(change)
    else:
        part.changes.append(change)
        part.config = config
    return part


async def _judged(
    git: Git, facts: Facts, state: RepositoryState, rules: Rules, name: str, remote: str, target: str, force: bool
) -> RefChange | Refusal:
    oid, there = facts.refs[HEADS + name], facts.servers[remote].heads.get(target, "")
    short = target.removeprefix(HEADS)
    if not there:
        why = name_problem(short, rules, state.default_branch)
        if why:
            return Refusal(HEADS + name, why, "rename it first")
        return RefChange(target, "remote", "", oid, "new there", remote=remote)
    await fetch_objects(git, remote, {target: there})
    protected = protects(short, facts, state, rules)
    if await is_ancestor(git, there, oid):
        ahead = await count(git, oid, there)
        return RefChange(target, "remote", there, oid, _commits(ahead), remote=remote, recoverable=not protected)
    lost = await count(git, there, oid)
    if not force or protected:
        fix = "it is protected; sync, then rebase or merge" if protected and force else "sync, then rebase or merge"
        return Refusal(HEADS + name, f"{remote} has {_commits(lost)} that {'is' if lost == 1 else 'are'} not here", fix)
    return RefChange(target, "remote", there, oid, f"replaces {_commits(lost)} there", remote=remote, commits=lost)


def _current(facts: Facts) -> str:
    if not facts.head_branch:
        raise UserError("no branch is checked out", fix="name the branch to push")
    return facts.head_branch[len(HEADS) :]


def _commits(number: int) -> str:
    return f"{number} commit{'' if number == 1 else 's'}"

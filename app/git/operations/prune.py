"""Deleting branches that are done with, here and on their remotes. Nothing that is in doubt is ticked by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.errors import UserError
from app.git import pins
from app.git.cli import Git, GitError
from app.git.facts import HEADS, REMOTES, SYMBOLIC, Facts, missing_objects, read_facts
from app.git.model import Branch, Plan, RefChange, Refusal, RepositoryState, Rules
from app.git.operations.common import (
    Part,
    assemble,
    fetch_objects,
    is_ancestor,
    main_remote,
    protects,
    pull_requests,
    unknown_branch,
    upstream,
    without_section,
)

LANDED = ("merged", "squashed", "rebased")
KEPT = f"what is deleted is kept in {pins.ROOT} for {pins.RETENTION_DAYS} days, so that undo can bring it back"
COUNTED = 60
"""Branches whose commits are counted one by one; beyond it the distance from the default branch has to do."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Whether a branch is a candidate at all, and what is to be known of it."""

    reason: str
    ticked: bool


async def plan(
    git: Git,
    state: RepositoryState,
    rules: Rules,
    *,
    local: bool = True,
    remote: bool = True,
    branches: Sequence[str] = (),
) -> Plan:
    """The plan of deleting what has landed, is gone from its remote, or is stale; `branches` names others to offer.

    `local` and `remote` say where. Ticked is only what is proven to be in the default branch.
    """
    facts = await read_facts(git)
    lone = {branch.name: branch.remote for branch in state.remote_only} if remote else {}
    known = [*facts.branches, *lone]
    for name in branches:
        if name not in known:
            raise unknown_branch(name, known, all_of_them="git branch --all" if remote else "git branch")
    remotes = _remotes_to_ask(facts, [lone[name] for name in branches if name in lone]) if remote else []
    facts, refused = await _asked(git, facts, remotes)
    found: list[tuple[Branch, _Verdict]] = []
    for branch in state.branches:
        verdict = _verdict(branch, facts, asked=branch.name in branches)
        if verdict is not None and facts.refs.get(branch.ref) == branch.oid:
            found.append((branch, verdict))
    parts: list[Part] = []
    offered: list[str] = []
    for number, (branch, verdict) in enumerate(found):
        at_stake = await _at_stake(git, facts, branch, exact=number < COUNTED)
        here = _local(branch, verdict, facts, state, rules, at_stake)
        if local:
            parts.append(here)
        if here.changes[0].locked:
            # Somebody is at work on it: its remote counterpart goes only when asked for.
            verdict = replace(verdict, ticked=False)
        there = await _there(git, facts, state, rules, branch, verdict)
        if there is not None:
            parts.append(Part(changes=[there]))
            if not there.locked and (not branches or branch.name in branches):
                offered.append(there.ref.removeprefix(HEADS))
    if remote:
        taken = {change.key for part in parts for change in part.changes}
        alone = [c for c in _remote_only(facts, state, rules, branches) if c.key not in taken]
        await _fetch(git, facts, alone)
        parts += [Part(changes=[change]) for change in alone]
    if local and remote:
        parts += [Part(changes=[change]) for change in _stale_mirrors(facts)]
    request = {"local": local, "remote": remote, "branches": list(branches)}
    title = f"Delete branches of {state.name} that are done with"
    return assemble(
        "prune",
        state,
        title,
        parts,
        facts=facts,
        request=request,
        refused=refused,
        notes=[pull_requests(*offered)] if offered else [],
        remarks=[KEPT] if found else [],
    )


def _verdict(branch: Branch, facts: Facts, *, asked: bool) -> _Verdict | None:
    gone = branch.upstream_state == "gone"
    if branch.is_default:
        return _Verdict("asked for", ticked=False) if asked else None
    if branch.landed in LANDED and not branch.lower_bound:
        why = branch.landed_why or str(branch.landed)
        return _Verdict(f"{why}; gone from the remote" if gone else why, ticked=True)
    if gone and branch.unpushed:
        return _Verdict("gone from the remote, with commits that were never pushed", ticked=False)
    if gone:
        return _Verdict(branch.landed_why or "gone from the remote, not in the default branch", ticked=False)
    if branch.landed_why and branch.landed is None:
        return _Verdict(branch.landed_why, ticked=False)
    if branch.stale:
        return _Verdict("stale", ticked=False)
    return _Verdict("asked for", ticked=False) if asked else None


def _local(
    branch: Branch, verdict: _Verdict, facts: Facts, state: RepositoryState, rules: Rules, at_stake: int
) -> Part:
    locked = _locked(branch.name, facts, state, rules)
    if not locked and branch.ref == facts.head_branch:
        locked = "it is checked out"
    holder = facts.holder(branch.ref)
    if not locked and holder is not None:
        locked = f"it is checked out in {holder.path}"
    if not locked and branch.ref in facts.busy:
        locked = f"a {facts.busy[branch.ref]} is at work on it"
    if not locked and branch.held_by:
        locked = f"held by {branch.held_by} {branch.held_where}".strip()
    change = RefChange(
        branch.ref,
        "local",
        branch.oid,
        "",
        verdict.reason,
        ticked=verdict.ticked and not locked,
        locked=locked,
        commits=at_stake,
    )
    return Part(changes=[change], config=without_section(facts, branch.name))


async def _there(
    git: Git,
    facts: Facts,
    state: RepositoryState,
    rules: Rules,
    branch: Branch,
    verdict: _Verdict,
) -> RefChange | None:
    """The branch of the remote that this one follows, if it bears the same name and is there.

    What is at stake are commits that are not here: of the others the change of the local branch tells.
    """
    remote, ref = upstream(facts, branch.name)
    if remote not in facts.servers or ref != branch.ref:
        return None
    oid = facts.servers[remote].heads.get(ref, "")
    if not oid:
        return None
    await fetch_objects(git, remote, {ref: oid})
    reason, ticked, at_stake = verdict.reason, verdict.ticked, 0
    if not await is_ancestor(git, oid, branch.oid):
        reason, ticked = f"{remote} has commits that are not here", False
        at_stake = await _elsewhere(git, oid, facts.tracking(remote, ref))
    locked = _locked(branch.name, facts, state, rules)
    return RefChange(
        ref,
        "remote",
        oid,
        "",
        reason,
        remote=remote,
        ticked=ticked and not locked,
        locked=locked,
        commits=at_stake,
    )


def _locked(name: str, facts: Facts, state: RepositoryState, rules: Rules) -> str:
    return "it is protected" if protects(name, facts, state, rules) else ""


def _remote_only(facts: Facts, state: RepositoryState, rules: Rules, asked: Sequence[str]) -> list[RefChange]:
    """Branches that only a remote has. They may be somebody else's, so none of them is ticked by itself."""
    found = []
    for branch in state.remote_only:
        ref = HEADS + branch.name
        server = facts.servers.get(branch.remote)
        if server is None or server.heads.get(ref) != branch.oid:
            continue
        if branch.landed in LANDED:
            reason = f"{branch.landed_why or branch.landed}; on {branch.remote} only"
        elif branch.name in asked:
            reason = f"asked for; on {branch.remote} only"
        else:
            continue
        change = RefChange(ref, "remote", branch.oid, "", reason, remote=branch.remote, ticked=False)
        locked = _locked(branch.name, facts, state, rules)
        found.append(replace(change, locked=locked))
    return found


def _stale_mirrors(facts: Facts) -> list[RefChange]:
    """What is known here of branches that their remote has deleted."""
    found = []
    for remote, server in facts.servers.items():
        targets = {facts.tracking(remote, ref) for ref in server.heads}
        prefix = f"{REMOTES}{remote}/"
        for ref, oid in facts.refs.items():
            known = ref.startswith(prefix) and facts.tracking(remote, HEADS + ref[len(prefix) :]) == ref
            if known and ref not in targets and not oid.startswith(SYMBOLIC):
                found.append(RefChange(ref, "local", oid, "", f"deleted on {remote}", remote=remote))
    return found


def _remotes_to_ask(facts: Facts, also: Iterable[str]) -> list[str]:
    followed = [upstream(facts, name)[0] for name in facts.branches]
    return [name for name in dict.fromkeys((main_remote(facts), *followed, *also)) if name]


async def _asked(git: Git, facts: Facts, remotes: Sequence[str]) -> tuple[Facts, list[Refusal]]:
    """The facts with what each remote says; one that does not answer is left alone, and told of."""
    servers = dict(facts.servers)
    refused = []
    for remote in remotes:
        try:
            servers.update((await read_facts(git, (remote,))).servers)
        except UserError as error:
            if isinstance(error, GitError) and error.kind in ("no_git", "gone"):
                raise
            refused.append(Refusal(remote, f"its branches are left alone: {error.what}", error.fix))
    return replace(facts, servers=servers), refused


async def _at_stake(git: Git, facts: Facts, branch: Branch, *, exact: bool) -> int:
    """Commits of a branch that no other branch has, here or on a remote."""
    if branch.landed == "merged":
        return 0
    if not exact:
        return branch.ahead_default or 0
    remote, ref = upstream(facts, branch.name)
    mirror = facts.tracking(remote, ref) if remote else ""
    others = [f"--exclude={mirror.removeprefix(REMOTES)}"] if mirror else []
    # Names of refs hold no *, ? or [, so they stand for themselves as patterns.
    own = f"--exclude={branch.name}"
    said = await git.run("rev-list", "--count", branch.oid, "--not", own, "--branches", *others, "--remotes", "--")
    return int(said.text)


async def _elsewhere(git: Git, oid: str, mirror: str) -> int:
    """Commits of a branch of a remote that no other branch has, its local namesake among them."""
    others = [f"--exclude={mirror.removeprefix(REMOTES)}"] if mirror else []
    said = await git.run("rev-list", "--count", oid, "--not", "--branches", *others, "--remotes", "--")
    return int(said.text)


async def _fetch(git: Git, facts: Facts, changes: Sequence[RefChange]) -> None:
    missing = await missing_objects(git, (change.old for change in changes))
    for remote in facts.servers:
        mine = {change.ref: change.old for change in changes if change.remote == remote and change.old in missing}
        await fetch_objects(git, remote, mine)

"""Switching to another branch, which is made here when only a remote has it."""

from __future__ import annotations

from app.errors import UserError
from app.git.cli import Git
from app.git.facts import HEADS, REMOTES, SYMBOLIC, Facts, read_facts
from app.git.model import Plan, RefChange, RepositoryState, Rules
from app.git.operations.common import Part, assemble, following, main_remote, unknown_branch

CARRIED = "what you have changed comes along; git refuses where that would lose it"


async def plan(git: Git, state: RepositoryState, rules: Rules, *, branch: str) -> Plan:
    """The plan of switching to `branch`: a local name, or one of a remote such as `origin/topic`."""
    facts = await read_facts(git)
    part = Part()
    ref = HEADS + branch
    if ref not in facts.refs:
        part, ref = _from_remote(facts, branch)
    before = facts.refs["HEAD"]
    if before == SYMBOLIC + ref:
        raise UserError(f"{branch} is checked out already")
    if holder := facts.holder(ref):
        raise UserError(f"{branch} is checked out in {holder.path}", fix="work there, or switch that one first")
    part.changes.append(head_change(facts, ref))
    if state.changes and (state.changes.changed or state.changes.staged):
        part.notes.append(CARRIED)
    name = ref.removeprefix(HEADS)
    return assemble("switch", state, f"Switch to {name}", [part], facts=facts, request={"branch": branch})


def head_change(facts: Facts, ref: str) -> RefChange:
    """HEAD moving to a branch."""
    before = facts.refs["HEAD"]
    unborn = before.startswith(SYMBOLIC) and before[len(SYMBOLIC) :] not in facts.refs
    return RefChange("HEAD", "local", before, SYMBOLIC + ref, "check out", recoverable=not unborn)


def _from_remote(facts: Facts, branch: str) -> tuple[Part, str]:
    candidates = []
    for remote in facts.configuration.remotes:
        short = branch.removeprefix(f"{remote}/")
        for name in dict.fromkeys((short, branch)):
            mirror = facts.tracking(remote, HEADS + name)
            if mirror in facts.refs and (name == branch or branch == f"{remote}/{name}"):
                candidates.append((remote, name, facts.refs[mirror]))
    named = [each for each in candidates if f"{each[0]}/{each[1]}" == branch]
    preferred = [each for each in candidates if each[0] == main_remote(facts)]
    if not candidates:
        there = [ref.removeprefix(REMOTES) for ref in facts.refs if ref.startswith(REMOTES)]
        names = [mirror.partition("/")[2] for mirror in there]
        raise unknown_branch(branch, [*facts.branches, *names, *there], all_of_them="git branch --all")
    if len(candidates) > 1 and not named and not preferred:
        raise UserError(f"several remotes have a branch {branch}", fix=f"name one: {candidates[0][0]}/{branch}")
    remote, name, oid = (named or preferred or candidates)[0]
    ref = HEADS + name
    if ref in facts.refs:
        return Part(), ref
    made = RefChange(ref, "local", "", oid, f"as {REMOTES}{remote}/{name}".replace(REMOTES, ""))
    return Part(changes=[made], config=following(facts, name, remote, ref)), ref

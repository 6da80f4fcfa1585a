"""A new branch, named as the rules ask."""

from __future__ import annotations

from collections.abc import Mapping

from app.errors import UserError
from app.git.cli import Git
from app.git.facts import HEADS, Facts, read_facts
from app.git.model import Plan, RefChange, RepositoryState, Rules
from app.git.names import build, clashes
from app.git.operations.common import Part, assemble, check_name, replaced
from app.git.operations.switch import CARRIED, head_change


async def plan(
    git: Git,
    state: RepositoryState,
    rules: Rules,
    *,
    name: str = "",
    parts: Mapping[str, str] | None = None,
    start: str = "",
    switch: bool = True,
) -> Plan:
    """The plan of a branch called `name`, or as the rules' template makes it of `parts`.

    It begins at `start` (any revision), else at the default branch, else at HEAD.
    """
    name = name or build(rules.template, parts or {})
    facts = await read_facts(git)
    check_name(name, facts, rules, state.default_branch)
    _check_remotes(name, facts)
    at, oid = await _start(git, state, facts, start)
    part = Part(changes=[RefChange(HEADS + name, "local", "", oid, f"begins at {at}")])
    # Settings that a deleted branch of this name left behind would become those of the new one.
    for key in facts.section(name):
        part.config += replaced(facts, key, ())
    if switch:
        part.changes.append(head_change(facts, HEADS + name))
        if state.changes and (state.changes.changed or state.changes.staged):
            part.notes.append(CARRIED)
    request = {"name": name, "start": start, "switch": switch}
    return assemble("new", state, f"New branch {name}", [part], facts=facts, request=request)


def _check_remotes(name: str, facts: Facts) -> None:
    for remote in facts.configuration.remotes:
        prefix = facts.tracking(remote, HEADS)
        there = [ref[len(prefix) :] for ref in facts.refs if prefix and ref.startswith(prefix)]
        for clash in clashes(name, there):
            raise UserError(
                f"there cannot be a branch {name}: on {remote} {clash.why}",
                fix=f"switch to {remote}/{name} instead" if clash.kind == "same" else "choose another name",
            )


async def _start(git: Git, state: RepositoryState, facts: Facts, start: str) -> tuple[str, str]:
    default = HEADS + state.default_branch if state.default_branch else ""
    revision = start or (default if default in facts.refs else "HEAD")
    found = await git.run("rev-parse", "--verify", "-q", "--end-of-options", f"{revision}^{{commit}}", ok=(0, 1, 128))
    if found.code:
        raise UserError(f"there is no commit {start or 'to begin at'}", fix="name a branch, a tag or a commit")
    return revision.removeprefix(HEADS), found.line

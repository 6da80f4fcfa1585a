"""What a branch follows."""

from __future__ import annotations

import difflib

from app.errors import UserError
from app.git.cli import Git
from app.git.facts import HEADS, REMOTES, read_facts
from app.git.model import Plan, RefChange, RepositoryState, Rules
from app.git.operations.common import Part, assemble, branch_oid, following


async def plan(git: Git, state: RepositoryState, rules: Rules, *, branch: str, upstream: str = "") -> Plan:
    """The plan of letting `branch` follow `upstream` (such as `origin/topic`); empty for none."""
    facts = await read_facts(git)
    oid = branch_oid(facts, branch)
    remote, ref = "", ""
    if upstream:
        names = [name for name in facts.configuration.remotes if upstream.startswith(f"{name}/")]
        if not names:
            raise UserError(f"{upstream} names no remote", fix="write it as origin/topic; see git remote")
        remote = max(names, key=len)
        ref = HEADS + upstream[len(remote) + 1 :]
    reason = f"follows {upstream}" if upstream else "follows nothing any more"
    part = Part([RefChange(HEADS + branch, "local", oid, oid, reason)], following(facts, branch, remote, ref))
    if not part.config:
        raise UserError(f"{branch} {reason} already" if upstream else f"{branch} follows nothing")
    if upstream and facts.tracking(remote, ref) not in facts.refs:
        there = [name.removeprefix(REMOTES) for name in facts.refs if name.startswith(f"{REMOTES}{remote}/")]
        near = difflib.get_close_matches(upstream, there, n=1)
        asks = f"; did you mean {near[0]}?" if near else ""
        part.notes.append(f"{upstream} is not known here; the next push or fetch may bring it{asks}")
    title = f"Let {branch} follow {upstream}" if upstream else f"Let {branch} follow nothing"
    return assemble("track", state, title, [part], facts=facts, request={"branch": branch, "upstream": upstream})

"""What is not as it should be in a repository, each with what mends it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.git.model import Branch, Problem, RepositoryState
from app.git.names import Clash, clashes_to_tell, name_problem
from app.git.refs import HEADS, REMOTES

if TYPE_CHECKING:
    from app.git.reading import Reading

_MANY_BRANCHES = 200
"""From so many branches on a commit-graph is worth a proposal."""


def find_problems(reading: Reading, state: RepositoryState) -> tuple[Problem, ...]:
    """Everything that can be seen without asking a remote."""
    return (
        *reading.trouble,
        *_unreadable(reading),
        *_remote_heads(reading),
        *(problem for branch in state.branches for problem in _branch(reading, branch, state)),
        *_clashes(state),
        *_commit_graph(reading, state),
    )


def _unreadable(reading: Reading) -> Iterator[Problem]:
    for ref, why in reading.refs.broken:
        yield Problem("unreadable", ref, why, "git fsck; then restore it from its reflog or another copy, or delete it")
    for path, told in reading.locks:
        yield Problem("lock", path, told, "if no git is at work there, delete this file")


def _remote_heads(reading: Reading) -> Iterator[Problem]:
    for remote, target in reading.dangling.items():
        yield Problem(
            "remote_head_dangling",
            f"{REMOTES}{remote}/HEAD",
            f"it names {target.removeprefix(REMOTES)}, which is not there any more",
            f"git remote set-head {shlex.quote(remote)} --auto",
        )
    main = reading.remote
    prefix = f"{REMOTES}{main}/"
    if main and reading.remote_head(main) is None and any(name.startswith(prefix) for name in reading.refs.all):
        yield Problem(
            "remote_head_missing",
            f"{prefix}HEAD",
            f"which branch {main} regards as its default is not known here",
            f"git remote set-head {shlex.quote(main)} --auto",
        )


def _branch(reading: Reading, branch: Branch, state: RepositoryState) -> Iterator[Problem]:
    if branch.misnamed:
        why = name_problem(branch.name, reading.rules, state.default_branch)
        yield Problem("misnamed", branch.ref, why, f"qd git rename {shlex.quote(branch.name)} NEW")
    align = shlex.join(("qd", "git", "align", branch.name))
    settings = reading.configuration.branch(branch.name)
    remotes = reading.configuration.remotes
    if settings.merge and settings.remote not in (".", "", *remotes):
        yield Problem("wrong_remote", branch.ref, f"it follows {settings.remote}, which is no remote here", align)
        return
    wanted = reading.spec.remote
    elsewhere = branch.upstream_state in ("ok", "misnamed") and settings.remote not in (".", wanted)
    if wanted and elsewhere and f"{REMOTES}{wanted}/{branch.name}" in reading.refs.all:
        yield Problem("wrong_remote", branch.ref, f"it follows {settings.remote} rather than {wanted}", align)
    if branch.upstream_state == "misnamed":
        yield Problem(
            "misnamed_upstream", branch.ref, f"it follows {branch.upstream}, which is called differently", align
        )
    elif branch.upstream_state == "gone":
        left = "; it has commits that were not in it" if branch.unpushed else ""
        yield Problem("upstream_gone", branch.ref, f"{branch.upstream} is not there any more{left}", align)
    elif branch.upstream_state == "never_pushed":
        # Git keeps no trace of a branch that was pushed and deleted there: to push it may bring back what is done with.
        detail = f"{branch.upstream} is set as its upstream and is not there; whether it ever was is not known here"
        push, end = shlex.join(("qd", "git", "push", branch.name)), shlex.join(("qd", "git", "track", branch.name, ""))
        yield Problem(
            "no_upstream", branch.ref, detail, f"{end} if it was deleted there, {push} if it is still to come"
        )
    elif branch.upstream_state == "none" and f"{REMOTES}{reading.remote}/{branch.name}" in reading.refs.all:
        detail = f"{reading.remote}/{branch.name} is there, but it does not follow it"
        fix = shlex.join(("qd", "git", "track", branch.name, f"{reading.remote}/{branch.name}"))
        yield Problem("no_upstream", branch.ref, detail, fix)


def _clashes(state: RepositoryState) -> Iterator[Problem]:
    for clash in _clashes_of(frozenset(branch.name for branch in state.branches)):
        yield Problem("case_collision", HEADS + clash.name, clash.why, f"qd git rename {shlex.quote(clash.name)} NEW")
    names: dict[str, list[str]] = {}
    for remote in state.remotes:
        names[remote.name] = [branch.name for branch in state.remote_only if branch.remote == remote.name]
    prefixes = [(f"{REMOTES}{remote.name}/", names[remote.name]) for remote in state.remotes]
    for branch in state.branches:
        if branch.upstream_ref and branch.upstream_oid:
            for prefix, known in prefixes:
                if branch.upstream_ref.startswith(prefix):
                    known.append(branch.upstream_ref.removeprefix(prefix))
    for remote_name, there in names.items():
        for clash in _clashes_of(frozenset(there)):
            detail = f"on {remote_name}: {clash.why}"
            fix = f"rename or delete one of them on {remote_name}"
            yield Problem("case_collision", f"{REMOTES}{remote_name}/{clash.name}", detail, fix)


@lru_cache(maxsize=128)
def _clashes_of(names: frozenset[str]) -> tuple[Clash, ...]:
    """Names change less often than what they stand for."""
    return tuple(clashes_to_tell(names))


def _commit_graph(reading: Reading, state: RepositoryState) -> Iterator[Problem]:
    if len(state.branches) < _MANY_BRANCHES or not reading.trusted:
        return
    info = reading.layout.objects / "info"
    if not (info / "commit-graph").exists() and not (info / "commit-graphs").is_dir() and not _borrows(info):
        yield Problem(
            "no_commit_graph",
            "",
            "without a commit-graph git and this list need several times as long",
            "git commit-graph write --reachable",
        )


def _borrows(info: Path) -> bool:
    return (info / "alternates").exists()

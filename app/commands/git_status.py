"""`qd git status`: what is where, in one repository or in all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.commands.common import config_option, emit, json_option, load_settings
from app.commands.git_repository import choose_many, opened, repository_options
from app.commands.text import clean, columns, one_line
from app.git.model import Branch, Commit, Problem, RemoteBranch, Report, RepositoryState
from app.settings import Loaded

EXAMPLES = (
    "\b\nExamples:\n  qd git status              all repositories of the configuration\n  qd git status --path . --json"
)


@click.command(epilog=EXAMPLES)
@repository_options
@json_option
@config_option
def status(repo: str | None, path: Path | None, as_json: bool, config: Path | None) -> int:
    """Print the state of repositories and of their branches."""
    loaded = load_settings(config)
    states, stopped = asyncio.run(_read(loaded, repo, path))
    if as_json:
        emit({"repositories": [document(state, stopped) for state in states]})
    else:
        click.echo("\n\n".join("\n".join(lines(state, stopped)) for state in states))
    return 1 if any(state.error for state in states) else 0


async def _read(
    loaded: Loaded, repo: str | None, path: Path | None
) -> tuple[tuple[RepositoryState, ...], tuple[Report, ...]]:
    """The repositories, and the operations on any of them that were interrupted."""
    async with opened(loaded, choose_many(loaded, repo, path), keeps=False) as service:
        return (await service.settled()).repositories, service.interrupted()


def document(state: RepositoryState, stopped: Sequence[Report] = ()) -> dict[str, Any]:
    """A repository as `--json` prints it."""
    changes = state.changes
    counted = ("changed", "staged", "untracked", "conflicts", "stashes")
    return {
        "name": state.name,
        "path": state.path,
        "head": {
            "branch": state.head.branch,
            "oid": state.head.oid,
            "detached": state.head.detached,
            "unborn": state.head.unborn,
        },
        "default_branch": state.default_branch,
        "operation": state.operation,
        **{name: getattr(changes, name) if changes is not None else None for name in counted},
        "bare": state.bare,
        "shallow": state.shallow,
        "remotes": [{"name": remote.name, "url": remote.url, "head": remote.head} for remote in state.remotes],
        "branches": [_branch(branch) for branch in state.branches],
        "remote_only": [_remote_branch(branch) for branch in state.remote_only],
        "problems": [
            {"kind": problem.kind, "ref": problem.ref, "detail": problem.detail, "fix": problem.fix}
            for problem in state.problems
        ],
        "interrupted": [{"op_id": r.op_id, "title": r.title} for r in stopped if r.repository == state.name],
        "error": state.error or None,
    }


def _branch(branch: Branch) -> dict[str, Any]:
    names = (
        *("name", "oid", "upstream", "upstream_state", "ahead", "behind", "ahead_default", "behind_default"),
        *("lower_bound", "landed", "landed_why", "unpushed", "stale", "misnamed", "protected", "held_by"),
    )
    return {**{name: getattr(branch, name) for name in names}, "last_commit": _commit(branch.last_commit)}


def _remote_branch(branch: RemoteBranch) -> dict[str, Any]:
    names = ("oid", "ahead_default", "behind_default", "landed", "landed_why", "stale", "protected")
    return {
        "name": f"{branch.remote}/{branch.name}",
        **{name: getattr(branch, name) for name in names},
        "last_commit": _commit(branch.last_commit),
    }


def _commit(commit: Commit) -> dict[str, Any]:
    time = datetime.fromtimestamp(commit.time, UTC).isoformat().replace("+00:00", "Z")
    return {"oid": commit.oid, "time": time, "author": commit.author, "subject": commit.subject}


def lines(state: RepositoryState, stopped: Sequence[Report] = ()) -> list[str]:
    """A repository for people."""
    said = [clean(f"{state.name}  {state.path}")]
    if state.error:
        return [*said, f"  ⚠ {clean(state.error)}", *([f"    {clean(state.error_fix)}"] if state.error_fix else [])]
    head = state.head.branch or f"detached at {state.head.oid[:10]}"
    parts = [f"on {head}" + (", which has no commit yet" if state.head.unborn else "")]
    if state.operation:
        parts.append(f"in the middle of a {state.operation}")
    if state.changes is not None:
        counts = ((name, getattr(state.changes, name)) for name in ("staged", "changed", "untracked", "conflicts"))
        parts += [f"{number} {name}" for name, number in counts if number]
        if state.changes.stashes:
            parts.append(f"{state.changes.stashes} stashed")
    said.append(f"  {clean(', '.join(parts))}")
    rows = [_row(branch) for branch in state.branches]
    if rows:
        head_line = ("", "branch", "upstream", "↑", "↓", f"↑ {state.default_branch}", "↓", "")
        said += [f"  {clean(line)}" for line in columns(head_line, rows, right=("↑", "↓", head_line[5]))]
    said += [f"  ⚠ {one_line(_problem(problem))}" for problem in state.problems]
    said += [
        f"  ⚠ interrupted: {one_line(report.title)} (qd git finish {report.op_id}, or qd git undo {report.op_id})"
        for report in stopped
        if report.repository == state.name
    ]
    return said


def _problem(problem: Problem) -> str:
    """A problem with what it is about: several branches may have the same."""
    name = problem.ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
    return f"{f'{name}: ' if name else ''}{problem.detail} ({problem.fix})"


def _row(branch: Branch) -> Sequence[str]:
    badges = [
        *([branch.landed] if branch.landed else []),
        *(["gone"] if branch.upstream_state == "gone" else []),
        *(["upstream not there"] if branch.upstream_state == "never_pushed" else []),
        *(["unpushed commits"] if branch.unpushed else []),
        *(name for name in ("stale", "misnamed", "protected") if getattr(branch, name)),
        *([branch.held_by] if branch.held_by and branch.held_by != "head" else []),
    ]
    least = "≥" if branch.lower_bound else ""

    def figure(number: int | None) -> str:
        return "" if number is None else f"{least}{number}" if number else "·"

    counts = (branch.ahead, branch.behind, branch.ahead_default, branch.behind_default)
    mark = "▸" if branch.is_head else ""
    return (mark, branch.name, branch.upstream or "", *(figure(number) for number in counts), " ".join(badges))

"""`qd git switch|new|rename|align|sync|push|track|prune`: planned, shown, done, and taken back with `qd git undo`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from app.commands.common import config_option, json_option, load_settings
from app.commands.git_reports import answer, carry_out
from app.commands.git_repository import choose, opened, repository_options
from app.git.model import OperationKind, Plan, Refusal, Report

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Given:
    """What every operation's command is given."""

    repo: str | None
    path: Path | None
    dry_run: bool
    yes: bool
    as_json: bool
    config: Path | None

    @property
    def where(self) -> tuple[str, ...]:
        """The options that name the same repository again."""
        if self.repo is not None:
            return ("--repo", self.repo)
        return ("--path", str(self.path)) if self.path is not None else ()


def operation_options(function: Function) -> Function:
    """The options of every operation, gathered into one `Given`."""

    def gathered(
        repo: str | None,
        path: Path | None,
        dry_run: bool,
        yes: bool,
        as_json: bool,
        config: Path | None,
        **rest: Any,
    ) -> Any:
        return function(Given(repo, path, dry_run, yes, as_json, config), **rest)

    gathered.__name__, gathered.__doc__ = function.__name__, function.__doc__
    gathered.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]  # click's own
    wrapped: Any = gathered
    for option in (
        config_option,
        json_option,
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--dry-run", is_flag=True, help="Only show what would be done."),
        repository_options,
    ):
        wrapped = option(wrapped)
    result: Function = wrapped
    return result


def operate(
    given: Given, kind: OperationKind, arguments: dict[str, object], *, asks: bool = False, names: Sequence[str] = ()
) -> int:
    """Plan and carry out one operation; with `names`, of all changes to these branches that are not locked."""

    async def work() -> tuple[Report, Plan, frozenset[str] | None]:
        loaded = load_settings(given.config)
        spec = choose(loaded, given.repo, given.path)
        async with opened(loaded, (spec,), keeps=not given.dry_run) as service:
            plan = await service.plan(kind, spec.name, **arguments)
            ticked = None
            if names:
                ticked = frozenset(change.key for change in plan.changes if not change.locked)
                locked = dict.fromkeys(Refusal(change.ref, change.locked) for change in plan.changes if change.locked)
                plan = replace(plan, refused=(*plan.refused, *locked))
            report = await carry_out(
                service,
                plan,
                dry_run=given.dry_run,
                yes=given.yes,
                asks=asks,
                as_json=given.as_json,
                ticked=ticked,
            )
            return report, plan, ticked

    report, plan, ticked = asyncio.run(work())
    shown = asks and not given.yes
    return answer(report, plan, as_json=given.as_json, ticked=ticked, shown=shown, where=given.where)


@click.command(epilog="\b\nExample:\n  qd git switch feat/late-fills")
@click.argument("branch")
@operation_options
def switch(given: Given, branch: str) -> int:
    """Switch to BRANCH; one that is only on a remote, such as origin/topic, is made here."""
    return operate(given, "switch", {"name": branch})


@click.command(epilog="\b\nExample:\n  qd git new feat/late-fills --start v1.2")
@click.argument("branch")
@click.option("--start", metavar="REVISION", default="", help="Where it begins (default: the default branch).")
@operation_options
def new(given: Given, branch: str, start: str) -> int:
    """Make BRANCH and switch to it."""
    return operate(given, "new", {"name": branch, "start": start})


@click.command(epilog="\b\nExample:\n  qd git rename Feature_X feat/x")
@click.argument("old")
@click.argument("name")
@click.option("--local", is_flag=True, help="Leave the remote as it is.")
@operation_options
def rename(given: Given, old: str, name: str, local: bool) -> int:
    """Rename a branch: here, on its remote, and what follows what, in one go."""
    return operate(given, "rename", {"old": old, "new": name, "remote": not local}, asks=True)


@click.command(epilog="\b\nExamples:\n  qd git align --dry-run\n  qd git align feat/old")
@click.argument("branches", nargs=-1)
@operation_options
def align(given: Given, branches: tuple[str, ...]) -> int:
    """Mend every mismatch of a repository: names, upstreams, heads of remotes.

    What may be meant so, such as an upstream that is gone, is listed and left alone. With BRANCHES it is about those
    alone, and that is mended too.
    """
    return operate(given, "align", {"names": branches}, asks=True)


@click.command(epilog="\b\nExample:\n  qd git sync")
@operation_options
def sync(given: Given) -> int:
    """Fetch, and move forward every branch that can be."""
    return operate(given, "sync", {})


@click.command(epilog="\b\nExample:\n  qd git push feat/late-fills")
@click.argument("branch", default="")
@operation_options
def push(given: Given, branch: str) -> int:
    """Push BRANCH (default: the current one) and let it follow what it was pushed to."""
    return operate(given, "push", {"name": branch})


@click.command(
    epilog="\b\nExamples:\n  qd git track feat/late-fills origin/feat/late-fills\n  qd git track feat/late-fills ''"
)
@click.argument("branch")
@click.argument("upstream")
@operation_options
def track(given: Given, branch: str, upstream: str) -> int:
    """Let BRANCH follow UPSTREAM; an empty one ends it."""
    return operate(given, "track", {"name": branch, "upstream": upstream})


@click.command(epilog="\b\nExamples:\n  qd git prune --dry-run\n  qd git prune --local feat/old")
@click.argument("branches", nargs=-1)
@click.option("--local", is_flag=True, help="Only here.")
@click.option("--remote", is_flag=True, help="Only on the remote.")
@operation_options
def prune(given: Given, branches: tuple[str, ...], local: bool, remote: bool) -> int:
    """Delete branches whose work has landed, here and on the remote; or exactly BRANCHES."""
    both = local == remote
    arguments: dict[str, object] = {"local": local or both, "remote": remote or both, "names": branches}
    return operate(given, "prune", arguments, asks=True, names=branches)

"""What can be done to a repository. Each module makes the plan of one kind; the executor carries all of them out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from app.errors import UserError
from app.git.cli import Git
from app.git.model import Plan, RepositoryState, Rules

KINDS = ("switch", "new", "rename", "align", "sync", "push", "track", "prune")

Planner = Callable[..., Awaitable[Plan]]


async def make_plan(kind: str, git: Git, state: RepositoryState, rules: Rules, **arguments: Any) -> Plan:
    """What an operation of this kind would do; see the `plan` of its module for the arguments.

    Nothing is changed, though `sync`, `push`, `rename`, `align` and `prune` ask the remotes, and may download objects
    that are needed to tell. Raises UserError (GitError) when there is no such operation or it makes no sense here.
    """
    if kind not in KINDS:
        raise UserError(f"there is no operation {kind}", fix=f"choose one of {', '.join(KINDS)}")
    planner: Planner = import_module(f"app.git.operations.{kind}").plan
    return await planner(git, state, rules, **arguments)

"""Operations whose work is not moving refs: how an area of its own, such as hygiene, fits into the same life."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.git.cli import Git
from app.git.model import Plan


@dataclass(slots=True)
class Work:
    """What a handler is given to work with."""

    git: Git
    op_id: str
    plan: Plan
    data: dict[str, Any]
    """What has been noted so far, of this operation (or, when undoing, of the one that is undone); plain JSON."""
    note: Callable[[dict[str, Any]], Awaitable[None]]
    """Adds to `data`; durable on return. Note down what undo needs before changing it."""
    pin: Callable[[str, str], Awaitable[None]]
    """`pin(name, oid)` keeps an object, such as a tree of the index as it was, for as long as undo may want it."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """What was left alone, and why; reported."""


class Handler(Protocol):
    """Does the work of one kind of operation. Both must be repeatable: after a crash they are called again.

    Raise UserError (GitError) when it cannot be done; where nothing was changed yet, set nothing in `data`.
    """

    async def act(self, work: Work) -> None:
        """Do what `work.plan` says."""

    async def undo(self, work: Work) -> None:
        """Take it back with what was noted. What the user has changed since must stay; say so in `work.refused`."""

    def undo_plan(self, plan: Plan, data: dict[str, Any]) -> Plan:
        """The plan to show for taking `plan` back: title, changes, commands; the caller sets kind and arguments."""

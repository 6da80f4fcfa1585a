"""A Git service that answers at once and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from app.errors import UserError
from app.events import Bus, GitChanged, GitRepositories
from app.git.hooks import ADVICE, HooksReport, HookStatus
from app.git.hygiene.model import Finding
from app.git.model import (
    Commit,
    GitSnapshot,
    OperationKind,
    Plan,
    Report,
    RepositoryState,
    Rules,
)
from tests.fakes import NOW
from tests.git_fakes import ROOT, RULES, align_plan, audit, prune_plan, report


@dataclass
class FakeGit:
    """Answers from what it was given, and remembers what it was asked to do."""

    bus: Bus = field(default_factory=Bus)
    states: dict[str, RepositoryState] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    plans: dict[str, Plan | Exception] = field(default_factory=dict)
    outcome: Report | Exception | None = None
    operations: tuple[Report, ...] = ()
    cut: tuple[Report, ...] = ()
    rules: Rules = RULES
    gate: asyncio.Event | None = None
    """While it is there and not set, performing waits."""
    history: int = 12
    """Commits of every branch."""
    commit_error: Exception | None = None
    findings: tuple[Finding, ...] = field(default_factory=audit)
    broadcast_to: tuple[str, ...] = ()
    """Where the configuration sends summaries."""

    @classmethod
    def of(cls, *states: RepositoryState, **more: Any) -> FakeGit:
        """A service for these repositories."""
        plans: dict[str, Plan | Exception] = {"prune": prune_plan(), "align": align_plan()}
        return cls(states={state.name: state for state in states}, plans=plans, **more)

    def publish(self, state: RepositoryState) -> None:
        """Put a new state in force and tell."""
        self.states[state.name] = state
        self.bus.publish(GitChanged(state))

    def follow(self, *states: RepositoryState) -> None:
        """Follow other repositories and tell."""
        self.states = {state.name: state for state in states}
        self.bus.publish(GitRepositories(self.snapshot()))

    def runtime(self) -> Any:
        """What a pane is attached to."""
        ui = SimpleNamespace(editor="", theme="quarterdeck")
        git = SimpleNamespace(broadcast=SimpleNamespace(to=self.broadcast_to))
        return SimpleNamespace(bus=self.bus, git=self, settings=SimpleNamespace(ui=ui, git=git))

    def snapshot(self) -> GitSnapshot:
        return GitSnapshot(tuple(self.states.values()))

    async def refresh(self, repository: str | None = None) -> None:
        self.calls.append(("refresh", repository))

    async def fetch(self, repositories: Sequence[str]) -> None:
        self.calls.append(("fetch", *repositories))

    def cancel(self, repository: str) -> None:
        self.calls.append(("cancel", repository))
        if self.gate is not None:
            self.gate.set()

    async def commits(self, repository: str, ref: str, *, limit: int = 100, after: str = "") -> tuple[Commit, ...]:
        self.calls.append(("commits", repository, ref, after))
        if self.commit_error is not None:
            raise self.commit_error
        first = int(after[::-1], 16) % 10_000 // 7 if after else 0
        authors = ("Mara Olsen", "Jan de Wit", "a\x1b[31mb")
        found = [
            Commit(
                f"{(n + 1) * 7 + 9 * 10**24:040x}"[::-1],
                int(NOW - n * 9_000),
                authors[n % 3],
                f"Commit {n}: [b]fills[/b] and quotes",
            )
            for n in range(first, min(first + limit, self.history))
        ]
        return tuple(found)

    def _plan(self, kind: str, repository: str, **more: Any) -> Plan:
        made = self.plans.get(kind)
        if isinstance(made, Exception):
            raise made
        if made is not None:
            return replace(made, repository=repository)
        words = " ".join(str(value) for value in more.values() if value not in ("", None))
        commands = (("git", kind, *words.split()),)
        return Plan(kind, repository, f"{kind} {words}".strip(), commands=commands, arguments=more)  # type: ignore[arg-type]  # a kind

    async def plan(self, kind: OperationKind, repository: str, **arguments: object) -> Plan:
        self.calls.append(("plan", kind, repository, arguments))
        return self._plan(kind, repository, **arguments)

    async def plan_undo(self, repository: str, op_id: str = "") -> Plan:
        self.calls.append(("plan_undo", repository, op_id))
        return self._plan("undo", repository, op=op_id)

    async def plan_redo(self, repository: str, op_id: str = "") -> Plan:
        self.calls.append(("plan_redo", repository, op_id))
        return self._plan("redo", repository, op=op_id)

    def commands_of(self, plan: Plan, ticked: frozenset[str]) -> tuple[tuple[str, ...], ...]:
        names = tuple(change.ref.removeprefix("refs/heads/") for change in plan.changes if change.key in ticked)
        return (("git", "branch", "-D", "--", *names),) if names else ()

    async def perform(self, plan: Plan, ticked: frozenset[str] | None = None) -> Report:
        self.calls.append(("perform", plan.kind, plan.repository, ticked))
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome or report(plan)

    def interrupted(self) -> tuple[Report, ...]:
        return self.cut

    async def settle(self, op_id: str, how: Literal["finish", "undo"]) -> Report:
        self.calls.append(("settle", op_id, how))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        (found,) = (cut for cut in self.cut if cut.op_id == op_id)
        self.cut = tuple(cut for cut in self.cut if cut.op_id != op_id)
        return replace(found, state="done" if how == "finish" else "undone")

    async def journal(self, repository: str = "", *, limit: int = 100, after: str = "") -> tuple[Report, ...]:
        self.calls.append(("journal", repository, after))
        names = [found.op_id for found in self.operations]
        start = names.index(after) + 1 if after else 0
        return self.operations[start : start + limit]

    async def hygiene(self, repository: str) -> tuple[Finding, ...]:
        self.calls.append(("hygiene", repository))
        return self.findings

    def _hooks(self, state: str, *done: str) -> HooksReport:
        folder = Path(f"{ROOT}/trading/.git/hooks")
        push = HookStatus("pre-push", state, folder / "pre-push", folder / "pre-push.before-quarterdeck")  # type: ignore[arg-type]  # a state
        return HooksReport(folder, (push, HookStatus("pre-commit", "absent", folder / "pre-commit")), done, (ADVICE,))

    async def hooks(self, repository: str) -> HooksReport:
        self.calls.append(("hooks", repository))
        return self._hooks("foreign")

    async def install_hooks(self, repository: str) -> HooksReport:
        self.calls.append(("install_hooks", repository))
        return self._hooks("installed", "wrote pre-push, which runs the one that was there")

    async def uninstall_hooks(self, repository: str) -> HooksReport:
        self.calls.append(("uninstall_hooks", repository))
        raise UserError("cannot be put back: Permission denied", where=f"{ROOT}/trading/.git/hooks/pre-push")

    async def broadcast(self, repository: str, what: str = "", *, to: str = "") -> str:
        self.calls.append(("broadcast", repository, what, to))
        if to.startswith("file:/forbidden"):
            raise UserError("the file cannot be written", where="/forbidden", fix="choose another")
        return "mara pushed 3 commits to main\n\n- Fill limit orders at the ask\n- Replay from a file"

"""What the Git screen asks of the service, so that it can be built and tested against any that answers the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from app.git.hooks import HooksReport
    from app.git.hygiene.model import Finding
    from app.git.model import Commit, GitSnapshot, OperationKind, Plan, Report, Rules


class GitFace(Protocol):
    """The part of `app.git.service.GitService` that the screen uses. UserErrors tell what users can mend."""

    def snapshot(self) -> GitSnapshot:
        """All repositories as they are known now."""

    async def refresh(self, repository: str | None = None) -> None:
        """Read a repository (or all) again."""

    async def fetch(self, repositories: Sequence[str]) -> None:
        """Fetch from the remotes; progress comes as events."""

    def cancel(self, repository: str) -> None:
        """End what is under way there."""

    async def commits(self, repository: str, ref: str, *, limit: int = 100, after: str = "") -> tuple[Commit, ...]:
        """Commits of a branch, newest first, those that follow `after`."""

    async def plan(self, kind: OperationKind, repository: str, **arguments: object) -> Plan:
        """What an operation would do."""

    def commands_of(self, plan: Plan, ticked: frozenset[str]) -> tuple[tuple[str, ...], ...]:
        """The exact commands of a plan with these changes ticked; asks nothing of git."""

    async def perform(self, plan: Plan, ticked: frozenset[str] | None = None) -> Report:
        """Do what is ticked."""

    async def plan_undo(self, repository: str, op_id: str = "") -> Plan:
        """What undoing an operation (the last one) would do."""

    async def plan_redo(self, repository: str, op_id: str = "") -> Plan:
        """What doing an undone operation again would do."""

    def interrupted(self) -> tuple[Report, ...]:
        """Operations that a crash left in the middle."""

    async def settle(self, op_id: str, how: Literal["finish", "undo"]) -> Report:
        """Finish or undo one of those."""

    async def journal(self, repository: str = "", *, limit: int = 100, after: str = "") -> tuple[Report, ...]:
        """Operations, newest first."""

    async def hygiene(self, repository: str) -> tuple[Finding, ...]:
        """What is wrong with the tracked files."""

    async def hooks(self, repository: str) -> HooksReport:
        """How the hooks of a repository stand."""

    async def install_hooks(self, repository: str) -> HooksReport:
        """Install ours, or bring them up to date; those that were there stay in force."""

    async def uninstall_hooks(self, repository: str) -> HooksReport:
        """Take ours away and put back those that were there before."""

    async def broadcast(self, repository: str, what: str = "", *, to: str = "") -> str:
        """A summary of what happened; without `to` it is only shown."""

    @property
    def rules(self) -> Rules:
        """How branches are to be named."""

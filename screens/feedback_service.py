"""What the Feedback screen asks of its services, so that it can be built and tested against any that answers alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from app.feedback.model import Decision, Extra, FeedbackRow, Order, Quarantined, RowHead, State, Stats, Verdict
    from app.feedback.quarantine import Retried
    from app.feedback.retrain.model import Evaluation, Look, RetrainSnapshot, Run
    from app.feedback.review import Alike, Done, FeedbackSnapshot, Given


class QuarantineFace(Protocol):
    """The part of `app.feedback.mending.Mending` that the screen uses."""

    async def page(self, after: str = "") -> tuple[Quarantined, ...]:
        """Up to 100 open entries, oldest first, or those behind the one with this id; fewer are the last ones."""

    async def one(self, identity: str) -> Quarantined:
        """An entry with all that is kept of it, of which pages have the beginning."""

    async def mend(self, identity: str, text: str) -> Retried:
        """Try the mended text in the place of an entry."""

    async def retry(self, ids: Sequence[str], extra: Extra = "forbid") -> Retried:
        """Try entries again as they are."""

    async def drop(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Let entries go; answers those that were still open."""

    async def put_back(self, ids: Sequence[str]) -> None:
        """Open dropped entries again."""


class SourcesFace(Protocol):
    """What reads feedback from elsewhere while the app runs."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps it from being read: where, what, and what to do."""


class FeedbackFace(Protocol):
    """The part of `app.feedback.service.FeedbackService` that the screen uses. UserErrors tell what users can mend."""

    @property
    def quarantine(self) -> QuarantineFace:
        """What broke the contract."""

    def snapshot(self) -> FeedbackSnapshot:
        """The review as it stands now."""

    def open_review(self) -> None:
        """Keep rows ready."""

    def leave_review(self) -> None:
        """Claim no more."""

    def decide(self, verdict: Verdict, given: Given, *, row: str | None = None) -> bool:
        """Decide the row on top; the next one is there on return. False where that is not `row`."""

    def decide_many(self, rows: Sequence[FeedbackRow], verdict: Verdict, given: Mapping[str, Given]) -> None:
        """Decide these rows alike, as one step of undo. `given`: what goes with some of them, by row."""

    async def undo(self) -> Done | None:
        """Take back the last decision, which is returned; None where none is left."""

    async def redo(self) -> Done | None:
        """Decide again what was undone last, which is returned; None where there is nothing."""

    def set_order(self, order: Order) -> None:
        """Review in another order."""

    async def set_filter(self, text: str) -> None:
        """Review and list only what fulfils the filter."""

    def cancel(self) -> bool:
        """End a search that takes long; True if there was one."""

    async def page(
        self,
        after: RowHead | None = None,
        before: RowHead | None = None,
        *,
        end: bool = False,
        progress: Callable[[int], None],
        shown: Callable[[Sequence[RowHead]], None] = ...,
    ) -> tuple[RowHead, ...]:
        """Rows of the list, newest first; fewer than 100 are the last ones in that direction. `shown` hears those
        found so far."""

    async def read(self, identity: str) -> tuple[FeedbackRow | None, tuple[Decision, ...]]:
        """A row, and its decisions, oldest first."""

    async def rows(self, ids: Sequence[str]) -> tuple[FeedbackRow, ...]:
        """These rows."""

    async def claim_these(self, ids: Sequence[str]) -> tuple[FeedbackRow, ...]:
        """Of these rows those that wait and that nobody else reviews, claimed."""

    async def standing(self, ids: Sequence[str]) -> dict[str, State]:
        """The states of rows after all that was decided here."""

    async def alike(self, row: FeedbackRow) -> tuple[Alike, ...]:
        """Rows that wait and are nearly the same."""

    async def tags(self) -> tuple[str, ...]:
        """Tags in use."""

    async def stats(self, reviewer: str | None = None) -> Stats:
        """Figures of one reviewer, or of all."""


class RetrainFace(Protocol):
    """The part of `app.feedback.retrain.service.RetrainService` that the screen uses."""

    @property
    def names(self) -> tuple[str, ...]:
        """The pipelines that are configured."""

    def snapshot(self) -> RetrainSnapshot:
        """Every pipeline as it stands now."""

    def look_again(self) -> None:
        """Measure soon."""

    async def fire(self, name: str = "", *, force: bool = False) -> tuple[Run | None, Evaluation]:
        """Fire by hand; None where guards forbid it."""

    async def hold(self, name: str, reason: str | None) -> None:
        """Keep a pipeline from firing, with the reason why; None lets it fire again."""

    async def history(self, limit: int = 20) -> tuple[list[Run], list[Look]]:
        """Runs, and times when the conditions were met, newest first."""

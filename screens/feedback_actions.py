"""Which keys of the Feedback screen work now, and what those do that are about the row but decide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Input

from screens import feedback_keys
from screens import feedback_text as words
from screens.feedback_verdicts import FeedbackVerdicts

if TYPE_CHECKING:
    from textual.binding import BindingType

    from app.feedback.model import Order
    from widgets.refused_list import RefusedList

ORDER: tuple[Order, ...] = ("oldest", "worst", "uncertain", "cluster", "newest_model")
ON_ROW = frozenset(("score", "tags", "correct", "note", "alike"))
"""What needs the row of the queue."""
NEEDS_SERVICE = frozenset(
    (
        *(*ON_ROW, "verdict", "undo", "redo", "list", "order", "filter", "retrain", "stats", "copy", "refresh", "mark"),
        *("quarantine", "unknown"),
    )
)


class FeedbackActions(FeedbackVerdicts):
    """Which keys work, and what some of them do."""

    BINDINGS: ClassVar[list[BindingType]] = feedback_keys.BINDINGS

    unfolded = False
    order: Order | None = None
    """Chosen here; it outlives another configuration that names the same one."""
    refused: RefusedList

    # Which keys work now

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done now. While one types, no key is a verdict."""
        if action not in NEEDS_SERVICE:
            return True
        if isinstance(self.screen.focused, Input):
            return False
        if self.service is None:
            return False if action == "score" else None
        if action == "mark":
            return self.mode != "queue"
        if action == "unknown" or self.mode == "quarantine":
            return self._in_quarantine(action, parameters)
        if action in ON_ROW and self.mode != "queue":
            # In the list, digits open areas as they do everywhere.
            return False if action == "score" else None
        if action in ON_ROW and self._shown is None:
            return False if action == "score" else None
        if action == "verdict":
            return True if (self._shown is not None if self.mode == "queue" else bool(self.list.rows)) else None
        return True

    def _in_quarantine(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.mode != "quarantine" or action == "score":
            return False
        if action in ("correct", "unknown", "copy") or parameters == ("reject",):
            return True if self.refused.rows else None
        return None if action in (*ON_ROW, "verdict", "redo", "order", "filter") else True

    def mend(self) -> None:
        """Edit what was refused."""
        raise NotImplementedError

    def action_correct(self) -> None:
        """Open the output in an editor, or in the quarantine the row."""
        if self.mode == "quarantine":
            self.mend()
        else:
            super().action_correct()

    def action_order(self) -> None:
        """The next order of the queue."""
        if (snapshot := self.snapshot) is not None:
            self.choose_order(ORDER[(ORDER.index(snapshot.order) + 1) % len(ORDER)])

    def choose_order(self, order: Order) -> None:
        """Review in this order, and say so: where no row waits, or another page is open, nothing else shows it."""
        if self.service is not None:
            self.order = order
            self.service.set_order(order)
            self.say(f"review {words.ORDERS[order]}")

    def action_copy(self) -> None:
        """Copy the output, or what was refused."""
        text = self.text_to_copy()
        if text is not None:
            self.app.copy_to_clipboard(text)
            self.say(f"copied {len(text):,} characters")

    def text_to_copy(self) -> str | None:
        """What the row on show would be copied as."""
        raise NotImplementedError

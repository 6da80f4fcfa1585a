"""What the Feedback screen adds to the command palette: orders, states, and each pipeline's retraining."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from screens import feedback_text as words
from screens.base import Command
from screens.feedback_actions import ORDER
from screens.feedback_quarantine import FeedbackQuarantine
from widgets.safe_text import clean_line


class FeedbackPalette(FeedbackQuarantine):
    """Entries beyond the keys of the area."""

    def commands(self) -> Iterable[Command]:
        """Orders, states, and each pipeline's retraining."""
        if self.service is None:
            return
        for order in ORDER:
            yield Command(
                f"Feedback: review {words.ORDERS[order]}", "The order of the queue", partial(self.choose_order, order)
            )
        for state in ("waiting", "accepted", "rejected", "skipped"):
            yield Command(
                f"Feedback: list {state} rows", f"state:{state}", partial(self.list_filtered, f"state:{state}")
            )
        for name in self.runtime.retrain.names if self.runtime is not None else ():
            yield Command(
                f"Retrain {clean_line(name, 60)}: fire, hold, see what is missing",
                "Conditions, guards and the last runs",
                partial(self.show_retraining, name),
            )

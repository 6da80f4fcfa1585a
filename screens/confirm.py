"""One question with two answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from screens.dialog import Dialog

MOOT_EVERY_S = 0.3


class Confirm(Dialog[bool]):
    """Asks, and is dismissed with True or False."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", tooltip="Do it", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", tooltip="Leave everything as it is", id="confirm.no"),
    ]

    def __init__(
        self,
        question: str,
        detail: str = "",
        *,
        yes: str = "yes",
        no: str = "no",
        moot: Callable[[], bool] | None = None,
    ) -> None:
        """`moot` is asked now and then: once it is true the question answers itself with yes."""
        super().__init__()
        self._moot = moot
        self._question = question
        self._detail = detail
        self._answers = (yes, no)

    def on_mount(self) -> None:
        if self._moot is not None:
            self.set_interval(MOOT_EVERY_S, self._look)

    def _look(self) -> None:
        if self._moot is not None and self._moot() and self.is_current:
            self.dismiss(True)

    def compose(self) -> ComposeResult:
        yes, no = self._answers
        body = Content.assemble(
            (self._detail, "$foreground"),
            "\n\n" if self._detail else "",
            ("y ", "bold $accent"),
            (yes, "$text-muted"),
            ("    n ", "bold $accent"),
            (no, "$text-muted"),
        )
        box = Static(body, classes="dialog")
        box.border_title = Content(self._question)
        yield box

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)

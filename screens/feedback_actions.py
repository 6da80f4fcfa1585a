"""What the keys of the Feedback screen do with the row: verdicts, what goes with them, undo and redo."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.widgets import Input

from screens import feedback_keys
from screens import feedback_text as words
from screens.feedback_given import FeedbackGiven
from screens.git_faults import told
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from textual.binding import BindingType

    from app.feedback.model import Order, State, Verdict
    from app.feedback.review import FeedbackSnapshot
    from screens.feedback_service import FeedbackFace
    from widgets.head_list import HeadList
    from widgets.refused_list import RefusedList

Mode = Literal["queue", "list", "alike", "quarantine"]
ORDER: tuple[Order, ...] = ("oldest", "worst", "uncertain", "cluster", "newest_model")
VERDICTS = {"accept": "accepted", "reject": "rejected", "skip": "skipped"}
ON_ROW = frozenset(("score", "tags", "correct", "note", "alike"))
"""What needs the row of the queue."""
NEEDS_SERVICE = frozenset(
    (
        *(*ON_ROW, "verdict", "undo", "redo", "list", "order", "filter", "retrain", "stats", "copy", "refresh", "mark"),
        *("quarantine", "unknown"),
    )
)


class FeedbackActions(FeedbackGiven):
    """Verdicts and what belongs to them."""

    BINDINGS: ClassVar[list[BindingType]] = feedback_keys.BINDINGS

    mode: Mode = "queue"
    unfolded = False
    order: Order | None = None
    """Chosen here; it outlives another configuration that names the same one."""
    _turn: asyncio.Lock
    list: HeadList
    refused: RefusedList
    _shown_at = 0.0
    _said = ""

    @property
    def snapshot(self) -> FeedbackSnapshot | None:
        """The review as it stands now."""
        return self.service.snapshot() if self.service is not None else None

    # What the rest of the screen gives

    def paint(self) -> None:
        """Bring the screen in line with the service."""
        raise NotImplementedError

    def leave_page(self) -> None:
        """Back to the queue."""
        raise NotImplementedError

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

    # What `e`, `x` and `u` do in the quarantine

    def mend(self) -> None:
        """Edit what was refused."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Let what was refused go."""
        raise NotImplementedError

    def take_back(self) -> None:
        """Take back what was let go."""
        raise NotImplementedError

    # Verdicts

    def action_verdict(self, verdict: Verdict) -> None:
        """Decide, and go on."""
        service = self.service
        if service is None:
            return
        if self.mode == "quarantine":
            self.let_go()
            return
        from app.errors import UserError
        from app.feedback.review import Given

        if self.mode == "queue":
            if self._shown is None:
                return
            passed = int((time.monotonic() - self._shown_at) * 1000)
            own = self.take_given((self._shown.row.id,))
            given = own.get(self._shown.row.id, Given())
            self._said = ""
            try:
                service.decide(verdict, replace(given, duration_ms=min(passed, 2**31 - 1)))
            except UserError as error:
                self._given.update(own)
                self.say(clean_line(told(error), 300))
            return
        ids = self.list.marks or ((self.list.cursor_row,) if self.list.cursor_row else ())
        if ids:
            self.attempt(self._in_turn(self._decide_many(service, tuple(ids), verdict)))

    async def _in_turn(self, work: Awaitable[None]) -> None:
        """After what was asked for before: an undo takes back also what is only about to be decided."""
        async with self._turn:
            await work

    async def _decide_many(self, service: FeedbackFace, ids: tuple[str, ...], verdict: Verdict) -> None:
        from app.errors import UserError

        rows = await service.rows(ids)
        # What was given to one of them before, in the queue, goes with it, and with no other.
        own = self.take_given(row.id for row in rows)
        try:
            service.decide_many(rows, verdict, own)
        except UserError:
            self._given.update(own)
            raise
        self.say(f"{len(rows):,} {VERDICTS[verdict]}, {words.key('u')} takes it back")
        if self.mode == "alike":
            self.leave_page()
            return
        from app.feedback.model import STATE_OF

        self.list.clear_marks()
        self.restate(dict.fromkeys(ids, STATE_OF[verdict]))
        self.list.action_move(1)

    def restate(self, states: Mapping[str, State]) -> None:
        """Show rows of the list in other states, each where it stands."""
        self.list.show([replace(head, state=states.get(head.id, head.state)) for head in self.list.heads.values()])

    def action_correct(self) -> None:
        """Open the output in an editor, or in the quarantine the row."""
        if self.mode == "quarantine":
            self.mend()
        else:
            super().action_correct()

    # Undo and redo

    def action_undo(self) -> None:
        """Take back the last decision; what went with it waits for the next verdict."""
        if self.mode == "quarantine":
            self.take_back()
            return
        service = self.service
        if service is None:
            return

        async def undo() -> None:
            done = await service.undo()
            if done is None:
                self.say("nothing to undo")
                return
            self.give_back(done)
            if self.mode == "list":
                self.restate({item.row.id: item.row.state for item in done.items})
            elif self.mode != "queue":
                self.leave_page()
            self.paint_row()
            self.say(f"undone, {words.key('ctrl+r')} does it again")

        self.attempt(self._in_turn(undo()))

    def action_redo(self) -> None:
        """Decide again what was undone last."""
        service = self.service
        if service is None:
            return

        async def redo() -> None:
            from app.feedback.model import STATE_OF

            done = await service.redo()
            if done is None:
                self.say("nothing to do again")
                return
            self.take_again(done)
            if self.mode == "list":
                self.restate({item.row.id: STATE_OF[done.verdict] for item in done.items})
            self.say("done again")

        self.attempt(self._in_turn(redo()))

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

    def attempt(self, work: Awaitable[None], *, quiet: bool = False) -> None:
        """Do something that may fail, and say so in the line below."""

        async def run() -> None:
            try:
                await work
            except Exception as error:
                if not quiet:
                    self.say(clean_line(told(error).replace("\n", "; "), 300))

        # Not exclusive: a second undo must not end the first one.
        self.run_worker(run(), group="feedback", exit_on_error=False)

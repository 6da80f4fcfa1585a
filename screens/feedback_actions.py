"""What the keys of the Feedback screen do with the row: verdicts, what goes with them, undo and redo."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.widgets import Input

from screens import feedback_keys
from screens import feedback_text as words
from screens.base import Pane
from screens.git_faults import told
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from textual.binding import BindingType

    from app.feedback.model import Order, QueueItem, State, Verdict
    from app.feedback.review import FeedbackSnapshot, Given
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


class FeedbackActions(Pane):
    """Verdicts and what belongs to them."""

    BINDINGS: ClassVar[list[BindingType]] = feedback_keys.BINDINGS

    mode: Mode = "queue"
    given: Given | None = None
    _given_back: Given | None = None
    """What the last undo gave back to its row."""
    unfolded = False
    order: Order | None = None
    """Chosen here; it outlives another configuration that names the same one."""
    list: HeadList
    refused: RefusedList
    _shown: QueueItem | None = None
    _shown_at = 0.0
    _said = ""

    @property
    def service(self) -> FeedbackFace | None:
        """The Feedback area's service, once the engine is up."""
        return self.runtime.feedback if self.runtime is not None else None

    @property
    def snapshot(self) -> FeedbackSnapshot | None:
        """The review as it stands now."""
        return self.service.snapshot() if self.service is not None else None

    # What the rest of the screen gives

    def paint(self) -> None:
        """Bring the screen in line with the service."""
        raise NotImplementedError

    def paint_row(self, *, keep: bool = True) -> None:
        """Show the row anew."""
        raise NotImplementedError

    def leave_page(self) -> None:
        """Back to the queue."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """A few words in the line below, until the next key."""
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
        from app.feedback.review import Given

        if self.mode == "queue":
            if self._shown is None:
                return
            passed = int((time.monotonic() - self._shown_at) * 1000)
            given = replace(self.given or Given(), duration_ms=min(passed, 2**31 - 1))
            self.given, self._said = None, ""
            service.decide(verdict, given)
            return
        ids = self.list.marks or ((self.list.cursor_row,) if self.list.cursor_row else ())
        if ids:
            self.attempt(self._decide_many(service, tuple(ids), verdict, Given()))

    async def _decide_many(self, service: FeedbackFace, ids: tuple[str, ...], verdict: Verdict, given: Given) -> None:
        rows = await service.rows(ids)
        service.decide_many(rows, verdict, given)
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

    def action_score(self, number: int) -> None:
        """Set the score that is stored with the verdict; the same key again takes it away."""
        from app.feedback.review import SCORES

        score = SCORES[number]
        self._give(score=None if self.given is not None and self.given.score == score else score)

    def _give(self, **changes: object) -> None:
        from app.feedback.review import Given

        self.given = replace(self.given or Given(), **changes)  # type: ignore[arg-type]  # fields of Given
        self.paint_row()

    # What is asked for in a dialog

    def action_tags(self) -> None:
        """Ask for the tags."""
        from screens.feedback_forms import Question, split_tags

        item, service = self._shown, self.service
        if item is None or service is None:
            return
        now = self.given.tags if self.given is not None and self.given.tags is not None else item.row.tags
        # Ready for the next tag: one that is typed at the end would become a part of the last.
        question = Question(
            "Tags", "".join(f"{tag}, " for tag in now), hint="tone, price", about="commas between them; tab completes"
        )

        def answered(text: str | None) -> None:
            if text is not None and self._shown is item:
                tags = split_tags(text)
                self._give(tags=None if tags == item.row.tags else tags)

        self.app.push_screen(question, answered)

        async def offer() -> None:
            question.offer(await service.tags())

        self.attempt(offer(), quiet=True)

    def action_note(self) -> None:
        """Ask for a note."""
        from screens.feedback_forms import Question

        item = self._shown
        if item is None:
            return
        now = (self.given.note if self.given is not None else None) or ""

        def answered(text: str | None) -> None:
            if text is not None and self._shown is item:
                self._give(note=text or None)

        self.app.push_screen(Question("Note", now, hint="what the verdict does not say"), answered)

    def action_correct(self) -> None:
        """Open the output in an editor, or in the quarantine the row."""
        if self.mode == "quarantine":
            self.mend()
            return
        from screens.feedback_forms import Correction

        item = self._shown
        if item is None:
            return
        now = self.given.correction if self.given is not None and self.given.correction is not None else None

        def answered(text: str | None) -> None:
            if text is not None and self._shown is item:
                self._give(correction=None if text == item.row.output else text)

        self.app.push_screen(Correction(item.row.output, item.row.output if now is None else now), answered)

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
            last = service.snapshot().last
            if not await service.undo():
                self.say("nothing to undo")
                return
            if self.mode == "list":
                # That of an earlier session is known once it is back: its row is on top.
                items = last.items if last is not None else service.snapshot().upcoming[:1]
                self.restate({item.row.id: item.row.state for item in items})
            elif self.mode != "queue":
                self.leave_page()
            if last is not None and len(last.items) == 1 and not last.given.empty:
                self.given = self._given_back = replace(last.given, duration_ms=None)
                self.paint_row()
            self.say(f"undone, {words.key('ctrl+r')} does it again")

        self.attempt(undo())

    def action_redo(self) -> None:
        """Decide again what was undone last."""
        service = self.service
        if service is None:
            return

        async def redo() -> None:
            from app.feedback.model import STATE_OF

            done = await service.redo()
            last = service.snapshot().last
            if done and last is not None and self.mode == "list":
                self.restate({item.row.id: STATE_OF[last.verdict] for item in last.items})
            self.say("done again" if done else "nothing to do again")

        self.attempt(redo())

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

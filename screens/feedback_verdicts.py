"""What the keys of the Feedback screen decide: one row or many, taken back and done again, in the order of the keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from screens import feedback_text as words
from screens.feedback_given import FeedbackGiven
from screens.git_faults import told
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.feedback.model import State, Verdict
    from app.feedback.review import Done, FeedbackSnapshot, Given
    from widgets.head_list import HeadList

Mode = Literal["queue", "list", "alike", "quarantine"]
VERDICTS = {"accept": "accepted", "reject": "rejected", "skip": "skipped"}


class FeedbackVerdicts(FeedbackGiven):
    """Verdicts, undo and redo."""

    mode: Mode = "queue"
    list: HeadList
    _turn: asyncio.Lock
    """Held by what has to ask the database before it decides or takes back."""
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

    def let_go(self) -> None:
        """Let what was refused go."""
        raise NotImplementedError

    def take_back(self) -> None:
        """Take back what was let go."""
        raise NotImplementedError

    def restate(self, states: Mapping[str, State]) -> None:
        """Show rows of the list in other states, each where it stands."""
        self.list.show([replace(head, state=states.get(head.id, head.state)) for head in self.list.heads.values()])

    # Verdicts

    def action_verdict(self, verdict: Verdict) -> None:
        """Decide, and go on."""
        if self.service is None:
            return
        if self.mode == "quarantine":
            self.let_go()
        elif self.mode != "queue":
            self._decide_listed(verdict)
        elif self._turn.locked():
            # Behind an undo, the key is meant for the row that this brings.
            self.attempt(self._in_turn(self._decide_later(verdict)), losing="a decision on its way")
        else:
            self._decide_shown(verdict)

    async def _in_turn(self, work: Awaitable[None]) -> None:
        """After what was asked for before."""
        async with self._turn:
            await work

    async def _decide_later(self, verdict: Verdict) -> None:
        self._decide_shown(verdict)

    def _decide_shown(self, verdict: Verdict) -> None:
        from app.errors import UserError
        from app.feedback.review import Given

        service, shown = self.service, self._shown
        if service is None or shown is None:
            return
        passed = int((time.monotonic() - self._shown_at) * 1000)
        own = self.take_given((shown.row.id,))
        given = replace(own.get(shown.row.id, Given()), duration_ms=min(passed, 2**31 - 1))
        self._said = ""
        try:
            why = "" if service.decide(verdict, given, row=shown.row.id) else "another row is on top now"
        except UserError as error:
            why = clean_line(told(error), 300)
        if why:
            self._given.update(own)
            self.paint()
            self.say(f"not decided: {why}")

    def _decide_listed(self, verdict: Verdict) -> None:
        """Decide the marked rows, or that under the cursor. The list goes on at once: the next key is about the next
        row, however long it takes to read these."""
        from app.feedback.model import STATE_OF

        page, mode = self.list, self.mode
        ids = tuple(page.marks) or ((page.cursor_row,) if page.cursor_row else ())
        if not ids:
            return
        before = {identity: page.heads[identity].state for identity in ids if identity in page.heads}
        if mode == "alike":
            self.leave_page()
        else:
            page.clear_marks()
            self.restate(dict.fromkeys(ids, STATE_OF[verdict]))
            page.action_move(1)
        many = "a decision" if len(ids) == 1 else f"{len(ids):,} decisions"
        self.attempt(self._in_turn(self._decide_many(ids, verdict, mode, before)), losing=f"{many} on the way")

    async def _decide_many(
        self, ids: tuple[str, ...], verdict: Verdict, mode: Mode, before: Mapping[str, State]
    ) -> None:
        service = self.service
        assert service is not None
        own: dict[str, Given] = {}
        try:
            rows = await (service.claim_these(ids) if mode == "alike" else service.rows(ids))
            # What was given to one of them before, in the queue, goes with it, and with no other.
            own = self.take_given(row.id for row in rows)
            service.decide_many(rows, verdict, own)
        except Exception:
            self._given.update(own)
            if self.mode == "list" == mode:
                self.restate(before)
            raise
        missed = len(ids) - len(rows)
        others = f"; {missed:,} others were decided or are reviewed by somebody else" if missed else ""
        self.say(f"{len(rows):,} {VERDICTS[verdict]}, {words.key('u')} takes it back{others}")

    # Undo and redo

    def action_undo(self) -> None:
        """Take back the last decision; what went with it waits for the next verdict."""
        if self.mode == "quarantine":
            self.take_back()
        elif self.service is not None:
            self.attempt(self._in_turn(self._undo()))

    async def _undo(self) -> None:
        service = self.service
        assert service is not None
        done = await service.undo()
        if done is None:
            self.say("nothing to undo")
            return
        self.give_back(done)
        self._restate_done(done, {item.row.id: item.row.state for item in done.items})
        if self.mode == "alike":
            self.leave_page()
        self.paint_row()
        self.say(f"undone, {words.key('ctrl+r')} does it again")

    def action_redo(self) -> None:
        """Decide again what was undone last."""
        if self.service is not None:
            self.attempt(self._in_turn(self._redo()))

    async def _redo(self) -> None:
        from app.feedback.model import STATE_OF

        service = self.service
        assert service is not None
        done = await service.redo()
        if done is None:
            self.say("nothing to do again")
            return
        self.take_again(done)
        self._restate_done(done, {item.row.id: STATE_OF[done.verdict] for item in done.items})
        self.say("done again")
        self.attempt(self._look_who_stands(done), quiet=True)

    async def _look_who_stands(self, done: Done) -> None:
        """Others may have decided the rows while the decision was taken back: theirs is the newer one."""
        from app.feedback.model import STATE_OF

        service = self.service
        assert service is not None
        states = await service.standing([item.row.id for item in done.items if not item.reshow])
        newer = {identity: state for identity, state in states.items() if state != STATE_OF[done.verdict]}
        if newer and done is service.snapshot().last:
            self._restate_done(done, newer)
            self.say(f"done again, but a newer decision of {len(newer):,} of these stands")

    def _restate_done(self, done: Done, states: Mapping[str, State]) -> None:
        if self.mode == "list":
            # What is shown again in silence has changed nothing of its row.
            silent = {item.row.id for item in done.items if item.reshow}
            self.restate({identity: state for identity, state in states.items() if identity not in silent})

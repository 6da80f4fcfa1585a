"""What goes with a verdict: a score, tags, a note, a corrected output. It stays with its row until that is decided."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from screens import feedback_text as words
from screens.base import Pane
from screens.git_faults import told
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.feedback.model import QueueItem
    from app.feedback.review import Done, FeedbackSnapshot, Given
    from screens.feedback_service import FeedbackFace


class FeedbackGiven(Pane):
    """What was given to rows and has no verdict yet, also to rows that have left the screen since."""

    _shown: QueueItem | None = None
    _given: dict[str, Given]
    """By row."""
    _given_back: dict[str, Given]
    """What an undo gave back: it is stored with the decision that was undone."""
    _returned: Done | None = None
    _losing: list[str]
    """What would be lost if the app ended before the work under way has."""

    @property
    def given(self) -> Given | None:
        """What was given to the row on show."""
        return self._given.get(self._shown.row.id) if self._shown is not None else None

    @property
    def service(self) -> FeedbackFace | None:
        """The Feedback area's service, once the engine is up."""
        return self.runtime.feedback if self.runtime is not None else None

    def paint_row(self, *, keep: bool = True) -> None:
        """Show the row anew."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """A few words in the line below, until the next ones or for some seconds."""
        raise NotImplementedError

    def attempt(self, work: Awaitable[None], *, quiet: bool = False, losing: str = "") -> None:
        """Do something that may fail, and say so in the line below. `losing`: what is lost if the app ends before."""

        async def run() -> None:
            try:
                await work
            except Exception as error:
                if not quiet:
                    self.say(clean_line(told(error).replace("\n", "; "), 300))
            finally:
                if losing:
                    self._losing.remove(losing)

        if losing:
            self._losing.append(losing)
        # Not exclusive: a second undo must not end the first one.
        self.run_worker(run(), group="feedback", exit_on_error=False)

    def without_verdict(self) -> str:
        """What would be lost if the app ended now, as a phrase."""
        if self._losing:
            return self._losing[0]
        return words.without_verdict(
            [given for identity, given in self._given.items() if given != self._given_back.get(identity)]
        )

    def take_given(self, ids: Iterable[str]) -> dict[str, Given]:
        """What was given to these rows, which get their verdict now."""
        found = {identity: self._given.pop(identity) for identity in ids if identity in self._given}
        for identity in found:
            self._given_back.pop(identity, None)
        return found

    def give_back(self, done: Done) -> None:
        """The decision does not hold any more: what went with it waits for the next one."""
        for item, given in zip(done.items, done.given, strict=True):
            given = replace(given, duration_ms=None)
            if not given.empty and item.row.id not in self._given:
                self._given[item.row.id] = self._given_back[item.row.id] = given

    def take_again(self, done: Done) -> None:
        """The decision holds again, with what went with it."""
        for item in done.items:
            if self._given.get(item.row.id) == self._given_back.pop(item.row.id, None):
                self._given.pop(item.row.id, None)

    def note_returned(self, snapshot: FeedbackSnapshot) -> None:
        """Rows whose decision could not be kept have what went with it again, and it is stored nowhere."""
        if snapshot.returned is not None and snapshot.returned is not self._returned:
            self._returned = snapshot.returned
            self.give_back(snapshot.returned)
            for item in snapshot.returned.items:
                self._given_back.pop(item.row.id, None)

    def _give(self, item: QueueItem, again: Callable[[str], None] | None = None, **changes: object) -> None:
        """Note what was given; `again` asks once more, with what is wrong, where it cannot be kept so."""
        from app.errors import UserError
        from app.feedback.giving import checked
        from app.feedback.review import Given

        identity = item.row.id
        given = replace(self._given.get(identity, Given()), **changes)  # type: ignore[arg-type]  # fields of Given
        try:
            given = checked(given)
        except UserError as error:
            if again is None:
                raise
            again(f"{error.where}: {error.what}")
            return
        if given.empty:
            self._given.pop(identity, None)
        else:
            self._given[identity] = given
        if self._shown is not None and self._shown.row.id == identity:
            self.paint_row()
        else:
            self.say("another row is on top now; what was typed waits for its row to come again")

    def action_score(self, number: int) -> None:
        """Set the score that is stored with the verdict; the same key again takes it away."""
        from app.feedback.review import SCORES

        if self._shown is not None:
            score = SCORES[number]
            self._give(self._shown, score=None if self.given is not None and self.given.score == score else score)

    # What is asked for in a dialog

    def action_tags(self) -> None:
        """Ask for the tags."""
        item = self._shown
        if item is not None:
            now = self.given.tags if self.given is not None and self.given.tags is not None else item.row.tags
            # Ready for the next tag: one that is typed at the end would become a part of the last.
            self._ask_tags(item, "".join(f"{tag}, " for tag in now))

    def _ask_tags(self, item: QueueItem, text: str, wrong: str = "", left: str | None = None) -> None:
        from screens.feedback_forms import Question, split_tags

        service = self.service
        left = text if left is None else left
        about = "commas between them; tab completes"
        question = Question("Tags", text, hint="tone, price", about=about, wrong=wrong, left=left)

        def answered(line: str | None) -> None:
            # Left as it was, a tag with a comma in it stays one.
            if line is not None and line != left.strip():
                tags = split_tags(line)
                given = None if tags == item.row.tags else tags
                self._give(item, lambda why: self._ask_tags(item, line, why, left), tags=given)

        async def offer() -> None:
            if service is not None:
                question.offer(await service.tags())

        self.app.push_screen(question, answered)
        self.attempt(offer(), quiet=True)

    def action_note(self) -> None:
        """Ask for a note."""
        if self._shown is not None:
            self._ask_note(self._shown, (self.given.note if self.given is not None else None) or "")

    def _ask_note(self, item: QueueItem, text: str, wrong: str = "", left: str | None = None) -> None:
        from screens.feedback_forms import Question

        left = text if left is None else left

        def answered(line: str | None) -> None:
            if line is not None:
                self._give(item, lambda why: self._ask_note(item, line, why, left), note=line or None)

        question = Question("Note", text, hint="what the verdict does not say", wrong=wrong, left=left)
        self.app.push_screen(question, answered)

    def action_correct(self) -> None:
        """Open the output in an editor."""
        if self._shown is not None:
            now = self.given.correction if self.given is not None else None
            self._ask_correction(self._shown, self._shown.row.output if now is None else now)

    def _ask_correction(self, item: QueueItem, text: str, wrong: str = "", left: str | None = None) -> None:
        from screens.feedback_forms import Correction

        left = text if left is None else left

        def answered(edited: str | None) -> None:
            if edited is not None:
                given = None if edited == item.row.output else edited
                self._give(item, lambda why: self._ask_correction(item, edited, why, left), correction=given)

        self.app.push_screen(Correction(item.row.output, text, about=wrong, left=left), answered)

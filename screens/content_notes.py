"""Notes in the Content screen: their tags, and the notes that link to one."""

from __future__ import annotations

from functools import partial

from screens.content_new import ContentNew
from widgets.safe_text import clean_line


class ContentNotes(ContentNew):
    """What `t` and `b` do."""

    def action_tags(self) -> None:
        """Ask for the tags of the note that is open."""
        if self.note is not None and not self.busy:
            self.attempt(self._ask_for_tags(), group="content-note", exclusive=True)

    async def _ask_for_tags(self) -> None:
        from screens.feedback_forms import Question

        desk, note = await self.desk(), self.note
        if note is None:
            return
        known = await desk.tags()
        hint = "one or more, with blanks between them; empty: none"
        question = Question(f"Tags of {clean_line(note.title, 40)}", " ".join(note.tags), hint=hint, keep="keeps them")
        question.offer(known)
        self.app.push_screen(question, partial(self._tags_given, note.id))

    def _tags_given(self, note_id: str, typed: str | None) -> None:
        if typed is not None and self.note is not None and self.note.id == note_id:
            self.attempt(self._set_tags(typed.replace(",", " ").split()))

    async def _set_tags(self, tags: list[str]) -> None:
        from app.content.desk import draft_of

        desk = await self.desk()
        # What stands in the editor is a version before.
        await self.keep()
        if self.note is None:
            return
        note = await desk.save_note(self.note, self.note.body, tags=tags)
        self.set_kept(draft_of(note), note, note.body)
        self.say(f"✓ tags: {' '.join(note.tags)}" if note.tags else "✓ no tags")
        self.list_again()

    def action_backlinks(self) -> None:
        """Show the notes that link to the one that is open."""
        if self.note is not None:
            self.attempt(self._show_backlinks(), group="content-note", exclusive=True)

    async def _show_backlinks(self) -> None:
        from screens.chooser import Choice, Chooser

        desk, note = await self.desk(), self.note
        if note is None:
            return
        heads = await desk.backlinks(note)
        if not heads:
            self.say(f"no note links to {clean_line(note.title, 60)}")
            return
        choices = [Choice(head.id, head.title, " ".join(head.tags)) for head in heads]
        self.app.push_screen(
            Chooser(f"Notes that link to {clean_line(note.title, 40)}", choices, done="opens it"),
            lambda key: (
                self.attempt(self.open_text(f"note:{key}"), group="content-open", exclusive=True) if key else None
            ),
        )

"""Texts that are kept elsewhere, too: by a command, another instance of the app, or a folder of notes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from textual.worker import Worker

from app.errors import UserError
from screens.content_base import ContentBase

if TYPE_CHECKING:
    from app.content.elsewhere import Latest
    from app.content.model import Draft, Note

LOOK_S = 2.0
"""How often it is looked whether the open text, or the list, is another one."""
PATIENCE_S = 2.0
"""Keeping a text does not wait longer than this for a look at the database."""


class ContentElsewhere(ContentBase):
    """Shows what was kept elsewhere, and asks before a text of here is kept on top of it."""

    _seen: Latest | None = None
    """What the list is of."""

    def follow_elsewhere(self) -> None:
        """Look now and then."""
        self.set_interval(LOOK_S, self._look_elsewhere)

    def _look_elsewhere(self) -> None:
        away = self.snapshot is not None and not self.snapshot.up
        if self.active and not away:
            self._watching: Worker[None] = self.run_worker(
                self._look_once, group="content-elsewhere", exclusive=True, exit_on_error=False
            )

    async def _look_once(self) -> None:
        await self.elsewhere()
        await self._look_at_list()

    async def _look_at_list(self) -> None:
        try:
            now = await asyncio.wait_for((await self.desk()).latest(), PATIENCE_S)
        except (UserError, TimeoutError):
            return
        if now != self._seen:
            self.follow_list()

    def follow_list(self) -> None:
        """Read the list anew, where that moves nothing under the reader's eyes."""
        raise NotImplementedError

    async def elsewhere(self) -> tuple[Draft, Note | None] | None:
        """What somebody else has kept of the open text; shown where nothing was typed here."""
        draft, note = self.draft, self.note
        if draft is None or self.busy or (self.snapshot is not None and not self.snapshot.up):
            return None
        desk = await self.desk()
        try:
            found = await asyncio.wait_for(desk.newer(draft, note), PATIENCE_S)
        except (UserError, TimeoutError):
            # Without the database nobody else keeps anything there either.
            return None
        if found is None or self.draft is not draft or self.busy:
            return None
        other = found[0]
        if (other.title, other.body) == (draft.title, draft.body):
            # Its state alone, or tags.
            self.draft, self.note = found
        elif not self.changed and self.editor.text == self._kept:
            place = self.editor.cursor_location
            self.show_draft(*found)
            self.editor.move_cursor(self.editor.clamp_visitable(place))
            self.say(f"it was changed elsewhere: this is version {other.version}; ctrl+t shows what is different")
            self.list_again()
        elif self.theirs is None or self.theirs.revision != other.revision:
            self.theirs = other
            self.paint()
        return found

    def action_save(self) -> None:
        """Keep the text as a version."""
        self.attempt(self._save())

    async def _save(self) -> None:
        if self.busy:
            return
        await self.elsewhere()
        if self.theirs is not None:
            self._ask_which(self.theirs)
        else:
            await self._save_on_top()

    async def _save_on_top(self) -> None:
        kept = await self.keep()
        if self.draft is not None and kept:
            self.say(f"✓ version {self.draft.version}")
        elif self.draft is not None:
            self.say("nothing has changed since the last version")

    def _ask_which(self, theirs: Draft) -> None:
        from screens.chooser import Choice, Chooser

        choices = [
            Choice("mine", "Keep mine", f"as version {theirs.version + 1}; theirs stays version {theirs.version}"),
            Choice("theirs", "See theirs", "among the versions; bringing it back there keeps mine before"),
        ]
        title = f"Changed elsewhere: version {theirs.version}"
        self.app.push_screen(Chooser(title, choices, done="does it"), partial(self._answered, theirs.id))

    def _answered(self, draft_id: str, chosen: str | None) -> None:
        if self.draft is None or self.draft.id != draft_id:
            return
        if chosen == "mine":
            self.attempt(self._save_on_top())
        elif chosen == "theirs":
            self.action_versions()

    def action_versions(self) -> None:
        """Show what was kept of the text."""
        raise NotImplementedError

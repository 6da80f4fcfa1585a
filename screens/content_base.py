"""What the parts of the Content screen share: the desk, the text that is open, and how work is begun and told."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from screens import content_keys
from screens.base import Pane
from screens.git_faults import told
from widgets.field_form import FieldForm
from widgets.markdown_editor import MarkdownEditor
from widgets.markdown_preview import MarkdownPreview
from widgets.style_findings import StyleFindings
from widgets.text_list import TextEntry, TextList

if TYPE_CHECKING:
    from textual.binding import BindingType

    from app.content.desk import Desk
    from app.content.model import ContentSnapshot, Draft, Note
    from app.content.service import ContentService


class ContentBase(Pane):
    """The open text and its panels."""

    BINDINGS: ClassVar[list[BindingType]] = content_keys.BINDINGS

    texts: TextList
    editor: MarkdownEditor
    preview: MarkdownPreview
    findings: StyleFindings
    form: FieldForm | None = None
    draft: Draft | None = None
    """What stands in the editor; a note in the shape of a draft."""
    note: Note | None = None
    changed = False
    """The text in the editor is not kept as a version."""
    busy = ""
    """What is under way and locks the text; empty where nothing is."""
    own_text = ""
    """The text from before that."""
    theirs: Draft | None = None
    """What somebody else has kept of the open text while it was changed here."""
    _put_last: tuple[tuple[TextEntry, Draft | Note], ...] = ()
    """What was put into another list since the text was changed, each as it was before."""
    _kept = ""
    _desk: Desk | None = None

    @property
    def service(self) -> ContentService | None:
        """The Content area's service, once the engine is up."""
        return self.runtime.content if self.runtime is not None else None

    @property
    def snapshot(self) -> ContentSnapshot | None:
        """What the service has counted."""
        return self.service.snapshot() if self.service is not None else None

    async def desk(self) -> Desk:
        """Where texts are written."""
        service = self.service
        if service is None:
            from app.errors import UserError

            raise UserError("the engine is still starting", fix="try again in a moment")
        self._desk = await service.desk()
        return self._desk

    # What the rest of the screen gives

    def say(self, text: str) -> None:
        """A few words in the line below, until the next are said."""
        raise NotImplementedError

    def paint(self) -> None:
        """Bring titles and the line below in line with what is open."""
        raise NotImplementedError

    def go(self, at: str) -> None:
        """Give the keyboard to `left`, `middle` or `right`, unfolding it."""
        raise NotImplementedError

    def list_again(self) -> None:
        """Read the list anew."""
        raise NotImplementedError

    async def leave_form(self) -> None:
        """Take an open form away; what was typed into it is there when it is opened again."""
        raise NotImplementedError

    async def elsewhere(self) -> tuple[Draft, Note | None] | None:
        """What somebody else has kept of the open text; shown where nothing was typed here."""
        raise NotImplementedError

    def text_shown(self) -> None:
        """Another text, or the same one changed: let preview and findings follow."""
        raise NotImplementedError

    # Work

    def attempt(self, work: Coroutine[Any, Any, None], group: str = "content", *, exclusive: bool = False) -> None:
        """Do it in the background; what users can mend is said in the line below."""
        self.run_worker(self._attempt(work), group=group, exclusive=exclusive, exit_on_error=False)

    async def _attempt(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            if self.is_mounted:
                self.say(f"✗ {told(error).replace(chr(10), '; ')}")

    # The text that is open

    def show_draft(self, draft: Draft | None, note: Note | None = None, *, text: str | None = None) -> None:
        """Put a text into the editor. `text` is what was typed since the version."""
        self.draft, self.note, self.theirs = draft, note, None
        body = draft.body if draft is not None else ""
        self._kept = body
        self.editor.read_only = draft is None
        self.editor.text = body if text is None else text
        # The editor has its own line ends.
        self._kept = self.editor.text if text is None else body
        self.changed = text is not None and self.editor.text != self._kept
        self.text_shown()
        self.paint()

    def set_kept(self, draft: Draft, note: Note | None, text: str) -> None:
        """This text of the open draft is kept now; what was typed meanwhile is not."""
        if self.draft is None or self.draft.id != draft.id:
            return
        self.draft, self.note, self.theirs, self._kept = draft, note, None, text
        self.changed = self.editor.text != text
        self.edited()
        self.paint()

    def edited(self) -> None:
        """A key changed the text."""
        draft, desk = self.draft, self._desk
        if draft is None or desk is None or self.busy:
            return
        # Once it has changed it counts as changed until it is kept: comparing at every key would cost the keys time.
        if not self.changed and self.editor.text != self._kept:
            self.changed = True
            self.paint()
        if self.changed:
            self._put_last = ()
            desk.typed(draft.id, self._current)
        self.text_shown()

    def _current(self) -> Draft:
        assert self.draft is not None
        return replace(self.draft, body=self.own_text if self.busy else self.editor.text)

    async def keep(self, reason: Any = "saved") -> bool:
        """Keep the open text as a version, if it has changed; whether it is one now.

        What somebody else has kept meanwhile is the version before, or what is shown where nothing was typed here.
        """
        if self.busy:
            from app.errors import UserError

            # What stands in the editor while a reply comes is not the author's text.
            raise UserError(self.busy, fix="then try again")
        found = await self.elsewhere()
        draft, note, text = self.draft, self.note, self.editor.text
        if draft is None or (not self.changed and text == self._kept):
            return False
        desk = await self.desk()
        if found is not None and found[0].id == draft.id:
            draft, note = found
        if note is not None:
            from app.content.desk import draft_of

            saved = await desk.save_note(note, text)
            self.set_kept(draft_of(saved), saved, text)
        else:
            self.set_kept(await desk.save(draft, text, reason=reason), None, text)
        self.list_again()
        return True

    async def in_thread(self, work: Any, *given: Any) -> Any:
        """Run it in a thread, with keys going first."""
        from widgets.markdown_preview import quick_turns

        with quick_turns():
            return await asyncio.to_thread(work, *given)

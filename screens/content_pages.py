"""What is opened over the Content screen: versions, publishing, the user's own editor, the browser."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import SuspendNotSupported

from screens.content_ai import ContentAi
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from textual.worker import Worker

    from app.content.live_page import LivePage
    from app.content.model import Draft, DraftVersion, NoteVersion, Publication
    from app.content.outgoing import Delivered, Outgoing
    from app.content.publishing.decisions import Decision
    from app.content.publishing.publisher import Preview
    from screens.content_targets import Told

Result = TypeVar("Result")


class ContentPages(ContentAi):
    """Versions, publishing, `$EDITOR`, HTML."""

    _live: LivePage | None = None
    _said: str
    _telling: Worker[None] | None = None

    # Versions

    def action_versions(self) -> None:
        """Show what was kept of the text."""
        if self.draft is not None and not self.busy:
            self.attempt(self._versions(), group="content-versions", exclusive=True)

    async def _versions(self) -> None:
        from screens.content_versions import Version, Versions

        draft, note = self.draft, self.note
        if draft is None:
            return
        desk = await self.desk()
        found: tuple[Any, ...] = await (desk.versions(draft) if note is None else desk.note_versions(note))
        if not found:
            self.say("no version has reached the database yet: look again in a moment")
            return
        shown = [Version(each.number, each.reason, each.body, each.at.timestamp()) for each in found]
        self.app.push_screen(
            Versions(f"Versions of {draft.title}", shown, self.editor.text),
            lambda place: self.attempt(self._restore(found[place])) if place is not None else None,
        )

    async def _restore(self, version: DraftVersion | NoteVersion) -> None:
        from app.content.desk import draft_of

        desk = await self.desk()
        # What stands in the editor becomes a version before, so that nothing of it is lost.
        await self.keep()
        if self.note is not None:
            note = await desk.save_note(self.note, version.body)
            self.show_draft(draft_of(note), note)
        elif self.draft is not None:
            from app.content.model import DraftVersion

            assert isinstance(version, DraftVersion)
            self.show_draft(await desk.restore(self.draft, version))
        assert self.draft is not None
        self.say(f"✓ version {version.number} is back, as version {self.draft.version}")
        self.list_again()

    # Publishing

    def action_publish(self) -> None:
        """Say where the draft goes."""
        if self.draft is not None and not self.busy:
            self.attempt(self._publish(), group="content-publish", exclusive=True)

    async def _publish(self) -> None:
        from screens.content_publish import Publish

        if self.note is not None:
            self.say("notes are not published: a draft can hold one's text")
            return
        await self.keep()
        desk, draft = await self.desk(), self.draft
        if draft is None:
            return
        outgoing = await self.in_thread(lambda: desk.outgoing)
        if not outgoing.targets:
            self.say("✗ no target is configured: add a [[content.targets]]; docs/content.md shows how")
            return
        suggested = set(await self.in_thread(desk.suggested, draft)) & set(outgoing.targets)
        ticked = suggested or (outgoing.targets if len(outgoing.targets) == 1 else ())

        kinds = {name: outgoing.kind(name) for name in outgoing.targets}
        ways = _Ways(outgoing, draft, self)
        page = Publish(draft.title, kinds, ticked, ways)
        self.app.push_screen(page, partial(self._published, ways))

    def _published(self, ways: _Ways, done: tuple[Told, str] | None) -> None:
        if done is not None:
            self.say(done[1])
            self._say_on(ways, *done)
        if self.draft is not None:
            self.attempt(self._state_again())

    def _say_on(self, ways: _Ways, told: Told, said: str) -> None:
        """Let what is said of deliveries follow them for as long as it stands in the line below."""

        def changed() -> None:
            if not self.is_mounted or self._said != said:
                unfollow()
            else:
                self._telling = self.run_worker(say_again, group="content-told", exclusive=True, exit_on_error=False)

        async def say_again() -> None:
            nonlocal said
            words = told.words(await ways.states())
            if self._said == said != words:
                said = words
                self.say(words)

        unfollow = ways.follow(changed)

    async def _state_again(self) -> None:
        """A draft that has reached readers counts as published: take over its state."""
        desk, draft = await self.desk(), self.draft
        if draft is not None and self.note is None:
            found = await desk.find(draft.id)
            if self.draft is not None and self.draft.id == found.id and found.version == self.draft.version:
                self.draft = found
        self.list_again()

    # The user's own editor

    def action_editor(self) -> None:
        """Go on in `$EDITOR`."""
        if self.draft is not None and not self.busy:
            self.attempt(self._in_editor(), group="content-editor", exclusive=True)

    async def _in_editor(self) -> None:
        from screens.editor import arguments, editor_command, run_in_terminal, windowed

        assert self.runtime is not None
        command = editor_command(self.runtime.settings.ui.editor)
        if windowed(command):
            self.say("✗ an editor with a window of its own cannot be waited for: set $EDITOR to one of the terminal")
            return
        line = self.editor.cursor_location[0] + 1
        with tempfile.TemporaryDirectory(prefix="quarterdeck-") as folder:
            path = Path(folder) / "text.md"
            await asyncio.to_thread(path.write_text, self.editor.text, encoding="utf-8")
            try:
                code = await run_in_terminal(self.app, arguments(command, path, line))
                text = await asyncio.to_thread(path.read_text, encoding="utf-8", errors="replace")
            except SuspendNotSupported:
                self.say("✗ an editor cannot take over this terminal")
                return
            except OSError as error:
                self.say(f"✗ {command[0]}: {error.strerror}; set $EDITOR or [ui] editor")
                return
        if code != 0:
            self.say(f"✗ {command[0]} ended with {code}: the text is as it was")
        elif text != self.editor.text:
            self.put_text(text)
            self.say("✓ taken over; ctrl+z takes it back, ctrl+s keeps it")

    def action_undo(self) -> None:
        """Take back what was put into another list last, else the last change of the text."""
        if self._put_last:
            self.attempt(self.put_back())
            return
        if self.draft is None:
            self.say("there is nothing to take back")
            return
        self._change(self.editor.action_undo, "the last change {} is taken back; ctrl+r does it again")

    def action_redo(self) -> None:
        """Do again what was taken back last."""
        self._change(self.editor.action_redo, "the change {} is done again; u takes it back")

    def _change(self, how: Callable[[], None], done: str) -> None:
        # From the list the text is not in view in a narrow terminal: what happened to it is said.
        if not self.busy:
            before = self.editor.text
            how()
            what = f"in {clean_line(self.draft.title, 40)}" if self.draft is not None else ""
            self.say(f"nothing to take back {what}" if self.editor.text == before else done.format(what))

    def action_copy(self) -> None:
        """Copy what is chosen in the text, or all of it."""
        chosen = self.editor.selected_text
        self.app.copy_to_clipboard(chosen or self.editor.text)
        self.say(f"✓ copied: {'what is chosen' if chosen else 'the text'}")

    # The browser

    def action_browser(self) -> None:
        """Show the page in the browser; it follows the keys."""
        if self.draft is not None:
            self.attempt(self._browse(), group="content-browser", exclusive=True)

    async def _browse(self) -> None:
        from app.content.live_page import LivePage

        if self._live is None:
            self._live = LivePage(self._html)
        try:
            url = await self._live.open()
        except OSError as error:
            self.say(f"✗ the page cannot be served: {error.strerror}")
            return
        if sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))):
            import webbrowser

            opened = await asyncio.to_thread(webbrowser.open, url)
        else:
            # What a terminal without windows would open is a browser in this very terminal.
            opened = False
        if opened:
            self.say(f"✓ in the browser: {url}")
        else:
            self.app.copy_to_clipboard(url)
            self.say(f"copied: {url}")

    async def _html(self) -> str:
        desk, draft = await self.desk(), self.draft
        if draft is None:
            return "<!doctype html><title>nothing is open</title><body>Nothing is open.</body>"
        from screens.git_faults import told

        try:
            page: str = await self.in_thread(desk.published_page, replace(draft, body=self.editor.text))
        except Exception as error:
            from html import escape

            return f"<!doctype html><title>✗</title><body><pre>{escape(told(error))}</pre></body>"
        return page

    def text_changed(self) -> None:
        """Let the browser follow."""
        if self._live is not None:
            self._live.changed()

    async def close_live(self) -> None:
        """Serve the page no more."""
        if self._live is not None:
            await self._live.close()


class _Ways:
    """A draft, and where it goes; what changes anything is counted anew, and told over the bus."""

    def __init__(self, outgoing: Outgoing, draft: Draft, pane: ContentPages) -> None:
        assert pane.runtime is not None
        assert pane.service is not None
        self._outgoing, self._draft = outgoing, draft
        self._changed, self._bus = pane.service.look, pane.runtime.bus
        outgoing.follow(self._changed)

    async def look(self, target: str) -> Preview:
        return await self._outgoing.preview(self._draft, target)

    async def read(self) -> Sequence[Delivered]:
        return await self._outgoing.of_draft(self._draft)

    async def states(self) -> Sequence[Publication]:
        return await self._outgoing.states(self._draft)

    def follow(self, changed: Callable[[], None]) -> Callable[[], None]:
        from app.events import ContentChanged

        return self._bus.subscribe(ContentChanged, lambda _: changed())

    async def order(self, targets: Sequence[str], at: str, override: str, *, again: bool) -> str:
        return await self._and_count(self._outgoing.order(self._draft, targets, at, override, again=again))

    async def edit(self, sent: Publication, override: str) -> None:
        await self._and_count(self._outgoing.order(self._draft, (sent.target,), "", override, edit=True))

    async def take_back(self, sent: Publication) -> None:
        await self._and_count(self._outgoing.take_back(sent))

    async def decide(self, publication: Publication, decision: Decision) -> None:
        await self._and_count(self._outgoing.decide(publication, decision))

    async def _and_count(self, work: Awaitable[Result]) -> Result:
        try:
            return await work
        finally:
            self._changed()

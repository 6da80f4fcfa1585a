"""The desk: drafts, notes, templates, style, AI and targets as one screen works with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app import paths
from app.content.aside import Aside
from app.content.asking import asker, templates_folder, zone_of
from app.content.autosave import Autosave, Current
from app.content.drafts.drafts import OPEN, Drafts
from app.content.drafts.recovery import Left, Recovery
from app.content.elsewhere import Latest, latest, moved_on
from app.content.making import Begun, Maker
from app.content.model import Draft, DraftHead, Note, NoteHead
from app.content.notes.notes import Notes
from app.content.templates.catalogue import Catalogue, Entry
from app.errors import UserError
from app.settings import absolute, content_style

if TYPE_CHECKING:
    from app.content.ai.assistant import Assistant
    from app.content.ai.model import Action
    from app.content.ai.prompts import Task
    from app.content.model import DraftState, DraftVersion, NoteState, NoteVersion, VersionReason
    from app.content.outgoing import Outgoing
    from app.content.style.model import Finding, Fixed, Options
    from app.content.style.service import StyleService
    from app.db.engine import Database
    from app.db.spool import Spool
    from app.git.model import RepositorySpec
    from app.settings import Loaded

FLUSH_S = 2.0
Place = tuple[datetime, str]
"""Where a page of a list ends."""
NOTE = "note"
"""Kind of a draft that stands for a note while it is edited."""


class Desk:
    """Reads and writes texts. Raises UserError for what users can mend; what was written is never lost."""

    def __init__(
        self,
        loaded: Loaded,
        repositories: Sequence[RepositorySpec],
        db: Database,
        spool: Spool,
        *,
        changed: Callable[[], None],
    ) -> None:
        """`changed` is called after each write."""
        self._db, self._spool, self._changed = db, spool, changed
        self._drafts, self._notes = Drafts(db, spool), Notes(db, spool)
        self._recovery = Recovery(paths.state_dir() / "drafts")
        self.autosave = Autosave(self._recovery)
        self.aside = Aside()
        self._written: dict[str, Draft] = {}
        self._written_notes: dict[str, Note] = {}
        self._writing = self._wrote = 0
        self.use(loaded, repositories)

    def use(self, loaded: Loaded, repositories: Sequence[RepositorySpec]) -> None:
        """Go on with another configuration."""
        self._loaded = loaded
        ask = asker(loaded.settings, loaded.base, self._db, repositories)
        self._catalogue = Catalogue(templates_folder(loaded.settings, loaded.base))
        self._maker = Maker(self._catalogue, self._drafts, ask, paths.state_dir())
        self._styles: dict[str, Options] = {}
        self.__dict__.pop("outgoing", None)

    async def close(self) -> None:
        """Write what was typed."""
        await self.autosave.close()
        await self.aside.close()

    # Templates

    async def templates(self) -> tuple[Entry, ...]:
        """All templates, the broken ones with what is wrong."""
        # They may be others than before, and so may be what they say about style.
        self._styles.clear()
        return await asyncio.to_thread(self._catalogue.all)

    async def begin(self, template: str) -> Begun:
        """A template with its live data, and what its fields begin with."""
        return await self._maker.begin(template, asked=True)

    async def preview(self, begun: Begun, values: Mapping[str, Any]) -> tuple[str, str]:
        """Title and text of the draft that these answers would make. Raises UserError."""
        return await self._maker.preview(begun, values)

    async def make(self, begun: Begun, values: Mapping[str, Any]) -> Draft:
        """The draft of these answers."""
        return self._keep(await self._maker.make(begun, values))

    # Drafts

    async def page(
        self, states: tuple[DraftState, ...] = OPEN, *, after: Place | None = None
    ) -> tuple[tuple[DraftHead, ...], Place | None]:
        """Drafts in these states, the last changed first, and where the next page begins (None: nowhere).

        What this session wrote is as it wrote it, also while the database has not taken it yet.
        """
        await self._settle()
        found = await self._drafts.page(states, after=after)
        heads = {head.id: head for head in found.drafts}
        for draft in self._written.values():
            if draft.state in states and (after is None or draft.id in heads):
                heads[draft.id] = draft.head
            elif draft.state not in states:
                heads.pop(draft.id, None)
        ordered = sorted(heads.values(), key=lambda head: (head.updated_at, head.id), reverse=True)
        return tuple(ordered), found.after

    async def find(self, draft_id: str) -> Draft:
        """A whole draft."""
        await self._settle()
        return self._written.get(draft_id) or await self._drafts.find(draft_id)

    async def save(
        self, draft: Draft, body: str, *, title: str | None = None, reason: VersionReason = "saved"
    ) -> Draft:
        """Keep the text as the next version; the recovery file of what was typed goes."""
        with self._own():
            kept = self._keep(await self._drafts.save(draft, body, title=title, reason=reason))
            await self.autosave.settled(kept.id)
        return kept

    async def set_state(self, draft: Draft, state: DraftState) -> Draft:
        """Put it elsewhere; its text stays."""
        with self._own():
            return self._keep(await self._drafts.set_state(draft, state))

    async def bring_back(self, draft: Draft) -> Draft:
        """Out of the archive or the trash, to where its deliveries say that it belongs."""
        with self._own():
            return self._keep(await self._drafts.bring_back(draft))

    async def versions(self, draft: Draft) -> tuple[DraftVersion, ...]:
        """The versions of a draft, the latest first."""
        await self._settle()
        return await self._drafts.versions(draft.id)

    async def restore(self, draft: Draft, version: DraftVersion) -> Draft:
        """The text of an earlier version as the next one."""
        with self._own():
            kept = self._keep(await self._drafts.restore(draft, version))
            await self.autosave.settled(kept.id)
        return kept

    async def newer(self, draft: Draft, note: Note | None) -> tuple[Draft, Note | None] | None:
        """The text as somebody else has kept it since; None where nobody has. `note`: where the draft stands for one.

        Raises UserError while the database is away.
        """
        known, before = note or draft, self._wrote
        if self._writing or not await self._db.run(lambda conn: moved_on(conn, known, note=note is not None)):
            return None
        found = (await self._notes.get([draft.id])).get(draft.id) if note is not None else None
        other = draft_of(found) if found is not None else await self._drafts.find(draft.id)
        # What this session has written meanwhile is not somebody else's.
        return None if self._writing or self._wrote != before else (other, found)

    async def latest(self) -> Latest:
        """Another one whenever a list is not what it was."""
        return await self._db.run(latest)

    @contextmanager
    def _own(self) -> Iterator[None]:
        """While this session writes."""
        self._writing += 1
        try:
            yield
        finally:
            self._writing -= 1
            self._wrote += 1

    def _keep(self, draft: Draft) -> Draft:
        self._written[draft.id] = draft
        self._changed()
        return draft

    async def _settle(self) -> None:
        """Let what was written reach the database; until it has, it is read from memory."""
        drafts, notes = dict(self._written), dict(self._written_notes)
        if (drafts or notes) and await self._spool.flush(FLUSH_S):
            # What was written while this waited is not among them.
            self._written = {name: each for name, each in self._written.items() if each is not drafts.get(name)}
            self._written_notes = {
                name: each for name, each in self._written_notes.items() if each is not notes.get(name)
            }

    # What was typed and not kept

    def typed(self, draft_id: str, current: Current) -> None:
        """A key changed this draft."""
        self.autosave.touch(draft_id, current)

    async def left(self) -> tuple[Left, ...]:
        """Texts that an earlier session did not keep as versions, the last typed first."""
        return await asyncio.to_thread(self._recovery.left)

    async def take_up(self, left: Left) -> Draft:
        """Keep such a text as the next version of its draft, or of its note; nothing of what was there goes."""
        typed = left.draft
        if typed.kind == NOTE:
            note = await self.note(typed.id)
            kept = draft_of(await self.save_note(note, typed.body))
        else:
            try:
                known = await self.find(typed.id)
            except UserError:
                known = replace(typed, body="", state="draft")
            kept = await self.save(known, typed.body, reason="edited")
        await asyncio.to_thread(self._recovery.settle, left)
        return kept

    # Notes

    async def notes(
        self, query: str = "", *, state: NoteState = "active", after: Place | None = None
    ) -> tuple[tuple[NoteHead, ...], Place | None]:
        """Notes that fit the words and tags (all for none), and where the next page begins.

        Those in the trash are not searched: words leave all of them.
        """
        await self._settle()
        if query.strip() and state == "active":
            return await self._notes.search(query, limit=200), None
        page = await self._notes.page(state, after=after)
        return page.notes, page.after

    async def note(self, name: str) -> Note:
        """A whole note."""
        await self._settle()
        return self._written_notes.get(name) or await self._notes.find(name)

    async def add_note(self, title: str, body: str = "", tags: Sequence[str] = ()) -> Note:
        """A new note."""
        return self._keep_note(await self._notes.add(title, body, tags))

    async def save_note(self, note: Note, body: str, *, tags: Sequence[str] | None = None) -> Note:
        """Keep the note's next version."""
        with self._own():
            kept = self._keep_note(await self._notes.save(note, body=body, tags=tags))
            await self.autosave.settled(kept.id)
        return kept

    async def rename_note(self, note: Note, title: str) -> tuple[Note, tuple[Note, ...]]:
        """Give it another title; the notes that link to it are mended, and returned."""
        with self._own():
            kept, mended = await self._notes.rename(note, title)
            for each in mended:
                self._keep_note(each)
            return self._keep_note(kept), mended

    async def tags(self) -> tuple[str, ...]:
        """The tags that notes have."""
        return tuple(await self._notes.tags())

    async def backlinks(self, note: Note) -> tuple[NoteHead, ...]:
        """The notes that link to it, the last changed first."""
        await self._settle()
        return await self._notes.backlinks(note)

    async def note_versions(self, note: Note) -> tuple[NoteVersion, ...]:
        """The versions of a note, the latest first."""
        await self._settle()
        return await self._notes.versions(note.id)

    async def place_note(self, note: Note, state: NoteState) -> Note:
        """Put it into the trash, or bring it back; its text stays."""
        with self._own():
            return self._keep_note(await self._notes.place(note, state=state))

    async def names(self, typed: str) -> tuple[str, ...]:
        """Titles of notes that fit what was typed after `[[`, the best first."""
        try:
            if not typed.strip():
                return tuple(head.title for head in (await self._notes.page(limit=20)).notes)
            heads = await self._notes.search(typed, limit=20)
        except UserError:
            # Without the database the link is typed by hand.
            return ()
        return tuple(head.title for head in heads)

    def _keep_note(self, note: Note) -> Note:
        self._written_notes[note.id] = note
        self._changed()
        return note

    # Style

    def style(self, template: str) -> StyleService:
        """The style guide for texts of a template. For one thread at a time; not to be made on the event loop."""
        from app.content.styling import style_of

        return style_of(self._loaded, template)

    async def check(self, template: str, text: str) -> tuple[Finding, ...]:
        """What is against the style guide in a text of a template. Raises AsideError, and UserError for its rules."""
        return await self.aside.check(await self._options(template), template, text)

    async def mend(self, template: str, text: str) -> Fixed:
        """The text with all safe fixes. Raises AsideError, and UserError for its rules."""
        return await self.aside.mend(await self._options(template), template, text)

    async def _options(self, template: str) -> Options:
        known = self._styles.get(template)
        if known is None:
            from app.content.styling import options_of

            known = self._styles[template] = await asyncio.to_thread(options_of, self._loaded, template)
        return known

    # AI

    def assistant(self) -> Assistant:
        """What asks the configured endpoint. Raises UserError that says how to configure one."""
        from app.content.ai import calls
        from app.content.ai.assistant import Assistant
        from app.content.ai.profiles import check_key, choose
        from app.content.ai.prompts import Prompts

        given = self._loaded.settings.content.ai
        chosen = choose(given)
        check_key(chosen)
        options = content_style(self._loaded.settings)
        voice = [absolute(path, self._loaded.base) for path in given.voice]
        folder = templates_folder(self._loaded.settings, self._loaded.base)
        return Assistant(chosen, Prompts(options, folder, voice), self.style, lambda call: calls.put(self._spool, call))

    def task(self, draft: Draft, action: Action, text: str, selection: tuple[int, int] | None, wish: str) -> Task:
        """What is to be done with the text of a draft. Reads its template: not to be called on the event loop."""
        from app.content.ai.prompts import Task

        try:
            local = draft.kind != NOTE and self._catalogue.find(draft.template).egress == "local"
        except UserError:
            # What a template that is gone said about its texts is not known.
            local = True
        facts = {source: part.get("data") for source, part in draft.context.items() if isinstance(part, dict)}
        if draft.fields:
            facts = {"answers": dict(draft.fields), **facts}
        known = None if draft.kind == NOTE else draft.id
        return Task(action, text, selection, wish, draft.title, draft.template, facts, local, known)

    # Publishing

    @cached_property
    def outgoing(self) -> Outgoing:
        """What publishes to the configured targets; loads them, so the first call belongs into a thread."""
        from app.content.outgoing import Outgoing

        return Outgoing(self._loaded, self._db, self._spool, self._drafts, zone_of(self._loaded.settings))

    def suggested(self, draft: Draft) -> tuple[str, ...]:
        """The targets that its template names. Not to be called on the event loop."""
        try:
            return self._catalogue.find(draft.template).targets
        except UserError:
            return ()

    def published_page(self, draft: Draft) -> str:
        """The HTML page of a draft. Not to be called on the event loop."""
        from app.content.templates.drafted import page_of

        return page_of(draft, draft.body, templates_folder(self._loaded.settings, self._loaded.base))


def draft_of(note: Note) -> Draft:
    """A note in the shape in which the editor has its texts."""
    return Draft(
        id=note.id,
        template="",
        template_hash="",
        kind=NOTE,
        title=note.title,
        body=note.body,
        state="draft",
        version=note.version,
        revision=note.revision,
        created_at=note.created_at,
        updated_at=note.updated_at,
    )

"""The left side of the Content screen: lists of drafts and notes, opening them, and where they are put."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.widgets import Input
from textual.worker import Worker

from screens import content_text as words
from screens.content_elsewhere import ContentElsewhere
from screens.git_faults import told
from widgets.safe_text import clean_line
from widgets.text_list import TextEntry

if TYPE_CHECKING:
    from app.content.desk import Desk, Place
    from app.content.drafts.recovery import Left
    from app.content.model import Draft, Note

FILTER_AFTER_S = 0.2


class ContentLists(ContentElsewhere):
    """Lists, and what is done with the line under the cursor."""

    listed = "work"
    wanted = ""
    """The words that are looked for."""
    filter: Input
    _after: Place | None = None
    _after_notes: Place | None = None
    _rows: tuple[TextEntry, ...] = ()
    _long = False
    """More than the first page is shown."""
    _on_note = False
    _listing: Worker[None] | None = None
    _offered = False

    # Reading

    @property
    def _reading(self) -> bool:
        return self._listing is not None and not self._listing.is_finished

    def list_again(self) -> None:
        """Read the list anew; the lines of before stay until it is there."""
        self.texts.set_pale(bool(self.texts.rows))
        self._listing = self.run_worker(self._read, group="content-list", exclusive=True, exit_on_error=False)

    def follow_list(self) -> None:
        """Read the list anew, without a sign of it; not while it is read, or where more than a page of it is shown."""
        if not self._reading and not self._long and self.service is not None:
            self.service.look()
            self._listing = self.run_worker(self._read, group="content-list", exclusive=True, exit_on_error=False)

    async def _read(self, *, more: bool = False) -> None:
        try:
            desk = await self.desk()
            seen = self._seen if more else await desk.latest()
            rows = await self._page(desk, more=more)
        except Exception as error:
            self.texts.set_placeholder(words.failed(told(error), self.texts.size.width))
            if self.texts.rows:
                self.say(f"✗ the list is as it was: {told(error).partition(chr(10))[0]}")
            return
        self._long, self._seen = more, seen
        self._rows = (*self._rows, *(row for row in rows if row not in self._rows)) if more else rows
        self.texts.set_pale(False)
        self.texts.set_placeholder(words.empty(self.listed, self.wanted))
        self.show_rows()

    async def _page(self, desk: Desk, *, more: bool) -> tuple[TextEntry, ...]:
        open_id = self.draft.id if self.draft is not None else ""
        rows: list[TextEntry] = []
        states = words.LISTS[self.listed]
        if states and not (more and self._after is None):
            heads, self._after = await desk.page(states, after=self._after if more else None)  # type: ignore[arg-type]
            rows += [words.draft_entry(head, open_id) for head in heads]
        if self.listed in words.WITH_NOTES and not (more and self._after_notes is None):
            state, after = words.WITH_NOTES[self.listed], self._after_notes if more else None
            notes, self._after_notes = await desk.notes(self.wanted, state=state, after=after)
            rows += [words.note_entry(head, open_id, state) for head in notes]
        return tuple(rows)

    def show_rows(self) -> None:
        """Show what was read, of drafts and of what is in the trash those whose titles have the words."""
        open_id = self.draft.id if self.draft is not None else ""
        given = [word for word in self.wanted.casefold().split() if not word.startswith("tag:")]
        shown = [
            row._replace(open=row.key.endswith(open_id) if open_id else False)
            for row in self._rows
            if (row.key.startswith("note:") and self.listed != "trash")
            or all(word in f"{row.title} {row.kind}".casefold() for word in given)
        ]
        # Drafts come first: they are what one works on.
        shown.sort(key=lambda row: row.key.startswith("note:"))
        self.texts.show(shown)
        self.paint()

    def on_row_list_moved(self) -> None:
        """Read on before the end is reached; what can be done with a note is not what can be done with a draft."""
        on_note = self.texts.entry is not None and self.texts.entry.key.startswith("note:")
        if on_note != self._on_note:
            self._on_note = on_note
            self.paint()
        more = self._after is not None or self._after_notes is not None
        if more and not self._reading and self.texts.near_end:
            self._listing = self.run_worker(partial(self._read, more=True), group="content-list", exit_on_error=False)

    def action_list_view(self, step: int) -> None:
        """Another list."""
        names = list(words.LISTS)
        self.listed = names[(names.index(self.listed) + step) % len(names)]
        self._rows = ()
        self.texts.show((), keep=False)
        self.texts.set_placeholder((((("reading"), "$text-muted"),),))
        self.paint()
        self.list_again()

    def action_refresh(self) -> None:
        """Read the list again."""
        self.say("")
        self.list_again()

    # Words to look for

    def action_filter(self) -> None:
        """Type words: drafts by their titles, notes by all they hold."""
        self.set_class(True, "-filter")
        self.go("left")
        self.filter.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for these words once the keys rest."""
        if event.input is self.filter:
            event.stop()
            self.wanted = event.value.strip()
            self.show_rows()
            self.set_timer(FILTER_AFTER_S, partial(self._look_for, self.wanted))

    def _look_for(self, typed: str) -> None:
        if typed == self.wanted and self.is_mounted:
            self.list_again()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the list, the words staying."""
        if event.input is self.filter:
            event.stop()
            self.set_class(bool(self.wanted), "-filter")
            self.go("left")

    def clear_filter(self) -> bool:
        """Show everything again; False where nothing was looked for."""
        had = bool(self.wanted) or self.has_class("-filter")
        self.filter.value = ""
        self.set_class(False, "-filter")
        return had

    # Opening

    def on_row_list_chosen(self) -> None:
        """Open what was clicked twice."""
        self.action_open()

    def action_open(self) -> None:
        """Open the text under the cursor in the editor."""
        entry = self.texts.entry
        if entry is not None:
            self.attempt(self.open_text(entry.key), group="content-open", exclusive=True)

    async def open_text(self, key: str) -> None:
        """Open a draft (`draft:ID`) or a note (`note:ID`); what is open now is kept before."""
        from app.content.desk import draft_of

        kind, _, identity = key.partition(":")
        desk = await self.desk()
        if self.draft is None or self.draft.id != identity:
            await self.keep()
            await self.leave_form()
            if kind == "note":
                note = await desk.note(identity)
                self.show_draft(draft_of(note), note)
            else:
                self.show_draft(await desk.find(identity))
            self.show_rows()
        self.go("middle")

    # What an earlier session left

    async def offer_left(self) -> None:
        """Once, at the start: texts that were typed and not kept as versions."""
        if self._offered:
            return
        self._offered = True
        left = await (await self.desk()).left()
        if not left:
            return
        from screens.confirm import Confirm
        from widgets.figures import moment, wall_clock

        lines = [
            f"{each.draft.title or 'untitled'}, typed {moment(each.typed_at.timestamp(), wall_clock())}"
            for each in left[:8]
        ]
        if len(left) > 8:
            lines.append(f"and {len(left) - 8} more")
        detail = "\n".join(lines) + "\n\nEach becomes the next version of its text. No: it is asked again next time."
        question = Confirm("Take up what was typed and not kept?", detail, yes="take up", no="later")
        self.app.push_screen(question, lambda yes: self.attempt(self._take_up(left)) if yes else None)

    async def _take_up(self, left: tuple[Left, ...]) -> None:
        desk = await self.desk()
        for each in reversed(left):
            draft = await desk.take_up(each)
        self.list_again()
        await self.open_text(f"{'note' if draft.kind == 'note' else 'draft'}:{draft.id}")
        self.say(f"✓ {len(left)} taken up" if len(left) > 1 else "✓ taken up")

    # Where texts are put

    def action_trash(self) -> None:
        """Into the trash, or back from there."""
        self._put("trashed")

    def action_archive(self) -> None:
        """Into the archive, or back from there."""
        self._put("archived")

    def action_mark(self) -> None:
        """Mark the text under the cursor, and go on to the next."""
        if (row := self.texts.cursor_row) is not None:
            self.texts.toggle_mark(row)
            self.texts.action_move(1)

    def _put(self, state: str) -> None:
        known = self.texts.entries
        entries = [known[row] for row in self.texts.marks if row in known]
        if not entries and self.texts.entry is not None:
            entries = [self.texts.entry]
        if entries:
            self.attempt(self._put_all(entries, state))

    async def _put_all(self, entries: Sequence[TextEntry], state: str) -> None:
        done: list[tuple[TextEntry, Draft | Note]] = []
        said = ""
        try:
            for entry in entries:
                before, said = await self._put_one(entry, state)
                if before is not None:
                    done.append((entry, before))
        finally:
            if done:
                self._put_last = tuple(done)
            self.texts.clear_marks()
            self.list_again()
        said = said if len(entries) == 1 else f"✓ {len(entries)} texts, the last: {said.removeprefix('✓ ')}"
        self.say(f"{said}; {words.key('u')} takes that back" if done else said)

    async def _put_one(self, entry: TextEntry, state: str) -> tuple[Draft | Note | None, str]:
        """Put it there, or back from there; what it was before (None: nothing was done), and what to say."""
        from app.content.desk import draft_of

        desk = await self.desk()
        kind, _, identity = entry.key.partition(":")
        place = {"trashed": "the trash", "archived": "the archive"}[state]
        known: Draft | Note
        if kind == "note":
            if state != "trashed":
                return None, "notes are kept in no archive"
            known = await desk.note(identity)
            there = known.state == state
            put = await desk.place_note(known, "active" if there else "trashed")
            self._state_is(draft_of(put), put)
        else:
            known = await desk.find(identity)
            there = known.state == state
            self._state_is(await (desk.bring_back(known) if there else desk.set_state(known, state)), None)  # type: ignore[arg-type]
        return known, f"✓ back from {place}" if there else f"✓ in {place}"

    def _state_is(self, draft: Draft, note: Note | None) -> None:
        if self.draft is not None and self.draft.id == draft.id and self.draft.version == draft.version:
            self.draft, self.note = draft, note

    async def put_back(self) -> None:
        """Take back what was put elsewhere last."""
        from app.content.desk import draft_of

        moved, self._put_last = self._put_last, ()
        desk = await self.desk()
        try:
            for entry, was in moved:
                if entry.key.startswith("note:"):
                    note = await desk.place_note(await desk.note(was.id), was.state)  # type: ignore[arg-type]
                    self._state_is(draft_of(note), note)
                else:
                    self._state_is(await desk.set_state(await desk.find(was.id), was.state), None)  # type: ignore[arg-type]
        finally:
            self.list_again()
        what = clean_line(moved[0][0].title, 60) if len(moved) == 1 else f"{len(moved)} texts"
        self.say(f"✓ taken back: {what}, in the list `{words.list_of(moved[-1][1].state)}` again")

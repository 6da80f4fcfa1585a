"""The quarantine in the place of the queue: what was refused and why, to be mended, tried again, or let go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content

from screens import feedback_text as words
from screens.feedback_pages import PAGE, FeedbackPages
from screens.git_faults import told
from widgets.figures import count
from widgets.refused_list import RefusedList, origin, reason, refused_lines
from widgets.row_list import RowList
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.feedback.model import Quarantined
    from screens.feedback_service import FeedbackFace

NEAR = 30
"""Entries before the end at which more are read."""
EDITED_BYTES = 256 * 1024
"""Larger ones are for an editor of files."""
NEXT = ("e", "mend"), ("r", "try again"), ("c", "keep unknown fields"), ("x", "let go"), ("u", "undo")
EMPTY = (
    (("✓ ", "$success"), ("Nothing is refused.", "bold")),
    (),
    (("What breaks the contract comes here with the line and the reason,", "$text-muted"),),
    (("complete, so that nothing is lost.", "$text-muted"),),
)


def editable(entry: Quarantined) -> str:
    """The row as one edits it: JSON with a line for each field, anything else as it came."""
    text = entry.raw.decode(errors="surrogateescape")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(value, dict):
        return text
    shown = json.dumps(value, indent=2, ensure_ascii=False)
    try:
        shown.encode()
    except UnicodeEncodeError:
        # Half a character, which JSON can name, is no text that could be kept.
        return json.dumps(value, indent=2)
    return shown


class FeedbackQuarantine(FeedbackPages):
    """The page of refused rows."""

    refused: RefusedList
    _more = False
    """There are entries behind those that were read."""
    _let_go: list[tuple[str, ...]]

    def action_quarantine(self) -> None:
        """What was refused, or back to the queue."""
        if self.mode == "quarantine":
            self.leave_page()
        elif (service := self.service) is not None:
            self.open_page("quarantine")
            self.refused.clear_marks()
            self.refused.set_placeholder(((("reading", "$text-muted"),),))
            self.row.show(None)
            self._read_refused(service)

    def _read_refused(self, service: FeedbackFace, *, more: bool = False) -> None:
        if more and self._reading is not None and not self._reading.is_finished:
            return
        work = self._load_refused(service, more=more)
        self._reading = self.run_worker(work, group="feedback-list", exclusive=True, exit_on_error=False)

    async def _load_refused(self, service: FeedbackFace, *, more: bool) -> None:
        try:
            found = await service.quarantine.page(self.refused.rows[-1] if more else "")
        except Exception as error:
            self.refused.show(())
            self.refused.set_placeholder(words.failed(told(error), self.list_room))
            return
        if self.mode != "quarantine":
            return
        self._more = len(found) == PAGE
        self.refused.set_placeholder(EMPTY)
        self.refused.show([*(self.refused.entries.values() if more else ()), *found])
        self._refused_state()
        self.refresh_bindings()
        if not more:
            self._show_refused()

    def _refused_state(self) -> None:
        page = self.refused
        more = " and more" if self._more else ""
        marked = f"• {len(page.marks):,} marked  " if page.marks else ""
        self.refused.write_border("title", Content(f"refused {len(page.rows):,}{more}"))
        # Where the row has no room, its hints stand here.
        what = words.keys(*NEXT, room=page.outer_size.width - 20) if self.has_class("-one") else "oldest first"
        self.refused.write_border("subtitle", Content.assemble((marked, "$accent"), what))

    def _show_refused(self) -> None:
        entry, unfolded, now = self.refused.entry, self.unfolded, self.clock()
        self.row.set_pale(False)
        if entry is None:
            self.row.show(None)
        else:
            self.row.show(lambda width: refused_lines(entry, now, width, unfolded=unfolded))
        self._words_of_row()

    @on(RowList.Moved, "#refused")
    def _refused_moved(self) -> None:
        if self.mode != "quarantine":
            return
        self._show_refused()
        service = self.service
        if service is not None and self._more and self.refused.cursor_index > len(self.refused.rows) - NEAR:
            self._read_refused(service, more=True)

    @on(RowList.Chosen, "#refused")
    def _refused_clicked(self) -> None:
        self.action_open()

    # What the keys do here

    def _chosen(self) -> tuple[str, ...]:
        page = self.refused
        return tuple(page.marks) or ((page.cursor_row,) if page.cursor_row is not None else ())

    async def _settled(self, text: str) -> None:
        """Say what was done, and read what is left."""
        self.refused.clear_marks()
        # Another one may have taken the place of the service that was asked.
        if (service := self.service) is not None:
            service.open_review()
            await self._load_refused(service, more=False)
        self.say(text)

    def mend(self) -> None:
        """Edit the entry under the cursor and try it again, until it is right or left."""
        entry, service = self.refused.entry, self.service
        if entry is None or service is None:
            return
        if entry.raw_size > EDITED_BYTES:
            self.say(f"too large to edit here: qd feedback quarantine show {entry.id} > row.json, then mend")
        elif len(entry.raw) == entry.kept:
            self._edit(service, entry, editable(entry), reason(entry))
        else:

            async def whole() -> None:
                found = await service.quarantine.one(entry.id)
                self._edit(service, found, editable(found), reason(found))

            self.attempt(whole())

    def _edit(self, service: FeedbackFace, entry: Quarantined, text: str, why: str) -> None:
        from screens.feedback_forms import Correction

        async def tried(mended: str) -> None:
            try:
                done = await service.quarantine.mend(entry.id, mended)
            except Exception as error:
                # What was typed is not lost: it comes back with what is wrong now.
                self._edit(service, entry, mended, clean_line(getattr(error, "what", told(error)), 300))
                return
            await self._settled("mended and taken in" if done.created else "mended; the row was there already")

        def answered(mended: str | None) -> None:
            if mended is not None:
                self.attempt(tried(mended), losing="what was mended")

        at = f'"{entry.field.partition(".")[0]}"' if entry.field else ""
        now = editable(entry)
        form = Correction(now, text, title=f"Mend {origin(entry)}", about=why, keep="tries it", at=at, left=now)
        self.app.push_screen(form, answered)

    def try_again(self, *, unknown: bool = False) -> None:
        """Try the marked entries as they are; with `unknown`, fields unknown to the contract go to the context."""
        ids, service = self._chosen(), self.service
        if not ids or service is None:
            return

        async def retry() -> None:
            self.say(f"trying {count(len(ids), 'row')} again")
            done = await service.quarantine.retry(ids, "context" if unknown else "forbid")
            parts = [f"{count(done.created, 'row')} taken in"]
            parts += [f"{done.duplicate:,} there already"] if done.duplicate else []
            parts += [f"{len(done.left):,} still refused"] if done.left else []
            await self._settled(", ".join(parts))

        self.attempt(retry())

    def let_go(self) -> None:
        """Let the marked entries go."""
        ids, service = self._chosen(), self.service
        if not ids or service is None:
            return

        async def drop() -> None:
            gone = await service.quarantine.drop(ids)
            if gone:
                self._let_go.append(gone)
            await self._settled(f"{count(len(gone), 'row')} let go, {words.key('u')} takes it back")

        self.attempt(self._in_turn(drop()))

    def take_back(self) -> None:
        """Take back what was let go last."""
        service = self.service
        if service is None:
            return

        async def put_back() -> None:
            if not self._let_go:
                self.say("nothing to undo here")
                return
            ids = self._let_go[-1]
            await service.quarantine.put_back(ids)
            self._let_go.pop()
            await self._settled(f"{count(len(ids), 'row')} back in the quarantine")

        self.attempt(self._in_turn(put_back()))

    def action_unknown(self) -> None:
        """Try again with unknown fields in the context."""
        self.try_again(unknown=True)

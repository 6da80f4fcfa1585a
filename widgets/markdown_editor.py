"""An editor of Markdown: plain text with the keys, the colours and the findings that writing needs."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.document._document import Location, Selection
from textual.widgets import TextArea
from textual.worker import Worker

from widgets.markdown_canvas import MarkdownCanvas, Offer
from widgets.markdown_editing import (
    INDENT,
    ITEM,
    PAIRS,
    first_sign,
    indented,
    line_broken,
    link_begun,
    outdented,
    paragraph,
    reflowed,
    word_before,
)
from widgets.markdown_search import Query, limited, nearest, places, replaced_all, replacement

Complete = Callable[[str], Awaitable[Sequence[str]]]
"""Names of notes that fit what was typed after `[[`, the best first."""
CARET = "$0"
"""In a snippet: where the cursor comes to stand."""
WIDTH = 100
"""Columns that reflowing fills."""


def _named(given: Iterable[BindingType]) -> Iterator[BindingType]:
    """Textual's keys of a text area, with ids by which `[keys]` can change them."""
    for binding in given:
        assert isinstance(binding, Binding)
        name = binding.description.lower().replace(" ", "_")
        yield replace(binding, id=f"editor.{name}", tooltip=f"{binding.description} in the text")


class MarkdownEditor(MarkdownCanvas, inherit_bindings=False):
    """Edits a text of any size; what it holds is kept, but for line ends, which become `\\n`.

    `esc` closes what is offered; a second one is for the screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+q", "reflow", "Reflow", show=False, id="editor.reflow", tooltip="Fill the lines of the paragraph"),
        Binding("f3", "find_again(1)", "Next match", show=False, id="editor.find_next", tooltip="The next match"),
        Binding(
            "shift+f3", "find_again(-1)", "Previous", show=False, id="editor.find_previous", tooltip="The match before"
        ),
        Binding("ctrl+home", "edge(-1)", "Top", show=False, id="editor.top", tooltip="To the start of the text"),
        Binding("ctrl+end", "edge(1)", "Bottom", show=False, id="editor.bottom", tooltip="To the end of the text"),
        Binding("f8", "finding(1)", "Next finding", show=False, id="editor.finding", tooltip="To the next finding"),
        Binding(
            "shift+f8",
            "finding(-1)",
            "Finding before",
            show=False,
            id="editor.finding_before",
            tooltip="The one before",
        ),
        *_named(TextArea.BINDINGS),
    ]

    def __init__(
        self, text: str = "", *, snippets: Mapping[str, str] | None = None, complete: Complete | None = None
    ) -> None:
        """`snippets` are texts by the abbreviation that `tab` expands; `complete` names notes after `[[`."""
        super().__init__(text)
        self.snippets = dict(snippets or {})
        self.complete = complete
        self.query_text = Query("")
        self._bound: Mapping[str, str] = {}
        self._bound_for: object = None

    # Keys

    async def _on_key(self, event: events.Key) -> None:
        # Textual's own handler, which makes `esc` leave the text, is not wanted for any key.
        event.prevent_default()
        if self.offer.names and self._offer_key(event.key):
            event.stop()
            return
        if (action := self._action_of(event.key)) is not None:
            # Textual looks for what a key is bound to on its way up to the app, while the letters that follow are
            # written already: what is typed at once has to come about in its order.
            event.stop()
            await self.run_action(action)
            return
        if self.read_only:
            return
        key, character = event.key, event.character
        if self.tab_behavior == "focus" and key in ("tab", "shift+tab"):
            return
        if key in ("enter", "tab", "shift+tab"):
            done = {"enter": self._enter, "tab": self._tab, "shift+tab": self._outdent}[key]()
        elif event.is_printable and character is not None:
            done = self._type(character)
        else:
            return
        if done:
            event.stop()

    def _action_of(self, key: str) -> str | None:
        keymap = self.app._keymap
        if self._bound_for is not keymap:
            bindings = self._bindings.copy()
            bindings.apply_keymap(keymap)
            self._bound = {each: found[0].action for each, found in bindings.key_to_bindings.items()}
            self._bound_for = keymap
        return self._bound.get(key)

    def _type(self, character: str) -> bool:
        start, end = self.selection
        if start != end and character in PAIRS:
            self._surround(character)
        else:
            self._replace_via_keyboard(character, start, end)
        self._look_up()
        return True

    def _surround(self, opening: str) -> None:
        start, end = sorted(self.selection)
        text = self.lines.get_text_range(start, end)
        forward = self.selection.start <= self.selection.end
        self.replace(f"{opening}{text}{PAIRS[opening]}", start, end, maintain_selection_offset=False)
        # The words stay chosen, so that the same key makes `**` of `*`.
        inner = (start[0], start[1] + len(opening))
        last = (end[0], end[1] + (len(opening) if end[0] == start[0] else 0))
        self.selection = Selection(inner, last) if forward else Selection(last, inner)

    def _enter(self) -> bool:
        start, end = sorted(self.selection)
        if start != end:
            self._replace_via_keyboard("\n", start, end)
            return True
        row, column = end
        change = line_broken(self.lines.lines[row], column, self.lines.states[row])
        self._replace_via_keyboard(change.text, (row, change.start), (row, change.end))
        return True

    def _tab(self) -> bool:
        start, end = sorted(self.selection)
        line = self.lines.lines[end[0]]
        if start == end:
            word = word_before(line, end[1])
            if word in self.snippets:
                self._expand(word, end)
                return True
            item = ITEM.match(line)
            if item is None:
                blanks = INDENT - end[1] % INDENT
                self._replace_via_keyboard(" " * blanks, end, end)
                return True
        self._each_line(indented)
        return True

    def _outdent(self) -> bool:
        (top, _), (bottom, _) = sorted(self.selection)
        lines = self.lines.lines[top : bottom + 1]
        if all(outdented(line) == line for line in lines):
            # Nothing to take back: the key goes to the panel before.
            return False
        self._each_line(outdented)
        return True

    def _each_line(self, change: Callable[[str], str]) -> None:
        """Change the chosen lines in one step; the same text stays chosen."""
        start, end = self.selection
        (top, _), (bottom, _) = sorted(self.selection)
        before = self.lines.lines[top : bottom + 1]
        after = [change(line) for line in before]
        if after == before:
            return
        self.replace("\n".join(after), (top, 0), (bottom, len(before[-1])), maintain_selection_offset=False)

        def moved(place: Location) -> Location:
            grown = len(after[place[0] - top]) - len(before[place[0] - top])
            return place[0], max(0, place[1] + grown)

        self.selection = Selection(moved(start), moved(end))
        self.history.checkpoint()

    def _expand(self, word: str, end: Location) -> None:
        text = self.snippets[word]
        row, column = end
        at = text.find(CARET)
        text = text.replace(CARET, "", 1)
        start = (row, column - len(word))
        self.replace(text, start, end, maintain_selection_offset=False)
        if at >= 0:
            self.move_cursor(self.lines.place_of(self.lines.offset_of(start) + at))

    def action_cursor_line_start(self, select: bool = False) -> None:
        """To the start of the part on screen; there, to the first sign of the line and then to its very start."""
        row, column = self.cursor_location
        sections = self.wrapping.get_offsets(row)
        starts = [at for at in sections if at <= column]
        first = first_sign(self.lines.lines[row])
        target = starts[-1] if starts and starts[-1] < column else 0 if column == first else first
        self.move_cursor((row, target), select=select)

    def action_edge(self, step: int) -> None:
        """To the start or the end of the text."""
        self.move_cursor(self.lines.end if step > 0 else (0, 0))

    def action_reflow(self) -> None:
        """Fill the lines of the paragraph at the cursor, or of all that are chosen, as one step."""
        if self.read_only:
            return
        (top, _), (bottom, _) = sorted(self.selection)
        lines, states = self.lines.lines, self.lines.states
        first, last = paragraph(lines, states, top), paragraph(lines, states, bottom)
        top, bottom = first[0] if first else top, last[1] - 1 if last else bottom
        made: list[str] = []
        at = top
        while at <= bottom:
            block = paragraph(lines, states, at)
            made += reflowed(lines[at : block[1]], WIDTH) if block else [lines[at]]
            at = block[1] if block else at + 1
        if made == lines[top : bottom + 1]:
            return
        row, column = self.cursor_location
        signs = sum(len("".join(line.split())) for line in (*lines[top:row], lines[row][:column]))
        self.history.checkpoint()
        self.replace("\n".join(made), (top, 0), (bottom, len(lines[bottom])), maintain_selection_offset=False)
        self.move_cursor(self._after_signs(top, signs))

    def _after_signs(self, row: int, count: int) -> Location:
        """The place behind so many signs that are no blanks, from a line on."""
        while (held := len("".join(self.lines.lines[row].split()))) < count:
            count -= held
            row += 1
        column = 0
        for column, sign in enumerate(self.lines.lines[row]):
            count -= not sign.isspace()
            if count < 0:
                return row, column
        return row, len(self.lines.lines[row])

    # Findings

    def go_to(self, start: int, end: int | None = None) -> None:
        """Choose what stands between two offsets, or go to the first, and bring it into view."""
        first = self.lines.place_of(start)
        last = first if end is None else self.lines.place_of(end)
        self.selection = Selection(first, last)
        self.record_cursor_width()
        top, height = int(self.scroll_offset.y), self.scrollable_content_region.height
        y = self.wrapping.location_to_offset(first).y
        if not top + 1 <= y < top + height - 1:
            self.scroll_to(y=max(0, y - height // 3), animate=False, force=True)
        self.history.checkpoint()

    def action_finding(self, step: int) -> None:
        """To the next finding, or the one before, around the ends of the text."""
        marks = [
            (row, first, last)
            for row in self.lines.marked_rows()
            for first, last, _ in sorted(self.lines.marks_of(row))
        ]
        if not marks:
            return
        row, column = min(self.selection) if step < 0 else max(self.selection)
        ahead = [mark for mark in marks if (mark[:2] >= (row, column) if step > 0 else mark[:2] < (row, column))]
        found = (ahead or marks)[0 if step > 0 else -1]
        self.go_to(self.lines.offset_of(found[:2]), self.lines.offset_of((found[0], found[2])))

    # Finding and replacing

    def look_for(self, query: Query) -> None:
        """Show whatever fits. Raises ValueError that says what is wrong with an expression."""
        self.hits = query.pattern()
        self.query_text = query
        self.refresh_changed()

    def matches(self) -> list[tuple[int, int]]:
        """Where what is looked for stands: offsets, in order. Raises ValueError for what takes too long."""
        return places(self.lines.text, self.hits) if self.hits is not None else []

    def action_find_again(self, step: int) -> None:
        """To the next match, or the one before, around the ends of the text."""
        if self.hits is None:
            with contextlib.suppress(ValueError):
                self.look_for(self.query_text)
        try:
            found = self.matches()
        except ValueError as error:
            self.hits = None
            self.app.notify(str(error), severity="error")
            return
        place = max(self.selection) if step > 0 else min(self.selection)
        number = nearest(found, self.lines.offset_of(place), step)
        if number is not None:
            self.go_to(*found[number])

    def replace_match(self, by: str) -> bool:
        """Replace the match that is chosen; False where none is. Raises ValueError for a replacement that is wrong."""
        start, end = sorted(self.selection)
        if self.hits is None or self.read_only:
            return False
        offset = self.lines.offset_of(start)
        with limited():
            match = self.hits.match(self.lines.text, offset)
        if match is None or match.end() != self.lines.offset_of(end) or start == end:
            return False
        self.replace(replacement(match, by, self.query_text.regex), start, end, maintain_selection_offset=False)
        self.history.checkpoint()
        return True

    def replace_every(self, by: str) -> int:
        """Replace all matches as one step; how many. Raises ValueError for a replacement that is wrong."""
        change = None if self.read_only else replaced_all(self.lines.text, self.query_text, by)
        if change is None:
            return 0
        first, last, text, count = change
        place = self.cursor_location
        self.history.checkpoint()
        self.replace(text, self.lines.place_of(first), self.lines.place_of(last), maintain_selection_offset=False)
        self.history.checkpoint()
        self.move_cursor(self.clamp_visitable(place))
        return count

    # Completion

    def _look_up(self) -> None:
        row, column = self.cursor_location
        typed = link_begun(self.lines.lines[row], column) if self.complete is not None else None
        if typed is None:
            self._offer(Offer())
        else:
            self._asking: Worker[None] = self.run_worker(
                partial(self._ask, typed), exclusive=True, group="completion", exit_on_error=False
            )

    async def _ask(self, typed: str) -> None:
        assert self.complete is not None
        names = await self.complete(typed)
        row, column = self.cursor_location
        # What was typed meanwhile asks for itself.
        if link_begun(self.lines.lines[row], column) == typed:
            self._offer(Offer(tuple(names), 0, len(typed)))

    def _offer(self, offer: Offer) -> None:
        if offer != self.offer:
            self.offer = offer
            self.refresh_changed()

    def _offer_key(self, key: str) -> bool:
        names, chosen, typed = self.offer
        if key in ("up", "down"):
            self._offer(Offer(names, (chosen + (1 if key == "down" else -1)) % len(names), typed))
        elif key in ("enter", "tab"):
            row, column = self.cursor_location
            closed = self.lines.lines[row].startswith("]]", column)
            self._offer(Offer())
            end = (row, column + 2 if closed else column)
            self.replace(f"{names[chosen]}]]", (row, column - typed), end, maintain_selection_offset=False)
        elif key == "escape":
            self._offer(Offer())
        else:
            return False
        return True

    def _watch_selection(self, previous_selection: Selection, selection: Selection) -> None:
        super()._watch_selection(previous_selection, selection)
        if self.offer.names:
            row, column = selection.end
            if link_begun(self.lines.lines[row], column) is None or row != previous_selection.end[0]:
                self._offer(Offer())
            elif previous_selection != selection:
                self._look_up()

"""The right side of the Content screen: the preview and the style guide, a moment behind the keys."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import TextArea
from textual.worker import Worker

from screens.content_notes import ContentNotes
from widgets.markdown_preview import View, discord_blocks, markdown_blocks, text_blocks
from widgets.style_findings import StyleFindings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.content.style.model import Finding
    from widgets.markdown_preview import Block, Make

FOLLOW_S = 0.1
LINT_S = 0.25
"""How long after the last key the style guide looks at the text."""
MOST_S = 1.0
"""How far it falls behind while the keys do not rest."""
LONGEST = 1_000_000
"""Characters beyond which the text is looked at only when it is asked for (`ctrl+l`)."""


class ContentStyle(ContentNotes):
    """Preview, findings, fixes."""

    _follow_soon: asyncio.TimerHandle | None = None
    _lint_soon: asyncio.TimerHandle | None = None
    _lint_at = _unlinted_since = 0.0
    _linting = False
    _lint_again = False
    _refused: set[tuple[str, str]]

    def views(self) -> Mapping[str, Make | View]:
        """The kinds of preview. What Markdown becomes elsewhere is made beside the app, so that keys need not wait."""

        def discord(parts: Sequence[str], width: int) -> Sequence[Block]:
            from app.content.render.discord import length

            return discord_blocks(lambda _: parts, length)("".join(parts), width)

        async def messages(text: str) -> Sequence[str]:
            return await (await self.desk()).aside.discord(text)

        async def plain(text: str) -> str:
            return await (await self.desk()).aside.plain(text)

        return {"Markdown": markdown_blocks, "Discord": View(discord, messages), "Text": View(text_blocks, plain)}

    def text_shown(self) -> None:
        """Let the preview and the findings follow once the keys rest."""
        # Handles of the loop: a timer of Textual is a task of its own, which is much for every key.
        loop = asyncio.get_running_loop()
        if self._follow_soon is None:
            self._follow_soon = loop.call_later(FOLLOW_S, self._follow)
        now = loop.time()
        if self._lint_soon is None:
            self._unlinted_since = now
            self._lint_soon = loop.call_later(LINT_S, self._lint_due)
        self._lint_at = min(now + LINT_S, self._unlinted_since + MOST_S)

    def rest(self) -> None:
        """Follow no more."""
        for handle in (self._follow_soon, self._lint_soon):
            if handle is not None:
                handle.cancel()

    def _follow(self) -> None:
        self._follow_soon = None
        if self.is_mounted:
            # While a form is open, the preview is the form's.
            if self.form is None:
                self.preview.show_text(self.editor.text)
            self.text_changed()

    def _lint_due(self) -> None:
        loop = asyncio.get_running_loop()
        if (left := self._lint_at - loop.time()) > 0:
            self._lint_soon = loop.call_later(left, self._lint_due)
        else:
            self._lint_soon = None
            self._lint()

    def text_changed(self) -> None:
        """The text is another one, a moment ago."""

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """The text was changed by a key, or at once."""
        if event.text_area is self.editor:
            event.stop()
            self.edited()

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        """The preview shows what the cursor is in."""
        if event.text_area is self.editor:
            event.stop()
            row = self.editor.cursor_location[0]
            y = self.editor.wrapping.location_to_offset(self.editor.cursor_location).y
            self.preview.follow(row, y - int(self.editor.scroll_offset.y))

    # Findings

    def _lint(self) -> None:
        if self._linting:
            self._lint_again = True
        elif self.draft is not None and self.is_mounted:
            self._linting = True
            self._looking: Worker[None] = self.run_worker(
                self._look_at_style, group="content-style", exit_on_error=False
            )

    async def _look_at_style(self) -> None:
        try:
            while True:
                self._lint_again = False
                draft, text = self.draft, self.editor.text
                if draft is None or self.form is not None:
                    self.findings.show_nothing()
                elif len(text) > LONGEST:
                    self._show_findings(())
                    self.findings.write_border("subtitle", _note("too long to look at while typing"))
                else:
                    found = await (await self.desk()).check(draft.template, text)
                    if self.draft is not None and self.draft.id == draft.id and self.form is None:
                        self._show_findings(self._moved(found, text))
                if not self._lint_again:
                    return
        except Exception as error:
            from screens.git_faults import told

            self.findings.write_border("subtitle", _note(told(error).partition("\n")[0]))
        finally:
            self._linting = False

    def _moved(self, found: Sequence[Finding], before: str) -> Sequence[Finding]:
        """What was found in the text as it was, in its place of now; what was changed meanwhile is looked at again."""
        text, lines = self.editor.text, self.editor.lines
        if text == before:
            return found
        first, last = changed_part(before, text)
        by = len(text) - len(before)
        moved = []
        for each in found:
            if each.start < 0 or each.end <= first:
                moved.append(each)
            elif each.start >= len(before) - last:
                start, end = lines.place_of(each.start + by), lines.place_of(each.end + by)
                moved.append(
                    replace(
                        each,
                        start=each.start + by,
                        end=each.end + by,
                        line=start[0] + 1,
                        column=start[1] + 1,
                        end_line=end[0] + 1,
                        end_column=end[1] + 1,
                    )
                )
        return moved

    def _show_findings(self, found: Sequence[Finding]) -> None:
        shown = [finding for finding in found if (finding.rule, finding.text) not in self._refused]
        self.findings.show_findings(shown)
        self.findings.write_border("subtitle", _note(""))
        self.editor.show_findings([(each.start, each.end, each.severity) for each in shown if each.start >= 0])

    def on_style_findings_wanted(self, event: StyleFindings.Wanted) -> None:
        """Show the place of a finding in the text."""
        event.stop()
        if self._stands(event.finding):
            self.go("middle")
            # Not chosen: the next key would write over it.
            self.editor.go_to(event.finding.start)

    def on_style_findings_taken(self, event: StyleFindings.Taken) -> None:
        """Write what is suggested, with what belongs to it."""
        event.stop()
        finding = event.finding
        group = [finding]
        if finding.group >= 0:
            group = [each for each in self.findings.findings if each.group == finding.group]
        if self.busy or not all(self._stands(each) and each.replacement is not None for each in group):
            self.say("the text has changed there: the findings follow in a moment")
            return
        from app.content.style.fixing import applied

        self.put_text(applied(self.editor.text, group))

    def on_style_findings_refused(self, event: StyleFindings.Refused) -> None:
        """Tell a finding no more, for as long as the app runs."""
        event.stop()
        self._refused.add((event.finding.rule, event.finding.text))
        self._show_findings(self.findings.findings)

    def _stands(self, finding: Finding) -> bool:
        return finding.start >= 0 and self.editor.text[finding.start : finding.end] == finding.text

    def action_fix(self) -> None:
        """Put right what is safe, as one step."""
        if self.draft is not None and not self.busy:
            self.attempt(self._fix(), group="content-fix", exclusive=True)

    async def _fix(self) -> None:
        assert self.draft is not None
        text = self.editor.text
        done = await (await self.desk()).mend(self.draft.template, text)
        if text != self.editor.text:
            self.say("the text has changed meanwhile: nothing was put right, try again")
            return
        if done.text != text:
            self.put_text(done.text)
        left = len(done.left)
        rest = f", {left} left for you" if left else ""
        self.say(f"✓ {len(done.fixed)} put right{rest}" if done.fixed else f"nothing is safe to put right{rest}")

    def put_text(self, text: str) -> None:
        """Put another text in place of this one as one step that can be undone; the cursor stays in its place."""
        before = self.editor.text
        if text == before:
            return
        lines = self.editor.lines
        first, last = changed_part(before, text)
        place = self.editor.cursor_location
        self.editor.history.checkpoint()
        start, end = lines.place_of(first), lines.place_of(len(before) - last)
        self.editor.replace(text[first : len(text) - last], start, end, maintain_selection_offset=False)
        self.editor.history.checkpoint()
        self.editor.move_cursor(self.editor.clamp_visitable(place))


def changed_part(one: str, other: str) -> tuple[int, int]:
    """How many characters two texts begin and end with alike, none counted twice."""
    first = _same(one, other)
    return first, min(_same(one[::-1], other[::-1]), len(one) - first, len(other) - first)


def _same(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _note(text: str) -> Content:
    return Content.styled(text, "$warning") if text else Content("")

"""AI in the Content screen: asked from a menu, streamed into the editor, and taken change by change."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from screens.content_style import ContentStyle
from widgets.safe_text import clean_line

if TYPE_CHECKING:
    from app.content.ai.assistant import Assistant, Result
    from app.content.ai.model import Action
    from app.content.ai.prompts import Task

ACTIONS: dict[Action, tuple[str, str]] = {
    "draft": ("Draft", "The whole text anew, from the template's answers and live data"),
    "rewrite": ("Rewrite", "The selection, or the whole text, in other words"),
    "shorten": ("Shorten", "The selection, or the whole text, with less words"),
    "tone": ("Another tone", "The selection, or the whole text; you say which tone"),
    "continue": ("Go on", "One to three paragraphs behind the selection, or at the end"),
    "titles": ("Titles", "Five ideas; the text stays"),
}


class ContentAi(ContentStyle):
    """What `ctrl+g` does."""

    _assistant: Assistant | None = None

    def action_ai(self) -> None:
        """Choose what AI is to do with the text."""
        if self.draft is not None and not self.busy:
            self.attempt(self._choose_action(), group="content-ai", exclusive=True)

    async def _choose_action(self) -> None:
        from screens.chooser import Choice, Chooser

        desk = await self.desk()
        # Without an endpoint this says how to configure one.
        assistant = await self.in_thread(desk.assistant)
        start, end = self.editor.selection
        title = f"{assistant.profile.name}: {'the selection' if start != end else 'the text'}"
        choices = [Choice(name, *about) for name, about in ACTIONS.items()]
        self.app.push_screen(Chooser(title, choices, done="asks"), partial(self._action_chosen, assistant))

    def _action_chosen(self, assistant: Assistant, chosen: str | None) -> None:
        action = next((name for name in ACTIONS if name == chosen), None)
        if action is None:
            return
        from screens.feedback_forms import Question

        hint = "warmer, drier, for somebody new to it" if action == "tone" else "what you want besides; may be empty"
        question = Question(ACTIONS[action][0], "", hint=hint, keep="asks")
        self.app.push_screen(
            question,
            lambda wish: (
                self.attempt(self._ask(assistant, action, wish), group="content-ai", exclusive=True)
                if wish is not None
                else None
            ),
        )

    async def _ask(self, assistant: Assistant, action: Action, wish: str) -> None:
        draft, text = self.draft, self.editor.text
        if draft is None or self.busy:
            return
        start, end = (self.editor.lines.offset_of(place) for place in sorted(self.editor.selection))
        desk = await self.desk()
        chosen = (start, end) if start != end else None
        task = await self.in_thread(desk.task, draft, action, text, chosen, wish)
        self.own_text = text
        self.busy, self._assistant = f"{assistant.profile.name} writes: esc stops it and keeps what came", assistant
        self.editor.read_only = True
        self.paint()
        stream = _Stream(self, task)
        try:
            result = await assistant.run(task, stream.put)
        finally:
            stream.take_back()
            self.busy, self._assistant = "", None
            self.editor.read_only = self.draft is None
            self.paint()
        self._came(action, result)

    def stop_ai(self) -> bool:
        """End the reply, keeping what came; False where none comes."""
        if self._assistant is None:
            return False
        self._assistant.stop()
        return True

    def _came(self, action: Action, result: Result) -> None:
        told = _told(result)
        if action == "titles":
            from screens.chooser import Choice, Chooser

            choices = [Choice(str(number), title) for number, title in enumerate(result.titles)]
            self.app.push_screen(
                Chooser("Titles", choices, done="takes it"),
                lambda key: self.attempt(self.rename(result.titles[int(key)])) if key else None,
            )
        elif result.changes:
            from screens.content_changes import Changes

            self.app.push_screen(
                Changes(ACTIONS[action][0], result.before, result.changes, told), partial(self._taken, result)
            )
        self.say(told)

    def _taken(self, result: Result, taken: frozenset[int] | None) -> None:
        if not taken:
            self.say("the text is as it was")
            return
        if self.editor.text != result.before:
            self.say("✗ the text has changed meanwhile: nothing was written, ask again")
            return
        from app.content.ai.hunks import apply

        self.put_text(apply(result.before, result.changes, taken))
        self.say(f"✓ {len(taken)} of {len(result.changes)} changes written; ctrl+z takes them back")


class _Stream:
    """The reply as it comes, shown in its place; nothing of it is in the history of the text."""

    def __init__(self, pane: ContentAi, task: Task) -> None:
        self._editor = pane.editor
        start, end = task.place
        self._piece = "" if task.action in ("continue", "titles") else task.text[start:end]
        self._start = self._editor.lines.place_of(end if not self._piece else start)
        self._end = self._editor.lines.place_of(end)
        self._shown = task.action != "titles"
        self._began = False

    def put(self, text: str) -> None:
        """Some more has come."""
        if not self._shown:
            return
        if not self._began:
            self._began = True
            self._end = self._editor.put(text, self._start, self._end)
        else:
            self._end = self._editor.put(text, self._end, self._end)
        self._editor.move_cursor(self._end)

    def take_back(self) -> None:
        """Show the text as it was."""
        if self._began:
            self._editor.put(self._piece, self._start, self._end)
            self._editor.move_cursor(self._start)
            self._began = False


def _told(result: Result) -> str:
    """What came of it, in words: how it ended, tokens, cost."""
    tokens = sum((call.tokens_in or 0) + (call.tokens_out or 0) for call in result.calls)
    about = "about " if any(call.estimated for call in result.calls) else ""
    costs = [call.cost for call in result.calls if call.cost is not None]
    parts = [] if result.outcome == "complete" else [f"⚠ {result.outcome}: {clean_line(result.why, 120)}"]
    parts.append(f"{about}{tokens:,} tokens")
    if costs:
        parts.append(f"cost {sum(costs):.4f}")
    if result.fixed:
        parts.append(f"{result.fixed} put right by the style guide")
    if result.findings:
        parts.append(f"{len(result.findings)} findings left")
    return " · ".join(parts)

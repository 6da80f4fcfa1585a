"""The filter of the Feedback screen, applied to the queue and the list; and keys typed ahead of it and of dialogs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from textual import events, on
from textual.widgets import Input

from screens.dialog import Dialog
from screens.feedback_actions import FeedbackActions
from screens.type_ahead import PATIENCE_S, again, arrived, bound

if TYPE_CHECKING:
    from screens.feedback_filter import FilterInput
    from screens.feedback_service import FeedbackFace
    from widgets.row_list import RowList


class FeedbackFiltering(FeedbackActions):
    """What is to be reviewed and listed."""

    filter: FilterInput
    narrowed = ""
    """The filter in force, which outlives another configuration."""
    _typed: list[events.Key] | None = None

    @property
    def page_widget(self) -> RowList:
        """What has the keyboard on the page that is open."""
        raise NotImplementedError

    def action_list(self) -> None:
        """All rows, or back to the queue."""
        raise NotImplementedError

    def load(self, service: FeedbackFace, where: str = "") -> None:
        """Read the list."""
        raise NotImplementedError

    def action_filter(self) -> None:
        """Type what is to be reviewed and listed."""
        if self.service is None:
            return
        # It is there all the time, hidden: the very next key must find it focused.
        self.filter.value = self.snapshot.filter if self.snapshot is not None else ""
        self.filter.display = True
        self.screen.set_focus(self.filter, scroll_visible=False)
        self.refresh_bindings()

    async def on_key(self, event: events.Key) -> None:
        """Keys come faster than the keyboard changes hands: what follows a key that opens something to type in belongs
        there."""
        if self._typed is not None:
            self._typed.append(event)
        elif self.screen.focused is self.filter:
            # On its way to another widget when the field got the keyboard.
            if not await self._type(event):
                return
        elif (action := self._opens(event.key)) and self.check_action(action, ()):
            self._typed = []
            # Behind the keys before it, which the app may still have to act upon.
            self.app.call_later(self._take_typed, action)
        else:
            return
        event.stop()

    def _opens(self, key: str) -> str:
        """The action of a key that opens something to type in."""
        ids = bound(self, key)
        return next((action for action in ("filter", "note", "tags", "correct") if f"feedback.{action}" in ids), "")

    async def _take_typed(self, action: str) -> None:
        if action != "filter" and (focused := self.screen.focused) is not None:
            await arrived(focused, self)
        getattr(self, f"action_{action}")()
        opened = self.app.screen
        if isinstance(opened, Dialog):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(opened.opened.wait(), PATIENCE_S)
        typed, self._typed = self._typed or [], None
        if action == "filter":
            for event in typed:
                await self._type(event)
        else:
            await again(self.app, typed)

    async def _type(self, event: events.Key) -> bool:
        """Let the field have a key; False where it is none of its own."""
        if event.is_printable and event.character is not None:
            self.filter.insert_text_at_cursor(event.character)
        elif event.key == "enter":
            await self.filter.action_submit()
        elif event.key == "backspace":
            self.filter.action_delete_left()
        else:
            return False
        return True

    @on(Input.Submitted, "#filter")
    def _filter_entered(self, event: Input.Submitted) -> None:
        event.stop()
        service = self.service
        if service is not None:
            self.attempt(self._apply(service, event.value))

    def list_filtered(self, text: str) -> None:
        """The list, of what fulfils this filter."""
        service = self.service
        if service is None:
            return

        async def show() -> None:
            await service.set_filter(text)
            self.narrowed = text
            self.list.clear_marks()
            if self.mode != "list":
                self.action_list()
            else:
                self.load(service)

        self.attempt(show())

    async def _apply(self, service: FeedbackFace, text: str) -> None:
        # Raises where it cannot be understood: the field stays open, and the line below says why.
        await service.set_filter(text)
        self.narrowed = text
        # What is marked would be decided without being seen.
        self.list.clear_marks()
        self.say("")
        self.filter.display = False
        self.screen.set_focus(self.page_widget, scroll_visible=False)
        if self.mode == "list":
            self.load(service)
        self.refresh_bindings()

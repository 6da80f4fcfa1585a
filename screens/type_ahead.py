"""Keys that come faster than dialogs open and close: each goes where it would have gone, had they come one by one.

Textual looks for what a key is bound to only once the key has come up to the app; those behind it have been handed to
the widget that had the keyboard by then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual import events

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

PATIENCE_S = 1.0
"""A widget that is busy for so long is not waited for."""


def bound(node: DOMNode, key: str) -> frozenset[str]:
    """Ids of what a key is bound to at this node, as the user's configuration has it."""
    bindings = node._bindings.copy()
    bindings.apply_keymap(node.app._keymap)
    return frozenset(binding.id for binding in bindings.key_to_bindings.get(key, ()) if binding.id)


async def arrived(widget: DOMNode, top: DOMNode) -> None:
    """Wait until what was handed to a widget has come up to `top`."""
    for node in widget.ancestors_with_self:
        done = asyncio.Event()
        node.call_later(done.set)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), PATIENCE_S)
        if node is top:
            return


async def again(app: App[Any], keys: Sequence[events.Key]) -> None:
    """Let keys go where they go now. Call it in the app's own loop: keys that came later are behind them."""
    for key in keys:
        await app.on_event(events.Key(key.key, key.character))


class Behind:
    """Keys behind the one that closes a dialog: they are meant for what comes then."""

    keys: list[events.Key] | None = None
    """What has come since it was closed; None before."""

    def take(self, event: events.Key) -> bool:
        """Take a key that came behind; False before the dialog is closed."""
        if self.keys is None:
            return False
        self.keys.append(event)
        drop(event)
        return True

    def close(self, event: events.Key) -> None:
        """This key closes the dialog."""
        self.keys = []
        drop(event)


def drop(event: events.Key) -> None:
    """Nobody else handles the key."""
    event.stop()
    event.prevent_default()

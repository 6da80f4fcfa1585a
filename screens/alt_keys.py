"""Keys with alt, in terminals that send them as `esc` and a character (tmux, and all without the kitty protocol)."""

from __future__ import annotations

import string
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.message import Message

BEGIN_MORE = frozenset("[]OPNX^_\\")
"""Characters that begin longer sequences behind `esc`."""


@cache
def with_alt(driver: type[Driver]) -> type[Driver]:
    """The driver, so that a key with alt is no character that fields would take for typed text."""
    from textual.events import Key

    _know_sequences()

    class WithAlt(driver):  # type: ignore[misc, valid-type]  # whichever Textual has chosen
        def process_message(self, message: Message) -> None:
            """Pass it on; what AltGr makes comes as a plain character, without alt."""
            if isinstance(message, Key) and "alt" in message.key.split("+")[:-1]:
                message.character = None
            super().process_message(message)

    return WithAlt


def _know_sequences() -> None:
    """Let Textual know these keys at once: else it waits for more, and takes two that come together for text.

    Its own table has `alt` with a digit as the signs that one terminal of macOS means by it; here these are keys.
    """
    from textual import _ansi_sequences
    from textual.keys import _character_to_key

    table: dict[str, Any] = _ansi_sequences.ANSI_SEQUENCES_KEYS  # type: ignore[assignment]  # a dict, told as a Mapping
    names = {}
    for character in string.ascii_letters + string.digits + string.punctuation:
        sequence = f"\x1b{character}"
        if character in BEGIN_MORE or (sequence in table and not character.isdigit()):
            continue
        key = f"shift+{character.lower()}" if character.isupper() else _character_to_key(character)
        names[sequence] = f"alt+{key}"
    known = Enum("known", {name: name for name in names.values()})  # type: ignore[misc]  # as Textual's own keys
    table.update({sequence: (known(name),) for sequence, name in names.items()})

"""Foreign text in messages and commands of the hooks and audits: harmless on a terminal, exact in a shell."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

# Compiled where it is used: a hook starts with every push, and hardly ever needs it.
_UNSEEN = (
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def shown(text: str, most: int = 200) -> str:
    """One line that cannot drive a terminal: control, direction and invisible characters become escapes."""
    safe = re.sub(_UNSEEN, lambda match: _escape(match[0]), text)
    return safe if len(safe) <= most else f"{safe[: most - 1]}…"


def quoted(text: str) -> str:
    """One argument for a shell, which gives exactly this text back (odd bytes: bash, zsh, ksh)."""
    if not re.search(_UNSEEN, text):
        return shlex.quote(text)
    raw = os.fsencode(text)
    inside = "".join(
        f"\\{chr(byte)}" if byte in b"\\'" else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in raw
    )
    return f"$'{inside}'"


def command(arguments: Iterable[str]) -> str:
    """A command line to be copied."""
    return " ".join(quoted(argument) for argument in arguments)


def _escape(character: str) -> str:
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

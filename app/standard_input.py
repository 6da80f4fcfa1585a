"""Standard input, read as a text or a file is: with a limit, and with errors that say what is wrong."""

from __future__ import annotations

import sys
from typing import BinaryIO

from app.errors import UserError

WHERE = "standard input"


def stream() -> BinaryIO:
    """Its bytes. Raises UserError where it is closed, as `<&-` does."""
    if sys.stdin is None:
        raise UserError("it is closed", where=WHERE, fix="give the text there, or name a file")
    return sys.stdin.buffer


def read(most: int) -> bytes:
    """All that comes from standard input. Raises UserError where it is closed or broken, or gives more than `most`."""
    given = stream()
    try:
        data = given.read(most + 1)
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror})", where=WHERE, fix="give a text there") from None
    if len(data) > most:
        raise UserError(f"longer than {most // 1024 // 1024} MB", where=WHERE, fix="divide it")
    return data


def interactive() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()

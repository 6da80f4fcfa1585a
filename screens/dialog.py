"""What all questions and panels over the screen have in common."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeVar

from textual.screen import ModalScreen

Result = TypeVar("Result")


class Dialog(ModalScreen[Result]):
    """A modal screen with a box (class `dialog`) in its middle."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()
        """Set once it has the keyboard, by those into which one types at once."""

    def unsaved(self) -> str:
        """What was typed here and would be lost if the app ended now, as a phrase; empty when nothing would."""
        return ""

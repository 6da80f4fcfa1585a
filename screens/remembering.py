"""Panes that show at start what was last seen, until the engine is up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from screens.base import Pane

if TYPE_CHECKING:
    from pathlib import Path

    from app.events import Badge

SMALL_FILE = 400_000
"""Bytes that are read before the first frame; what is longer comes just after it."""


class Remembering(Pane):
    """A pane with a file of its last state."""

    LAST_SEEN: ClassVar[tuple[str, ...]] = ()
    """Where the file is in the state folder."""

    def load_last_seen(self, path: Path) -> Badge:
        """Take over what the file holds; how the area stood then."""
        raise NotImplementedError

    def paint(self) -> None:
        """Bring everything on screen in line with what is known."""
        raise NotImplementedError

    def remember(self) -> None:
        """Show what was last seen until the engine is up: at once, or just after the first frame if it is much."""
        if self.runtime is not None:
            return
        from app import paths

        path = paths.state_dir().joinpath(*self.LAST_SEEN)
        try:
            small = path.stat().st_size < SMALL_FILE
        except OSError:
            return
        if small:
            self._show_last_seen(path)
        else:
            self.call_after_refresh(self._show_last_seen, path)

    def _show_last_seen(self, path: Path) -> None:
        if self.runtime is None:
            self.post_message(self.Stands(self.load_last_seen(path)))
            self.paint()

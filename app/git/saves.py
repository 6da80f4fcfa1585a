"""What is saved in a watched project makes its repository's working tree worth a look."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.events import TestStream
from app.git.model import RepositorySpec

SETTLE_S = 0.5
"""How long after a save the working tree is looked at: saves come in bursts."""


class Saves:
    """Tells, on the event loop and once for each burst, in which repository files were saved."""

    def __init__(
        self, projects: Mapping[str, Path], specs: Sequence[RepositorySpec], on_saved: Callable[[str], None]
    ) -> None:
        """`projects` are folders by the names of the projects; `on_saved` is given the name of a repository."""
        self._holders = {name: _holder(folder, specs) for name, folder in projects.items()}
        self._on_saved = on_saved
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def hear(self, event: TestStream) -> None:
        """Take in what happens in the watched projects."""
        name = self._holders.get(event.project)
        if event.event == "changed" and name is not None and name not in self._timers:
            self._timers[name] = asyncio.get_running_loop().call_later(SETTLE_S, self._tell, name)

    def close(self) -> None:
        """Tell no more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _tell(self, name: str) -> None:
        del self._timers[name]
        self._on_saved(name)


def _holder(folder: Path, specs: Sequence[RepositorySpec]) -> str | None:
    """The nearest of these repositories at or above a folder."""
    tops = {os.path.realpath(spec.path): spec.name for spec in specs}
    real = Path(os.path.realpath(folder))
    return next((tops[str(place)] for place in (real, *real.parents) if str(place) in tops), None)

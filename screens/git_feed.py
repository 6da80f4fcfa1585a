"""What the Git screen knows of the repositories, gathered from events until there is time to paint it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.git.model import RepositoryState

LEAST_S = 0.05
"""Between two paints of a stream of events."""


class Feed:
    """The latest state of each repository, in the order of the configuration, and which one is shown."""

    def __init__(self) -> None:
        self.states: dict[str, RepositoryState] = {}
        self.current = ""
        self.dirty = False

    @property
    def state(self) -> RepositoryState | None:
        """The shown repository's."""
        return self.states.get(self.current)

    def load(self, states: Iterable[RepositoryState]) -> None:
        """Take over all repositories; the shown one stays, if it is still there."""
        self.states = {state.name: state for state in states}
        if self.current not in self.states:
            self.current = next(iter(self.states), "")
        self.dirty = True

    def put(self, state: RepositoryState) -> None:
        """A repository has a new state. What is not followed any more may still report: that is left out."""
        if state.name in self.states and self.states[state.name] != state:
            self.states[state.name] = state
            self.dirty = True

    def choose(self, name: str) -> bool:
        """Show another repository; True if it is another."""
        if name == self.current or name not in self.states:
            return False
        self.current, self.dirty = name, True
        return True

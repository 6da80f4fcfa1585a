"""The steps of a review that undo and redo go over: how many are remembered, and what becomes of those that fail."""

from __future__ import annotations

from collections.abc import Sequence

from app.feedback.review import Done

STEPS = 200
"""Steps that undo goes back without asking the database."""
CHARACTERS = 64_000_000
"""Characters of text that their rows may have together."""


class Steps:
    """A stack of steps, the last on top. Of too many, or too large ones, the oldest go."""

    def __init__(self) -> None:
        self._steps: list[Done] = []
        self._size = 0

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def last(self) -> Done | None:
        """The step on top."""
        return self._steps[-1] if self._steps else None

    def recent(self, count: int) -> list[Done]:
        """The last ones, the oldest of them first."""
        return self._steps[-count:]

    def push(self, step: Done) -> None:
        """Put it on top. The one on top stays, however large it is."""
        self._steps.append(step)
        self._size += _size(step)
        while len(self._steps) > STEPS or (self._size > CHARACTERS and len(self._steps) > 1):
            self._size -= _size(self._steps.pop(0))

    def pop(self) -> Done:
        """Take the one on top."""
        step = self._steps.pop()
        self._size -= _size(step)
        return step

    def clear(self) -> None:
        """Forget all."""
        self._steps.clear()
        self._size = 0

    def take_out(self, step: Done, failed: Sequence[bool]) -> Done | None:
        """Take out the rows of a step that failed, and return them; None where it is not here."""
        at = next((at for at, each in enumerate(self._steps) if each.decisions == step.decisions), None)
        if at is None:
            return None
        kept = step.part([not each for each in failed])
        self._size += _size(kept) - _size(step)
        if kept.items:
            self._steps[at] = kept
        else:
            del self._steps[at]
        return step.part(failed)


def _size(step: Done) -> int:
    return sum(len(item.row.input) + len(item.row.output) for item in step.items)

"""How all repositories stand, in the four characters of their tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.events import Badge, Tone
from app.git.model import RepositoryState

CELLS = 4


def badge_of(states: Sequence[RepositoryState]) -> Badge:
    """`↑3⚠2`: commits to push from the branches that are checked out, and repositories where something is wrong.

    Where both do not fit, what is wrong goes first. A tick where all is well, nothing where nothing is followed.
    """
    if not states:
        return Badge("git", "")
    ahead = wrong = 0
    for state in states:
        head = state.branch(state.head.branch) if state.head.branch else None
        ahead += (head.ahead or 0) if head is not None and not state.error else 0
        wrong += bool(state.error or state.operation or state.problems or state.trouble)
    tone: Tone = "warn" if wrong else "plain"
    both = f"↑{ahead}⚠{wrong}"
    if ahead and wrong and len(both) <= CELLS:
        return Badge("git", both, tone)
    if wrong:
        return Badge("git", f"⚠{_short(wrong)}", tone)
    return Badge("git", f"↑{_short(ahead)}", tone) if ahead else Badge("git", "✓", "good")


def last_seen_badge(states: Sequence[RepositoryState]) -> Badge:
    """The same for what nothing confirms yet: without a colour."""
    return replace(badge_of(states), tone="plain")


def _short(number: int) -> str:
    return str(number) if number < 1000 else "1k+"

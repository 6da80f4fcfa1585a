"""The badge says the most that four characters can."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.events import Badge
from app.git.badge import badge_of, last_seen_badge
from app.git.model import RepositoryState
from tests.git_fakes import branch, broken, small, trading


def ahead(number: int) -> RepositoryState:
    head = replace(small("x").branches[0], ahead=number)
    return small("x", branches=(head, branch("other", ahead=50)))


@pytest.mark.parametrize(
    ("states", "text", "tone"),
    [
        ((), "", "plain"),
        ((small("a"), small("b")), "✓", "good"),
        ((trading(), small("b")), "↑3⚠1", "warn"),
        ((trading(problems=()), small("b")), "↑3", "plain"),
        ((ahead(12), broken("x", "gone")), "⚠1", "warn"),
        ((ahead(120),), "↑120", "plain"),
        ((ahead(5_000),), "↑1k+", "plain"),
        ((small("a", operation="rebase"),), "⚠1", "warn"),
        ((small("a", trouble="origin cannot be reached"),), "⚠1", "warn"),
        (tuple(broken(f"x{n}", "gone") for n in range(50)), "⚠50", "warn"),
    ],
)
def test_what_it_says(states: tuple[RepositoryState, ...], text: str, tone: str) -> None:
    assert badge_of(states) == Badge("git", text, tone)  # type: ignore[arg-type]  # a tone
    assert last_seen_badge(states) == Badge("git", text, "plain")
    assert len(text) <= 4

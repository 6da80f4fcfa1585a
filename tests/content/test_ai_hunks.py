"""A change is taken or refused place by place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.content.ai.hunks import Hunk, apply, hunks

WORDS = st.lists(st.sampled_from(["the", "cat", "sat", "\n", ".", "👩‍👧", "é", "\r\n", "on", "  "]), max_size=25).map(
    " ".join
)


@given(before=WORDS, after=WORDS, chosen=st.sets(st.integers(0, 10)))
def test_all_give_the_later_text_and_none_the_earlier(before: str, after: str, chosen: set[int]) -> None:
    changes = hunks(before, after)
    assert apply(before, changes, range(len(changes))) == after
    assert apply(before, changes, ()) == before
    for hunk in changes:
        assert before[hunk.start : hunk.end] == hunk.before
        assert hunk.before != hunk.after
    some = apply(before, changes, chosen)
    assert len(some) - len(before) == sum(
        len(hunk.after) - len(hunk.before) for number, hunk in enumerate(changes) if number in chosen
    )


def test_words_that_stand_side_by_side_are_one_place() -> None:
    before, after = "The quick brown fox jumps.\nIt is late.\n", "The slow red fox jumps.\nIt was late.\n"
    assert hunks(before, after) == (Hunk(4, "quick brown", "slow red"), Hunk(30, "is", "was"))
    assert apply(before, hunks(before, after), {1}) == "The quick brown fox jumps.\nIt was late.\n"
    assert hunks("same", "same") == ()

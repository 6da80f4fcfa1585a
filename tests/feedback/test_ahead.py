"""Things made ahead: in order, not too far, with their end and their errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from app.feedback.ahead import Ahead
from tests.waiting import until

MOST = 3


async def test_all_come_in_order_and_no_more_than_allowed_are_made_before() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    ahead = Ahead(numbers(), MOST)
    # One more is made, and held until there is room.
    await until(lambda: len(made) == MOST + 1)
    taken = []
    for number in ahead:
        taken.append(number)
        assert len(made) <= len(taken) + MOST + 1
    assert taken == made == list(range(20))
    ahead.close()


def test_an_error_comes_behind_what_was_made() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("the second one")

    ahead = Ahead(broken(), MOST)
    assert next(ahead) == 1
    for _ in range(2):
        with pytest.raises(ValueError, match="the second one"):
            next(ahead)


def test_closed_it_leaves_the_iterator_alone_and_no_thread() -> None:
    before = threading.active_count()
    endless = iter(int, 1)
    ahead = Ahead(endless, MOST)
    assert next(ahead) == 0
    ahead.close()
    assert threading.active_count() == before

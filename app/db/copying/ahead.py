"""Doing two things at once: while one item is worked on, the next is made."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

SWITCH_S = 0.0005

Item = TypeVar("Item")
Done = TypeVar("Done")


def one_ahead(items: Iterable[Item], work: Callable[[Item], Done]) -> Iterator[Done]:
    """`work` on each in a thread of its own, one after the other, while the caller's thread makes the next item."""
    with _quick_turns(), ThreadPoolExecutor(1, "copy") as pool:
        under_way: Future[Done] | None = None
        for item in items:
            if under_way is not None:
                yield under_way.result()
            under_way = pool.submit(work, item)
        if under_way is not None:
            yield under_way.result()


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Who has an answer of the server must not wait long for the one that reads: the server would do nothing then."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before)

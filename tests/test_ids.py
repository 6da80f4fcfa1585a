"""Identifiers: one after the other, whoever makes them."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import ids
from app.ids import ALPHABET, new_id


def test_they_sort_in_the_order_they_were_made_in() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert all(len(each) == 26 and set(each) <= set(ALPHABET) for each in made)


def test_threads_never_make_the_same() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [each for some in pool.map(lambda _: [new_id() for _ in range(2000)], range(8)) for each in some]
    assert len(set(made)) == 16_000


def test_their_time_is_now() -> None:
    before = time.time_ns() // 1_000_000
    number = 0
    for sign in new_id()[:10]:
        number = number * 32 + ALPHABET.index(sign)
    assert before <= number <= time.time_ns() // 1_000_000 + ids.STEP_BACK_MS


@pytest.mark.parametrize(("back_ms", "ordered"), [(0, True), (500, True), (3_600_000, False)])
def test_a_clock_that_is_put_back(back_ms: int, ordered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    then = time.time_ns() - back_ms * 1_000_000
    monkeypatch.setattr(time, "time_ns", lambda: then)
    assert (new_id() > first) is ordered


def test_a_process_that_was_forked_off_makes_others(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns() + 10**9
    monkeypatch.setattr(time, "time_ns", lambda: now)
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, "".join(new_id() for _ in range(50)).encode())
        os._exit(0)
    os.close(writing)
    own = [new_id() for _ in range(50)]
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    others = [text[at : at + 26] for at in range(0, len(text), 26)]
    assert len(others) == 50
    assert not set(own) & set(others)

"""Ids made in rows, and what is remembered of what comes again."""

from __future__ import annotations

from itertools import islice

import pytest

from app.feedback import identities, texts
from app.ids import ALPHABET


def number(identity: str) -> int:
    return sum(ALPHABET.index(letter) << 5 * place for place, letter in enumerate(reversed(identity)))


@pytest.mark.parametrize(
    "first", [bytes(10), bytes(8) + b"\x7f\xf0", bytes(7) + b"\xff\xff\xff", b"\x0f" + b"\xff" * 9]
)
def test_each_id_is_one_more_than_the_one_before(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    monkeypatch.setattr(identities.os, "urandom", lambda count: first[:count])
    found = list(islice(identities.identities(1_790_000_000_000), 70_000))
    start = 1_790_000_000_000 << 80 | int.from_bytes(first, "big") % ((1 << 80) - (1 << 60))
    assert {len(each) for each in found} == {26}
    assert [number(each) for each in found] == list(range(start, start + 70_000))
    assert found == sorted(found)


def test_what_is_remembered_has_a_bound() -> None:
    asked: list[str] = []

    def upper(text: str) -> str:
        asked.append(text)
        return text.upper()

    memo = texts.Memo(upper, 3)
    assert [memo[text] for text in "aabbccab"] == list("AABBCCAB")
    assert asked == ["a", "b", "c"]
    # The fourth began anew.
    assert [memo["d"], memo["a"], len(memo)] == ["D", "A", 2]
    assert asked == ["a", "b", "c", "d", "a"]


def test_what_cannot_be_made_is_asked_again() -> None:
    memo: texts.Memo[str, int] = texts.Memo(lambda text: int(text))
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            memo["x"]
    assert not memo

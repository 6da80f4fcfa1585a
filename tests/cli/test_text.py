"""Plain text for people: columns stand below each other whatever the names hold."""

from __future__ import annotations

import pytest

from app.commands.text import cells, columns, duration


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("plain", 5),
        ("caf\u00e9", 4),
        ("cafe\u0301", 4),
        ("日本語", 6),
        ("🦀/x", 4),
        ("a\u200bb", 2),
        ("ｗｉｄｅ", 8),
        ("", 0),
    ],
)
def test_places_of_a_terminal(text: str, places: int) -> None:
    assert cells(text) == places


@pytest.mark.parametrize("name", ["日本語", "🦀🦀", "cafe\u0301", "two\nlines", "\x1b[31mred"])
def test_columns_stand_below_each_other(name: str) -> None:
    head, *lines = columns(("name", "↑", "what"), [(name, "1", "this"), ("main", "10", "that")], right=("↑",))
    assert {cells(line[: line.index(word)]) for line, word in zip(lines, ("this", "that"), strict=True)} == {
        head.index("what")
    }
    assert lines[0].split("  ")[0].isprintable()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "<1 ms"), (0.0004, "<1 ms"), (0.0006, "1 ms"), (0.012, "12 ms"), (0.8, "0.8 s"), (125.0, "2 min 5 s")],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert duration(seconds) == text

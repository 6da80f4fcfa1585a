"""Pieces broken into lines."""

from __future__ import annotations

from widgets.word_diff import Part, flowed


def lines(parts: list[Part], width: int, indent: str = "") -> list[str]:
    return ["".join(text for text, _ in line.parts).rstrip() for line in flowed(parts, width, indent)]


def test_what_stands_together_stays_together() -> None:
    assert lines([("the fill came late!! It was fine.", "")], 18) == ["the fill came", "late!! It was", "fine."]
    # Also where a part of a word is new.
    assert lines([("it came la", ""), ("ter", "new"), (" than", "")], 12) == ["it came", "later than"]


def test_what_is_wider_than_a_line_breaks_where_a_word_ends() -> None:
    assert lines([("see abc{def}ghi,jkl", "")], 10) == ["see abc{", "def}ghi,", "jkl"]
    assert lines([("abcdefghijklmnop", "")], 10) == ["abcdefghij", "klmnop"]


def test_indents_and_empty_lines_stay() -> None:
    assert lines([("one\n\n  two three", "")], 11, "  ") == ["  one", "", "    two", "  three"]

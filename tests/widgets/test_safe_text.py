"""Nothing that a test prints may reach the terminal as anything but text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.safe_text import clean, clean_line, fit, fold, in_place, shorten, shorten_start, width_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x9b31mred", "red"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1bP1$r0m\x1b\\after", "after"),
        ("\x1b(Bafter", "after"),
        ("torn \x1b[", "torn ␛["),
        ("bell\x07", "bell␇"),
        ("nul\x00", "nul␀"),
        ("\x7f", "␡"),
        ("\x85", "\\x85"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ufeffbom", "\\ufeffbom"),
        ("lone \ud800", "lone \\ud800"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("a\tb", "a   b"),
        ("one\r\ntwo\nthree", "one\ntwo\nthree"),
        ("10%\r20%", "10%␍20%"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
        ("naïve 日本 👩‍🚀", "naïve 日本 👩‍🚀"),
    ],
)
def test_control_characters_become_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_line_stays_one_line() -> None:
    assert clean_line("a\nb\x1b[1m") == "a⏎b"
    assert clean_line("x" * 5000) == "x" * 2000 + "…"


def test_a_long_text_loses_its_middle_and_says_so() -> None:
    text = clean("a" * 600 + "b" * 600, limit=200)
    assert text.startswith("a" * 100 + "\n")
    assert text.endswith("\n" + "b" * 100)
    assert "1,000 characters left out" in text


@given(st.text(alphabet=st.characters(), max_size=200))
def test_no_control_character_ever_passes(text: str) -> None:
    shown = clean(text)
    assert not any(ord(char) < 32 and char != "\n" for char in shown)
    assert not any(0x7F <= ord(char) <= 0x9F or 0xD800 <= ord(char) <= 0xDFFF for char in shown)
    assert "\n" not in clean_line(text)
    shown.encode("utf-8")


@given(st.text(max_size=60), st.integers(0, 40))
def test_widths_are_kept(text: str, width: int) -> None:
    line = clean_line(text)
    assert width_of(fit(line, width)) == width
    assert width_of(shorten(line, width)) <= width
    assert width_of(shorten_start(line, width)) <= width


@given(st.text(max_size=80), st.integers(2, 40))
def test_folding_loses_nothing(text: str, width: int) -> None:
    shown = clean(text)
    lines = fold(shown, width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines) == shown.replace("\n", "")


@given(st.text())
def test_in_place_keeps_every_place(text: str) -> None:
    shown = in_place(text)
    assert len(shown) == len(text)
    assert not set(shown) & set("\x1b\x07\x9b\x7f\u202e\u2066")
    assert in_place(shown) == shown

"""Foreign text is shown as what it is, folded, and never as anything that drives the terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.content_kind import recognise
from widgets.content_lines import FOLDED_LINES, content_lines
from widgets.lines_view import TextLine
from widgets.safe_text import width_of
from widgets.word_diff import ADDED, TAKEN, counted, diff_lines, word_diff

CASES = {
    "json": '{"a": [1, 2, {"b": null}]}',
    "diff": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b",
    "table": "a,b,c\n1,2,3\n4,5,6",
    "markdown": "# Title\n\ntext",
    "code": "import os\n\ndef f(x):\n    return x",
    "text": "One sentence, and another one.\nA third.",
}


def plain(lines: list[TextLine]) -> list[str]:
    return ["".join(text for text, _ in line.parts) for line in lines]


@pytest.mark.parametrize("kind", CASES)
def test_kinds(kind: str) -> None:
    assert recognise(CASES[kind]).kind == kind


@pytest.mark.parametrize(
    "text",
    ["", " ", "{not json", "[1, 2", "a, b, c\nd, e, f\ng, h, i", "- only one item", "-5 degrees\n+3 degrees", "no: 1"],
)
def test_what_is_nothing_special_is_text(text: str) -> None:
    assert recognise(text).kind == "text"


def test_json_is_laid_out() -> None:
    kind, lines, more = content_lines('{"a":[1,null],"b":"x"}', 60)
    assert (kind, more) == ("json", 0)
    assert "".join(line.strip() for line in plain(lines)) == '{"a": [1,null],"b": "x"}'


def test_a_table_has_its_figures_at_the_right() -> None:
    _, lines, _ = content_lines("| name | price |\n|---|---|\n| AAPL | 10.50 |\n| GOOGLE | 9.00 |", 60)
    assert plain(lines) == ["  name    price", "  ─────────────", "  AAPL    10.50", "  GOOGLE   9.00"]


def test_markdown_shows_where_a_link_leads() -> None:
    _, lines, _ = content_lines("# T\n\n[your bank](https://evil.example)", 60)
    assert plain(lines)[-1] == "  your bank (https://evil.example)"


def test_long_texts_fold_and_unfold() -> None:
    text = "\n".join(f"line {n}" for n in range(300))
    _, lines, more = content_lines(text, 60)
    assert len(lines) == FOLDED_LINES - 1
    assert len(lines) + more == 300
    _, lines, more = content_lines(text, 60, unfolded=True)
    assert (len(lines), more) == (300, 0)


def test_a_long_line_is_folded_too() -> None:
    _, lines, more = content_lines("word " * 100_000, 80)
    assert FOLDED_LINES // 2 < len(lines) <= FOLDED_LINES
    assert more >= 1


PIECES = ["# a", "- b", "```", "| x | y |", "|---|---|", "> q", "\x1b[31m", "**z**", "@@ -1 @@", "--- a", "a,b,c"]
JSON = st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner, max_size=4), max_leaves=12)
MIXED = st.lists(st.sampled_from(PIECES), max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(max_size=400), JSON.map(json.dumps), MIXED.map("\n".join)),
    st.integers(min_value=20, max_value=120),
)
def test_any_text_fits_and_is_harmless(text: str, width: int) -> None:
    _, lines, _ = content_lines(text, width)
    for line in plain(lines):
        assert width_of(line) <= width + 1
        assert "\n" not in line
        assert "\x1b" not in line
        assert line.isprintable() or not line.isascii()


def test_words_that_changed() -> None:
    assert word_diff("the price is low", "the price was low") == [
        ("the price ", ""),
        ("is", TAKEN),
        ("was", ADDED),
        (" low", ""),
    ]
    assert counted("a b c", "a x y c") == (2, 1)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab \n.", max_size=60), st.text(alphabet="ab \n.", max_size=60))
def test_both_texts_are_in_the_difference(before: str, after: str) -> None:
    parts = word_diff(before, after)
    assert "".join(text for text, style in parts if style != ADDED) == before
    assert "".join(text for text, style in parts if style != TAKEN) == after


def test_the_difference_is_folded() -> None:
    lines = list(diff_lines("a " * 50, "b " * 50, 20))
    assert len(lines) > 5
    assert all(width_of("".join(text for text, _ in line.parts)) <= 20 for line in lines)


def test_italics_and_rules_of_markdown_leave_names_alone() -> None:
    _, lines, _ = content_lines("# One\n\nit *was* _late_, in snake_case_names and 2*3*4\n\n---\n", 60)
    shown = [part for line in lines for part in line.parts]
    assert ("was", "italic") in shown
    assert ("late", "italic") in shown
    text = "\n".join("".join(text for text, _ in line.parts) for line in lines)
    assert "snake_case_names and 2*3*4" in text
    assert "─" * 24 in text

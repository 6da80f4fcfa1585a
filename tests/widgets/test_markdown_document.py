"""The editor's text: after whatever edits, everything beside it is what it would be of the text alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from widgets.markdown_document import MarkdownDocument
from widgets.markdown_syntax import pieces
from widgets.markdown_wrapping import Wrapping, cells, shown

LINES = st.sampled_from(
    ["", "---", "# one *two*", "```py", "```", "~~~~", "<!-- a", "b -->", "{# c", "#}", "- [ ] x", "> y", "a\tb 日本",
     "word " * 12, "\x1b[31m\x00\u202e", "x" * 30, "e\u0301 👩‍👩‍👧 z", "a\u2028b\x0cc"]
)  # fmt: skip
TEXTS = st.lists(LINES, max_size=8).map("\n".join)
EDITS = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60), TEXTS), max_size=8)


@given(TEXTS, EDITS, st.integers(4, 40))
def test_an_edited_text_is_one_that_was_always_so(text: str, edits: list[tuple[int, int, str]], width: int) -> None:
    document = MarkdownDocument(text)
    wrapping = Wrapping(document)
    wrapping.wrap(width)
    document.set_marks([(1, 3, "error"), (2, 30, "warn")])
    for start, length, new in edits:
        first, last = min(start, len(text)), min(start + length, len(text))
        result = document.replace_range(document.place_of(last), document.place_of(first), new)
        assert result.replaced_text == text[first:last]
        text = text[:first] + new + text[last:]
        assert document.offset_of(result.end_location) == first + len(new)
    fresh = MarkdownDocument(text)
    assert document.text == text == fresh.text
    assert document.states == fresh.states
    assert document.words == fresh.words == len(text.split())
    again = Wrapping(fresh)
    again.wrap(width)
    assert wrapping.tops == again.tops
    for row, line in enumerate(document.lines):
        assert all(0 <= start < end <= len(line) for start, end, _ in document.marks_of(row))


@given(TEXTS, st.integers(4, 40))
def test_every_place_is_found_where_it_is_shown(text: str, width: int) -> None:
    document = MarkdownDocument(text)
    wrapping = Wrapping(document)
    wrapping.wrap(width)
    assert "".join("".join(sections) for sections in wrapping.lines) == text.replace("\n", "")
    for offset in range(len(text) + 1):
        place = document.place_of(offset)
        assert document.offset_of(place) == offset
        x, y = wrapping.location_to_offset(place)
        assert x <= width + 1
        assert wrapping.line_at(y)[0] == place[0]
    for row, line in enumerate(document.lines):
        assert all(start < end <= len(line) for start, end, _ in pieces(line, document.states[row]) if start != end)
        assert shown(line).isprintable() or "\u200d" in line
    plain = Wrapping(MarkdownDocument("no odd sign here, and words enough to be wrapped at least once"))
    plain.wrap(width)
    for column in range(plain.text.end[1] + 1):
        assert plain.offset_to_location(plain.location_to_offset((0, column))) == (0, column)
    assert cells("\x1b日") == 3


def test_findings_move_with_the_text_that_they_are_about() -> None:
    document = MarkdownDocument("one two three\nfour five")
    document.set_marks([(4, 7, "error"), (14, 18, "warn")])

    def marked() -> list[str]:
        return [document.lines[row][a:b] for row in document.marked_rows() for a, b, _ in document.marks_of(row)]

    document.replace_range((0, 0), (0, 0), "zero\n")
    assert marked() == ["two", "four"]
    document.replace_range((1, 5), (1, 5), "XX")
    assert marked() == ["tXXwo", "four"]
    document.replace_range((1, 3), (1, 4), "")
    assert marked() == ["tXXwo", "four"]
    document.replace_range((1, 12), (2, 2), "")
    assert marked() == ["tXXwo", "ur"]
    document.replace_range((1, 0), (1, 30), "")
    assert marked() == []
    document.set_marks([(0, 12, "error")])
    assert marked() == ["zero"], "an empty line has nothing to underline"


def test_what_a_line_begins_in() -> None:
    document = MarkdownDocument(
        "---\na: 1\n---\n```py\n# no\n~~~\n```\nx <!-- y\nz --> `<!--`\n## T {#id}\n{# a\nb #}\n---"
    )
    assert document.states == ["^", "---", "---", "", "```", "```", "```", "", "<!--", "", "", "{#", ""]
    document.replace_range((0, 0), (0, 3), "")
    assert document.states[:4] == ["^", "", "", ""]
    assert MarkdownDocument("a\r\nb\rc\x0cd").lines == ["a", "b", "c\x0cd"]

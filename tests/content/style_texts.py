"""Markdown of all shapes for Hypothesis, and what of it must never change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from markdown_it import MarkdownIt
from markdown_it.token import Token


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WORDS = _split(
    """
    the engine reads it fast we they Github github don't delve leverage really done Name Speed 10 1914 12345 but not
    there which is small, and (more) Jan Monday foo_bar e.g. Mr. main in order to don’t snake_case_name It's
    """
)
SIGNS = _split(
    """
    — – -- --- ― … ... .. .... . &mdash; &#8212; &hellip; &amp; &nbsp; ! !! ?! ?? : ; , ? —— …… 🎉 👍🏽 🇩🇪 1️⃣ ❤️
    * ** _ ` `` ~~ [ ] ( ) < > | \\ \\— \\| # - + 1. " ' “ ” {{ }} {% %}
    """
)
JOINED = "👩\u200d👩\u200d👧"
PROTECTED = (
    "`a — b`",
    "``x ... y ` z — 1``",
    "<https://example.com/a—b>",
    "https://example.com/a—b--c...d",
    "www.example.com/a—b",
    "[a — b](https://example.com/—x 'one — two')",
    "![alt — text](pic—1.png)",
    "[ref — x][one — two]",
    '<b title="a — b">',
    "</b>",
    "<code>x — y</code>",
    "{{ a — b }}",
    "{% if a — b %}",
    "{# no — note #}",
    "<@123>",
    "<:x:12>",
    ":tada:",
    ":a-b:",
    "./a...b/c",
    "src/...",
    "me@example.com",
    "config.toml",
    "<!-- style: off -->",
    "<!-- style: on -->",
    "<!-- a — b -->",
    "<br>",
)
STARTS = (
    "",
    "# ",
    "## ",
    "- ",
    "* ",
    "1. ",
    "> ",
    "> > ",
    "> - ",
    "  - ",
    "    ",
    "\t",
    "- - ",
    "| ",
    "```",
    "~~~",
    "<div>",
    "   ",
)

_pieces: SearchStrategy[str] = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(WORDS),
    st.sampled_from(SIGNS),
    st.sampled_from(PROTECTED),
    st.text(max_size=3),
)
_spaces = st.sampled_from((" ", " ", " ", "", "  ", "\n", "\u00a0", " \n", "  \n"))


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A block of one or more lines."""
    start = draw(st.sampled_from(STARTS))
    pieces = draw(st.lists(st.tuples(_pieces, _spaces), max_size=14))
    return start + "".join(piece + space for piece, space in pieces)


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A table with some cells."""
    cell = st.one_of(st.sampled_from(("—", "--", "&mdash;", "a — b", "`a | b`", "x \\| — y", "")), _pieces)
    width = draw(st.integers(1, 3))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=4))
    prefix = draw(st.sampled_from(("", "> ", "  ")))
    rows.insert(1, ["---"] * width)
    return "\n".join(f"{prefix}| {' | '.join(row)} |" for row in rows)


BLOCKS = (
    "```python\nx = 'a — b'...\n```",
    "- item\n\n      code — here\n",
    "> ```\n> a — b\n> ```",
    "1. ```\n   a — b ...c\n   ```\n   text — more",
    "<div class='a — b'>\n<p>one — two</p>\n<pre>x — y</pre>\n</div>",
    "[one — two]: https://example.com/a—b 'title — t'",
    "---",
    "Title — of it\n===",
)


def markdown() -> SearchStrategy[str]:
    """Whole texts."""
    front = st.sampled_from(("", "", "---\ntitle: One — two\ndate: 2024-01-01\n---\n", "+++\ntitle = 'a — b'\n+++\n"))
    block = st.one_of(lines(), lines(), tables(), st.sampled_from(BLOCKS))
    body = st.lists(st.tuples(block, st.sampled_from(("\n\n", "\n"))), max_size=6)
    return st.builds(lambda a, b: a + "".join(x + y for x, y in b), front, body)


def structure(text: str) -> list[str]:
    """Types of all tokens, as another parser than ours sees them."""
    return [name for token in MarkdownIt("commonmark").enable("table").parse(text) for name in _types(token)]


def kept(text: str) -> list[str]:
    """What must not change: code, tags, addresses, front matter, markers of templates."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    found = [piece for token in tokens for piece in _kept(token)]
    return [*found, *re.findall(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", text, re.DOTALL)]


def _types(token: Token) -> Iterator[str]:
    yield token.type
    for child in token.children or ():
        yield from _types(child)


def _kept(token: Token) -> Iterator[str]:
    if token.type in ("code_inline", "fence", "code_block", "html_inline"):
        yield token.content
    if token.type == "html_block":
        yield from re.findall(r"</?[a-zA-Z][^>]*>|<[!?][^>]*>", token.content)
    for name in ("href", "src", "title"):
        if name in token.attrs:
            yield str(token.attrs[name])
    for child in token.children or ():
        yield from _kept(child)

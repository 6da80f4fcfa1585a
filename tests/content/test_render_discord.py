"""Markdown as Discord has it, and long texts as several messages."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.content.render.discord import length, to_discord
from app.content.render.split import LEAST, split


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (
            "# One\n## Two\n### Three\n#### *Four*\n##### **Five**",
            "# One\n\n## Two\n\n### Three\n\n***Four***\n\n**Five**",
        ),
        ("Title\n=====\ntext", "# Title\n\ntext"),
        ("> # in a quote\n> text\n>> deeper", "> **in a quote**\n>\n> text\n>\n> deeper"),
        ("__bold__ _em_ ~~gone~~ *a **b***", "**bold** *em* ~~gone~~ *a **b***"),
        ("one\ntwo  \nthree", "one two\nthree"),
        ("\\*not\\* &lt;b&gt; a \\# b", "\\*not\\* \\<b\\> a \\# b"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("![chart](https://a.b/c.png) ![local](c.png)", "[chart](https://a.b/c.png) local (c.png)"),
        ("[w](https://a.b/c_(d)) [m](mailto:a@b.c) [r](./x)", "[w](https://a.b/c_%28d%29) m (mailto:a@b.c) r (./x)"),
        ("<https://a.b> https://a.b", "<https://a.b> https://a.b"),
        ("- a\n- b\n  - c\n    - d\n1. x\n2. y", "- a\n- b\n  - c\n    - d\n\n1. x\n2. y"),
        ("3. c\n4. d", "3. c\n4. d"),
        ("- [ ] open\n- [x] done", "- ☐ open\n- ☑ done"),
        ("| a | n |\n|---|--:|\n| **x** | 12 |", "```\na   n\n─  ──\nx  12\n```"),
        ("    code\n", "```\ncode\n```"),
        ("```` md\na ``` b\n````", "```md\na `\u200b`\u200b` b\n```"),
        ("`` a ` b `` ``` c `` d ```", "`` a ` b `` `` c `\u200b` d ``"),
        ("- a\n\n  ```py\n  x = 1\n    y\n  ```", "- a\n\n```py\nx = 1\n  y\n```"),
        ("<t:1700000000:R> <@1> <@&2> <#3> <:ok:4> </cmd:5> ||x|| -# small", None),
        ("a<br>b<b>c</b><!-- d -->", "a\nbc"),
        ("see[^n]\n\n[^n]: the note", "see[n]\n\n-# n: the note"),
        ("---\ntitle: x\n---\nbody", "body"),
        ("", ""),
    ],
)
def test_what_discord_has_no_form_for(written: str, shown: str | None) -> None:
    assert to_discord(written) == (written if shown is None else shown)


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    to_discord(text).encode()


def test_the_larger_count_is_taken() -> None:
    assert length("a🦊") == 3
    assert length("é") == 1


def test_paragraphs_stay_whole() -> None:
    parts = split("\n\n".join(["word " * 15] * 4), 160)
    assert [part.count("word") for part in parts] == [30, 30]


def test_code_that_is_cut_is_closed_and_opened_again() -> None:
    code = "\n".join(f"line {n} = {n}" for n in range(100))
    parts = split(f"before\n\n```py\n{code}\n```\nafter", 300)
    assert all(length(part) <= 300 and part.count("```") % 2 == 0 for part in parts)
    assert all(part.startswith("```py\n") for part in parts[1:])
    inner = [re.sub(r"```\w*", "", part).strip() for part in parts]
    assert "\n".join(inner).split() == f"before {code} after".split()


def test_code_in_a_quote_stays_in_it() -> None:
    parts = split("> ```\n" + "\n".join(f"> {n}" for n in range(200)) + "\n> ```", 200)
    assert all(part.startswith("> ```\n") and part.endswith("\n> ```") for part in parts)


def test_neither_marks_nor_links_are_cut_through() -> None:
    words = "plain words here " * 5
    text = f"{words}**{'bold ' * 9}end** {words}[{'a link ' * 5}x](https://a.b/{'c' * 20}) {words}"
    for part in split(text, 150):
        assert part.count("**") % 2 == 0
        assert part.count("[") == part.count("](") == part.count(")")


def test_a_word_longer_than_a_part_is_cut_between_characters() -> None:
    family = "👩‍👩‍👧"
    parts = split(family * 60, LEAST)
    assert "".join(parts) == family * 60
    assert all(part.startswith("👩") and not part.endswith("\u200d") for part in parts)


def test_a_line_of_code_longer_than_a_part() -> None:
    parts = split(f"```\n{'x' * 1000}\n```", LEAST)
    assert all(length(part) <= LEAST and part.startswith("```\n") and part.endswith("\n```") for part in parts)
    assert sum(part.count("x") for part in parts) == 1000


def test_nothing_is_no_part_and_a_limit_has_a_least() -> None:
    assert split("") == split(" \n\n ") == []
    with pytest.raises(ValueError, match="100"):
        split("x", 99)


PIECES = st.sampled_from(
    [
        "word ",
        "a long sentence. ",
        "\n",
        "\n\n",
        "**b** ",
        "`c` ",
        "```py\n",
        "```\n",
        "\n```\n",
        "> q\n",
        "🦊",
        "👩‍👧",
        "x" * 90,
        "[l](https://a.b) ",
    ]
)


@given(st.lists(PIECES, max_size=120).map("".join), st.integers(LEAST, 300))
def test_every_part_fits_and_no_word_is_lost(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(0 < length(part) <= limit and part.strip() for part in parts)
    plain = re.compile(r"(?:> )?```(?:py)?|\s|> ")
    assert plain.sub("", "".join(parts)) == plain.sub("", text)

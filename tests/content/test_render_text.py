"""Markdown as plain text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.content.render.text import to_text

WRITTEN = """---
title: x
---
# Hello *World*

A para with [link](http://a.b) and `code` \\*not\\* &amp; x
soft **b__c__**, see <https://a.b/c>

- a
- b
  - c
- [ ] todo
- [x] done

1. one

   more
2. two

> quote
> > nested

| a | b |
|---|--:|
| é | 12 |
| 日本 | 3 |

```py
x = 1
```
<div>hi</div>

note[^1] ![a chart](c.png)

[^1]: the note
"""

READ = """Hello World

A para with link (http://a.b) and code *not* & x soft b__c__, see https://a.b/c

- a
- b
  - c
- [ ] todo
- [x] done

1. one

   more

2. two

> quote
>
> > nested

a      b
────  ──
é     12
日本   3

    x = 1

hi

note[1] a chart

[1] the note
"""


def test_every_kind_of_block() -> None:
    assert to_text(WRITTEN) == READ


def test_words_are_wrapped_and_lists_keep_their_indent() -> None:
    assert to_text("- " + "word " * 12, 30) == "- word word word word word\n  word word word word word\n  word word\n"


def test_nothing_is_nothing() -> None:
    assert to_text("") == to_text("---\ntitle: x\n---\n") == to_text("<!-- a -->") == ""


@given(st.text(max_size=300))
def test_any_text_has_one_line_end_at_its_end(text: str) -> None:
    read = to_text(text)
    assert not read or (read.endswith("\n") and not read.endswith("\n\n"))
    read.encode()

"""Markdown as HTML, and pages as mails."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from app.content.render.html import for_mail, highlight_rules, slug, to_html


def test_headings_have_names_of_their_own() -> None:
    made = to_html("# Fills & *fees*\n## Fills, fees\n### ...\n### é Ü 日本")
    assert [(each.level, each.id, each.text) for each in made.headings] == [
        (1, "fills-fees", "Fills & fees"),
        (2, "fills-fees-2", "Fills, fees"),
        (3, "section", "..."),
        (3, "é-ü-日本", "é Ü 日本"),
    ]
    assert '<h2 id="fills-fees-2">' in made.body


def test_code_is_coloured_by_names_that_the_rules_know() -> None:
    body = to_html("```py\ndef f():\n    return '<x>'\n```").body
    assert '<span class="k">def</span>' in body
    assert "&lt;x&gt;" in body
    assert ".highlight .k," in highlight_rules()
    assert (
        '<pre class="highlight"><code class="language-unheard-of">a &lt; b' in to_html("```unheard-of\na < b\n```").body
    )


def test_tables_tasks_and_footnotes() -> None:
    body = to_html("| a | n |\n|---|--:|\n| x | 1 |\n\n- [x] done\n\nn[^1]\n\n[^1]: note").body
    assert '<td class="align-right">1</td>' in body
    assert 'checked="checked"' in body
    assert 'href="#fn1"' in body
    assert 'id="fn1"' in body


class _Names(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name, value or "") for name, value in attrs] or [(tag, "", "")]


HOSTILE = """<script>alert(1)</script>
<b onclick="x()" style="position:fixed">bold</b>
<a href="javascript:x()">a</a> <a href="data:text/html,x">b</a>
<iframe src="https://a.b"></iframe><form action="/x"><input type="text"></form>
<svg onload=x()></svg><math><mi xlink:href="javascript:x()"></math>
<img src=x onerror=x()> <style>p{}</style><link rel=stylesheet href=//a.b><base href=//a.b>
"""


@given(st.permutations(HOSTILE.split("\n")).map("\n".join) | st.text(max_size=200))
def test_foreign_text_can_run_nothing(text: str) -> None:
    names = _Names()
    names.feed(to_html(text, foreign=True).body)
    for tag, name, value in names.found:
        assert tag not in {"script", "iframe", "form", "style", "link", "base", "svg", "math", "object", "embed"}
        assert not name.startswith("on")
        assert name != "style"
        assert not value.strip().lower().startswith(("javascript:", "data:", "vbscript:"))


def test_own_html_stays() -> None:
    assert to_html('<aside class="card">x</aside>').body.strip() == '<aside class="card">x</aside>'


def test_a_mail_has_its_rules_in_its_elements_and_no_variables() -> None:
    page = (
        "<html><head><style>:root { --ink: #123456; --rule: 1px solid var(--ink) }"
        "p { color: var(--ink); border: var(--rule); margin: var(--none, 4px) }</style></head>"
        "<body><p>x</p></body></html>"
    )
    mail = for_mail(page)
    assert '<p style="color: #123456;border: 1px solid #123456;margin: 4px;">x</p>' in mail
    assert "var(" not in mail


def test_slugs() -> None:
    assert [slug(words) for words in ("A  b_c!", "ﬁne", "--", "C++ & Rust")] == ["a-b-c", "fine", "", "c-rust"]

"""What holds for fixes of any text at all."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.content.style import rules, source
from app.content.style.fixing import fix
from app.content.style.linter import Linter
from app.content.style.model import Options
from tests.content.style_texts import kept, markdown, structure

MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
STYLES = [
    rules.style(Options()),
    rules.style(Options(dash="period", ellipsis="…")),
    rules.style(Options(dash="comma", quotes=False, on=("*",))),
]
ANY_STYLE = st.sampled_from(STYLES)


@MANY
@given(markdown(), ANY_STYLE)
def test_fixes_make_nothing_worse_and_are_done_once(text: str, style: rules.Style) -> None:
    normal = source.decoded(text.encode("utf-8", "surrogatepass")).text
    linter = Linter(style)
    before = linter.lint(normal)
    done = fix(linter, normal)
    after = Linter(style).lint(done.text)
    assert fix(Linter(style), done.text).text == done.text
    assert after.errors <= before.errors
    assert after.findings == done.left
    assert structure(done.text) == structure(normal)
    assert kept(done.text) == kept(normal)
    assert done.text.count("\n") == normal.count("\n")
    assert bool(done.fixed) == (done.text != normal)


@MANY
@given(markdown())
def test_findings_stand_where_they_say(text: str) -> None:
    normal = source.decoded(text.encode("utf-8", "surrogatepass")).text
    lines = normal.split("\n")
    for finding in Linter(STYLES[0]).lint(normal).findings:
        assert 1 <= finding.line <= finding.end_line <= len(lines)
        part = lines[finding.line - 1 : finding.end_line]
        part[-1] = part[-1][: finding.end_column - 1]
        part[0] = part[0][finding.column - 1 :]
        assert source.shown("\n".join(part)) == finding.text
        assert finding.replacement is None or finding.fix != "none"


@MANY
@given(st.lists(markdown(), min_size=2, max_size=4))
def test_what_is_remembered_of_other_texts_changes_nothing(texts: list[str]) -> None:
    linter = Linter(STYLES[0])
    for text in texts:
        normal = source.decoded(text.encode("utf-8", "surrogatepass")).text
        assert linter.lint(normal) == Linter(STYLES[0]).lint(normal)


@MANY
@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_any_bytes_are_read_and_given_back(raw: bytes) -> None:
    text = source.decoded(raw)
    assert text.encoded(text.text) == raw
    done = fix(Linter(STYLES[0]), text.text)
    assert len(text.encoded(done.text)) >= 0

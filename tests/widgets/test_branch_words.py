"""Branches and repositories in glyphs and words."""

from __future__ import annotations

import pytest

from app.git.model import Branch, RemoteBranch
from tests.git_fakes import HOSTILE, branch, broken, commit, oid, small, trading
from widgets import branch_words as words

AWAY = RemoteBranch("origin", "feature/x", oid(1), commit(1), 6, 40, stale=True)


@pytest.mark.parametrize(
    ("number", "width", "text"),
    [(0, 4, "0"), (999, 4, "999"), (9_999, 4, "9999"), (12_345, 4, "12k"), (999, 3, "999"), (9_999, 3, "9k")],
)
def test_figures_keep_their_columns(number: int, width: int, text: str) -> None:
    assert words.figure(number, width) == text
    assert len(words.figure(number * 1_000, width)) <= width + 1


def test_pairs_stand_in_columns() -> None:
    widths = words.pair_widths([(3, 1204), (None, None), (12, 0)])
    assert widths == (3, 5)
    for pair in [(3, 1204), (12, 0), (0, 7), (0, 0), (None, None)]:
        assert len("".join(words.pair(*pair, widths))) == widths.total
    assert words.pair(0, 0, widths)[1].strip() == "·"
    assert words.pair(None, 2, widths)[1].strip() == "…"
    assert words.pair(12, 0, widths)[0] == "↑12 "
    assert words.arrow("↓", 7, least=True) == "↓≥7"


@pytest.mark.parametrize(
    ("made", "sign", "badges"),
    [
        (branch("a", is_head=True, held_by="head"), "●", []),
        (branch("a", unpushed=True, upstream_state="gone"), "⚠", ["unpushed", "gone"]),
        (branch("a", landed="squashed", upstream_state="gone"), "✓", ["squashed", "gone"]),
        (branch("a", upstream_state="gone"), "⚑", ["gone"]),
        (branch("a", upstream_state="misnamed"), "⚑", []),
        (branch("a", misnamed=True, stale=True), "⚑", ["stale", "misnamed"]),
        (branch("a", held_by="worktree", protected=True), "◐", ["worktree", "protected"]),
        (branch("a", landed="new"), "○", ["new"]),
        (AWAY, "○", ["stale"]),
    ],
)
def test_glyphs_and_badges(made: Branch | RemoteBranch, sign: str, badges: list[str]) -> None:
    assert words.glyph_of(made)[0] == sign
    assert words.badges_of(made) == badges


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (branch("a"), "origin"),
        (branch("a", upstream="origin/b", upstream_state="misnamed"), "≠ b"),
        (branch("a", upstream="fork/b"), "≠ fork/b"),
        (branch("a", upstream_state="gone"), "gone"),
        (branch("a", upstream_state="never_pushed"), "not there"),
        (branch("a", upstream=""), "none"),
        (AWAY, "not here"),
    ],
)
def test_upstreams(made: Branch | RemoteBranch, text: str) -> None:
    assert words.upstream_of(made)[0] == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gone", {"feature/OPS-29-gap-filter", "feature/OPS-30-calendars", "fix/OPS-31-rounding"}),
        ("gone !squashed fix", {"fix/OPS-31-rounding"}),
        ("merged", {"feature/OPS-30-calendars"}),
        ("unpushed", {"feature/OPS-17-risk-limits", "chore/OPS-2-lint"}),
        ("STALE", {"spike", "fix/OPS-44-stale-quote"}),
        ("misnamed", {"spike", "feature/OPS-40-depth"}),
        ("held !main", {"feature/OPS-41-limit-orders", "fix/OPS-45-slow-start"}),
        ("ops-4 behind", set()),
        ("!", None),
    ],
)
def test_the_filter(text: str, found: set[str] | None) -> None:
    state = trading()
    names = {made.name for made in state.branches if words.matches(made, text)}
    if found is None:
        assert len(names) == len(state.branches)
    elif text == "gone":
        assert names == {*found, "feature/OPS-17-risk-limits"}
    else:
        assert names == found
    assert words.matches(AWAY, "remote feature")
    assert not words.matches(AWAY, "local")


def test_the_filter_of_repositories() -> None:
    assert words.repository_matches(trading(), "trad limit")
    assert words.repository_matches(trading(), "ahead changed problems !broken")
    assert not words.repository_matches(small("api"), "problems")
    assert words.repository_matches(broken("x", "gone"), "broken")


def test_foreign_text_is_made_harmless() -> None:
    odd = branch("a", upstream=f"origin/{HOSTILE}", upstream_state="misnamed")
    text = words.upstream_of(odd)[0]
    assert "\x1b" not in text
    assert "\n" not in text
    assert "[b]" in text, "markup is text like any other"


def test_what_can_be_pruned() -> None:
    assert words.prunable(trading()) == 3
    kept = trading(branches=(branch("x", landed="merged", protected=True), branch("y", landed="new")))
    assert words.prunable(kept) == 0

"""Rows follow content, folds and filter, and only changed groups are worked out again."""

from __future__ import annotations

from widgets.outline import Outline


def made() -> Outline:
    outline = Outline()
    outline.load({"a": ["a1", "a2"], "b": [], "c": ["c1"]})
    return outline


def test_all_rows_in_order() -> None:
    assert made().rows == ["a", "a1", "a2", "b", "c", "c1"]
    assert made().parent("a2") == "a"
    assert made().parent("a") is None


def test_folding() -> None:
    outline = made()
    assert outline.fold(["a"], True)
    assert outline.rows == ["a", "b", "c", "c1"]
    assert not outline.fold(["a", "unknown"], True)
    outline.load({"a": ["a1"], "d": ["d1"]})
    assert outline.rows == ["a", "d", "d1"]


def test_a_filter_shows_matches_under_their_groups_and_ignores_folds() -> None:
    outline = made()
    outline.fold(["c"], True)
    outline.set_filter(lambda row: row.endswith("1"))
    assert outline.rows == ["a", "a1", "c", "c1"]
    outline.fold(["a"], True)
    assert outline.rows == ["a", "c", "c1"]
    outline.set_filter(None)
    assert outline.rows == ["a", "a1", "a2", "b", "c"]


def test_a_group_without_members_is_shown_when_it_matches_itself() -> None:
    outline = made()
    outline.set_filter(lambda row: row.startswith("b"))
    assert outline.rows == ["b"]


def test_touch_says_whether_rows_differ() -> None:
    outline = made()
    failing = {"a1"}
    outline.set_filter(lambda row: row in failing)
    assert outline.rows == ["a", "a1"]
    assert not outline.touch(["a", "c"])
    failing.add("c1")
    assert outline.touch(["c"])
    assert outline.rows == ["a", "a1", "c", "c1"]
    assert not outline.touch(["unknown"])

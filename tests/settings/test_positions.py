"""The line of every key, against texts written out by hand and against generated ones."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import toml
from app.config.positions import KeyPath, key_lines

CASES: dict[str, tuple[str, dict[KeyPath, int]]] = {
    "keys and comments": ("# a\na = 1 # b = 2\n\nb=2", {("a",): 2, ("b",): 4}),
    "table": ("\n[ ui ]  # x\n\ttheme = 'a'\n", {("ui",): 2, ("ui", "theme"): 3}),
    "dotted keys": ("a . b.c = 1\na.d = 2", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1, ("a", "d"): 2}),
    "quoted keys": ('"a.b" = 1\n\'c d\' = 2\n"\\u0041" = 3', {("a.b",): 1, ("c d",): 2, ("A",): 3}),
    "list over lines": (
        "a = [ # one\n  \"]\", '[',\n\n  3,\n]\nb = 1",
        {("a",): 1, ("a", 0): 2, ("a", 1): 2, ("a", 2): 4, ("b",): 6},
    ),
    "inline table": (
        "a = { b = 1, c.d = [1,\n2] }\ne = {}",
        {("a",): 1, ("a", "b"): 1, ("a", "c"): 1, ("a", "c", "d"): 1}
        | {("a", "c", "d", 0): 1, ("a", "c", "d", 1): 2, ("e",): 3},
    ),
    "strings over lines": (
        'a = """\n[b]\nc = 1\n\\""" d"""\ne = \'\'\'\nf = 2\n\'\'\'\'\'\ng = 1',
        {("a",): 1, ("e",): 5, ("g",): 8},
    ),
    "empty strings": ("a = \"\"\"\"\"\"\nb = \"\"\nc = ''''''\nd = ''", {("a",): 1, ("b",): 2, ("c",): 3, ("d",): 4}),
    "list of tables": (
        "[[p]]\nn = 1\n[p.e]\nX = 1\n[[p]]\n[[p.q]]\n[[p.q]]\nn = 2",
        {("p",): 1, ("p", 0): 1, ("p", 0, "n"): 2, ("p", 0, "e"): 3, ("p", 0, "e", "X"): 4, ("p", 1): 5}
        | {("p", 1, "q"): 6, ("p", 1, "q", 0): 6, ("p", 1, "q", 1): 7, ("p", 1, "q", 1, "n"): 8},
    ),
    "inner table first": ("[a.b]\nx = 1\n[a]\ny = 2", {("a",): 3, ("a", "b"): 1, ("a", "b", "x"): 2, ("a", "y"): 4}),
    "dates and numbers": (
        "a = 1979-05-27 07:32:00 # x\nb = +1_000.5e-3\nc = [inf, 07:32:00]",
        {("a",): 1, ("b",): 2, ("c",): 3, ("c", 0): 3, ("c", 1): 3},
    ),
    "windows line ends": (
        "a = 1\r\n[b]\r\nc = [\r\n1\r\n]\r\n",
        {("a",): 1, ("b",): 2, ("b", "c"): 3, ("b", "c", 0): 4},
    ),
    "nothing": ("", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_lines_of_a_text(case: str) -> None:
    text, lines = CASES[case]
    tomllib.loads(text)
    assert key_lines(text) == lines


def _paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path} | {deeper for part, inner in inside for deeper in _paths(inner, (*path, part))}


_texts = st.text("ab\"'\\[]{}#=., \t\n\r\x7fé", max_size=8)
_scalars = st.one_of(_texts, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(allow_nan=False))
_keys = _texts
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3), max_leaves=8
)
_rows = st.lists(st.dictionaries(_keys, _values, max_size=3), min_size=1, max_size=3)


@given(st.dictionaries(_keys, _values, max_size=4), st.dictionaries(_keys, _rows, max_size=3))
def test_finds_every_path_of_any_text_and_no_other(top: dict[str, Any], lists: dict[str, Any]) -> None:
    lines = [f"{toml.key(name)} = {toml.value(value)}" for name, value in top.items() if name not in lists]
    for name, rows in lists.items():
        for row in rows:
            lines.append(f"[[{toml.key(name)}]]")
            lines += [f"  {toml.key(key)} = {toml.value(value)}\t# [x]" for key, value in row.items()]
    text = "\n".join(lines)
    assert set(key_lines(text)) == _paths(tomllib.loads(text)) - {()}
    assert all(1 <= line <= len(lines) for line in key_lines(text).values())

"""What takes the place of a dash, by the part it plays."""

from __future__ import annotations

import pytest

from app.content.style import rules
from app.content.style.fixing import applied, fix
from app.content.style.linter import Linter
from app.content.style.model import Finding, Options, Replacement

HOUSE = Linter(rules.style(Options()))

FIXED = {
    # Alone in a cell.
    "| a | b |\n|---|---|\n| — | x |": "| a | b |\n|---|---|\n| - | x |",
    "| a | b |\n|---|---|\n| x | &mdash; |": "| a | b |\n|---|---|\n| x | - |",
    "> | a |\n> |---|\n> | -- |": "> | a |\n> |---|\n> | - |",
    # Labels.
    "- Name — what it is": "- Name: what it is",
    "1. **The name** — what it is": "1. **The name**: what it is",
    "- `--flag` — shows it": "- `--flag`: shows it",
    "- [Link](</x — y>) — where it leads": "- [Link](</x — y>): where it leads",
    "**Note** — read this first.": "**Note**: read this first.",
    "Step 2 — run it": "Step 2: run it",
    "# The app — a short history": "# The app: a short history",
    "The title —\nof it\n===": "The title:\nof it\n===",
    "| a |\n|---|\n| Name — text |": "| a |\n|---|\n| Name: text |",
    # Around an insertion.
    "The engine — fast and small — works.": "The engine, fast and small, works.",
    "The engine—fast and small—works.": "The engine, fast and small, works.",
    "The engine — fast, small — works.": "The engine (fast, small) works.",
    "The engine — it is new — works.": "The engine (it is new) works.",
    "The engine — really! — works.": "The engine (really!) works.",
    "> The engine — fast\n> and small — works.": "> The engine, fast\n> and small, works.",
    "- It — `a — b` — works.": "- It, `a — b`, works.",
    # Before a short end.
    "We stood on the edge — but not there.": "We stood on the edge... but not there.",
    "We stood on the edge—but not there.": "We stood on the edge... but not there.",
    "It took long -- too long.": "It took long... too long.",
    "It took long ― too long.": "It took long... too long.",
    "It took long &mdash; too long.": "It took long... too long.",
    "It took long&#8212;too long.": "It took long... too long.",
    "It took long &#x2014; too long.": "It took long... too long.",
    "It took long – too long.": "It took long... too long.",
    "> It took long —\n> too long.": "> It took long...\n> too long.",
    "It took long\n— too long.": "It took long...\ntoo long.",
    "It took *long* — **too** long.": "It took *long*... **too** long.",
    "But I thought—": "But I thought...",
    '"But I thought—" she said.': '"But I thought..." she said.',
    '"But I thought—" she said—“No—”': '"But I thought..." she said... “No...”',
    'It was called — "the thing".': 'It was called... "the thing".',
    # From one figure to another.
    "From 1914—1918 there, from €5—€10, 10:30—11:45 and v1.0—v2.0.": (
        "From 1914–1918 there, from €5–€10, 10:30–11:45 and v1.0–v2.0."
    ),
}

SUGGESTED = {
    "It was late — we left.": "It was late. We left.",
    "We ran the tests — everything failed.": "We ran the tests. Everything failed.",
    "It was late — `run` is what we typed.": "It was late; `run` is what we typed.",
    "Fast — it never waits.": "Fast: it never waits.",
    "— Oscar Wilde": "Oscar Wilde",
    "It parts two sentences. — Next one.": "It parts two sentences. Next one.",
    "> To be.\n> — Shakespeare": "> To be.\n> Shakespeare",
    "On pages 3 — 4.": "On pages 3–4.",
    "It runs everywhere — on Linux and macOS and the small board under the desk.": (
        "It runs everywhere... on Linux and macOS and the small board under the desk."
    ),
    "First, git checkout -- file": "First, git checkout... file",
    '- "git blame -- path" failed': '- "git blame: path" failed',
}

UNTOUCHED = (
    "Pages 10–20 and 10 – 20, May–June, Mon – Fri, London–Paris.",
    "well-known, a - b, --flag, x--y, ---",
    "Yours\n-- \nthe engine",
    "`a — b` and ``c — `d` — e``",
    "~~~\na — b\n~~~\n\n    c — d\n\n- x\n\n      e — f\n\n> ```\n> g — h\n> ```",
    "<https://example.com/a—b> https://example.com/a—b [x](/a—b 'c — d')",
    '<i title="a — b">x</i> <code>c — d</code> <!-- e — f -->',
    "<pre>\na — b\n</pre>",
    "---\ntags: a — b\n---\nText.",
    "{{ a — b }} {% if c — d %} {# e\n\n— f #}",
    "[a — b]\n\n[a — b]: /x",
    "<!-- style: off -->\n\nA — b.\n\n<!-- style: on -->",
    "A <!-- style: off -->b — c<!-- style: on --> d.",
    "<!-- style: off em-dash -->\n\nA — b.",
    "\\— is written so.",
)


@pytest.mark.parametrize(("before", "after"), FIXED.items())
def test_is_put_right(before: str, after: str) -> None:
    done = fix(HOUSE, before)
    assert done.text == after
    assert {finding.rule for finding in done.fixed} == {"em-dash"}


@pytest.mark.parametrize(("before", "after"), SUGGESTED.items())
def test_is_only_suggested(before: str, after: str) -> None:
    assert fix(HOUSE, before).text == before
    found = dashes(before)
    assert [finding.fix for finding in found] == ["suggest"]
    assert found[0].severity == "error"
    assert applied(before, found) == after


@pytest.mark.parametrize("text", UNTOUCHED)
def test_is_no_dash_between_thoughts(text: str) -> None:
    assert dashes(text) == []


def test_a_dash_within_a_link_makes_no_pair_with_one_outside() -> None:
    text = "See [the docs — part one](x) — they help."
    assert [finding.fix for finding in dashes(text)] == ["suggest"] * 2


def test_three_dashes_in_a_sentence_are_for_the_author() -> None:
    text = "One — two — three — four."
    assert [finding.fix for finding in dashes(text)] == ["suggest"] * 3


def test_in_front_matter_the_title_is_told_and_left() -> None:
    text = "---\ntitle: One — two\n---\nText.\n"
    assert [(finding.line, finding.column, finding.fix) for finding in dashes(text)] == [(2, 11, "suggest")]
    assert fix(HOUSE, text).text == text


def test_half_of_a_pair_that_is_switched_off_leaves_the_other_to_the_author() -> None:
    text = "The engine — fast <!-- x --> <!-- style: off em-dash -->and small — works<!-- style: on -->."
    assert [finding.fix for finding in dashes(text)] == ["none"]


@pytest.mark.parametrize(
    ("replacement", "after"),
    [
        ("ellipsis", "It took long… too long."),
        ("comma", "It took long, too long."),
        ("colon", "It took long: too long."),
        ("period", "It took long. Too long."),
    ],
)
def test_the_configuration_says_what_takes_its_place(replacement: Replacement, after: str) -> None:
    linter = Linter(rules.style(Options(dash=replacement, ellipsis="…")))
    assert fix(linter, "It took long — too long.").text == after


def dashes(text: str) -> list[Finding]:
    """What the rule finds."""
    return [finding for finding in HOUSE.lint(text).findings if finding.rule == "em-dash"]

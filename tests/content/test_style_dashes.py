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
    "**Note —** read this first.": "**Note:** read this first.",
    "- 2.4.0 — 2026-11-21": "- 2.4.0: 2026-11-21",
    "## [2.4.0] — 2026-11-21": "## [2.4.0]: 2026-11-21",
    "2026-11-21 — the release": "2026-11-21: the release",
    "- 10:30 — Standup": "- 10:30 Standup",
    "- `--flag` -- shows it": "- `--flag`: shows it",
    # No labels.
    "- Fixed a crash — thanks @anna!": "- Fixed a crash... thanks @anna!",
    "- The parser — rewritten — is fast.": "- The parser, rewritten, is fast.",
    "| a |\n|---|\n| yes — mostly |": "| a |\n|---|\n| yes... mostly |",
    "## Fast — and small": "## Fast... and small",
    "Best regards — Anna": "Best regards, Anna",
    "Dear Anna —\n\nhello": "Dear Anna,\n\nhello",
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
    "Yes — \U0001f600": "Yes... \U0001f600",
    '"Well — maybe," she said.': '"Well... maybe," she said.',
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
    "It rose by 5 % — 10 %.": "It rose by 5 %–10 %.",
    "Open Monday — Friday": "Open Monday–Friday",
    '"Simplicity is all." — Leonardo da Vinci': '"Simplicity is all." (Leonardo da Vinci)',
    '> "To be" — Shakespeare': '> "To be" (Shakespeare)',
    '# "To be" — Hamlet': '# "To be" (Hamlet)',
    "Use -- to end the options.": "Use... to end the options.",
    "Write the -- sign.": "Write the... sign.",
    "Removed --no-cache -- use another": "Removed --no-cache... use another",
    "Then a — b": "Then a... b",
    "The — sign": "The... sign",
    "First, git checkout -- file": "First, git checkout... file",
    '- "git blame -- path" failed': '- "git blame... path" failed',
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
    "The area $a — b$ and $$x — y$$.",
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


@pytest.mark.parametrize(("title", "after"), [("One — two", "One, two"), ('"One — two"', '"One: two"')])
def test_a_proposal_for_a_title_leaves_the_front_matter_readable(title: str, after: str) -> None:
    text = f"---\ntitle: {title}\n---\nText.\n"
    linter = Linter(rules.style(Options(dash="colon")))
    found = [finding for finding in linter.lint(text).findings if finding.rule == "em-dash"]
    assert applied(text, found) == f"---\ntitle: {after}\n---\nText.\n"


@pytest.mark.parametrize(
    "text",
    [
        "{% if x %}It is — well{% endif %} here — or there.",
        "BREAKING — all is new\nFIXED — some is old",
        '> "It works" — a user\n> — another',
        'Say "One — two" and three — four.',
    ],
)
def test_two_that_are_no_pair_get_no_commas(text: str) -> None:
    assert "," not in fix(HOUSE, text).text
    assert "(" not in fix(HOUSE, text).text


@pytest.mark.parametrize("text", ["The em dash (—).", 'It is "—".'])
def test_a_dash_that_is_spoken_of_is_for_the_author(text: str) -> None:
    assert [finding.fix for finding in dashes(text)] == ["none"]


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

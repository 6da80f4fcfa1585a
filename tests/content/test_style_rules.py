"""The rules besides that of the dash, what the configuration changes, and what it must not say."""

from __future__ import annotations

import pytest

from app.content.style import rules
from app.content.style.emoji import emoji
from app.content.style.fixing import applied, fix
from app.content.style.linter import Linter
from app.content.style.model import Finding, Options, Override
from app.errors import UserError

FIXED = {
    "Wait … what": "Wait... what",
    "Wait…what": "Wait... what",
    "Wait ... what": "Wait... what",
    "Wait&hellip; what": "Wait... what",
    "Wait . . . what": "Wait... what",
    "Done!!! Right??": "Done! Right?",
    "On Github with Javascript and Mysql.": "On GitHub with JavaScript and MySQL.",
    "Github’s and Javascript's": "GitHub’s and JavaScript's",
    "He said…“no” and left…(so)": "He said... “no” and left... (so)",
}

UNTOUCHED = (
    "main..dev and 1...10 and a…z and x/…/y and ./... and a/... and `…` and .... and a, b, ... here (...) [...]",
    "https://Github.com/x Github_x Github.io @Github #Github",
    "!important and a != b and vim :q!!",
    "val a = b!!.c",
    "f(a, ...rest) and {...a, ...b} and git diff main...dev and $x ... y$",
    "Port 54321, PIN: 12345, issue no. 12345, errors 10061, day 20261121.",
    "What kind of test? Rather than that, no leverage. Quite a few, the very first.",
)

FOUND = {
    "wait...what": ("ellipsis", "suggest", "... "),
    "copy FILE [FILE ...]": ("ellipsis", "suggest", "..."),
    "They delved in.": ("banned-words", "none", None),
    "They delve\nin.": ("banned-words", "none", None),
    "In TODAY’S fast-paced world, yes.": ("banned-phrases", "none", None),
    "In order to see": ("plain-words", "suggest", "To"),
    "> In order\n> to see": ("plain-words", "none", None),
    "I don’t": ("contractions", "suggest", "do not"),
    "pip install Sqlite": ("product-names", "suggest", "SQLite"),
    "All 12345 of them": ("thousands", "suggest", "12,345"),
    "##### Deep": ("heading-depth", "none", None),
    "It is not just fast, it is small.": ("not-this-but-that", "none", None),
    "Yes \U0001f389": ("emoji", "suggest", ""),
    "\U0001f389 Yes": ("emoji", "suggest", ""),
    "word " * 36 + "end.": ("sentence-length", "none", None),
}


@pytest.mark.parametrize(("before", "after"), FIXED.items())
def test_is_put_right(before: str, after: str) -> None:
    assert fix(Linter(rules.style(Options())), before).text == after


@pytest.mark.parametrize("text", UNTOUCHED)
def test_is_something_else(text: str) -> None:
    assert lint(text) == ()


@pytest.mark.parametrize(("text", "expected"), FOUND.items())
def test_is_found(text: str, expected: tuple[str, str, str | None]) -> None:
    found = [(finding.rule, finding.fix, finding.replacement) for finding in lint(text)]
    assert expected[0] in [rule for rule, _, _ in found]
    assert expected in found


HEADINGS = {
    "Getting Started With It Today": "Getting started with it today",
    "What's New In This Release": "What's new in this release",
    "How We Moved From MySQL To MariaDB": "How we moved from MySQL to MariaDB",
    "Working With iPhone And iPad": "Working with iPhone and iPad",
    "Using JSON Web Tokens And The New API": "Using JSON Web Tokens and the new API",
    "An Introduction To Test-Driven Development": "An introduction to test-driven development",
    "Step-By-Step Guide To Real-Time Data": "Step-By-Step guide to real-time data",
    "Installing On Windows And Linux With Python": "Installing on Windows and Linux with Python",
    "Visual Studio Code And The Model Context Protocol": "Visual Studio Code and the Model Context Protocol",
    "Meetups In New York And San Francisco": "Meetups in New York and San Francisco",
    "Why I Use Plan A And You Don't": "Why I use plan A and you don't",
    "Part II: The Return Of The King": "Part II: The return of the King",
    "1st Place For The Second Time": "1st place for the second time",
    "`qd content` And The Style Guide": "`qd content` and the style guide",
    "**Getting Started With [The Engine](x)**": "**Getting started with [the engine](x)**",
    "How Ada Lovelace Wrote The First Program": "How Ada Lovelace wrote the first program",
    "Known Issues": "Known issues",
}
NO_HEADLINES = (
    "Release notes for GitHub and GitLab",
    "The Results page of the app",
    "GitHub Actions and Docker Compose",
    "Web Components",
    "Hacker News",
    "Lord of the Rings",
    "ALL CAPS ARE SOMETHING ELSE",
    '"To Be Or Not To Be"',
    "Installation und Migration der Tests",
    "Über Die Freude Am Test",
    "La Version Finale De La Page",
    "Contributing",
    "C# and F#",
)


@pytest.mark.parametrize(("before", "after"), HEADINGS.items())
def test_a_heading_keeps_the_capitals_of_names(before: str, after: str) -> None:
    text = f"## {before}\n"
    found = [finding for finding in lint(text) if finding.rule == "heading-case"]
    assert [finding.fix for finding in found] == ["suggest"]
    assert applied(text, found) == f"## {after}\n"
    assert [finding for finding in lint(f"## {after}\n") if finding.rule == "heading-case"] == []


@pytest.mark.parametrize("heading", NO_HEADLINES)
def test_a_heading_that_is_none_of_those(heading: str) -> None:
    assert [finding for finding in lint(f"## {heading}\n") if finding.rule == "heading-case"] == []


def test_emoji_are_counted_as_they_are_seen() -> None:
    clusters = [
        "👩\u200d👩\u200d👧",
        "👍🏽",
        "🇩🇪",
        "1\ufe0f\u20e3",
        "❤\ufe0f\u200d🔥",
        "✅",
        "🏴\U000e0067\U000e0062\U000e007f",
        "☎\ufe0f",
    ]
    text = "a ".join(clusters)
    assert [text[start:end] for start, end in emoji(text)] == clusters
    assert list(emoji("© ™ → ✓ ☎ 1 # é 漢 ✅\ufe0e")) == []


def test_the_first_ones_are_allowed_over_the_whole_text() -> None:
    found = lint("One!\n\n- Two!\n\n# Three!\n")
    assert [(finding.rule, finding.line) for finding in found] == [("exclamation", 3), ("exclamation", 5)]
    found = lint("✅ ✅\n\n✅ ✅ ✅\n")
    assert [(finding.rule, finding.line, finding.column) for finding in found] == [
        ("emoji-count", 3, 3),
        ("emoji-count", 3, 5),
    ]


def test_lengths_of_sentences_and_their_ends() -> None:
    text = "He met Mr. Smith, e.g. there... and " + "so " * 30 + "on. " + "Short one. " * 9
    (finding,) = lint(text)
    assert finding.rule == "sentence-length"
    assert finding.text.endswith("so on")
    assert "a sentence of 38 words; 35 are enough" in finding.message


def test_quotes_are_left_alone_where_the_configuration_says_so() -> None:
    text = "> We delve.\n\nWe delve.\n"
    assert [finding.line for finding in lint(text)] == [1, 3]
    assert [finding.line for finding in lint(text, Options(quotes=False))] == [3]


def test_rules_of_ones_own() -> None:
    options = Options(
        rules=(
            {"id": "email", "kind": "replace", "message": "one word", "fix": "safe", "swap": {"e-mail": "email"}},
            {
                "id": "spaces",
                "kind": "replace",
                "message": "once",
                "fix": "safe",
                "pattern": "(?<=\\w) {2,}(?=\\w)",
                "replacement": " ",
            },
            {
                "id": "us",
                "kind": "ban",
                "message": "nobody",
                "severity": "error",
                "words": ["our users"],
                "scope": ["heading"],
            },
            {"id": "exclamation", "most": 0},
        )
    )
    linter = Linter(rules.style(options))
    assert fix(linter, "E-mail  us, `e-mail`  now! By E-MAIL.").text == "Email us, `e-mail`  now! By EMAIL."
    assert [finding.rule for finding in linter.lint("Now!").findings] == ["exclamation"]
    found = linter.lint("# Our users\n\nOur users.").findings
    assert [(finding.rule, finding.severity, finding.line) for finding in found] == [("us", "error", 1)]


def test_what_templates_and_targets_change() -> None:
    options = Options(
        off=("hedges",),
        severity={"banned-words": "info"},
        overrides=(
            Override(template="devlog", on=("sign-off", "front-matter"), off=("exclamation",)),
            Override(target="discord", severity={"emoji": "error"}),
        ),
    )
    text = "We really delve! 🎉 Now!"
    assert names(text, options) == ["banned-words info", "emoji warn", "exclamation warn"]
    assert names(text, options, template="devlog") == ["front-matter error", "banned-words info", "emoji warn"]
    assert "emoji error" in names(text, options, template="x", target="discord")


def test_what_is_required() -> None:
    options = Options(
        on=("front-matter", "sign-off"),
        rules=({"id": "front-matter", "keys": ["title", "date"]}, {"id": "sign-off", "pattern": "^Until tomorrow"}),
    )
    good = "---\ntitle: A\ndate: 2024-01-01\n---\nText.\n\nUntil tomorrow.\n"
    assert names(good, options) == []
    assert names("---\ntitle: A\n---\nText.\n", options) == ["front-matter error", "sign-off warn"]
    assert names("", options) == ["front-matter error", "front-matter error", "sign-off warn"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (Options(off=("em-dsh",)), 'no rule "em-dsh"; did you mean "em-dash"?'),
        (Options(severity={"em-dash": "bad"}), 'no severity "bad"; one of: error, warn, info'),
        (Options(overrides=(Override(target="x", on=("y",)),)), 'content.style.overrides[0].on: no rule "y"'),
        (Options(rules=({"id": "x", "kind": "ban"},)), "a rule of your own needs message"),
        (Options(rules=({"id": "x", "kind": "ban", "message": "m"},)), 'rule "x" says nothing'),
        (Options(rules=({"id": "x", "kind": "ban", "message": "{m}", "words": ["a"]},)), "known: {count}, {most}"),
        (
            Options(rules=({"id": "x", "kind": "replace", "message": "m", "pattern": "(a)", "replacement": "\\2"},)),
            "group",
        ),
        (
            Options(rules=({"id": "x", "kind": "replace", "message": "m", "pattern": "a*"},)),
            "its pattern fits nothing at all",
        ),
        (
            Options(rules=({"id": "x", "kind": "limit", "message": "m", "using": "dash"},)),
            'using = "dash" is not known',
        ),
        (Options(rules=({"id": "x", "kind": "tone", "message": "m", "pattern": "a", "fix": "safe"},)), "tone is never"),
        (Options(rules=({"id": "em-dash", "scope": ["cells"]},)), 'no scope "cells"; one of: all, heading'),
    ],
)
def test_a_rule_that_makes_no_sense_is_told(options: Options, told: str) -> None:
    with pytest.raises(UserError) as error:
        rules.style(options)
    assert told in str(error.value)


def test_every_shipped_rule_is_in_the_documentation_and_the_style_guide_follows_them() -> None:
    from importlib.resources import files
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "content.md").read_text("utf-8")
    assert [rule for rule in rules.shipped() if f"`{rule}`" not in text] == []
    guide = files("templates").joinpath("content", "STYLE.md").read_text("utf-8")
    assert lint(guide) == ()


def lint(text: str, options: Options | None = None) -> tuple[Finding, ...]:
    """What the house style finds."""
    return Linter(rules.style(options or Options(emoji=("✅",)))).lint(text).findings


def names(text: str, options: Options, template: str = "", target: str = "") -> list[str]:
    """Rules and severities of what is found."""
    found = Linter(rules.style(options, template, target)).lint(text).findings
    return [f"{finding.rule} {finding.severity}" for finding in found]

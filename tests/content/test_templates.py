"""Front matter, the list of templates, and answers to their fields."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.content.context.registry import made
from app.content.model import Template
from app.content.templates import answers
from app.content.templates.catalogue import Catalogue
from app.content.templates.fill import Text, fill, fill_texts
from app.content.templates.frontmatter import parse
from app.content.templates.source import LARGEST
from app.content.templates.tidying import tidy
from app.content.templates.values import complete, defaults_of
from app.errors import UserError

NOW = datetime(2026, 11, 21, tzinfo=UTC)
GOOD = """---
title: A report
fields:
  - name: topic
    required: true
  - name: when
    kind: date
    default: "{{ today }}"
  - name: count
    kind: number
    default: 3
  - name: mood
    kind: choice
    choices: [calm, wild]
    default: calm
  - name: parts
    kind: multi
    choices: [a, b, c]
    default: [a]
  - name: loud
    kind: toggle
  - name: story
    kind: long
context: [git]
ai:
  egress: local
style:
  off: [hedges]
---
# {{ topic }}
"""
DAY = {"draft": made("draft", {"today": "2026-11-21"}, NOW), "git": made("git", None, NOW)}


def read(text: str) -> Template:
    """The template of this text."""
    return parse(text, Path("/t/report.md"), Path("/t"), name="report")


def test_front_matter() -> None:
    found = read(GOOD)
    assert (found.id, found.kind, found.title, found.egress, found.line) == (
        "report",
        "report",
        "A report",
        "local",
        30,
    )
    assert (found.body, found.context, found.style) == ("# {{ topic }}\n", ("git",), {"off": ["hedges"]})
    assert [(field.name, field.kind, field.required) for field in found.fields][:2] == [
        ("topic", "text", True),
        ("when", "date", False),
    ]
    assert found.fields[3].choices == ("calm", "wild")
    assert len(found.hash) == 64
    bare = read("just text {{ today }}")
    assert (bare.title, bare.fields, bare.line) == ("report", (), 1)


@pytest.mark.parametrize(
    ("front", "line", "what"),
    [
        ("titel: x", 2, "did you mean `title`?"),
        ("title: [", 3, "no YAML"),
        ("title: a\n  b: c", 3, "no YAML"),
        ("title: x\ntitle: y", 3, "twice"),
        ("a:\n\tb: c", 3, "no YAML"),
        ("title: &a x\nhelp: *a", 2, "anchors"),
        ("title: !!python/object:os.system x", 2, "tag"),
        ("title: {a: b}", 2, "is a text"),
        ("numbered: maybe", 2, "true or false"),
        ("- a", 2, "no keys"),
        ("fields: x", 2, "is a list"),
        ("fields:\n  - name: a\n  - name: a", 4, "twice"),
        ("fields:\n  - kind: text", 3, "has a name"),
        ("fields:\n  - name: a\n    kind: colour", 4, "no kind `colour`"),
        ("fields:\n  - name: a\n    kind: choice", 3, "no `choices`"),
        ("fields:\n  - name: a\n    choices: [b]", 4, "takes no `choices`"),
        ("fields:\n  - name: a\n    defualt: 1", 4, "did you mean `default`?"),
        ("fields:\n  - name: a\n    kind: date\n    default: tomorrow", 5, "no date"),
        ("fields:\n  - name: a\n    kind: number\n    default: many", 5, "no number"),
        ("fields:\n  - name: today", 3, "something else"),
        ("context: [git]\nfields:\n  - name: git", 4, "something else"),
        ("context: ['../x']", 2, "no source"),
        ("ai:\n  egress: moon", 3, "any or local"),
        ("ai:\n  model: x", 3, "no key"),
        ("html: ../page", 2, "page frame"),
        ("style:\n  severity: {a: bad}", 3, "error, warn or info"),
        ("a: " + "[" * 5000, 2, ""),
    ],
)
def test_what_is_wrong_in_front_matter_is_told_with_its_line(front: str, line: int, what: str) -> None:
    with pytest.raises(UserError) as caught:
        read(f"---\n{front}\n---\nbody")
    assert caught.value.where == f"/t/report.md:{line}"
    assert what in str(caught.value)


def test_front_matter_without_an_end() -> None:
    with pytest.raises(UserError) as caught:
        read("---\ntitle: x\n\nbody")
    assert caught.value.where == "/t/report.md:1"


def test_the_shipped_templates_are_in_order() -> None:
    entries = Catalogue().all()
    assert {entry.id for entry in entries} == {
        *("adr", "bug-report", "devlog", "knowledge-note", "milestone", "monologue"),
        *("morning-update", "release-note", "standup", "thread"),
    }
    for entry in entries:
        assert entry.error is None
        assert entry.template is not None
        assert entry.template.help
        assert all(field.help and field.label for field in entry.template.fields)


def test_the_users_replace_the_shipped_and_a_broken_one_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "devlog.md").write_text("---\ntitle: Mine\n---\nmine")
    (tmp_path / "broken.md").write_text("---\ntitel: x\n---\n")
    (tmp_path / "latin.md").write_bytes(b"a\nb\xff")
    (tmp_path / "long.md").write_text("x" * (LARGEST + 1))
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "_part.md").write_text("{{ broken")
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere.md")
    (tmp_path / "out.md").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "imported").mkdir()
    (tmp_path / "imported" / "theirs.md").write_text("{{ today }}")
    (tmp_path / "imported" / "standup.md").write_text("---\ntitle: Theirs\n---\n")
    found = {entry.id: entry for entry in Catalogue(tmp_path).all()}
    assert {name for name, entry in found.items() if entry.error} == {
        *("broken", "latin", "long", "folder", "gone", "out", "pipe"),
    }
    assert found["broken"].error is not None
    assert found["broken"].error.where == f"{tmp_path}/broken.md:2"
    assert found["latin"].error is not None
    assert found["latin"].error.where == f"{tmp_path}/latin.md:2"
    catalogue = Catalogue(tmp_path)
    assert catalogue.find("devlog").title == "Mine"
    assert catalogue.find("theirs").trusted is False
    assert (catalogue.find("standup").title, found["standup"].origin) == ("Theirs", "imported")
    assert catalogue.find("adr").trusted is True
    for name, what in {
        "broken": "did you mean `title`",
        "devlgo": "did you mean devlog",
        "../adr": "no template",
    }.items():
        with pytest.raises(UserError, match=what):
            catalogue.find(name)


def test_answers_are_checked_and_filled_up() -> None:
    template = read(GOOD)
    defaults = defaults_of(template, DAY, {}, asked=False)
    assert defaults == {"when": "2026-11-21", "count": 3, "mood": "calm", "parts": ["a"]}
    given = {"topic": " x ", "count": "0.5", "mood": "WILD", "parts": "c, a", "loud": "yes", "story": "a\r\nb\n"}
    assert complete(template, given, defaults) == {
        "topic": "x",
        "when": "2026-11-21",
        "count": 0.5,
        "mood": "wild",
        "parts": ["a", "c"],
        "loud": True,
        "story": "a\nb",
    }


def test_all_wrong_answers_are_told_at_once() -> None:
    template = read(GOOD)
    given: dict[str, Any] = {
        "topic": "two\nlines",
        "when": "tomorrow",
        "count": "1e999",
        "mood": "sad",
        "parts": ["z"],
        "loud": "maybe",
        "topci": "x",
        "story": ["x"],
    }
    with pytest.raises(UserError) as caught:
        complete(template, given, {})
    said = str(caught.value)
    for name in ("topic", "when", "count", "mood", "parts", "loud", "story"):
        assert f"{name}: " in said
    assert "did you mean topic?" in said


@pytest.mark.parametrize("answer", ["2026-13-01", "20261121", "21.11.2026", "2026-W47-6", "", " "])
def test_days_are_written_one_way(answer: str) -> None:
    template = read("---\nfields: [{name: when, kind: date, required: true}]\n---\n")
    with pytest.raises(UserError):
        complete(template, {"when": answer}, {})


def test_what_is_missing_is_named() -> None:
    template = read("---\nfields: [{name: a, required: true}, {name: b, required: true}, {name: c}]\n---\n")
    with pytest.raises(UserError, match="no answer to: a, b"):
        complete(template, {}, {})
    with pytest.raises(UserError, match="no answer to: b"):
        complete(template, {"a": "1", "b": ""}, {})


def test_the_last_answers_are_the_next_defaults(tmp_path: Path) -> None:
    template = read(GOOD)
    values = complete(template, {"topic": "old", "mood": "wild", "story": "long", "loud": "yes"}, {})
    answers.keep(tmp_path, template, {**values, "when": "2020-01-01", "parts": ["b"]})
    known = answers.recall(tmp_path, template)
    asked = defaults_of(template, DAY, known, asked=True)
    assert asked["topic"] == "old"
    assert (asked["mood"], asked["loud"], asked["parts"]) == ("wild", True, ["b"])
    assert asked["when"] == "2026-11-21"
    assert "story" not in asked
    # Nobody is asked: what is required has to be given anew.
    assert "topic" not in defaults_of(template, DAY, known, asked=False)
    assert answers.recall(tmp_path, read("x")) == known
    (tmp_path / answers.FILE).write_text("{")
    assert answers.recall(tmp_path, template) == {}
    answers.keep(tmp_path, template, values)
    assert answers.recall(tmp_path, template)["mood"] == "wild"


def test_earlier_answers_that_do_not_fit_any_more_are_left_out() -> None:
    template = read(GOOD)
    found = defaults_of(template, DAY, {"mood": "gone", "parts": {"a": 1}, "count": [], "loud": "?"}, asked=True)
    assert found == {"when": "2026-11-21"}


@pytest.mark.parametrize("front", ["name: '{{ 2 ** 99999 }}'", "fields: [{name: a, default: '{{ 2 ** 99999 }}'}]"])
def test_what_stands_in_front_matter_is_charged_as_well(front: str) -> None:
    template = read(f"---\ntitle: x\n{front}\n---\nbody")
    texts = {"x": Text(template.name or str(template.fields[0].default), 3)}
    with pytest.raises(UserError, match=r"/t/report.md:3: .*too long"):
        fill_texts(template, texts, {})


def test_answers_are_no_templates() -> None:
    template = read("---\nfields: [{name: a}]\n---\n{{ a }}")
    assert fill(template, {"a": "{{ 7 * 7 }}{% raw %}"}, {}) == "{{ 7 * 7 }}{% raw %}\n"


def test_empty_lines_stay_in_code_only() -> None:
    blocks = (
        "- a\n\n    ```py\n    one\n\n\n    two\n    ```\n",
        "1. a\n   - b\n\n     ~~~\n     one\n\n\n     two\n\n     ```\n\n\n     ~~~\n",
        "- ```\n  one\n\n\n  two\n  ```\n",
        "```\none\n\n\n  ```` no end\n\n\n```\n",
        "\t- a\n",
    )
    for block in blocks:
        assert tidy(f"\n{block}\n\n\nafter\n\n\nthat\n") == f"{block}\nafter\n\nthat\n"
    # A list that ends takes the code in it along; code in one line, or indented as code, opens none.
    assert tidy("- ```\n  one\n\n\nafter\n\n\nthat\n") == "- ```\n  one\n\n\nafter\n\nthat\n"
    for begin in ("```py``` one", "a\n\n    ```", "- a\n\n      ```"):
        assert tidy(f"{begin}\n\n\nafter\n") == f"{begin}\n\nafter\n"


@pytest.mark.parametrize("front", ["title: a\u2028b", "title: a\u0085b", "help: a # \x0c", "title: a"])
@pytest.mark.parametrize("body", ["\npart\n", ""])
def test_of_a_part_its_body_is_included(front: str, body: str, tmp_path: Path) -> None:
    (tmp_path / "part.md").write_text(f"---\n{front}\n---{body}", "utf-8")
    template = parse('{% include "part.md" %}.', tmp_path / "a.md", tmp_path, name="a")
    assert "".join(fill(template, {}, {}).split()) == f"{body.strip()}."


def test_links_that_lead_to_themselves_are_listed_as_broken(tmp_path: Path) -> None:
    (tmp_path / "loop.md").symlink_to("loop.md")
    (tmp_path / "one.md").symlink_to("two.md")
    (tmp_path / "two.md").symlink_to("one.md")
    entries = {entry.id: entry for entry in Catalogue(tmp_path).all()}
    for name in ("loop", "one", "two"):
        assert "symbolic links" in str(entries[name].error)
    assert entries["devlog"].template is not None
    with pytest.raises(UserError, match="symbolic links"):
        Catalogue(tmp_path).find("loop")

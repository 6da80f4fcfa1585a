"""What the forms make of what is typed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.git.model import Rules
from screens.git_forms import Form, judge, new_branch, new_name, rename, target, upstream
from tests.git_fakes import RULES

TAKEN = ("main", "feature/OPS-1-x", "Fix/readme")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("feature/OPS-2-y", ""),
        ("", ""),
        ("feature/OPS-1-x", "feature/OPS-1-x is there already"),
        ("feature/ops-1-x", "written almost the same"),
        ("feature/OPS-1-x/y", "folder of branches"),
        ("-x", "it begins with -"),
        ("a b", "it holds a space"),
        ("spike", "the name does not follow the rule; right would be feature/OPS-12-faster-fills"),
        ("\x1b[31m", "it holds"),
    ],
)
def test_names(name: str, problem: str) -> None:
    found = judge(name, RULES, TAKEN)
    assert problem in found.problem
    assert bool(found.problem) == bool(problem)


def test_a_wrong_name_comes_with_a_right_one() -> None:
    found = judge("Feature-Slow", replace(RULES, pattern="(feature|fix)/[a-z-]+"), ())
    assert found.note.startswith("near to it: feature/")


def test_parts_make_the_name() -> None:
    values = {"kind": "fix", "ticket": "OPS-7", "words": "Slow start!", "from": ""}
    assert new_name(RULES, values) == "fix/OPS-7-slow-start"
    assert new_name(Rules(template="{kind}/{words}"), {"kind": "Fix", "words": "Slow Start"}) == "fix/slow-start"
    assert new_name(RULES, {**values, "ticket": ""}) == "fix/slow-start"
    assert new_name(RULES, {"name": "what it is", "from": ""}) == "what it is"


def test_the_fields_come_from_the_rule() -> None:
    form = new_branch(RULES, TAKEN, start="main", repository="trading")
    assert [field.name for field in form._fields] == ["kind", "ticket", "words", "from"]
    assert [field.hint for field in form._fields][:2] == ["feature, fix", "OPS-12, OPS-7"]
    for rules in (Rules(), Rules(template="{broken")):
        form = new_branch(rules, TAKEN, start="main", repository="trading")
        assert [field.name for field in form._fields] == ["name", "from"]


def test_rename_offers_a_name_that_follows_the_rule() -> None:
    form = rename(RULES, TAKEN, "main")
    assert not form._check({"name": "main"}).ready
    assert not form._check({"name": ""}).ready
    assert form._check({"name": "feature/OPS-1-x"}).problem
    assert not form._check({"name": "feature/OPS-4-x"}).problem


def test_upstreams_and_targets() -> None:
    form = upstream("x", "", ["origin", "fork"])
    assert form._fields[0].value == "origin/x"
    assert not form._check({"upstream": "fork/y"}).problem
    assert form._check({"upstream": "elsewhere/y"}).problem == "there is no remote called elsewhere"
    assert form._check({"upstream": "y"}).problem
    assert target("")._check({"to": "x"}).problem
    assert not target("file:x")._check({"to": "file:x"}).problem
    assert isinstance(form, Form)

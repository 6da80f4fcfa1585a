"""Names of branches: held against git itself, against the rules, and against one another."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.git import names
from app.git.model import Rules
from tests.git.repos import Place

RULES = Rules(
    pattern=r"(?P<kind>feature|fix|chore)/((?P<ticket>\d+)-)?(?P<words>[a-z0-9]+(-[a-z0-9]+)*)",
    template="{kind}/{ticket}-{words}",
    examples=("feature/42-login-page", "fix/typo"),
    protected=("main", "release/*"),
    exempt=("dependabot/**",),
)

SAMPLES = [
    *("main", "a/b", "a//b", "/a", "a/", "-a", "a-", "a b", "a\tb", "a\nb", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b"),
    *("a\\b", "a..b", "a.", "a./b", ".a", "a/.b", "a.lock", "a.lock/b", "a.locks", "a@", "@{", "a@{b", "a@b"),
    *(
        "HEAD",
        "head",
        "a/HEAD",
        "é",
        "e\u0301",
        "日本",
        "a\u202eb",
        "a\x7fb",
        "a\x9bb",
        "\udcff",
        "🙂",
        "",
        "refs/heads/a",
    ),
    *("a'b", 'a"b', "a$(x)b", "a;b", "a|b", "a&b", "a#b", "a%b", "[red]a", "a]b", "{a}", "--", "a--b", "...", "a,b"),
]


def _git_takes(name: str, place: Place) -> bool:
    raw = os.fsencode(name)
    command = [b"git", b"check-ref-format", b"--branch", raw]
    return subprocess.run(command, capture_output=True, env=place.env, cwd=place.root).returncode == 0


@pytest.mark.parametrize("name", SAMPLES)
def test_what_git_takes(name: str, place: Place) -> None:
    assert (names.ref_problem(name) == "") == _git_takes(name, place)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*"aA.-/@{}~^:?*[\\ \x7f\té🙂", ".lock", "HEAD"]), min_size=1, max_size=6).map("".join))
def test_git_agrees_on_any_name(name: str) -> None:
    # `@{-1}` and the like are looked up rather than checked, so names with `@{` are left to the samples above.
    if "@{" not in name and name != "@":
        done = subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True, cwd="/")
        assert (names.ref_problem(name) == "") == (done.returncode == 0)


def test_what_git_would_take_for_head_is_no_name() -> None:
    assert names.ref_problem("@") == "@ is a name of git's own"


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("feature/42-login-page", True),
        ("fix/typo", True),
        ("main", True),
        ("release/1.0", True),
        ("release/1.0/x", False),
        ("trunk", True),
        ("dependabot/npm/x", True),
        ("Feature/x", False),
        ("feature/", False),
        ("feature/42-login-page\n", False),
        ("feature/\udcff", False),
        ("-x", False),
        ("wip", False),
    ],
)
def test_the_rule(name: str, right: bool) -> None:
    why = names.name_problem(name, RULES, "trunk")
    assert (why == "") is right
    assert right or why.endswith("right would be feature/42-login-page")


def test_without_a_pattern_every_name_is_right() -> None:
    assert names.name_problem("Any Thing", Rules()) == ""
    assert names.parts("x", Rules()) == {}


def test_a_broken_pattern_judges_nobody() -> None:
    assert names.name_problem("x", Rules(pattern="((")) == ""
    assert names.parts("x", Rules(pattern="((")) == {}


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [
        ("main", "main", True),
        ("main", "main2", False),
        ("release/*", "release/1", True),
        ("release/*", "release/1/2", False),
        ("release/**", "release/1/2", True),
        ("**/hot", "a/b/hot", True),
        ("v?", "v1", True),
        ("v?", "v/", False),
        ("v[0-9]", "v7", True),
        ("v[!0-9]", "v7", False),
        ("v[", "v[", True),
        ("v[]]", "v]", True),
        ("a.b", "axb", False),
        ("(a|b)", "a", False),
        ("x*", "x\ny", True),
        ("[z-a]", "[z-a]", True),
    ],
)
def test_globs(glob: str, name: str, fits: bool) -> None:
    assert names.matches(name, [glob]) is fits


@pytest.mark.parametrize(
    ("template", "values", "name"),
    [
        (
            "{kind}/{ticket}-{words}",
            {"kind": "feature", "ticket": "42", "words": "Login Page!"},
            "feature/42-login-page",
        ),
        ("{kind}/{ticket}-{words}", {"kind": "fix", "words": "typo"}, "fix/typo"),
        ("{kind}/{ticket}-{words}", {"words": "typo"}, "typo"),
        ("{kind}/{ticket}-{words}", {"kind": "fix"}, "fix"),
        ("{user}.{words}", {"user": "Zoë", "words": "a  b"}, "zoë.a-b"),
        ("{words}", {"words": "a..b.lock"}, "a.b"),
        ("{words}", {"words": "-- ~^:?*[\\ @{"}, ""),
        ("{words}", {"words": "日本 語"}, "日本-語"),
        ("{words}", {"words": "e\u0301te\u0301"}, "été"),
        ("fixed", {}, "fixed"),
    ],
)
def test_template(template: str, values: dict[str, str], name: str) -> None:
    assert names.build(template, values) == name


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_a_built_name_is_one_that_git_takes(text: str) -> None:
    name = names.build("{kind}/{words}", {"kind": "fix", "words": text})
    assert names.ref_problem(name) == ""


def test_fields_of_a_template() -> None:
    assert names.template_fields("{kind}/{ticket}-{kind}") == ("kind", "ticket")
    for wrong in ("{}", "{a", "a}", "{a b}", "{0}"):
        with pytest.raises(ValueError, match="braces"):
            names.template_fields(wrong)


@pytest.mark.parametrize(
    ("name", "taken", "right"),
    [
        ("Feature/Login_Page", (), "feature/login-page"),
        ("feat/login", (), "feature/login"),
        ("login", (), "feature/login"),
        ("bugfix/x", (), "fix/x"),
        ("fixes/x y", (), "fix/x-y"),
        ("fixes/x", ("fix/X",), "fix/x-2"),
        ("Feature/a/b", (), "feature/a-b"),
        ("Fix/two", ("Fix/two",), "fix/two"),
        ("Fix/two", ("Fix/two", "Fix/one"), "feature/fix-two"),
        ("🙂", (), ""),
        ("-x", (), "feature/x"),
        ("a\x1b[31mb", (), "feature/a-31mb"),
    ],
)
def test_suggestion(name: str, taken: tuple[str, ...], right: str) -> None:
    assert names.suggestion(name, RULES, taken) == right


def test_a_suggestion_follows_the_rule_or_is_not_made() -> None:
    assert names.suggestion("whatever", Rules(pattern=r"JIRA-\d+", examples=("JIRA-1",))) == ""


@pytest.mark.parametrize(
    ("name", "other", "kind"),
    [
        ("foo", "foo", "same"),
        ("Foo", "foo", "case"),
        ("feat/Foo", "feat/foo", "case"),
        ("Feat/a", "feat/b", "case"),
        ("feat", "feat/x", "folder"),
        ("feat/x", "feat", "folder"),
        ("Feat", "feat/x", "folder"),
        ("feat/X/y", "feat/x", "folder"),
        ("é", "e\u0301", "case"),
        ("É", "e\u0301", "case"),
        ("straße", "STRASSE", "case"),
        ("foo", "bar", None),
        ("feat/a", "feat/b", None),
        ("feat", "feature", None),
        ("a/b", "c/b", None),
        ("\udcff", "\udcfe", None),
    ],
)
def test_clash(name: str, other: str, kind: str | None) -> None:
    clash = names.clash_of(name, other)
    assert (clash.kind if clash else None) == kind
    assert clash is None or clash.why


@given(
    st.lists(st.sampled_from(["a", "A", "a/b", "A/b", "a/B", "b", "a/b/c", "a/B/d", "é", "e\u0301", "é/x"]), max_size=7)
)
@settings(max_examples=200, deadline=None)
def test_all_clashes_finds_what_pairs_do(group: list[str]) -> None:
    found = names.all_clashes(group)
    by_pairs = [pair for pair in itertools.combinations(sorted(set(group)), 2) if names.clash_of(*pair)]
    assert bool(found) == bool(by_pairs)
    assert {frozenset((clash.name, clash.other)) for clash in found} <= {frozenset(pair) for pair in by_pairs}
    assert {clash.name for clash in found} == {later for _, later in by_pairs}


def test_two_folders_in_each_others_way_are_one_clash() -> None:
    many = [f"feature/{number}" for number in range(18)]
    (clash,) = names.clashes_to_tell([*many, "Feature/x"])
    assert (clash.name, clash.other, clash.folders) == ("Feature/x", "feature/0", ("Feature", "feature"))
    assert "feature/" in clash.why
    both = names.clashes_to_tell(["a/b/x", "a/B/y", "a/B/z", "Main", "main"])
    assert {(each.name, each.other) for each in both} == {("a/b/x", "a/B/y"), ("main", "Main")}
    assert len(names.clashes_to_tell(["F/x", "f/x", "f/y"])) == 1
    hidden = names.clashes_to_tell(["Feat/bar", "feat/Foo", "feat/foo"])
    assert {(each.name, each.other) for each in hidden} == {("Feat/bar", "feat/Foo"), ("feat/foo", "feat/Foo")}


def test_what_a_file_system_would_lose_is_what_git_loses_by_folder(place: Place) -> None:
    repo = place.repo()
    repo.branch("feat")
    assert repo.attempt("branch", "feat/x") != 0
    assert names.clash_of("feat/x", "feat") is not None


def test_free_name() -> None:
    assert names.free_name("a", ()) == "a"
    assert names.free_name("a", ("A", "a-2")) == "a-3"
    assert names.free_name("a", ("a/b",)) == "a-2"
    assert names.free_name("a/b", ("a",)) == ""
    assert names.free_name("a/b", ("A/c",)) == ""


def test_fold_is_stable_under_normal_forms() -> None:
    for text in ("Ångström", "ǅ", "ﬁ", "İ", "Σς"):
        assert names.fold(names.fold(text)) == names.fold(text)
        assert names.fold(unicodedata.normalize("NFD", text)) == names.fold(unicodedata.normalize("NFC", text))


def test_loads_only_the_standard_library() -> None:
    code = "import sys, app.git.names\n"
    code += "print({n.split('.')[0] for n in sys.modules} - set(sys.stdlib_module_names) - {'app', '__main__'})"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "set()"

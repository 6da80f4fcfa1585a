"""`[git]` and `[[repositories]]`: what they become, and the sentences about what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, git_rules, load, repository_specs
from tests.settings.conftest import Write

WRONG = {
    "[git.naming]\npattern = '(('": "git.naming.pattern: expected a regular expression (missing ), unterminated",
    "[git.naming]\npattern = '(?P<kind>a)/b'\ntemplate = '{kind}/{words}'": "write (?P<words>…) in the pattern",
    "[git.naming]\ntemplate = '{}/x'": 'expected a template, got "{}/x"; braces hold the name of a part',
    "[git.naming]\npattern = 'a/.*'\nexamples = ['a/b', 'c']": '"c" is none',
    "[git.naming]\nexamples = ['a b']": '"a b" is none: it holds a space',
    "[git]\nfetch_every_s = 5.0": "git.fetch_every_s: expected 0 (only when asked) or at least 60, got 5.0",
    "[git]\nstale_days = 0": "git.stale_days: expected at least 1, got 0; the default is 60",
    "[git]\nprotected = 'main'": 'git.protected: expected a list of strings, got "main"; write ["main"]',
    "[git]\nstale = 3": "git.stale: unknown key; did you mean git.stale_days?",
    "[git.broadcast]\nto = ['file:']": 'expected targets such as "file:~/broadcast.md" or "stdout"',
    "[git.broadcast]\nevents = ['fetch']": 'expected some of "push", "merge" and "tag"',
    "[[repositories]]\npath = '.'": "repositories[0].name: missing",
    "[[repositories]]\nname = 'a'\npath = ''": "repositories[0].path: expected a folder",
    "[[repositories]]\nname = 'a'\npath = '.'\nfetch_every_s = 1.0": "-1 (only when asked) or at least 60",
    "[[repositories]]\nname = 'a'\npath = '.'\ndefault_branch = 'a..b'": "it holds ..",
    "[[repositories]]\nname = 'a'\npath = '.'\n[[repositories]]\nname = 'A'\npath = 'x'": (
        'the name "A" is taken by another repository (config.toml:2)'
    ),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said(text: str, write: Write) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write(text), {})
    assert WRONG[text] in str(caught.value)


def test_rules() -> None:
    settings = Settings(
        git={
            "protected": ["main", "release/*"],
            "stale_days": 9,
            "large_file_mb": 1.5,
            "naming": {
                "pattern": "(?P<kind>feat|fix)/(?P<words>.+)",
                "template": "{kind}/{words}",
                "examples": ["feat/x"],
                "exempt": ["dependabot/**"],
            },
        }
    )
    rules = git_rules(settings)
    assert rules.pattern == "(?P<kind>feat|fix)/(?P<words>.+)"
    assert (rules.template, rules.examples, rules.exempt) == ("{kind}/{words}", ("feat/x",), ("dependabot/**",))
    assert (rules.protected, rules.stale_days, rules.large_file_mb) == (("main", "release/*"), 9, 1.5)


def test_nested_tables_from_the_environment(write: Write) -> None:
    environ = {
        "QUARTERDECK_GIT__NAMING__PATTERN": "x/.*",
        "QUARTERDECK_GIT__PROTECTED": '["trunk"]',
        "QUARTERDECK_GIT__STALE_DAYS": "5",
    }
    rules = git_rules(load(write("[git.naming]\npattern = 'y'\nexempt = ['z']"), environ).settings)
    assert (rules.pattern, rules.exempt, rules.protected, rules.stale_days) == ("x/.*", ("z",), ("trunk",), 5)


def test_repositories_are_joined_with_those_of_the_projects(write: Write, tmp_path: Path) -> None:
    for top in ("one", "code/two", "code/two/sub"):
        (tmp_path / top).mkdir(parents=True)
    for top in ("one", "code/two"):
        (tmp_path / top / ".git").mkdir()
    (tmp_path / "worktree").mkdir()
    (tmp_path / "worktree" / ".git").write_text("gitdir: ../one/.git/worktrees/worktree\n")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    text = """
[git]
fetch_every_s = 300.0
[[repositories]]
name = "First"
path = "one"
remote = "upstream"
default_branch = "trunk"
fetch_every_s = -1.0
[[repositories]]
name = "twice"
path = "link"
[[repositories]]
name = "two"
path = "~/nowhere"
[[projects]]
name = "one"
path = "one"
[[projects]]
name = "sub"
path = "code/two/sub"
[[projects]]
name = "other sub"
path = "code/two"
[[projects]]
name = "first"
path = "worktree"
"""
    loaded = load(write(text), {})
    specs = repository_specs(loaded.settings, loaded.base)
    assert [(spec.name, spec.path, spec.fetch_every_s) for spec in specs] == [
        ("First", tmp_path / "one", 0.0),
        ("two", Path("~/nowhere").expanduser(), 300.0),
        ("two-2", tmp_path / "code/two", 300.0),
        ("first-2", tmp_path / "worktree", 300.0),
    ]
    assert (specs[0].remote, specs[0].default_branch) == ("upstream", "trunk")


def test_a_project_outside_of_any_repository_has_none(write: Write) -> None:
    loaded = load(write('[[projects]]\nname = "a"\npath = "."'), {})
    assert repository_specs(loaded.settings, Path("/nowhere")) == ()

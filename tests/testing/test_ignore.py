"""What is not watched, held against git itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.testing.ignore import DEFAULT_WATCH, IgnoreRules, Patterns, always_ignored
from tests.testing.following import plant


def git(root: Path, *arguments: str, feed: str = "") -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], input=feed, capture_output=True, text=True, env=environment
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def ignored_by_git(root: Path, names: list[str]) -> set[str]:
    return set(git(root, "check-ignore", "-z", "--no-index", "--stdin", feed="\0".join(names) + "\0").split("\0")) - {
        ""
    }


def ignored_by_us(root: Path, names: list[str]) -> set[str]:
    rules = IgnoreRules(root)
    for folder, _folders, files in os.walk(root):
        if ".gitignore" in files:
            relative = os.path.relpath(folder, root)
            rules.read("" if relative == "." else relative)
    return {name for name in names if rules.hidden(name)}


PATHS = [
    *("a.py", "build/a.py", "pkg/build/a.py", "pkg/a.py", "pkg/deep/a.py", "pkg/deep/b.log", "b.log", "keep.log"),
    *("foo/x/y/bar", "foo/bar", "docs/_build/x.html", "docs/api/_build/x.html", "a b.py", "#x", "!y", "ä.py", "x.py "),
    *(
        "pkg/keep.log",
        "pkg/local/z.py",
        "data/one.json",
        "data/two.json",
        "data/deep/three.json",
        "abc/d.py",
        "abd/d.py",
    ),
]


@pytest.mark.parametrize(
    "lines",
    [
        ["build/"],
        ["/build/"],
        ["build"],
        ["*.log", "!keep.log"],
        ["!keep.log", "*.log"],
        ["foo/**/bar", "**/_build"],
        ["docs/_build/"],
        ["data/*", "!data/one.json"],
        ["data/", "!data/one.json"],
        ["data/**", "!data/deep/", "!data/deep/*.json"],
        ["ab[cx]/", "a?d"],
        ["# comment", "\\#x", "\\!y", "x.py\\ "],
        ["*", "!*/", "!*.py"],
        ["/*", "!/pkg"],
        ["pkg/deep", "a b.py", "ä*"],
        ["pkg/*/a.py", "**/deep/**"],
        ["", "  ", "[", "***", "/"],
        ["[[:alpha:]].py", "ab[]-]", "[!a-c]*.log", "data/[^o]*", "x.py ", "tail\\"],
    ],
)
def test_same_as_git(tmp_path: Path, lines: list[str]) -> None:
    root = plant(tmp_path, {".gitignore": "\n".join(lines) + "\n"})
    git(root, "init", "-q")
    assert ignored_by_us(root, PATHS) == ignored_by_git(root, PATHS)


def test_nested_files_and_exclude_same_as_git(tmp_path: Path) -> None:
    root = plant(
        tmp_path,
        {".gitignore": "*.log\n/pkg/local\n", "pkg/.gitignore": "!keep.log\n/deep/\n", "data/.gitignore": "*\n!one*\n"},
    )
    git(root, "init", "-q")
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/exclude").write_text("abc/\nkeep.log\n")
    assert ignored_by_us(root, PATHS) == ignored_by_git(root, PATHS)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.builds(
            lambda negated, anchored, parts, folder: negated + anchored + "/".join(parts) + folder,
            st.sampled_from(["", "!"]),
            st.sampled_from(["", "/"]),
            st.lists(
                st.sampled_from(
                    [
                        "pkg",
                        "deep",
                        "a.py",
                        "*",
                        "**",
                        "*.log",
                        "b*",
                        "?ata",
                        "d[a-c]ta",
                        "[!p]*",
                        "data",
                        "foo",
                        "keep.log",
                        "**.py",
                        "\\#x",
                        "[[:alpha:]]*",
                    ]
                ),
                min_size=1,
                max_size=3,
            ),
            st.sampled_from(["", "/"]),
        ),
        max_size=5,
    )
)
def test_any_patterns_same_as_git(tmp_path: Path, lines: list[str]) -> None:
    root = plant(tmp_path, {".gitignore": "\n".join(lines) + "\n"})
    if not (root / ".git").exists():
        git(root, "init", "-q")
    assert ignored_by_us(root, PATHS) == ignored_by_git(root, PATHS), lines


def test_rules_of_the_repository_around_a_project(tmp_path: Path) -> None:
    git(plant(tmp_path / "repo", {".gitignore": "made/\n/packages/one/only_here.py\n"}), "init", "-q")
    (tmp_path / "repo/packages/one").mkdir(parents=True)
    rules = IgnoreRules(tmp_path / "repo/packages/one")
    assert rules.hidden("made/x.py")
    assert rules.hidden("only_here.py")
    assert not rules.hidden("pkg/only_here.py")


def test_repository_that_ignores_the_whole_project_has_no_say(tmp_path: Path) -> None:
    git(plant(tmp_path / "repo", {".gitignore": "scratch/\n*.gen.py\n"}), "init", "-q")
    (tmp_path / "repo/scratch/project").mkdir(parents=True)
    rules = IgnoreRules(tmp_path / "repo/scratch/project")
    assert not rules.hidden("a.py")
    assert not rules.hidden("a.gen.py")


def test_worktree_uses_the_main_repository(tmp_path: Path) -> None:
    main = plant(tmp_path / "main", {"a.py": ""})
    git(main, "init", "-q")
    git(main, "add", ".")
    git(main, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "first")
    (main / ".git/info").mkdir(exist_ok=True)
    (main / ".git/info/exclude").write_text("private/\n")
    git(main, "worktree", "add", "-q", str(tmp_path / "tree"))
    rules = IgnoreRules(tmp_path / "tree")
    assert rules.hidden("private/x.py")
    assert rules.git_dir is not None
    assert (Path(rules.git_dir) / "HEAD").is_file()


def test_settings_are_stronger_than_gitignore(tmp_path: Path) -> None:
    root = plant(tmp_path, {".gitignore": "made.py\n"})
    rules = IgnoreRules(root, ["!made.py", "other.py"])
    rules.read("")
    assert not rules.hidden("made.py")
    assert rules.hidden("other.py")


@pytest.mark.parametrize("content", [b"\xff\xfe*.py\n", b"\xef\xbb\xbfmade.py\n", b"a\x00b\n", b"!\n"])
def test_strange_gitignore_is_survived(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".gitignore").write_bytes(content)
    rules = IgnoreRules(tmp_path)
    rules.read("")
    assert rules.hidden("made.py") == (b"made" in content)


@pytest.mark.parametrize("name", ["__pycache__", ".git", "node_modules", ".venv", "pkg.egg-info", ".pytest_cache"])
def test_folders_nobody_wants(name: str) -> None:
    assert always_ignored(name, folder=True)
    assert not always_ignored(name)


@pytest.mark.parametrize(
    "name", ["a.pyc", "a.py~", ".a.py.swp", ".#a.py", "4913", "a.py___jb_tmp___", ".quarterdeck-probe-1"]
)
def test_files_nobody_wants(name: str) -> None:
    assert always_ignored(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.py",
        "deep/er/a.py",
        "pyproject.toml",
        ".env",
        "pkg/data.json",
        "x/test_doc.txt",
        "requirements-dev.txt",
        "t.tcss",
    ],
)
def test_default_globs_take(name: str) -> None:
    assert Patterns(DEFAULT_WATCH).match(name)


@pytest.mark.parametrize(
    "name", ["a.pyi", "README.md", "notes.txt", "a.py.orig", "x.lock", "logo.png", "py", "app.log"]
)
def test_default_globs_leave(name: str) -> None:
    assert not Patterns(DEFAULT_WATCH).match(name)


def test_globs_with_folders_and_exceptions() -> None:
    patterns = Patterns(["**/*.py", "!tests/data/**", "/only_top.cfg", "docs/**/*.rst"])
    assert patterns.match("tests/test_a.py")
    assert not patterns.match("tests/data/x.py")
    assert patterns.match("only_top.cfg")
    assert not patterns.match("pkg/only_top.cfg")
    assert patterns.match("docs/a/b.rst")

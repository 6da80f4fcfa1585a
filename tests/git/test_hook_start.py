"""The hook starts with every push: what it loads, how it is called, and what it says when it is called wrongly."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.config.model import BroadcastSettings, GitSettings, NamingSettings
from app.git import hook_rules
from app.git.hook_rules import Broadcasting, Checked, HookRules
from app.git.model import Rules
from app.git.words import command, quoted, shown
from app.settings import git_rules, load
from tests.git.hooked import PROGRAM, configure
from tests.git.repos import ZERO, Place, Repo

ONE, TWO = "1" * 40, "2" * 40
HEAVY = {
    *(
        "textual",
        "rich",
        "sqlalchemy",
        "pydantic",
        "pydantic_settings",
        "jinja2",
        "httpx",
        "alembic",
        "click",
        "asyncio",
    ),
    *(
        "platformdirs",
        "keyring",
        "watchfiles",
        "dataclasses",
        "inspect",
        "argparse",
        "logging",
        "json",
        "app.settings",
        "app.git.model",
        "app.log",
    ),
}


def test_a_whole_push_loads_no_library_and_little_else(repo: Repo) -> None:
    configure(repo.place)
    code = (
        "import sys\nfrom app.git.hook import main\ncode = main(sys.argv[1:])\n"
        "print(code, *sorted(sys.modules), file=sys.stdout)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "pre-push", "--git-pid=1", "--", "origin", "x"],
        input=f"refs/heads/wip {ONE} refs/heads/wip {ZERO}\nrefs/heads/main {ONE} refs/heads/main {TWO}\n".encode(),
        capture_output=True,
        cwd=repo.path,
        env=repo.place.env,
    )
    code, *loaded = done.stdout.decode().split()
    assert code == "1"
    assert b"feature/wip" in done.stderr
    assert not HEAVY & set(loaded)
    # What the interpreter has loaded by itself, such as what its .pth files name, is not ours.
    bare = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True)
    ours = {name.split(".")[0] for name in loaded} - {name.split(".")[0] for name in bare.stdout.split()}
    assert {name for name in ours if name not in sys.stdlib_module_names} == {"app"}


def test_the_program_is_installed(repo: Repo) -> None:
    done = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, cwd=repo.path)
    assert done.returncode == 0
    assert "qd-git-hook pre-push [OPTIONS] REMOTE URL" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected pre-push, pre-commit, branch or hygiene, got nothing"),
        (["push\x1b[31m"], "got push\\x1b[31m"),
        (["branch", "--color"], "there is no option --color"),
        (["branch", "--pattern"], "--pattern needs a value"),
        (["branch", "--pattern", "(("], "--pattern is no regular expression"),
        (["hygiene", "--large-mb=many"], "--large-mb is no number above zero"),
        (["pre-push"], "needs the name and the address of a remote"),
    ],
)
def test_called_wrongly(repo: Repo, arguments: list[str], said: str) -> None:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, cwd=repo.path, env=repo.place.env)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_of_a_repository(place: Place) -> None:
    done = subprocess.run([PROGRAM, "branch"], capture_output=True, text=True, cwd=place.root, env=place.env)
    assert done.returncode == 1
    assert "nothing could be checked: not a git repository" in done.stderr


def test_the_branch_at_hand(repo: Repo) -> None:
    configure(repo.place)

    def branch(*options: str) -> tuple[int, str]:
        done = subprocess.run(
            [PROGRAM, "branch", *options], capture_output=True, text=True, cwd=repo.path, env=repo.place.env
        )
        return done.returncode, done.stderr

    assert branch() == (0, "")
    repo.switch("wip", create=True)
    code, said = branch()
    assert code == 1
    assert said.endswith("  git branch -m -- wip feature/wip\n")
    assert branch("--exempt", "w*") == (0, "")
    assert branch("--protect=wip", "--protect=main") == (0, "")
    assert branch("--pattern", "[a-z]+") == (0, "")
    code, said = branch("--pattern", "topic/.+", "--example", "topic/x")
    assert said.endswith("  git branch -m -- wip topic/wip\n")
    repo.git("checkout", "-q", "--detach")
    assert branch() == (0, "")
    repo.git("checkout", "-q", "--orphan", "unborn")
    assert branch()[0] == 1


RIGHT = {
    "nothing": ("", {}),
    "file": (
        """
[git]
protected = ['a', 'b/*']
large_file_mb = 2
naming = { pattern = 'x/.*', examples = ['x/y'], exempt = ['z'] }
[git.broadcast]
to = ['file:x']
events = ['tag']
branches = ['main']
templates = 't'
""",
        {},
    ),
    "environment": (
        "[git]\nprotected = ['a']\n[git.naming]\npattern = 'x'",
        {
            "QUARTERDECK_GIT__NAMING__PATTERN": "y/.*",
            "QUARTERDECK_GIT__NAMING__EXAMPLES": '["y/1"]',
            "QUARTERDECK_GIT__PROTECTED": '["trunk"]',
            "QUARTERDECK_GIT__LARGE_FILE_MB": "7.5",
            "QUARTERDECK_GIT__BROADCAST": '{"to": ["stdout"]}',
        },
    ),
    "whole table": ("", {"QUARTERDECK_GIT": '{"protected": ["p"], "naming": {"pattern": "q"}}'}),
}


@pytest.mark.parametrize("case", RIGHT)
def test_the_rules_are_those_of_the_whole_settings(case: str, place: Place) -> None:
    text, environ = RIGHT[case]
    path = place.home / "config.toml"
    path.write_text(text, "utf-8")
    fast, settings = hook_rules.read(place.root, path, environ), load(path, environ).settings
    whole, broadcast = git_rules(settings), settings.git.broadcast
    assert fast.notes == ()
    assert fast.rules == Checked(whole.pattern, whole.examples, whole.protected, whole.exempt, whole.large_file_mb)
    assert fast.broadcasting == Broadcasting(broadcast.to, broadcast.events, broadcast.branches, broadcast.templates)


def test_the_defaults_are_those_of_the_tree() -> None:
    git, naming, broadcast, rules = GitSettings(), NamingSettings(), BroadcastSettings(), Rules()
    assert Checked() == Checked(naming.pattern, naming.examples, git.protected, naming.exempt, git.large_file_mb)
    assert Broadcasting() == Broadcasting(broadcast.to, broadcast.events, broadcast.branches, broadcast.templates)
    assert (git.protected, git.stale_days, git.large_file_mb) == (
        rules.protected,
        rules.stale_days,
        rules.large_file_mb,
    )


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("[git]\nprotected = 'main'", "git.protected is not a list of strings"),
        ("[git]\nlarge_file_mb = 0", "git.large_file_mb is not a number"),
        ("[git]\nlarge_file_mb = true", "git.large_file_mb is not a number"),
        ("[git.naming]\npattern = 3", "git.naming.pattern is not a regular expression"),
        ("git = 3", ""),
        ("[git]\nnaming = 3", ""),
        ("repositories = 3", ""),
        ("[[repositories]]\npath = 3", ""),
        ("[git", "no valid configuration"),
        ("\udcff", "no valid configuration"),
    ],
)
def test_what_is_wrong_is_default_and_told(text: str, noted: str, place: Place) -> None:
    path = place.home / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    found = hook_rules.read(place.root, path, {})
    assert found.rules == Checked()
    assert noted in "".join(found.notes)
    assert bool(found.notes) == bool(noted)


def test_a_configuration_that_is_named_and_not_there(place: Place) -> None:
    assert hook_rules.read(place.root, None, {}) == HookRules()
    assert "cannot be read" in hook_rules.read(place.root, place.root / "nope.toml", {}).notes[0]


@pytest.mark.parametrize(
    "text", ["plain", "-x", "a b", "it's", "$(x)", "é", "a\x1b[0m", "\udcff", "a\nb", "\u202e'\\", "", "`x`"]
)
def test_a_quoted_text_is_given_back_by_the_shell(text: str) -> None:
    done = subprocess.run(["bash", "-c", f"printf %s {quoted(text)}"], capture_output=True, env={"LC_ALL": "C.UTF-8"})
    assert done.stdout == os.fsencode(text)
    assert "\x1b" not in command([text])


def test_shown_text_cannot_drive_a_terminal() -> None:
    assert shown("a\x1b[31m\u202eb\x9b\udcff\u200b") == "a\\x1b[31m\\u202eb\\x9b\\xff\\u200b"
    assert shown("x" * 300, 10) == "xxxxxxxxx…"
    assert shown("naïve 日本 🙂 [red]") == "naïve 日本 🙂 [red]"

"""What `qd git` says to people: names that were not found, branches that stay, and what comes next."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from app.cli import main
from tests.git.repos import Place, Repo
from tests.git.test_commands import Printed, ask, landed_and_open


@pytest.fixture(autouse=True)
def _own_home(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "quarterdeck"))
    monkeypatch.chdir(place.root)


def say(repo: Repo, printed: Printed, *arguments: str, code: int = 0) -> str:
    """What the command prints for people."""
    printed.readouterr()
    assert main(["git", *arguments, "--path", str(repo.path)]) == code
    said = printed.readouterr()
    return said.err if code == 2 else said.out


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("switch", "feat/opne"), "feat/open"),
        (("switch", "orign/feat/open"), "origin/feat/open"),
        (("push", "feat/opn"), "feat/open"),
        (("rename", "feat/don", "feat/x"), "feat/done"),
        (("track", "fet/done", "origin/main"), "feat/done"),
        (("prune", "feat/lon"), "feat/lone"),
    ],
)
def test_the_nearest_name_is_proposed(repo: Repo, capsys: Printed, arguments: tuple[str, ...], near: str) -> None:
    landed_and_open(repo)
    repo.git("push", "-q", "origin", "main:refs/heads/feat/lone")
    repo.git("fetch", "-q")
    assert f"did you mean {near}?" in say(repo, capsys, *arguments, code=2)


def test_an_upstream_that_is_not_there_is_told_with_the_nearest(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    said = say(repo, capsys, "track", "feat/open", "origin/mian")
    assert "origin/mian is not known here" in said
    assert "did you mean origin/main?" in said


def test_a_named_branch_that_must_stay_is_told_and_no_command_names_it(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    before = repo.refs("refs/heads"), repo.origin.refs("refs/heads")
    assert "✗ refs/heads/main: it is protected" in say(repo, capsys, "prune", "main", "--yes", code=1)
    repo.switch("feat/open")
    assert "it is checked out" in say(repo, capsys, "prune", "feat/open", "--local", "--yes", code=1)
    said = say(repo, capsys, "prune", "main", "feat/done", "--dry-run", code=1)
    commands = [shlex.split(line.removeprefix("  $ ")) for line in said.splitlines() if line.startswith("  $ ")]
    assert any("feat/done" in command for command in commands)
    assert not any("main" in word for command in commands for word in command)
    assert (repo.refs("refs/heads"), repo.origin.refs("refs/heads")) == before


def test_a_branch_that_only_the_remote_has_goes_by_its_name_and_comes_back(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    repo.git("push", "-q", "origin", "main:refs/heads/feat/lone")
    repo.git("fetch", "-q")
    before = repo.origin.refs("refs/heads")
    ask(repo, capsys, "prune", "feat/lone", "--yes")
    assert set(before) - set(repo.origin.refs("refs/heads")) == {"refs/heads/feat/lone"}
    ask(repo, capsys, "undo", "--yes")
    assert repo.origin.refs("refs/heads") == before
    assert "there is no branch feat/lone" in say(repo, capsys, "prune", "feat/lone", "--local", code=2)


def test_only_what_is_named_is_spoken_of(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    assert "feat/done" not in say(repo, capsys, "prune", "feat/open", "--dry-run")


def test_a_push_that_is_refused_shows_no_command_as_if_it_had_run(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    repo.origin.hook("pre-receive", "#!/bin/sh\nexit 1\n")
    said = say(repo, capsys, "prune", "--yes", code=1)
    assert "nothing was changed" in said
    assert "$ git" not in said


def test_what_comes_next_can_be_typed_as_it_is_told(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    before = repo.refs("refs/heads")
    told = say(repo, capsys, "prune", "--yes")
    for word, after in (("undo", before), ("redo", repo.refs("refs/heads")), ("undo", before)):
        line = next(line for line in told.splitlines() if f"qd git {word} " in line)
        command = shlex.split(line.partition(": ")[2])[1:]
        capsys.readouterr()
        assert main([*command, "--yes"]) == 0
        told = capsys.readouterr().out
        assert repo.refs("refs/heads") == after


def test_a_switch_says_from_where_to_where(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    assert "HEAD  main → feat/open  check out" in say(repo, capsys, "switch", "feat/open")


def test_each_problem_names_its_branch_and_its_command_works(repo: Repo, capsys: Printed) -> None:
    repo.topic("feat/one", "work")
    repo.git("push", "-q", "origin", "feat/one")
    repo.switch("main")
    said = say(repo, capsys, "status")
    line = next(line for line in said.splitlines() if "feat/one: " in line)
    command = shlex.split(line.rpartition("(")[2].removesuffix(")"))
    assert main([*command[1:], "--path", str(repo.path)]) == 0
    assert repo.config("branch.feat/one.merge") == "refs/heads/feat/one"
    assert "feat/one: " not in say(repo, capsys, "status")


def test_names_of_files_stay_on_their_line(repo: Repo, capsys: Printed) -> None:
    repo.commit("odd", {"two\n✓ lines": "x\n"})
    said = say(repo, capsys, "hygiene", code=1)
    assert "two\\x0a✓ lines: holds \\x0a, which Windows refuses" in said
    assert not [line for line in said.splitlines() if line.startswith("✓")]


def test_what_did_nothing_is_not_what_undo_takes_back(repo: Repo, capsys: Printed) -> None:
    repo.commit("files", {".gitignore": "*.log\n", "LICENSE": "mine\n", "README.md": "read me\n", "run.log": "text\n"})
    repo.git("add", "-f", "run.log")
    repo.git("commit", "-q", "--allow-empty", "-m", "a log")
    assert "run.log" in say(repo, capsys, "hygiene")
    say(repo, capsys, "new", "topic")
    index = repo.git("ls-files", "-s")
    assert "there is nothing to do" in say(repo, capsys, "hygiene", "--fix", "--yes")
    assert repo.git("ls-files", "-s") == index
    assert "hygiene" not in say(repo, capsys, "journal")
    say(repo, capsys, "undo", "--yes")
    assert "refs/heads/topic" not in repo.refs("refs/heads")


def test_a_dry_run_that_is_refused_ends_with_the_reason(repo: Repo, capsys: Printed) -> None:
    lines = say(repo, capsys, "rename", "main", "master", "--dry-run", code=1).splitlines()
    assert lines[-2] == "nothing was changed (dry run)"
    assert lines[-1].startswith("  ✗ refused: refs/heads/main: it is the default branch of origin")
    assert sum("which the host alone can change" in line for line in lines) == 1


def test_commits_of_a_branch_that_is_in_two_places_are_told_once(repo: Repo, capsys: Printed) -> None:
    repo.topic("feat/open", "one", "two", push=True)
    said = say(repo, capsys, "prune", "feat/open", "--dry-run")
    (line,) = (line for line in said.splitlines() if "2 commits on no other branch" in line)
    assert " on origin  " not in line
    assert "nowhere else" not in said


def test_hooks_are_called_the_same_as_in_the_app_and_the_missing_rule_is_told(repo: Repo, capsys: Printed) -> None:
    said = say(repo, capsys, "hooks", "status")
    assert "pre-commit: not installed" in said
    assert "no rule for them until [git.naming].pattern is set" in said
    config = repo.place.root / "ruled.toml"
    config.write_text("[git.naming]\npattern = 'feat/.+'\n")
    assert "git.naming" not in say(repo, capsys, "hooks", "status", "--config", str(config))

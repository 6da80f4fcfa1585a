"""`qd git` on real repositories: what it prints, in the documented shape, and what it does."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.commands.schema import find
from tests.cli.schemas import errors
from tests.git.repos import Place, Repo

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _own_home(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "quarterdeck"))
    monkeypatch.chdir(place.root)


def ask(repo: Repo, printed: Printed, command: str, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What the command prints with --json, checked against its schema."""
    printed.readouterr()
    assert main(["git", command, *arguments, "--path", str(repo.path), "--json"]) == code
    document: dict[str, Any] = json.loads(printed.readouterr().out)
    assert errors(find(f"git {command}"), document) == []
    return document


def landed_and_open(repo: Repo) -> None:
    repo.topic("feat/done", "work", push=True)
    repo.topic("feat/open", "other work", push=True)
    repo.switch("main")
    repo.merge("feat/done")
    repo.push("main")


def test_status_says_what_git_says(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    repo.write({"new.txt": "new\n"})
    (state,) = ask(repo, capsys, "status")["repositories"]
    assert (state["head"]["branch"], state["default_branch"], state["untracked"]) == ("main", "main", 1)
    assert {branch["name"]: branch["landed"] for branch in state["branches"]} == {
        "feat/done": "merged",
        "feat/open": None,
        "main": None,
    }
    for branch in state["branches"]:
        counted = repo.git("rev-list", "--left-right", "--count", f"main...{branch['name']}").split()
        assert [str(branch["behind_default"]), str(branch["ahead_default"])] == counted
        assert branch["oid"] == repo.oid(branch["name"])


def test_prune_undo_redo_bring_every_ref_back_and_away_again(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    before, there = repo.refs("refs/heads"), repo.origin.refs("refs/heads")
    assert ask(repo, capsys, "prune", "--dry-run")["dry_run"]
    assert (repo.refs("refs/heads"), repo.origin.refs("refs/heads")) == (before, there)
    pruned = ask(repo, capsys, "prune", "--yes")
    assert sorted((change["side"], change["ref"]) for change in pruned["done"]) == [
        ("local", "refs/heads/feat/done"),
        ("remote", "refs/heads/feat/done"),
    ]
    after = {ref: oid for ref, oid in before.items() if ref != "refs/heads/feat/done"}
    assert repo.refs("refs/heads") == repo.origin.refs("refs/heads") == after
    ask(repo, capsys, "undo", "--yes")
    assert (repo.refs("refs/heads"), repo.origin.refs("refs/heads")) == (before, there)
    assert repo.config("branch.feat/done.merge") == "refs/heads/feat/done"
    ask(repo, capsys, "redo", "--yes")
    assert repo.refs("refs/heads") == repo.origin.refs("refs/heads") == after
    operations = ask(repo, capsys, "journal")["operations"]
    assert [operation["kind"] for operation in operations] == ["redo", "undo", "prune"]


def test_named_branches_are_pruned_and_no_others(repo: Repo, capsys: Printed) -> None:
    landed_and_open(repo)
    ask(repo, capsys, "prune", "feat/open", "--local", "--yes")
    assert set(repo.refs("refs/heads")) == {"refs/heads/main", "refs/heads/feat/done"}
    assert "refs/heads/feat/open" in repo.origin.refs("refs/heads")


@pytest.mark.parametrize(
    ("arguments", "branch"),
    [
        (("new", "feat/x"), "feat/x"),
        (("switch", "feat/open"), "feat/open"),
        (("rename", "feat/open", "feat/shut", "--yes"), "main"),
        (("push", "feat/done"), "main"),
        (("track", "feat/done", "origin/feat/open"), "main"),
        (("sync",), "main"),
        (("align", "--yes"), "main"),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_every_operation_and_its_undo(repo: Repo, capsys: Printed, arguments: tuple[str, ...], branch: str) -> None:
    landed_and_open(repo)
    before = (repo.refs("refs/heads"), repo.origin.refs("refs/heads"), repo.config("branch.feat/done.merge"))
    document = ask(repo, capsys, *arguments)
    assert document["state"] in ("done", "planned")
    assert repo.git("symbolic-ref", "--short", "HEAD").strip() == branch
    if document["done"]:
        ask(repo, capsys, "undo", document["op_id"], "--yes")
    now = (repo.refs("refs/heads"), repo.origin.refs("refs/heads"), repo.config("branch.feat/done.merge"))
    assert now == before
    assert repo.git("symbolic-ref", "--short", "HEAD").strip() == "main"


def test_the_fix_that_a_lost_upstream_is_told_works(repo: Repo, capsys: Printed) -> None:
    repo.topic("it's", "work", push=True)
    ask(repo, capsys, "prune", "it's", "--remote", "--yes")
    (found,) = ask(repo, capsys, "status")["repositories"]
    (problem,) = (problem for problem in found["problems"] if problem["kind"] == "upstream_gone")
    words = shlex.split(problem["fix"])
    assert words[:3] == ["qd", "git", "align"]
    assert ask(repo, capsys, "align", "--dry-run")["commands"] == []
    ask(repo, capsys, *words[2:], "--yes")
    assert repo.config("branch.it's.merge") is None
    (found,) = ask(repo, capsys, "status")["repositories"]
    assert [problem for problem in found["problems"] if problem["ref"] == "refs/heads/it's"] == []


def test_hygiene_finds_mends_and_takes_back(repo: Repo, capsys: Printed) -> None:
    repo.git("mv", "README.md", "readme.md")
    repo.commit("lower", {"notes.txt ": "trailing\n"})
    tree = repo.git("ls-files")
    document = ask(repo, capsys, "hygiene", code=1)
    assert "error" in {finding["severity"] for finding in document["findings"]}
    mended = ask(repo, capsys, "hygiene", "--fix", "--yes")
    assert mended["done"]
    assert repo.git("ls-files") != tree
    ask(repo, capsys, "undo", "--yes")
    assert repo.git("ls-files") == tree


def test_a_doubtful_finding_is_mended_when_it_is_named(repo: Repo, capsys: Printed) -> None:
    repo.commit("files", {".gitignore": "*.log\n", "LICENSE": "mine\n", "readme.md": "read me\n"})
    repo.write({"run.log": "text\n"})
    repo.git("add", "-f", "run.log")
    repo.git("commit", "-q", "-m", "a log")
    (found,) = ask(repo, capsys, "hygiene", "run.log")["findings"]
    assert (found["key"], found["ticked"]) == ("ignored_tracked:run.log", False)
    done = ask(repo, capsys, "hygiene", "--fix", "--yes", "run.log")
    assert (done["title"], [change["ref"] for change in done["done"]]) == ("mend 1 finding of hygiene", [found["key"]])
    assert repo.git("ls-files", "run.log") == ""
    assert repo.git("ls-files", "readme.md") == "readme.md", "what was not named stays"
    assert ask(repo, capsys, "hygiene", "--fix", "--dry-run")["title"] == "mend 0 findings of hygiene"
    assert main(["git", "hygiene", "--fix", "raedme.md", "--yes", "--path", str(repo.path)]) == 2
    assert "did you mean readme.md?" in capsys.readouterr().err


def test_twins_that_look_the_same_are_told_apart(repo: Repo, capsys: Printed) -> None:
    for name in ("caf\u00e9.txt", "cafe\u0301.txt"):
        oid = repo.git("hash-object", "-w", "--stdin")
        repo.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{name}")
    main(["git", "hygiene", "--path", str(repo.path)])
    printed = capsys.readouterr().out
    assert "caf\u00e9.txt (U+00E9), cafe\u0301.txt (U+0065 U+0301)" in printed


def test_hooks_come_and_go(repo: Repo, capsys: Printed) -> None:
    hook = repo.hook("pre-push", "#!/bin/sh\nexit 0\n")
    before = hook.read_bytes()
    states = {each["name"]: each["state"] for each in ask(repo, capsys, "hooks", "install")["hooks"]}
    assert states["pre-push"] == "installed"
    assert hook.read_bytes() != before
    ask(repo, capsys, "hooks", "uninstall")
    assert hook.read_bytes() == before
    assert {each["state"] for each in ask(repo, capsys, "hooks", "status")["hooks"]} <= {"foreign", "absent"}


def test_nobody_is_asked_where_nobody_is(repo: Repo, capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    landed_and_open(repo)
    before = repo.refs("refs/heads")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert main(["git", "prune", "--path", str(repo.path)]) == 2
    assert "--yes" in capsys.readouterr().err
    assert repo.refs("refs/heads") == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("status", "--path", "nowhere"), "no such folder"),
        (("switch", "feat/nope", "--path", "work"), "feat/nope"),
        (("rename", "nope", "other", "--path", "work"), "nope"),
        (("new", "bad..name", "--path", "work"), "bad..name"),
        (("undo", "--path", "work"), "nothing to undo"),
        (("undo", "01M7YB8WGG2W05WZCA4Y1GJE33", "--path", "work"), "no operation"),
        (("status", "--repo", "x"), "no repository named 'x'"),
        (("push", "--path", "home"), "repository"),
    ],
)
def test_wrong_input_is_told(repo: Repo, capsys: Printed, arguments: tuple[str, ...], says: str) -> None:
    assert main(["git", *arguments]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said


def test_for_people_names_are_harmless(repo: Repo, capsys: Printed) -> None:
    repo.raw_ref("refs/heads/\x9bx\N{BLACK STAR}", repo.oid())
    repo.commit("\x1b[31mred [bold]text", {"a": "a"})
    assert main(["git", "status", "--path", str(repo.path)]) == 0
    said = capsys.readouterr().out
    assert "\\x9bx★" in said
    assert not {"\x1b", "\x9b"} & set(said)


def test_the_hook_before_commits_is_installed_by_its_name(repo: Repo, capsys: Printed) -> None:
    document = ask(repo, capsys, "hooks", "install", "--hook", "pre-commit")
    assert {each["name"]: each["state"] for each in document["hooks"]} == {
        "pre-push": "absent",
        "pre-commit": "installed",
    }
    assert ask(repo, capsys, "hooks", "uninstall", "--hook", "pre-commit")["done"]


def test_broadcast_is_printed_or_goes_where_it_is_told(repo: Repo, capsys: Printed, tmp_path: Path) -> None:
    repo.commit("feat: something new")
    repo.push("main")
    assert main(["git", "broadcast", "--path", str(repo.path)]) == 0
    printed = capsys.readouterr().out
    assert "### work: 1 commit pushed to main" in printed
    assert "- something new (" in printed
    board = tmp_path / "board.md"
    document = ask(repo, capsys, "broadcast", "main~1..main", "--to", f"file:{board}")
    assert document["deliveries"] == [{"target": f"file:{board}", "state": "sent", "error": None}]
    assert board.read_text() == document["text"]
    assert ask(repo, capsys, "broadcast", "--to", "stdout")["deliveries"] == []
    failed = ask(repo, capsys, "broadcast", "--to", f"file:{tmp_path}/nowhere/x", code=1)["deliveries"]
    assert failed[0]["state"] == "failed"
    before = board.read_text()
    assert main(["git", "broadcast", "--to", f"file:{board}", "--to", "http://x", "--path", str(repo.path)]) == 2
    assert "there is no target http://x" in capsys.readouterr().err
    assert board.read_text() == before
    assert main(["git", "broadcast", "nope", "--path", str(repo.path)]) == 2
    assert "nope is no branch, tag or range" in capsys.readouterr().err


def test_broadcast_goes_where_the_configuration_says(repo: Repo, capsys: Printed, tmp_path: Path) -> None:
    home = tmp_path / "quarterdeck" / "config"
    (home / "mine").mkdir(parents=True)
    (home / "mine" / "push.md.j2").write_text("{{ news.total }} by hand")
    (home / "config.toml").write_text('[git.broadcast]\nto = ["file:board.md"]\ntemplates = "mine"\n')
    assert main(["git", "broadcast", "--path", str(repo.path)]) == 0
    assert capsys.readouterr().out == "file:board.md: sent\n"
    assert (home / "board.md").read_text() == "1 by hand\n"

"""The audit before a commit, as our own hook and as an entry of the pre-commit framework."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from app.git import hook, hooks
from tests.git.hooked import PROGRAM, configure, install, shell
from tests.git.repos import Repo

ROOT = Path(__file__).parents[2]


def commit(repo: Repo, *args: str) -> tuple[int, str]:
    """`git commit` of what is staged: its code and what stood on standard error."""
    done = repo.run("commit", "-q", "-m", "work", *args, env=repo.place.tick(), check=False)
    return done.returncode, done.stderr.decode("utf-8", "replace")


def run(repo: Repo, *args: str, **variables: str) -> tuple[int, str]:
    """The program itself."""
    env = {**repo.place.env, **variables}
    done = subprocess.run([PROGRAM, *args], cwd=repo.path, env=env, capture_output=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr.decode("utf-8", "replace")


@pytest.fixture
def guarded(repo: Repo) -> Repo:
    """A repository with the rule, a small limit for sizes, and the hook before commits."""
    configure(repo.place, "[git]\nlarge_file_mb = 0.01")
    install(repo, "pre-commit")
    return repo


def stage(repo: Repo, files: dict[str, str | bytes]) -> None:
    repo.write(files)
    repo.git("add", "-A", "-f")


def test_what_is_in_order_is_committed_without_a_word(guarded: Repo) -> None:
    stage(guarded, {"a": "x", "src/é": "y"})
    assert commit(guarded) == (0, "")


@pytest.mark.parametrize(
    ("files", "said", "command"),
    [
        (
            {"readme.md": "x"},
            "README.md, readme.md: different files under names that differ only in case",
            "git mv -- readme.md readme-2.md",
        ),
        ({"aux.c": "x"}, "aux.c: aux is a device on Windows", "git mv -- aux.c aux_.c"),
        ({"-x ": "x"}, "-x : ends with a space", "git mv -- '-x ' -x"),
        ({"big": b"\0" * 20_000}, "big: 20.0 kB", "git rm --cached -- big"),
        (
            {".gitignore": "*.log\n", "a.log": "x"},
            "a.log: tracked, and named by a .gitignore",
            "git rm --cached -- a.log",
        ),
        (
            {"e\u0301": "x", "é": "y"},
            "names that differ only in how their accents are composed",
            "git mv -- 'e\u0301' 'é-2'",
        ),
        ({"esc\x1b[31m": "x"}, "esc\\x1b[31m: holds \\x1b", "git mv -- $'esc\\x1b[31m' 'esc_[31m'"),
    ],
)
def test_what_is_not_is_refused_and_the_commands_mend_it(
    guarded: Repo, files: dict[str, str | bytes], said: str, command: str
) -> None:
    stage(guarded, files)
    head = guarded.oid()
    code, text = commit(guarded)
    assert code != 0
    assert said in text
    assert "\x1b" not in text
    assert guarded.oid() == head
    lines = text.rstrip("\n").split("\nWhat mends it")[1].split("\n")[1:]
    assert f"  {command}" in lines
    assert [shell(guarded, line.strip()) for line in lines] == [0] * len(lines)
    assert commit(guarded) == (0, "")


def test_what_was_wrong_before_stops_nobody(guarded: Repo) -> None:
    stage(guarded, {"aux.c": "x", "readme.md": "x"})
    assert commit(guarded, "--no-verify")[0] == 0
    stage(guarded, {"other": "y"})
    assert commit(guarded) == (0, "")
    stage(guarded, {"aux.c": "changed"})
    assert commit(guarded)[0] != 0


def test_only_what_this_commit_takes_counts(guarded: Repo) -> None:
    """`git commit PATH` and `git commit -a` use an index of their own, which the hook is told of."""
    stage(guarded, {"good": "x"})
    assert commit(guarded) == (0, "")
    guarded.write({"good": "y", "aux.c": "x"})
    guarded.git("add", "aux.c")
    assert commit(guarded, "good") == (0, "")
    assert commit(guarded)[0] != 0
    guarded.git("reset", "-q")
    guarded.write({"good": "z"})
    assert commit(guarded, "-a") == (0, "")


def test_the_first_commit_of_all(guarded: Repo) -> None:
    fresh = guarded.place.init("fresh")
    install(fresh, "pre-commit")
    stage(fresh, {"nul": "x"})
    assert commit(fresh)[0] != 0
    fresh.git("mv", "nul", "fine")
    assert commit(fresh) == (0, "")


def test_a_merge_with_conflicts_can_be_concluded(guarded: Repo) -> None:
    guarded.conflict(name="feature/other")
    assert guarded.attempt("merge", "feature/other") != 0
    stage(guarded, {"both.txt": "joined"})
    assert commit(guarded) == (0, "")


def test_the_branch_is_looked_at_too(guarded: Repo) -> None:
    guarded.switch("wip", create=True)
    stage(guarded, {"a": "x"})
    code, said = commit(guarded)
    assert code != 0
    assert said.endswith("  git branch -m -- wip feature/wip\n")


def test_the_hook_before_runs_after_ours(guarded: Repo) -> None:
    hooks.uninstall(guarded.path)
    path = guarded.hook("pre-commit", "echo before >> seen")
    first = path.read_bytes()
    install(guarded, "pre-commit")
    stage(guarded, {"a": "x"})
    assert commit(guarded) == (0, "")
    stage(guarded, {"aux": "x"})
    assert commit(guarded)[0] != 0
    assert (guarded.path / "seen").read_text() == "before\n"
    hooks.uninstall(guarded.path)
    assert path.read_bytes() == first


def test_everything_by_hand(guarded: Repo) -> None:
    stage(guarded, {"aux.c": "x", "docs/readme.md": "x"})
    commit(guarded, "--no-verify")
    assert run(guarded, "hygiene") == (0, "")
    code, said = run(guarded, "hygiene", "--all")
    assert code == 1
    assert "qd: note: docs/readme.md: usually called README.md" in said
    assert "qd: note: .gitignore: there is none at the top" in said
    assert "these files are not in order: 1 finding." in said
    guarded.git("rm", "-q", "aux.c")
    assert run(guarded, "hygiene", "--all")[0] == 0
    assert run(guarded, "hygiene", "--all", "--large-mb", "0.000001")[0] == 1


def test_many_findings_are_not_all_told(guarded: Repo) -> None:
    stage(guarded, {f"aux.{number}": "x" for number in range(30)})
    code, said = commit(guarded)
    assert code != 0
    assert "30 findings" in said
    assert "  and 10 more (qd git hygiene)" in said


# The pre-commit framework


def framework(repo: Repo, local: str, remote: str, oid: str) -> tuple[int, str]:
    """What the framework runs for a push: no arguments, no input, one ref in variables."""
    return run(
        repo,
        "pre-push",
        PRE_COMMIT="1",
        PRE_COMMIT_LOCAL_BRANCH=local,
        PRE_COMMIT_REMOTE_BRANCH=remote,
        PRE_COMMIT_TO_REF=oid,
        PRE_COMMIT_FROM_REF=oid,
        PRE_COMMIT_REMOTE_NAME="origin",
        PRE_COMMIT_REMOTE_URL="x",
    )


def test_the_frameworks_one_ref(repo: Repo) -> None:
    configure(repo.place)
    heads = "refs/heads/"
    assert framework(repo, f"{heads}feature/x", f"{heads}feature/x", repo.oid()) == (0, "")
    code, said = framework(repo, f"{heads}wip", f"{heads}wip", repo.oid())
    assert code == 1
    assert said.endswith("  git push -u origin feature/wip\n")
    assert framework(repo, "HEAD", "refs/tags/Any", repo.oid()) == (0, "")
    # Overwriting a protected branch is seen by what is known of the remote, whatever range the framework has taken.
    repo.commit("published")
    repo.push("main")
    repo.git("commit", "-q", "--amend", "-m", "other")
    assert "would be lost" in framework(repo, f"{heads}main", f"{heads}main", repo.oid())[1]


def test_with_arguments_git_itself_has_called(repo: Repo) -> None:
    """A push from inside something that the framework runs inherits its variables; they mean another push."""
    configure(repo.place)
    install(repo)
    repo.branch("wip")
    done = repo.run("push", "origin", "wip", env={"PRE_COMMIT_REMOTE_BRANCH": "refs/heads/feature/x"}, check=False)
    assert b"wip: the name does not follow" in done.stderr


def test_the_entries_for_the_framework_are_ones_that_the_program_has() -> None:
    blocks = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8").split("\n- ")[1:]
    entries = [dict(line.strip().split(": ", 1) for line in block.split("\n") if ": " in line) for block in blocks]
    own = [entry for entry in entries if entry["entry"].startswith("qd-git-hook ")]
    assert [entry["id"] for entry in own] == ["quarterdeck-push", "quarterdeck-branch", "quarterdeck-hygiene"]
    for entry in own:
        program, *arguments = entry["entry"].split()
        assert program == "qd-git-hook"
        assert hook._parsed(arguments) is not None
        assert json.loads(entry["pass_filenames"]) is False
        assert json.loads(entry["always_run"]) is True

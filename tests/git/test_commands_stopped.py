"""`qd git` in a real terminal and in processes that are killed: questions, ctrl+c, and what was left half-way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.commands.schema import find
from tests.cli.schemas import errors
from tests.e2e.terminal import Terminal
from tests.git.operating import picture
from tests.git.repos import Repo

QD = Path(sys.executable).parent / "qd"
KILL_THE_CALLER = '#!/bin/sh\nkill -9 $(ps -o ppid= -p "$PPID")\nexit 1\n'
"""As a hook: ends the program that has called git, and the push with it."""


@pytest.fixture
def landed(repo: Repo) -> Repo:
    """A repository with one branch that has landed and can go, here and on the remote."""
    repo.topic("feat/done", "work", push=True)
    repo.switch("main")
    repo.merge("feat/done")
    repo.push("main")
    return repo


Open = Callable[..., Terminal]


@pytest.fixture
def open_terminal(landed: Repo) -> Iterator[Open]:
    """Opens `qd git` in a terminal of 80 columns, in the repository."""
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        env = {**landed.place.env, "TERM": "xterm-256color"}
        command = [QD, "git", *arguments]
        opened.append(Terminal(command, home=landed.place.home, size=(80, 40), cwd=landed.path, env=env))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def run(repo: Repo, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`qd git` without a terminal."""
    return subprocess.run(
        [QD, "git", *arguments],
        cwd=repo.path,
        env=repo.place.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def ask(repo: Repo, command: str, *arguments: str, code: int = 0) -> dict[str, Any]:
    """What it prints with --json, checked against its schema."""
    done = run(repo, command, *arguments, "--json")
    assert done.returncode == code, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert errors(find(f"git {command}"), document) == []
    return document


def killed(repo: Repo) -> None:
    """A prune whose process is killed when everything is written down and nothing is done yet."""
    hook = repo.hook("pre-push", KILL_THE_CALLER)
    assert run(repo, "prune", "--yes").returncode == -signal.SIGKILL
    hook.unlink()


def test_ctrl_c_at_the_question_ends_it_at_once(landed: Repo, open_terminal: Open) -> None:
    before = picture(landed)
    terminal = open_terminal("prune")
    terminal.wait_for(r"Do this\?")
    terminal.press("ctrl+c")
    assert terminal.wait() == 130
    assert picture(landed) == before
    assert "git branch -D -- feat/done" in terminal.text()


def test_a_plan_is_readable_in_80_columns(landed: Repo, open_terminal: Open) -> None:
    terminal = open_terminal("prune")
    text = terminal.wait_for(r"Do this\?")
    terminal.press("n", "enter")
    assert terminal.wait() == 2
    note = [line for line in text.splitlines() if "refs/quarterdeck/trash/" in line]
    assert note == ["  what is deleted is kept in refs/quarterdeck/trash/ for 90 days, so that undo"]
    assert "  can bring it back" in text.splitlines()


def test_what_has_begun_is_carried_through_and_told(landed: Repo, open_terminal: Open, tmp_path: Path) -> None:
    reached, go = tmp_path / "reached", tmp_path / "go"
    os.mkfifo(go)
    landed.hook("pre-push", f"#!/bin/sh\n: > '{reached}'\ncat '{go}' > /dev/null\n")
    terminal = open_terminal("prune", "--yes")
    end = time.monotonic() + 60
    while not reached.exists() and time.monotonic() < end:
        time.sleep(0.02)
    terminal.press("ctrl+c")
    terminal.wait_for("what has begun is carried through")
    go.write_text("on\n")
    assert terminal.wait() == 0
    assert "✓ feat/done on origin" in terminal.text()
    assert "qd git undo" in terminal.text()
    assert landed.oid("refs/heads/feat/done") == landed.origin.oid("refs/heads/feat/done") == ""


def test_what_was_interrupted_is_told_and_can_be_finished(landed: Repo) -> None:
    killed(landed)
    (state,) = ask(landed, "status")["repositories"]
    (stopped,) = state["interrupted"]
    op_id = stopped["op_id"]
    assert f"qd git finish {op_id}, or qd git undo {op_id}" in run(landed, "status").stdout
    refused = run(landed, "finish")
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    assert ask(landed, "finish", "--dry-run")["dry_run"]
    assert landed.oid("refs/heads/feat/done")
    finished = ask(landed, "finish", "--yes")
    assert (finished["op_id"], finished["state"]) == (op_id, "done")
    assert landed.oid("refs/heads/feat/done") == landed.origin.oid("refs/heads/feat/done") == ""
    assert ask(landed, "status")["repositories"][0]["interrupted"] == []
    nothing = run(landed, "finish", "--yes")
    assert (nothing.returncode, "no operation was interrupted" in nothing.stderr) == (2, True)


def test_undo_closes_what_was_interrupted_before_it_did_anything(landed: Repo) -> None:
    ask(landed, "new", "feat/earlier")
    landed.switch("main")
    before = picture(landed)
    killed(landed)
    said = ask(landed, "undo", "--yes")
    assert "it is closed" in said["message"]
    assert picture(landed) == before
    # The next undo is about the operation before it.
    assert [change["ref"] for change in ask(landed, "undo", "--dry-run")["plan"]] == ["refs/heads/feat/earlier"]
    assert [each["state"] for each in ask(landed, "journal")["operations"]] == ["undone", "done"]

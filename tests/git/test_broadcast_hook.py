"""What the hook tells of a push, once the server has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.git.broadcast_later import wait_for
from tests.git.hooked import configure, install, push
from tests.git.repos import Place, Repo
from tests.waiting import until


def board(place: Place) -> Path:
    return place.home / "board.md"


def broadcasting(place: Place, **settings: object) -> None:
    values = {"to": [f"file:{board(place)}"], **settings}
    lines = "\n".join(f"{key} = {value!r}" for key, value in values.items())
    configure(place, f"[git.broadcast]\n{lines}", pattern="", examples=[])


def written(place: Place) -> str:
    return board(place).read_text() if board(place).exists() else ""


async def test_a_push_is_told_once_the_server_has_it(repo: Repo) -> None:
    broadcasting(repo.place)
    install(repo)
    repo.commit("feat: told by the hook")
    repo.git("tag", "v1")
    assert push(repo, "-q", "origin", "main", "v1").err == ""
    await until(lambda: "## work v1" in written(repo.place) and "pushed to main" in written(repo.place))
    assert "- told by the hook (`" in written(repo.place)


async def test_a_push_that_the_server_refused_is_not_told(repo: Repo) -> None:
    broadcasting(repo.place)
    install(repo)
    repo.origin.hook("update", 'case "$1" in refs/heads/no*) exit 1 ;; esac')
    repo.topic("no-way", "feat: refused")
    repo.topic("yes", "feat: taken")
    assert push(repo, "origin", "no-way", "yes").code != 0
    await until(lambda: "taken" in written(repo.place))
    assert "refused" not in written(repo.place)


async def test_only_what_is_wanted_is_told(repo: Repo) -> None:
    broadcasting(repo.place, events=["push"], branches=["release/*"])
    install(repo)
    for name in ("release/1", "feature/x"):
        repo.topic(name, f"feat: on {name}")
    repo.git("tag", "v1")
    assert push(repo, "-q", "origin", "feature/x", "v1", "release/1").code == 0
    await until(lambda: "on release/1" in written(repo.place))
    assert "feature/x" not in written(repo.place)
    assert "v1" not in written(repo.place)


async def test_nothing_is_started_unless_it_is_configured(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a process: with the program that it would start replaced by one that leaves a trace."""
    configure(repo.place, pattern="", examples=[])
    install(repo)
    folder = repo.place.root / "site"
    folder.mkdir()
    trace = repo.place.root / "started"
    code = f"import sys\nif 'app.git.broadcast_later' in sys.orig_argv: open({str(trace)!r}, 'w').close()\n"
    (folder / "sitecustomize.py").write_text(code)
    repo.place.env["PYTHONPATH"] = str(folder)
    repo.commit("more")
    assert push(repo, "-q", "origin", "main").code == 0
    assert not trace.exists()
    broadcasting(repo.place)
    repo.commit("and more")
    assert push(repo, "-q", "origin", "main").code == 0
    await until(trace.exists)
    await until(lambda: "and more" in written(repo.place))


async def test_a_package_of_our_name_in_the_repository_is_not_run(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the program that tells nor, where no script is installed, the hook itself takes that for its own."""
    broadcasting(repo.place)
    ran = repo.place.root / "ran"
    for name in ("app", "json"):
        (repo.path / name).mkdir()
        (repo.path / name / "__init__.py").write_text(
            f"open({str(ran)!r}, 'w').close()\nraise SystemExit('not ours')\n"
        )
    repo.git("add", "-A")
    monkeypatch.setattr("app.git.hooks.PROGRAM", "qd-git-hook-that-is-not-there")
    install(repo)
    assert "-m app.git.hook" in (repo.path / ".git" / "hooks" / "pre-push").read_text()
    repo.commit("feat: beside a package of our name")
    assert push(repo, "-q", "origin", "main").err == ""
    await until(lambda: "beside a package of our name" in written(repo.place))
    assert not ran.exists()


def test_waiting_for_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not wait_for(process.pid, 0.01)
        process.communicate(b"\n")
        assert wait_for(process.pid, 10)
        monkeypatch.delattr(os, "pidfd_open")
        assert wait_for(process.pid, 10)
        assert not wait_for(os.getpid(), 0.01)

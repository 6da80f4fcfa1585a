"""How git is started, what it may not do, and what is said when it fails."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.git.cli import Git, GitError, GitTimeoutError
from app.git.environment import environment, ssh_command
from tests.git.repos import Place, Repo
from tests.waiting import until


async def test_output_is_bytes_text_and_records(repo: Repo) -> None:
    repo.raw_ref(b"refs/heads/caf\xe9", repo.oid())
    git = Git(repo.path)
    done = await git.run("for-each-ref", "--format=%(refname)%00", "refs/heads/caf\udce9")
    assert done.stdout == b"refs/heads/caf\xe9\0\n"
    assert done.text.startswith("refs/heads/caf\udce9")
    assert (await git.run("ls-files", "-z")).records == ["README.md"]
    assert (await git.run("ls-files", "-z", "--others")).records == []
    assert (await git.run("rev-parse", "HEAD")).line == repo.oid()
    assert git.run_sync("rev-parse", "HEAD").line == repo.oid()


async def test_input_larger_than_a_pipe(repo: Repo) -> None:
    text = os.urandom(1 << 20)
    oid = (await Git(repo.path).run("hash-object", "-w", "--stdin", input=text)).line
    assert (await Git(repo.path).run("cat-file", "blob", oid)).stdout == text
    assert Git(repo.path).run_sync("hash-object", "--stdin", input=text).line == oid


async def test_codes_that_are_no_error(repo: Repo) -> None:
    done = await Git(repo.path).run("config", "--get", "no.such", ok=(0, 1))
    assert done.code == 1
    with pytest.raises(GitError) as failed:
        await Git(repo.path).run("config", "--get", "no.such")
    assert failed.value.code == 1
    assert failed.value.where == str(repo.path)


async def test_version_is_known(repo: Repo) -> None:
    version = await Git(repo.path).version()
    assert version >= (2, 39)
    assert Git(repo.path).version_sync() == version


async def test_configuration_of_one_call(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "mine.key")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "mine")
    git = Git(repo.path)
    config = {"filter.a=b.clean": "no"}
    assert (await git.run("config", "--get", "filter.a=b.clean", config=config)).line == "no"
    assert (await git.run("config", "--get", "mine.key", config=config)).line == "mine"


async def test_variables_of_another_repository_are_ignored(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = place.repo("one"), place.repo("other")
    monkeypatch.setenv("GIT_DIR", str(other.git_dir))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.git_dir / "index"))
    monkeypatch.setenv("GIT_TRACE", "1")
    done = await Git(one.path).run("rev-parse", "--absolute-git-dir")
    assert done.line == str(one.git_dir)
    assert done.stderr == ""


async def test_a_folder_that_is_not_there(place: Place) -> None:
    with pytest.raises(GitError, match="no such folder") as failed:
        await Git(place.root / "gone").run("status")
    assert failed.value.kind == "gone"
    with pytest.raises(GitError, match="no such folder"):
        Git(place.root / "gone").run_sync("status")


async def test_git_that_is_not_installed(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo.path))
    with pytest.raises(GitError, match="git is not installed") as failed:
        await Git(repo.path).run("status")
    assert failed.value.kind == "no_git"


async def test_a_folder_that_is_no_repository(place: Place) -> None:
    with pytest.raises(GitError) as failed:
        await Git(place.home).run("rev-parse", "--git-dir", env={"GIT_CEILING_DIRECTORIES": str(place.root)})
    assert failed.value.kind == "not_a_repository"


@pytest.mark.parametrize("how", ["async", "sync"])
async def test_a_hook_that_never_ends_is_ended_with_all_it_started(repo: Repo, how: str) -> None:
    repo.hook("pre-commit", 'echo "now waiting" >&2\nsleep 600 & echo $! > sleeping\nwait')
    repo.write({"new": "x"})
    repo.git("add", "new")
    git = Git(repo.path)
    began = time.monotonic()
    calling = (
        git.run("commit", "-m", "x", timeout_s=2)
        if how == "async"
        else asyncio.to_thread(git.run_sync, "commit", "-m", "x", timeout_s=2)
    )
    with pytest.raises(GitTimeoutError, match="git commit did not end within 2 s: now waiting"):
        await calling
    assert time.monotonic() - began < 30
    pid = int((repo.path / "sleeping").read_text())
    await until(lambda: not _lives(pid), what="the end of the hook's child")
    assert not (repo.git_dir / "index.lock").exists()


async def test_a_cancelled_call_ends_git_and_leaves_no_lock(repo: Repo) -> None:
    repo.hook("pre-commit", "echo $$ > waiting; exec sleep 600")
    repo.write({"new": "x"})
    repo.git("add", "new")
    task = asyncio.create_task(Git(repo.path).run("commit", "-a", "-m", "x"))
    marker = repo.path / "waiting"
    await until(lambda: marker.exists() and marker.read_text().strip(), what="the hook")
    pid = int(marker.read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not _lives(pid), what="the end of the hook")
    assert list(repo.git_dir.glob("*.lock")) == []


async def test_a_program_left_behind_by_a_hook_does_not_hold_the_call_up(repo: Repo) -> None:
    repo.hook("post-commit", "sleep 600 & echo $! > left")
    repo.write({"new": "x"})
    repo.git("add", "new")
    done = await Git(repo.path).run("commit", "-m", "x", timeout_s=60)
    pid = int((repo.path / "left").read_text())
    os.kill(pid, 9)
    assert done.code == 0
    assert repo.git("log", "-1", "--format=%s") == "x"


async def test_a_hook_finds_no_terminal_to_ask_at(repo: Repo) -> None:
    repo.hook("pre-commit", 'if (exec < /dev/tty) 2>/dev/null; then exit 1; fi\nread answer; test -z "$answer"')
    repo.write({"new": "x"})
    repo.git("add", "new")
    await Git(repo.path).run("commit", "-m", "x")


async def test_progress_comes_line_by_line(repo: Repo) -> None:
    repo.topic("feat/a", "one", "two")
    lines: list[str] = []
    await Git(repo.path).run("push", "--progress", "origin", "refs/heads/feat/a", on_stderr=lines.append)
    assert any(line.startswith("Writing objects:") for line in lines)
    assert all("\r" not in line and "\n" not in line for line in lines)


async def test_a_lock_is_told_with_its_age_and_owner(repo: Repo) -> None:
    lock = repo.git_dir / "index.lock"
    lock.touch()
    os.utime(lock, (time.time() - 600, time.time() - 600))
    with pytest.raises(GitError, match="locked since 10 min by a git of yours") as failed:
        await Git(repo.path).run("add", "-A")
    assert failed.value.kind == "lock"
    assert failed.value.where == str(lock)
    assert lock.exists()


async def test_a_lost_race_is_told_as_one(repo: Repo) -> None:
    wrong = repo.commit("second")
    update = f"update refs/heads/main {wrong} {repo.oid('HEAD~1')}\n".encode()
    with pytest.raises(GitError) as failed:
        await Git(repo.path).run("update-ref", "--stdin", input=update)
    assert failed.value.kind == "race"


async def test_secrets_do_not_come_back_in_messages(repo: Repo) -> None:
    with pytest.raises(GitError) as failed:
        await Git(repo.path).run("fetch", "https://ada:tops3cret@127.0.0.1:1/x.git")
    assert failed.value.kind == "network"
    assert "tops3cret" not in str(failed.value) + failed.value.stderr


@pytest.mark.parametrize(
    ("variables", "configured", "command"),
    [
        ({}, "", "ssh -oBatchMode=yes"),
        ({}, "ssh -i ~/.ssh/work", "ssh -i ~/.ssh/work -oBatchMode=yes"),
        ({"GIT_SSH_COMMAND": "/usr/bin/ssh -v"}, "ssh -i other", "/usr/bin/ssh -v -oBatchMode=yes"),
        ({"GIT_SSH": "/opt/my tools/ssh"}, "", "'/opt/my tools/ssh' -oBatchMode=yes"),
        ({"GIT_SSH": "plink"}, "", ""),
        ({}, "wrapper 'broken", ""),
    ],
)
def test_the_users_own_ssh_is_kept(variables: dict[str, str], configured: str, command: str) -> None:
    assert ssh_command(variables, configured) == command


async def test_ssh_is_told_not_to_ask(repo: Repo) -> None:
    program = repo.path.parent / "ssh"
    program.write_text(f'#!/bin/sh\necho "$@" >> {program}.log\nexit 255\n')
    program.chmod(0o755)
    repo.git("config", "core.sshCommand", str(program))
    with pytest.raises(GitError):
        await Git(repo.path).run("ls-remote", "ssh://ada@127.0.0.1/x.git")
    with pytest.raises(GitError):
        Git(repo.path).run_sync("ls-remote", "ssh://ada@127.0.0.1/x.git")
    log = program.with_name("ssh.log").read_text().splitlines()
    assert [line for line in log if "git-upload-pack" in line]
    assert all("-oBatchMode=yes" in line for line in log)


def test_reading_may_not_reach_the_network() -> None:
    assert environment(("status",))["GIT_ALLOW_PROTOCOL"] == "none"
    assert "GIT_ALLOW_PROTOCOL" not in environment(("switch",))


def test_the_hooks_import_path_stays_small() -> None:
    code = "import sys, app.git.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"asyncio", "textual", "sqlalchemy", "pydantic", "dataclasses", "logging"} & set(loaded) == set()


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False

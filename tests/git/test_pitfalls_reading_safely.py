"""Reading leaves no trace, asks nobody, and starts nothing that a repository's own configuration names."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import pty
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.git.cachefile import CacheFile
from app.git.cli import Git, GitError
from app.git.model import Changes
from tests.git.looking import branch, read, reader_of
from tests.git.repos import Place, Repo
from tests.git.servers import http_that_asks_for_a_password
from tests.waiting import until

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's file events")
ROUNDS = 60


@contextlib.contextmanager
def names_made_in(folder: Path) -> Iterator[set[str]]:
    """The names of all files that are made in a folder, however short they live; complete at the end."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert descriptor >= 0
    assert libc.inotify_add_watch(descriptor, os.fsencode(folder), 0x100 | 0x80) >= 0  # created, moved to
    names: set[str] = set()
    try:
        yield names
        with contextlib.suppress(BlockingIOError):
            while data := os.read(descriptor, 1 << 16):
                at = 0
                while at < len(data):
                    _, mask, _, length = struct.unpack_from("iIII", data, at)
                    assert not mask & 0x4000, "events were lost"
                    names.add(os.fsdecode(data[at + 16 : at + 16 + length].rstrip(b"\0")))
                    at += 16 + length
    finally:
        os.close(descriptor)


@linux
async def test_reading_takes_no_lock_and_writes_nothing(repo: Repo) -> None:
    repo.topic("feat", "one", push=True)
    repo.squash_merge("feat")
    reader = reader_of(repo)
    index = (repo.git_dir / "index").read_bytes()
    with names_made_in(repo.git_dir) as made, names_made_in(repo.git_dir / "objects") as objects:
        for number in range(ROUNDS):
            # Stale times make git want to write the index anew.
            os.utime(repo.path / "README.md", (number, number))
            state = await read(reader)
            assert state.changes == Changes()
    assert made == objects == set()
    assert (repo.git_dir / "index").read_bytes() == index
    with names_made_in(repo.git_dir) as made:
        repo.git("status")
    assert "index.lock" in made


async def test_commits_beside_constant_reading_never_fail(repo: Repo) -> None:
    reader = reader_of(repo)
    failures: list[subprocess.CompletedProcess[bytes]] = []

    def commit_on_and_on() -> None:
        for number in range(40):
            (repo.path / "README.md").write_text(f"{number}\n")
            failures.extend(
                done
                for args in (("add", "-A"), ("commit", "-q", "-m", f"{number}"))
                if (done := repo.run(*args, check=False)).returncode
            )

    committing = asyncio.create_task(asyncio.to_thread(commit_on_and_on))
    last = None
    while not committing.done():
        async for state in reader.read(last):
            assert state.error == ""
            last = state
    await committing
    assert failures == []
    assert branch(await read(reader), "main").last_commit.subject == "39"


async def test_reading_that_is_broken_off_leaves_no_lock_and_no_process(repo: Repo, place: Place) -> None:
    repo.commits("a", "b")
    fifo = repo.path.parent / "filter"
    os.mkfifo(fifo)
    place.set_global(f'[filter "slow"]\n\tclean = "echo $$ > {fifo}.pid; cat {fifo}"\n')
    repo.commit("slow", {".gitattributes": "*.slow filter=slow\n"})
    repo.write({"x.slow": "x"})
    repo.git("-c", "filter.slow.clean=cat", "add", "x.slow")
    repo.git("-c", "filter.slow.clean=cat", "commit", "-q", "-m", "slow")
    os.utime(repo.path / "x.slow", (1, 1))
    marker = Path(f"{fifo}.pid")
    task = asyncio.create_task(read(repo))
    await until(lambda: marker.exists() and marker.read_text().strip(), what="the filter")
    pid = int(await asyncio.to_thread(marker.read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not Path(f"/proc/{pid}").exists() or _is_zombie(pid), what="the end of the filter")
    assert list(repo.git_dir.rglob("*.lock")) == []


async def test_nothing_that_the_repository_names_is_run(repo: Repo) -> None:
    """Everything in its configuration and attributes that could start a program leaves a trace here."""
    canary = repo.path.parent / "canary"
    program = repo.path.parent / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $@" >> {canary}\ncat\n')
    program.chmod(0o755)
    repo.topic("feat", "one", push=True)
    repo.commit("attributes", {".gitattributes": "*.txt filter=evil diff=evil merge=evil\n", "a.txt": "a\nb\nc\nd\n"})
    repo.switch("both", create=True)
    repo.commit("top", {"a.txt": "A\nb\nc\nd\n"})
    repo.switch("main")
    repo.commit("bottom", {"a.txt": "a\nb\nc\nD\n"})
    repo.write({"a.txt": "changed\n"})
    for key in (
        *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy"),
        *("core.alternateRefsCommand", "sequence.editor", "diff.external", "gpg.program", "credential.helper"),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.command"),
        *(
            "diff.evil.textconv",
            "merge.evil.driver",
            "merge.tool",
            "pager.log",
            "pager.status",
            "interactive.diffFilter",
        ),
        *("remote.origin.uploadpack", "remote.origin.receivepack", "uploadpack.packObjectsHook"),
    ):
        repo.git("config", key, str(program))
    repo.git("config", "filter.evil.required", "true")
    repo.git("config", "core.hooksPath", str(repo.path / ".hooks"))
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "alias.status", f"!{program}")
    (repo.path / ".hooks").mkdir()
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout", "pre-auto-gc"):
        (repo.path / ".hooks" / hook).symlink_to(program)
    canary.unlink(missing_ok=True)
    reader = reader_of(repo)
    state = await read(reader)
    assert state.changes is not None
    assert state.changes.changed == 1
    assert branch(state, "both").landed is None
    await reader.commits("refs/heads/main")
    await reader.read_worktree(state)
    assert not canary.exists(), canary.read_text()


async def test_submodules_are_not_entered(repo: Repo, place: Place) -> None:
    canary = repo.path.parent / "canary"
    inner = place.repo("inner")
    repo.git("submodule", "add", "-q", str(inner.origin.path), "part")
    repo.commit("with a part", {})
    part = Repo(place, repo.path / "part")
    part.git("config", "filter.evil.clean", f"touch {canary}; cat")
    part.write({".gitattributes": "* filter=evil\n", "README.md": "changed\n"})
    assert (await read(repo)).changes == Changes()
    assert not canary.exists()


async def test_filters_of_the_user_are_run(repo: Repo, place: Place) -> None:
    """A working tree kept through a filter, as large files often are, would look changed without it."""
    place.set_global('[filter "upper"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n\trequired = true\n')
    repo.commit("upper", {".gitattributes": "*.up filter=upper\n", "x.up": "hello\n"})
    os.utime(repo.path / "x.up", (1, 1))
    assert repo.git("show", "HEAD:x.up") == "HELLO"
    assert (await read(repo)).changes == Changes()


HOSTILE = """\
[alias]
    status = !false
    for-each-ref = !false
    log = log --oneline --graph
[color]
    ui = always
    status = always
[core]
    pager = less
    quotePath = true
    abbrev = 4
    excludesFile = /dev/null
    untrackedCache = true
[log]
    showSignature = true
    date = relative
    decorate = full
    follow = true
    showRoot = false
    diffMerges = first-parent
    excludeDecoration = refs/heads/*
[status]
    short = true
    branch = true
    showUntrackedFiles = all
    relativePaths = false
    renames = false
    showStash = true
    submoduleSummary = true
    aheadBehind = false
[diff]
    noprefix = true
    mnemonicPrefix = true
    external = false
    renames = copies
    orderFile = /dev/null
    submodule = log
    ignoreSubmodules = all
    wordRegex = .
    relative = true
    algorithm = histogram
    context = 0
[format]
    pretty = oneline
[column]
    ui = always
[branch]
    sort = -committerdate
    autoSetupRebase = always
[tag]
    sort = -version:refname
[merge]
    conflictStyle = diff3
    renames = false
    directoryRenames = conflict
    ff = only
[push]
    default = nothing
[grep]
    patternType = perl
[i18n]
    logOutputEncoding = UTF-8
[fetch]
    prune = true
[submodule]
    recurse = true
[advice]
    statusHints = true
[help]
    autocorrect = 1
"""


async def test_the_users_taste_changes_no_answer(repo: Repo, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.topic("feat", "one", "two", push=True)
    repo.topic("rebased", "three", "four")
    repo.topic("open", "five")
    repo.topic("undone", "six", "seven")
    repo.squash_merge("feat")
    repo.rebase_merge("rebased")
    repo.revert(repo.squash_merge("undone"))
    repo.write({"folder/a": "a", "folder/b": "b", "README.md": "changed\n"})
    repo.stash()
    repo.write({"folder/a": "a", "folder/b": "b", "README.md": "changed\n"})
    plain = await read(repo)
    commits = await reader_of(repo).commits("refs/heads/main")
    place.set_global(HOSTILE)
    for name, value in {"LANG": "de_DE.UTF-8", "LANGUAGE": "de", "PAGER": "less", "GIT_PAGER": "less"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_TRACE", "1")
    hostile = await read(repo)
    assert {one.landed for one in plain.branches} == {None, "squashed", "rebased"}
    assert hostile.branches == plain.branches
    assert (hostile.changes, hostile.problems) == (plain.changes, plain.problems) == (Changes(1, 0, 1, 0, 1), ())
    assert await reader_of(repo).commits("refs/heads/main") == commits


async def test_a_folder_of_another_user(repo: Repo, place: Place) -> None:
    if os.getuid():
        pytest.skip("only the superuser can give a folder away")
    for path in (repo.path, repo.git_dir):
        os.chown(path, 12345, 12345)
    state = await read(repo)
    assert state.error == "the folder belongs to another user, so git refuses to read it"
    told = state.error_fix.removeprefix("if you trust it: ")
    assert told.startswith("git config --global --add safe.directory ")
    assert "safe" not in (place.home / ".gitconfig").read_text()
    subprocess.run(told, shell=True, check=True, env=place.env)  # noqa: ASYNC221 -- what the user would type
    assert (await read(repo)).error == ""


PROMPTING = """
import asyncio, sys
from pathlib import Path
from app.git.cli import Git, GitError
async def main():
    try:
        await Git(Path(sys.argv[1])).run("fetch", "origin")
    except GitError as error:
        print(error.kind)
asyncio.run(main())
"""


async def test_a_remote_that_wants_a_password_is_not_waited_for(repo: Repo, place: Place) -> None:
    """With a terminal at hand, where git by itself would ask and wait for ever."""
    with http_that_asks_for_a_password() as (address, asked):
        repo.git("remote", "set-url", "origin", address)
        main, terminal = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROMPTING, str(repo.path)),
            stdin=terminal,
            stdout=asyncio.subprocess.PIPE,
            stderr=terminal,
            env={**place.env, "PYTHONPATH": str(Path(__file__).parents[2])},
            start_new_session=True,
        )
        os.close(terminal)
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
        with contextlib.suppress(OSError):
            os.set_blocking(main, False)
            assert b"assword" not in os.read(main, 1 << 16)
        os.close(main)
    assert output.split() == [b"credentials"]
    assert asked


async def test_a_key_with_a_passphrase_is_not_waited_for(repo: Repo) -> None:
    """An ssh that asks, as the real one does, unless it is told not to; and finds no terminal to ask at."""
    program = repo.path.parent / "ssh"
    program.write_text(
        '#!/bin/sh\ncase "$*" in *BatchMode=yes*)\n'
        '  echo "git@host: Permission denied (publickey)." >&2; exit 255;; esac\n'
        "sleep 600\n"
    )
    program.chmod(0o755)
    repo.git("config", "core.sshCommand", f"{program} -i key")
    repo.git("remote", "set-url", "origin", "git@127.0.0.1:team/x.git")
    with pytest.raises(GitError) as failed:
        await Git(repo.path).run("fetch", "origin", timeout_s=60)
    assert failed.value.kind == "credentials"


async def test_a_memory_that_cannot_be_used_costs_nothing_but_time(repo: Repo) -> None:
    repo.topic("feat", "one")
    damaged = repo.path.parent / "cache.db"
    damaged.write_bytes(b"no database at all" * 1000)
    for cache in (CacheFile(damaged), CacheFile(repo.path / "README.md" / "cache.db")):
        assert branch(await read(repo, cache=cache), "feat").ahead_default == 1
    assert branch(await read(repo, cache=CacheFile(damaged)), "feat").ahead_default == 1


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True

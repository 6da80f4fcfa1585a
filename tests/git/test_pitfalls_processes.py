"""What is asked of git while reading, seen by a git that writes down how it was called."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from app.git.model import Changes
from tests.git.looking import read, reader_of
from tests.git.repos import Place, Repo


@pytest.fixture
def calls(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the arguments of every call of git by this process, one a line, as `<word><word>`."""
    real = shutil.which("git")
    assert real is not None
    folder = place.root / "bin"
    folder.mkdir()
    written = place.root / "calls"
    script = f'#!/bin/sh\n{{ printf "<%s>" "$@"; printf "\\n"; }} >> "{written}"\nexec "{real}" "$@"\n'
    (folder / "git").write_text(script)
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return written


def words_of(calls: Path, command: str = "") -> list[str]:
    """What was asked so far, of this command alone; the next look begins anew."""
    lines = [line for line in calls.read_text().splitlines() if f"<{command}>" in line or not command]
    calls.write_text("")
    return lines


async def test_no_file_watcher_is_asked_unless_it_runs_already(repo: Repo, calls: Path) -> None:
    """Row 27: asking git's own file watcher would start one in every repository that is looked at."""
    repo.git("config", "core.fsmonitor", "true")
    state = await read(repo)
    assert state.changes == Changes()
    looks = words_of(calls, "status")
    assert looks
    assert all(line.index("<core.fsmonitor=false>") < line.index("<status>") for line in looks)
    (repo.git_dir / "fsmonitor--daemon.ipc").touch()
    await read(repo)
    looks = words_of(calls, "status")
    assert looks
    assert not any("core.fsmonitor" in line for line in looks)


async def test_branches_are_always_asked_for_by_their_full_names(repo: Repo, calls: Path) -> None:
    """Rows 20 and 21: a name that begins with a dash, and a tag of the same name, are never given as they are."""
    names = ("-x", "--all", "same")
    for name in names:
        repo.raw_ref(f"refs/heads/{name}", repo.plumb(f"on {name}", [repo.oid()], repo.oid("HEAD^{tree}")))
    repo.git("tag", "same")
    reader = reader_of(repo)
    await read(reader)
    for name in names:
        (commit, *_) = await reader.commits(f"refs/heads/{name}", limit=1)
        assert commit.subject == f"on {name}"
    words = "\n".join(words_of(calls))
    assert "refs/heads/-x" in words
    assert not any(f"<{name}>" in words for name in ("-x", "same"))

"""What was last seen comes back as it was, and anything else comes back as nothing."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from app.git import lastseen
from app.git.model import Branch, RemoteBranch, RepositoryState
from tests.git_fakes import many_branches, workshop


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    states = (*workshop(), many_branches(300), replace(workshop()[0], name="bytes \udcff"))
    path = tmp_path / "last" / "git.json"
    lastseen.save(path, states)
    assert lastseen.load(path) == tuple(replace(state, busy="") for state in states)
    assert [found.name for found in path.parent.iterdir()] == ["git.json"]


def test_no_field_is_forgotten() -> None:
    names = {field.name for field in fields(RepositoryState)}
    parts = {"head", "changes", "remotes", "problems", "branches", "remote_only"}
    assert names - set(lastseen._STATE) - parts == {"busy", "watch_note"}, "what only holds for one moment"
    for kind, kept in ((Branch, lastseen._BRANCH), (RemoteBranch, lastseen._REMOTE_BRANCH)):
        assert {field.name for field in fields(kind)} - set(kept) == {"last_commit"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": 2, "repositories": []}', b'{"format": 1, "repositories": [{"state": [1]}]}'],
)
def test_what_cannot_be_read_is_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "git.json"
    path.write_bytes(content)
    assert lastseen.load(path) == ()
    assert lastseen.load(tmp_path / "absent.json") == ()


def test_a_failed_save_leaves_the_file_before(tmp_path: Path) -> None:
    path = tmp_path / "git.json"
    lastseen.save(path, workshop()[:1])
    (tmp_path / "blocked").write_text("")
    with pytest.raises(OSError, match="blocked"):
        lastseen.save(tmp_path / "blocked" / "git.json", workshop())
    assert len(json.loads(path.read_bytes())["repositories"]) == 1

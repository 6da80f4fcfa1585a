"""Fixtures of the Git area's tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.git.repos import Place, Repo


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty place whose home is also this process's."""
    place = Place(tmp_path / "place")
    for name in [name for name in os.environ if name.startswith(("GIT_", "SSH_", "XDG_", "QUARTERDECK_"))]:
        monkeypatch.delenv(name)
    for name, value in place.env.items():
        monkeypatch.setenv(name, value)
    return place


@pytest.fixture
def repo(place: Place) -> Repo:
    """A repository with one commit on `main`, pushed to its own bare `origin`."""
    return place.repo()

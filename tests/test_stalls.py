"""What is written when nothing moves."""

from __future__ import annotations

import logging
import stat
import time
from pathlib import Path

import pytest

from app import stalls
from app.stalls import StallLog
from tests.waiting import until


async def test_the_stacks_are_written_while_nothing_moves_and_the_log_tells_afterwards(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "stalls.log"
    watch = StallLog(path, after_s=0.2)
    try:
        stand_still_until_written(path)
        text = path.read_text("utf-8")
        assert "stand_still_until_written" in text
        assert "most recent call first" in text
        with caplog.at_level(logging.WARNING):
            watch.alive()
        assert str(path) in caplog.text
    finally:
        watch.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def stand_still_until_written(path: Path) -> None:
    """What the stack has to show."""
    end = time.monotonic() + 10
    while "stand_still_until_written" not in path.read_text("utf-8") and time.monotonic() < end:
        pass


async def test_nothing_is_written_while_something_moves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    watch = StallLog(tmp_path / "stalls.log", after_s=1.0)
    began = time.monotonic()

    def moved() -> bool:
        watch.alive()
        return time.monotonic() - began > 1.5

    await until(moved)
    watch.close()
    assert (tmp_path / "stalls.log").read_bytes() == b""
    assert caplog.text == ""


def test_a_file_that_grew_large_begins_anew_and_one_that_cannot_be_written_is_let_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(stalls, "MOST_BYTES", 10)
    path = tmp_path / "stalls.log"
    path.write_text("x" * 11)
    StallLog(path).close()
    assert path.read_bytes() == b""
    path.write_text("x" * 9)
    StallLog(path).close()
    assert path.read_bytes() == b"x" * 9
    StallLog(tmp_path / "new" / "stalls.log").close()
    assert (tmp_path / "new" / "stalls.log").exists()
    nowhere = StallLog(path / "stalls.log")
    nowhere.alive()
    nowhere.close()
    assert "cannot be written" in caplog.text

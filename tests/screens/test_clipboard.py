"""Copied text reaches tmux, which keeps what programs inside it put into the clipboard to itself."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from app.tui import Quarterdeck
from screens import clipboard
from tests.screens.shell_host import FakeRuntime, build
from tests.waiting import until

TEXT = 'tests/test_orders.py::test_fill[a b]\n"quoted" $HOME `date` ✗ 漢字 \udcff'


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands alone on the PATH, with the usual commands behind it."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("TMUX", raising=False)
    return folder


def stand_in(tools: Path, script: str) -> Path:
    """A program called tmux, whose script may write to the file that is returned."""
    said = tools / "said"
    program = tools / "tmux"
    program.write_text(f"#!/bin/sh\nout='{said}'\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return said


RECORDS = 'printf "%s\\n" "$*" > "$out.part"; cat >> "$out.part"; mv "$out.part" "$out"'


async def test_the_text_goes_through_standard_input_into_the_newest_buffer(tools: Path) -> None:
    said = stand_in(tools, RECORDS)
    await clipboard.to_tmux(TEXT)
    assert said.read_bytes() == b"load-buffer -w -\n" + TEXT.encode("utf-8", "replace")


def app_in(tmp_path: Path) -> Quarterdeck:
    return build(FakeRuntime(tmp_path))


async def test_inside_tmux_the_app_hands_over_what_it_copies(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = stand_in(tools, RECORDS)
    monkeypatch.setenv("TMUX", "/tmp/tmux-1000/default,1,0")
    app = app_in(tmp_path)
    async with app.run_test():
        await until(app.engine_ready.is_set)
        app.copy_to_clipboard("copied text")
        await until(said.exists)
        assert app.clipboard == "copied text"
    assert said.read_text() == "load-buffer -w -\ncopied text"


async def test_outside_of_tmux_nothing_is_started(tools: Path, tmp_path: Path) -> None:
    said = stand_in(tools, RECORDS)
    app = app_in(tmp_path)
    async with app.run_test() as pilot:
        await until(app.engine_ready.is_set)
        app.copy_to_clipboard("copied text")
        await pilot.pause()
        await until(lambda: all(worker.is_finished for worker in app.workers))
        assert app.clipboard == "copied text"
    assert not said.exists()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'no server running' >&2; exit 1", "did not take the copied text: no server running"),
        ("exec 0<&-; exit 3", "did not take the copied text"),
        (None, "cannot be started"),
    ],
)
async def test_a_tmux_that_does_not_take_it_is_logged_and_no_more(
    script: str | None, told: str, tools: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is None:
        monkeypatch.setenv("PATH", str(tools))
    else:
        stand_in(tools, script)
    with caplog.at_level(logging.INFO, "screens.clipboard"):
        await clipboard.to_tmux("x" * 1_000_000)
    assert told in caplog.text


async def test_a_tmux_that_hangs_is_ended(
    tools: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = stand_in(tools, 'echo $$ > "$out.part"; mv "$out.part" "$out"; read -r nothing < "$out.fifo"')
    os.mkfifo(f"{said}.fifo")
    monkeypatch.setattr(clipboard, "WAIT_S", 0.5)
    with caplog.at_level(logging.INFO, "screens.clipboard"):
        await clipboard.to_tmux(TEXT)
    assert "tmux did not take the copied text" in caplog.text
    with pytest.raises(ProcessLookupError):
        os.kill(int(said.read_text()), 0)

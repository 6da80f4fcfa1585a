"""Which editor, and how it is told the line."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from screens.editor import arguments, editor_command, open_in_editor, windowed
from tests.screens.shell_host import FakeRuntime, build
from tests.waiting import until

PATH = Path("/home/mara/a b.py")


@pytest.mark.parametrize(
    ("editor", "expected"),
    [
        ("vi", ["vi", "+48", "/home/mara/a b.py"]),
        ("nano", ["nano", "+48", "/home/mara/a b.py"]),
        ("emacs -nw", ["emacs", "-nw", "+48", "/home/mara/a b.py"]),
        ("code --reuse-window", ["code", "--reuse-window", "-g", "/home/mara/a b.py:48"]),
        ("/usr/bin/hx", ["/usr/bin/hx", "/home/mara/a b.py:48"]),
        ("pycharm", ["pycharm", "--line", "48", "/home/mara/a b.py"]),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(editor: str, expected: list[str]) -> None:
    assert arguments(shlex.split(editor), PATH, 48) == expected


def test_without_a_line_only_the_path_is_given() -> None:
    assert arguments(["code"], PATH) == ["code", str(PATH)]


def test_the_setting_comes_before_the_environment() -> None:
    environ = {"VISUAL": "vim -u NONE", "EDITOR": "nano"}
    assert editor_command("hx", environ) == ["hx"]
    assert editor_command("", environ) == ["vim", "-u", "NONE"]
    assert editor_command(" ", {"EDITOR": "nano"}) == ["nano"]
    assert editor_command("", {})


def test_editors_with_a_window_do_not_need_the_terminal() -> None:
    assert windowed(["/usr/local/bin/code"])
    assert not windowed(["nvim"])


async def test_an_editor_with_a_window_is_started_beside_the_app(tmp_path: Path) -> None:
    code = tmp_path / "code"
    note = tmp_path / "note"
    code.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\npathlib.Path({str(note)!r}).write_text(' '.join(sys.argv[1:]))\n"
    )
    code.chmod(0o755)
    app = build(FakeRuntime(tmp_path))
    async with app.run_test():
        open_in_editor(app, tmp_path / "x.py", 7, str(code))
        await until(lambda: note.exists() and note.read_text() == f"-g {tmp_path / 'x.py'}:7")


async def test_a_missing_editor_is_named(tmp_path: Path) -> None:
    app = build(FakeRuntime(tmp_path))
    async with app.run_test():
        open_in_editor(app, tmp_path / "x.py", 7, str(tmp_path / "code"))
        await until(lambda: [note for note in app._notifications if "set $EDITOR" in note.message])

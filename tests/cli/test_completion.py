"""Completion in the shells: the scripts, and what they are answered."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from app.commands.table import COMMANDS
from tests.cli.conftest import Qd


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_both_names(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_QD_COMPLETE={shell}_complete" in script
    assert f"_QUARTERDECK_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_its_script(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed: install it to check its script")
    assert main(["completion", shell]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    subprocess.run([program, "-n", str(script)], check=True)


def completed(qd: Qd, line: str, number: int) -> list[str]:
    """What is offered for a word of a line."""
    done = qd(_QD_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(number))
    assert done.stderr == ""
    return [answer.partition(",")[2] for answer in done.stdout.split()]


def test_commands(qd: Qd) -> None:
    assert completed(qd, "qd ", 1) == list(COMMANDS)
    assert completed(qd, "qd conf", 1) == ["config"]


def test_commands_and_options_inside_a_command(qd: Qd) -> None:
    assert completed(qd, "qd config ", 2) == ["check", "path", "show"]
    assert completed(qd, "qd config show --js", 3) == ["--json"]


def test_options_of_the_root(qd: Qd) -> None:
    assert completed(qd, "qd --st", 1) == ["--start"]


def test_areas_to_start_with(qd: Qd) -> None:
    assert completed(qd, "qd --start ", 2) == ["tests", "git", "feedback", "content"]
    assert completed(qd, "qd --start x", 2) == []


def test_projects_of_the_configuration(qd: Qd, home: Path) -> None:
    folder = home / "config"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("".join(f"[[projects]]\nname = '{name}'\npath = '.'\n" for name in "ab"))
    other = home.parent / "here" / "other.toml"
    other.write_text("[[projects]]\nname = 'other'\npath = '.'\n")
    for command in ("run", "watch", "history"):
        assert completed(qd, f"qd test {command} --project ", 4) == ["a", "b"]
    assert completed(qd, "qd test run --project b", 4) == ["b"]
    assert completed(qd, "qd test run --config other.toml --project ", 6) == ["other"]
    assert completed(qd, "qd --config other.toml test run --project ", 6) == ["other"]
    other.write_text("projects = 3")
    assert completed(qd, "qd test run --config other.toml --project ", 6) == []


def test_commands_that_print_json(qd: Qd) -> None:
    assert completed(qd, "qd schema ", 2) == [
        "test",
        "git",
        "feedback",
        "retrain",
        "content",
        "notes",
        "config",
        "init",
        "db",
    ]
    assert completed(qd, "qd schema test ", 3) == ["run", "watch", "history"]
    assert completed(qd, "qd schema db re", 3) == ["refused", "restore"]
    assert completed(qd, "qd schema test run ", 4) == []
    assert completed(qd, "qd schema nothing ", 3) == []


def test_loads_no_command_for_their_names(environ: dict[str, str]) -> None:
    asked = {**environ, "_QD_COMPLETE": "bash_complete", "COMP_WORDS": "qd ", "COMP_CWORD": "1"}
    code = "import atexit, sys\nsys.argv = ['qd']\n"
    code += "atexit.register(lambda: print([name for name in ('pydantic', 'textual') if name in sys.modules]))\n"
    code += "from app.cli import main\nmain([])"
    done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]"

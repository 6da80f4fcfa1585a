"""The way in: exit codes, what goes to which stream, and what is not loaded."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app import __version__
from app.cli import main
from app.commands.table import COMMANDS
from tests.cli.conftest import Qd

HEAVY = ("click", "pydantic", "textual", "rich", "sqlalchemy", "platformdirs", "tomllib", "asyncio", "logging")

COUNT = """
import sys
before = set(sys.modules)
from app.cli import main
code = main({arguments!r})
print(len(set(sys.modules) - before), *sorted(name for name in {names!r} if name in sys.modules), file=sys.stderr)
sys.exit(code)
"""


def loaded(environ: dict[str, str], *arguments: str) -> tuple[int, list[str]]:
    """How many modules these arguments load, and which of the heavy ones."""
    code = COUNT.format(arguments=list(arguments), names=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    number, *names = done.stderr.splitlines()[-1].split()
    return int(number), names


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_loads_next_to_nothing(option: str, environ: dict[str, str], qd: Qd) -> None:
    done = qd(option)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"quarterdeck {__version__}\n", "")
    number, names = loaded(environ, option)
    assert number < 40
    assert names == []


def test_help_loads_no_command(environ: dict[str, str], qd: Qd) -> None:
    done = qd("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert line in done.stdout
    assert "Examples:" in done.stdout
    _, names = loaded(environ, "--help")
    assert not {"pydantic", "textual", "rich", "sqlalchemy", "asyncio"} & set(names)


def test_version_beside_other_options(qd: Qd) -> None:
    assert qd("--config", "x.toml", "--version").stdout == f"quarterdeck {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["config", "path"], ["schema"], ["completion", "bash"]], ids=lambda arguments: " ".join(arguments)
)
def test_commands_leave_the_screen_and_the_database_alone(arguments: list[str], environ: dict[str, str]) -> None:
    _, names = loaded(environ, *arguments)
    assert not {"textual", "rich", "sqlalchemy"} & set(names)


MISUSED = {
    "tset": "quarterdeck: No such command 'tset'. Did you mean 'test'?",
    "--colour": "quarterdeck: No such option '--colour'.",
    "config shw": "quarterdeck: No such command 'shw'. Did you mean 'show'?",
    "--config": "quarterdeck: Option '--config' requires an argument.",
    "--start tests config show": "quarterdeck: --start opens the app and goes with no command",
    "completion tcsh": "quarterdeck: Invalid value for '{bash|zsh|fish}': 'tcsh' is not one of 'bash', 'zsh', 'fish'.",
}


@pytest.mark.parametrize("line", MISUSED)
def test_arguments_that_make_no_sense(line: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    first, *rest = printed.err.splitlines()
    assert first == MISUSED[line]
    assert rest[-1].endswith("--help` says more")


@pytest.mark.parametrize("group", ["test", "git", "config", "db"])
@pytest.mark.usefixtures("home")
def test_a_group_alone_prints_its_help_once(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([group]) == 2
    alone = capsys.readouterr()
    assert main([group, "--help"]) == 0
    assert (alone.out, alone.err) == ("", capsys.readouterr().out)


def test_a_wrong_configuration_is_told_on_standard_error(qd: Qd, tmp_path: Path) -> None:
    (tmp_path / "here" / "config.toml").write_text("[ui]\nthme = 1\nclock = 2")
    done = qd("config", "show", "--config", "config.toml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "quarterdeck: config.toml:2: ui.thme: unknown key; did you mean ui.theme?\n"
        "quarterdeck: config.toml:3: ui.clock: expected true or false, got 2; for instance clock = true\n"
    )


@pytest.mark.usefixtures("home")
def test_an_error_stays_text_under_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--config", "nope.toml", "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("quarterdeck: nope.toml: there is no such file")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("--config one.toml config path", "one.toml"),
        ("config path --config two.toml", "two.toml"),
        ("--config one.toml config path --config two.toml", "two.toml"),
    ],
)
def test_the_configuration_may_be_named_before_and_after_the_command(
    line: str, name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.split()) == 0
    assert capsys.readouterr().out == f"{home.parent / 'here' / name}\n"


def test_the_app_needs_a_terminal(qd: Qd) -> None:
    for arguments in ([], ["--start", "tests"], ["--config=x.toml"], ["--config", "x.toml", "--start=tests"]):
        done = qd(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "quarterdeck: the app needs a terminal to run in\nin scripts use a command: `qd --help` lists them\n"
        )


def test_opens_the_app_before_any_command_line_library(environ: dict[str, str], tmp_path: Path) -> None:
    # `app.tui` is replaced by what tells how it was called: the app itself is not what is tested here.
    code = """
import sys, types
module = types.ModuleType("app.tui")
def run(config=None, start=""):
    print(config, start, [name for name in ("click", "pydantic", "tomllib") if name in sys.modules])
    return 7
module.run = run
sys.modules["app.tui"] = module
from app.cli import main
sys.exit(main(["--config", "a.toml", "--start=tests"]))
"""
    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], env=environ, stdin=slave, capture_output=True, text=True, check=False
        )
    finally:
        os.close(slave)
        os.close(master)
    assert (done.returncode, done.stdout) == (7, "a.toml tests []\n")


CRASH = """
import sys, types, click
module = types.ModuleType("crash")
@click.command()
def crash():
    {body}
module.crash = crash
sys.modules["crash"] = module
from app import cli
from app.commands.table import COMMANDS
COMMANDS["crash"] = ("crash:crash", "Fails.")
sys.exit(cli.main(["crash"]))
"""


def crash(environ: dict[str, str], body: str) -> subprocess.CompletedProcess[str]:
    """Run a command that does this."""
    code = CRASH.format(body=body)
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)


def test_a_bug_is_logged_and_told_in_one_line(environ: dict[str, str], home: Path) -> None:
    done = crash(environ, "raise ZeroDivisionError('over mysql://me:hunter2@db')")
    log = home / "state" / "log" / "quarterdeck.log"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"quarterdeck: unexpected error (ZeroDivisionError: over mysql://me:********@db); details: {log}\n"
    )
    text = log.read_text("utf-8")
    assert "Traceback" in text
    assert "ZeroDivisionError" in text
    assert "hunter2" not in text


def test_a_bug_without_a_log_shows_its_traceback(environ: dict[str, str], home: Path) -> None:
    home.mkdir()
    (home / "state").write_text("in the way")
    done = crash(environ, "raise ZeroDivisionError('over')")
    assert done.returncode == 1
    assert "the log could not be written" in done.stderr
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(("body", "code"), [("raise KeyboardInterrupt", 130), ("return 1", 1), ("return None", 0)])
def test_exit_codes(body: str, code: int, environ: dict[str, str]) -> None:
    done = crash(environ, body)
    assert (done.returncode, done.stderr.strip()) == (code, "")


def test_a_user_error_has_its_fix_on_a_line_of_its_own(environ: dict[str, str]) -> None:
    done = crash(
        environ, "from app.errors import UserError; raise UserError('it broke', where='a.py:3', fix='mend it')"
    )
    assert (done.returncode, done.stderr) == (2, "quarterdeck: a.py:3: it broke\nmend it\n")


def test_ctrl_c(environ: dict[str, str]) -> None:
    code = CRASH.format(body="click.echo('ready'); sys.stdout.flush(); sys.stdin.read()")
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], env=environ, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read().strip() == b""


def test_a_reader_that_has_gone_is_no_error(environ: dict[str, str]) -> None:
    code = CRASH.format(body="[click.echo('x' * 100) for _ in range(100_000)]")
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 128 + signal.SIGPIPE
        assert process.stderr.read() == b""


@pytest.mark.parametrize("command", [["schema"], ["config", "path"], ["--version"]])
def test_without_a_standard_output_commands_do_their_work(command: list[str], environ: dict[str, str]) -> None:
    line = shlex.join([sys.executable, "-m", "app", *command]) + " >&-"
    done = subprocess.run(["sh", "-c", line], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "unexpected" not in done.stderr


def test_a_full_disk_is_told(environ: dict[str, str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full, a device of Linux that is always full")
    with full.open("w") as nowhere:
        command = [sys.executable, "-m", "app", "schema"]
        pipe = subprocess.PIPE
        done = subprocess.run(command, env=environ, stdout=nowhere, stderr=pipe, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "quarterdeck: No space left on device\nmake room and try again\n"


def test_json_is_one_line_of_ascii(qd: Qd, tmp_path: Path) -> None:
    (tmp_path / "here" / "config.toml").write_text("[ui]\ntheme = 'é'", "utf-8")
    done = qd(
        "config", "show", "--config", "config.toml", "--json", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
    )
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["values"][0]["value"] == "é"


def test_text_reaches_a_terminal_of_another_encoding(qd: Qd, tmp_path: Path) -> None:
    (tmp_path / "here" / "config.toml").write_text("[ui]\ntheme = '✓'", "utf-8")
    done = qd("config", "show", "--config", "config.toml", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert 'ui.theme = "\\u2713"' in done.stdout

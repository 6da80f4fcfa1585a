"""`qd init`: a commented configuration to start from, with the project at hand in it."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import time
import tomllib
from pathlib import Path

import click

from app.commands.common import config_option, emit, json_option
from app.config import toml
from app.config.lookup import default_file, locate, shown
from app.errors import UserError

EPILOG = """\b
Examples:
  cd ~/code/trading && qd init
  qd init --path ~/code/trading
  qd init --config ./quarterdeck.toml --force
"""

HEADER = """\
# The configuration of Quarterdeck: every key with its default, commented out. To change one, remove the "# " before
# it; what stays a comment follows the defaults of the version that runs.
#
# `qd config check` says whether this file is right, `qd config show` which values are in force. A variable of the
# environment is stronger than this file: poll_s in [tests] is QUARTERDECK_TESTS__POLL_S. The app takes over changes
# while it runs.

"""

_VALUE = re.compile(r"[\w-]+ = ")
_MARKERS = (
    "pyproject.toml",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "setup.cfg",
    "setup.py",
    "conftest.py",
    "noxfile.py",
)
_TEST_FOLDERS = ("tests", "test")


@click.command(epilog=EPILOG)
@click.option(
    "--path",
    "project",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Project to enter into it; the current folder when that has tests.",
)
@click.option("--force", is_flag=True, help="Replace a configuration that is there, keeping a copy of it.")
@config_option
@json_option
def init(project: Path | None, force: bool, config: Path | None, as_json: bool) -> int:
    """Write a commented configuration into your configuration folder (or to --config)."""
    target = locate(config).path
    entry = project.resolve() if project is not None else _current_project()
    backup = _make_way(target, force)
    _write(target, contents(entry))
    if as_json:
        emit(
            {
                "path": str(target),
                "backup": str(backup) if backup else None,
                "project": {"name": project_name(entry), "path": str(entry)} if entry else None,
            }
        )
        return 0
    click.echo(f"Wrote {target}")
    if backup:
        click.echo(f"Kept the one before as {backup}")
    command = f"qd --config {shlex.quote(str(config))}" if config is not None else "qd"
    if entry:
        click.echo(f"It watches the tests of {project_name(entry)} ({entry}). Next: {command}")
    else:
        click.echo(f"It names no project yet. Next: add a [[projects]] at its end, then {command}")
    return 0


def contents(project: Path | None) -> str:
    """The default configuration with every value commented out, and this project as the only one.

    A default that stood in it as a value would stay for ever, whatever a later version finds better.
    """
    lines = default_file().read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("["))
    body = [f"# {line}" if _VALUE.match(line) else line for line in lines[start : lines.index("[[projects]]")]]
    text = HEADER + "\n".join(body).rstrip() + "\n"
    if project is not None:
        text += f"\n[[projects]]\nname = {toml.text(project_name(project))}\npath = {toml.text(str(project))}\n"
    return text


def has_tests(folder: Path) -> bool:
    """Whether a folder looks like a Python project with tests."""
    marked = any((folder / name).is_file() for name in _MARKERS)
    tests = any(_holds_python(folder / name) for name in _TEST_FOLDERS) or any(folder.glob("test_*.py"))
    tool = _pyproject(folder).get("tool")
    return marked and (tests or (isinstance(tool, dict) and "pytest" in tool))


def project_name(folder: Path) -> str:
    """The name in its pyproject.toml, else the folder's, in the letters that a project's name may have."""
    declared = _pyproject(folder).get("project", {})
    name = declared.get("name") if isinstance(declared, dict) else None
    plain = re.sub(r"[^\w .+-]+", "-", name if isinstance(name, str) and name else folder.name)
    return re.sub(r"^\W+", "", plain)[:60].rstrip() or "project"


def _current_project() -> Path | None:
    here = Path.cwd()
    return here if here != Path.home() and has_tests(here) else None


def _holds_python(folder: Path) -> bool:
    return folder.is_dir() and next(folder.rglob("*.py"), None) is not None


def _pyproject(folder: Path) -> dict[str, object]:
    try:
        return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _make_way(target: Path, force: bool) -> Path | None:
    """Set aside what is there; refuse unless forced."""
    if target.is_dir():
        raise UserError(
            "this is a folder", where=shown(target), fix=f"name a file: --config {shown(target / 'config.toml')}"
        )
    if not os.path.lexists(target):
        return None
    if not force:
        fix = "edit that one, or write a new one with `qd init --force`, which keeps a copy of it"
        raise UserError("there is a configuration already", where=shown(target), fix=fix)
    stamp = time.strftime("%Y%m%dT%H%M%S")
    number = 0
    while True:
        backup = target.with_name(f"{target.name}.{stamp}{f'-{number}' if number else ''}.bak")
        if not os.path.lexists(backup):
            break
        number += 1
    if target.exists():
        _write(backup, target.read_bytes())
        return backup
    return None


def _write(target: Path, content: str | bytes) -> None:
    """Whole or not at all, and readable by its owner only: it may hold a password."""
    raw = content.encode() if isinstance(content, str) else content
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        why = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
        fix = "name another place with --config"
        raise UserError(f"cannot be written: {why}", where=shown(target), fix=fix) from None

"""`qd init`: a configuration to start from."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.commands.init import contents, has_tests, project_name
from app.commands.schema import find
from app.config.shape import leaves
from app.settings import Settings, load
from tests.cli.schemas import errors


@pytest.fixture
def project(home: Path) -> Path:
    """The current folder is a Python project with tests."""
    folder = home.parent / "here"
    (folder / "pyproject.toml").write_text('[project]\nname = "my-trading"\n')
    (folder / "tests").mkdir()
    (folder / "tests" / "test_a.py").write_text("")
    return folder


def test_writes_the_users_configuration_with_the_project(
    home: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    target = home / "config" / "config.toml"
    assert capsys.readouterr().out == (f"Wrote {target}\nIt watches the tests of my-trading ({project}). Next: qd\n")
    loaded = load(None, {})
    assert loaded.path == target
    assert [(entry.name, entry.path) for entry in loaded.settings.projects] == [("my-trading", project)]
    assert loaded.settings.model_copy(update={"projects": ()}) == Settings()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "# Colours" in target.read_text("utf-8")


def test_sets_nothing_but_the_project(home: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    text = (home / "config" / "config.toml").read_text("utf-8")
    data = tomllib.loads(text)
    assert data.pop("projects") == [{"name": "my-trading", "path": str(project)}]
    assert data == {
        "ui": {},
        "keys": {},
        "database": {},
        "log": {},
        "tests": {},
        "git": {"naming": {}, "broadcast": {}},
        "feedback": {"receiver": {}, "discord": {}},
        "content": {"ai": {}, "notes": {}, "style": {"em_dash": {}, "ellipsis": {}}},
    }
    capsys.readouterr()
    assert main(["config", "check"]) == 0
    assert main(["config", "show", "--json"]) == 0
    printed = capsys.readouterr().out.splitlines()
    set_here = [row["key"] for row in json.loads(printed[-1])["values"] if row["origin"] != "default"]
    assert set_here == ["projects[0].name", "projects[0].path"]


def test_every_value_is_there_to_be_taken_up(project: Path) -> None:
    before = contents(project).partition("\n[[projects]]")[0].splitlines()
    values = re.compile(r"# [a-z_]+ = ")
    examples = next(number for number, line in enumerate(before) if line == "# [[repositories]]")
    live = [line.removeprefix("# ") if values.match(line) else line for line in before[:examples]]
    data = tomllib.loads("\n".join(live))
    assert Settings(**data) == Settings()
    written = set(_keys(data))
    assert written == {path for path, shape in leaves() if len(path) > 1 and shape.kind != "tables"}


def _keys(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in table.items():
        # A table of texts may have none; those at the top have a line of their own.
        if isinstance(value, dict) and (value or not path):
            yield from _keys(value, (*path, name))
        else:
            yield (*path, name)


def test_names_the_command_that_reads_the_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--config", "./my q.toml"]) == 0
    assert capsys.readouterr().out.endswith("Next: qd --config 'my q.toml'\n")
    assert main(["init", "--config", "q.toml"]) == 0
    assert capsys.readouterr().out.endswith("Next: qd --config q.toml\n")


def test_without_a_project(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert "It names no project yet" in capsys.readouterr().out
    assert load(None, {}).settings == Settings()


def test_another_project_and_another_place(
    home: Path, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--path", "here", "--config", "deep/er/qd.toml", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert errors(find("init"), document) == []
    assert document == {
        "schema": 1,
        "path": str(tmp_path / "deep" / "er" / "qd.toml"),
        "backup": None,
        "project": {"name": "my-trading", "path": str(project)},
    }
    assert load(tmp_path / "deep" / "er" / "qd.toml", {}).settings.projects[0].path == project
    assert not home.exists()


def test_keeps_what_is_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = home / "config" / "config.toml"
    target.parent.mkdir(parents=True)
    target.write_text("mine")
    assert main(["init"]) == 2
    assert capsys.readouterr().err == (
        f"quarterdeck: {target}: there is a configuration already\n"
        "edit that one, or write a new one with `qd init --force`, which keeps a copy of it\n"
    )
    assert target.read_text() == "mine"
    for number in (1, 2, 3):
        assert main(["init", "--force"]) == 0
        copies = sorted(target.parent.glob("*.bak"))
        assert len(copies) == number
    assert "mine" in [copy.read_text() for copy in copies]
    assert sorted(path.suffix for path in target.parent.iterdir()) == [".bak", ".bak", ".bak", ".toml"]


def test_a_link_that_leads_nowhere_is_something_too(home: Path) -> None:
    target = home / "config" / "config.toml"
    target.parent.mkdir(parents=True)
    target.symlink_to("gone.toml")
    assert main(["init"]) == 2
    assert main(["init", "--force"]) == 0
    assert load(None, {}).settings == Settings()


def test_places_that_cannot_be_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = home.parent / "here"
    assert main(["init", "--config", str(here)]) == 2
    assert capsys.readouterr().err == (
        f"quarterdeck: {os.path.relpath(here)}: this is a folder\nname a file: --config config.toml\n"
    )
    (here / "file").write_text("")
    assert main(["init", "--config", "file/config.toml"]) == 2
    assert capsys.readouterr().err == (
        "quarterdeck: file/config.toml: cannot be written: Not a directory\nname another place with --config\n"
    )


@pytest.mark.parametrize("name", ['a"b\\c', "tab\tline\n", "日本", "-x", "___", "x" * 200, "😀", "a\x7fb"])
def test_any_folder_name_gives_a_valid_file(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    target = tmp_path / "config.toml"
    target.write_text(contents(folder), "utf-8")
    assert load(target, {}).settings.projects[0].path == folder


def test_which_folders_look_like_projects(tmp_path: Path) -> None:
    assert not has_tests(tmp_path)
    (tmp_path / "test_a.py").write_text("")
    assert not has_tests(tmp_path)
    (tmp_path / "setup.cfg").write_text("")
    assert has_tests(tmp_path)
    (tmp_path / "test_a.py").unlink()
    assert not has_tests(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]")
    assert has_tests(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool")
    assert not has_tests(tmp_path)


def test_names_of_projects(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    assert project_name(tmp_path / "x") == "x"
    (tmp_path / "x" / "pyproject.toml").write_text("project = 3")
    assert project_name(tmp_path / "x") == "x"
    (tmp_path / "x" / "pyproject.toml").write_text("[project]\nname = 'a/b'")
    assert project_name(tmp_path / "x") == "a-b"

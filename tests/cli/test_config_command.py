"""`qd config`: show, check, path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import screens.areas
from app.cli import main
from app.commands.schema import find
from app.commands.table import AREAS
from app.config.shape import leaves
from tests.cli.schemas import errors

CONFIG = """[ui]
theme = "nord"
[keys]
"app.quit" = "f10"
[database]
url = "mysql://me:hunter2@db/qd"
[[projects]]
name = "trading"
path = "code"
args = ["-m", "not slow"]
env = { TZ = "UTC", POLYGON_API_KEY = "hunter2" }
"""


@pytest.fixture
def config(home: Path) -> Path:
    """A configuration in the current folder."""
    path = home.parent / "here" / "config.toml"
    path.write_text(CONFIG)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    code = main(list(arguments))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def document(command: str, text: str) -> dict[str, Any]:
    """The document, which fits the schema that is published for it."""
    parsed: dict[str, Any] = json.loads(text)
    assert errors(find(command), parsed) == []
    return parsed


def test_show_has_every_key_with_its_origin(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "config", "show", "--config", str(config))
    lines = out.splitlines()
    assert code == 0
    assert [line.split(" = ")[0] for line in lines if not line.startswith(("keys", "projects"))] == [
        ".".join(map(str, path)) for path, _ in leaves() if path[0] not in ("keys", "projects", "repositories")
    ]
    for line, origin in (
        ('ui.theme = "nord"', "config.toml:2"),
        ("ui.clock = true", "default"),
        ('keys."app.quit" = "f10"', "config.toml:4"),
        ('database.url = "mysql://me:********@db/qd"', "config.toml:6"),
        ('projects[0].args = ["-m", "not slow"]', "config.toml:10"),
        ('projects[0].env = { TZ = "UTC", POLYGON_API_KEY = "********" }', "config.toml:11"),
        ("projects[0].watch = []", "default"),
    ):
        assert [text for text in lines if text.split("  # ")[0].rstrip() == line] == [
            text for text in lines if text.endswith(f"  # {origin}") and text.startswith(f"{line} ")
        ]
    assert "hunter2" not in out


def test_show_as_json(config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_TESTS__POLL_S", "2")
    code, out, _ = run(capsys, "config", "show", "--config", str(config), "--json")
    shown = document("config show", out)
    assert code == 0
    assert shown["path"] == str(config)
    rows = {row["key"]: (row["value"], row["origin"]) for row in shown["values"]}
    assert rows["tests.poll_s"] == (2.0, "environment QUARTERDECK_TESTS__POLL_S")
    assert rows["database.url"] == ("mysql://me:********@db/qd", "config.toml:6")
    assert rows["projects[0].env"][0] == {"TZ": "UTC", "POLYGON_API_KEY": "********"}
    assert "hunter2" not in out


def test_check_in_order(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "code").mkdir()
    assert run(capsys, "config", "check", "--config", str(config)) == (0, "config.toml: in order, 1 project\n", "")
    code, out, _ = run(capsys, "config", "check", "--config", str(config), "--json")
    assert (code, document("config check", out)) == (
        0,
        {"schema": 1, "ok": True, "path": str(config), "problems": [], "warnings": []},
    )


def test_check_warns_of_what_is_not_there(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(CONFIG.replace('path = "code"', 'path = "code"\npython = "python9.9"'))
    code, out, _ = run(capsys, "config", "check", "--config", str(config))
    assert code == 0
    assert out.splitlines() == [
        f"warning: config.toml:9: projects[0].path: no such folder: {config.parent / 'code'}",
        "warning: config.toml:10: projects[0].python: no such interpreter: python9.9",
        "config.toml: in order, 1 project",
    ]


def test_check_with_problems(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("[ui]\nthme = 1\nclock = 2")
    code, out, err = run(capsys, "config", "check", "--config", str(config))
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "quarterdeck: config.toml:2: ui.thme: unknown key; did you mean ui.theme?",
        "quarterdeck: config.toml:3: ui.clock: expected true or false, got 2; for instance clock = true",
    ]
    code, out, err = run(capsys, "config", "check", "--config", str(config), "--json")
    assert (code, err) == (2, "")
    shown = document("config check", out)
    assert not shown["ok"]
    assert [problem["where"] for problem in shown["problems"]] == ["config.toml:2", "config.toml:3"]


def test_check_knows_the_names_of_the_app(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ("[ui]", 'start = "gti"', 'theme = "quarterdekc"', "[keys]", '"app.qiut" = "f10"', '"git.fetch" = "c"')
    config.write_text("\n".join(lines))
    code, out, err = run(capsys, "config", "check", "--config", str(config))
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        'quarterdeck: config.toml:2: ui.start: unknown area "gti"; did you mean "git"?',
        "quarterdeck: config.toml:3: ui.theme: no theme is called 'quarterdekc'; did you mean quarterdeck?",
        'quarterdeck: config.toml:5: keys."app.qiut": no such action; did you mean app.quit?',
        'quarterdeck: config.toml:6: keys."git.fetch": c is already git.switch',
    ]


def test_check_tells_of_names_also_where_other_things_are_wrong(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        *("[ui]", 'theme = "quarterdekc"', "clock = 2", "[tests]", 'run = "some"', "poll_s = 0", "[loog]", "[keys]"),
        *('"app.qiut" = "f10"', '"git.fetch" = "c"', '"app.help" = 1'),
    )
    config.write_text("\n".join(lines))
    code, out, err = run(capsys, "config", "check", "--config", str(config))
    assert (code, out) == (2, "")
    places = ("ui.theme", "ui.clock", "tests.run", "tests.poll_s", "loog", 'keys."app.qiut"', 'keys."git.fetch"')
    told = [line.split(": ")[1:3] for line in err.splitlines()]
    numbers = (2, 3, 5, 6, 7, 9, 10)
    assert told[:-1] == [[f"config.toml:{number}", key] for number, key in zip(numbers, places, strict=True)]
    assert told[-1][0] == "config.toml:11"
    monkeypatch.setenv("QUARTERDECK_UI__THEME", "nrod")
    shown = document("config check", run(capsys, "config", "check", "--config", str(config), "--json")[1])
    assert shown["problems"][-1]["where"] == "environment QUARTERDECK_UI__THEME"
    config.write_text("[ui]\ntheme = quarterdekc\n")
    code, _, err = run(capsys, "config", "check", "--config", str(config))
    assert (code, err.count("quarterdeck: ")) == (2, 1)


@pytest.mark.usefixtures("home")
def test_check_without_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "config", "check")
    assert code == 0
    assert out.endswith("home/config/config.toml, all defaults: in order, 0 projects\n")


def test_path(config: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    usual = home / "config" / "config.toml"
    assert run(capsys, "config", "path") == (
        0, f"{usual}\n", "There is no such file yet; `qd init` writes it.\n"
    )  # fmt: skip
    assert run(capsys, "config", "path", "--config", "config.toml") == (0, f"{config}\n", "")
    monkeypatch.setenv("QUARTERDECK_CONFIG", str(config))
    _, out, _ = run(capsys, "config", "path", "--json")
    assert document("config path", out) == {
        "schema": 1,
        "path": str(config),
        "exists": True,
        "named_by": "$QUARTERDECK_CONFIG",
    }


@pytest.mark.parametrize("start", ["", "tests", "Tests"])
def test_check_knows_the_areas(start: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home.parent / "here" / "areas.toml"
    path.write_text(f'[ui]\nstart = "{start}"\n')
    assert run(capsys, "config", "check", "--config", str(path))[0] == 0


def test_check_names_an_unknown_area(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home.parent / "here" / "areas.toml"
    path.write_text('[ui]\nstart = "test"\n')
    code, _, err = run(capsys, "config", "check", "--config", str(path))
    assert code == 2
    assert err == 'quarterdeck: areas.toml:2: ui.start: unknown area "test"; did you mean "tests"?\n'
    path.write_text('[ui]\nstart = "moon"\n')
    code, out, _ = run(capsys, "config", "check", "--config", str(path), "--json")
    found = document("config check", out)
    assert (code, found["ok"]) == (2, False)
    assert found["problems"] == [
        {
            "where": "areas.toml:2",
            "key": "ui.start",
            "text": 'unknown area "moon"; write "" or one of: tests, git, feedback, content',
        }
    ]


def test_the_areas_are_those_of_the_app() -> None:
    assert {area.id: area.title for area in screens.areas.AREAS} == AREAS

"""Which project a `qd test` command speaks of, and what it says where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import main


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The lines on standard error of a command that is refused."""
    assert main(list(arguments)) == 2
    return capsys.readouterr().err.splitlines()


@pytest.mark.usefixtures("home")
def test_without_a_configuration_the_way_to_one_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("run", "watch"):
        assert told(capsys, "test", command) == [
            "quarterdeck: no project is configured",
            "say which: --path DIR, or write a configuration with qd init",
        ]
    assert told(capsys, "test", "history") == [
        "quarterdeck: no project is configured",
        "write a configuration with qd init",
    ]


@pytest.mark.usefixtures("home")
def test_with_a_configuration_that_names_none_it_is_the_file_to_add_one_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--config", "mine.toml"]) == 0
    capsys.readouterr()
    for command, way in (
        ("run", "say which: --path DIR, or "),
        ("watch", "say which: --path DIR, or "),
        ("history", ""),
    ):
        assert told(capsys, "test", command, "--config", "mine.toml") == [
            "quarterdeck: mine.toml: no project is configured",
            f"{way}add [[projects]] with name and path to mine.toml",
        ]


def test_one_of_several_has_to_be_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    projects = "".join(f"[[projects]]\nname = '{name}'\npath = '.'\n" for name in ("desk", "shop"))
    (home.parent / "here" / "two.toml").write_text(projects)
    assert told(capsys, "test", "history", "--config", "two.toml") == [
        "quarterdeck: several projects are configured",
        "say which: --project with one of desk, shop",
    ]

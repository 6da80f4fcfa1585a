"""`qd schema`: there is a schema for every command that prints JSON, and it is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module

import click
import pytest

from app.cli import main
from app.commands.schema import SCHEMAS, find
from app.commands.table import COMMANDS
from tests.cli.schemas import errors


def _commands() -> Iterator[tuple[str, click.Command]]:
    for name, (place, _) in COMMANDS.items():
        module, _, attribute = place.partition(":")
        yield from _leaves(name, getattr(import_module(module), attribute))


def _leaves(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for inner, leaf in command.commands.items():
            yield from _leaves(f"{name} {inner}", leaf)
    else:
        yield name, command


def test_every_command_that_prints_json_has_a_schema_and_no_other() -> None:
    printing = {
        name for name, command in _commands() if any("--json" in parameter.opts for parameter in command.params)
    }
    assert printing == set(SCHEMAS)


def test_every_command_explains_itself_with_an_example() -> None:
    for name, command in _commands():
        text = f"{command.help}\n{command.epilog}"
        assert command.help, name
        assert f"qd {name}" in text, name


@pytest.mark.parametrize("command", SCHEMAS)
def test_prints_a_schema(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", *command.split()]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema == find(command)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"].startswith(f"qd {command}")
    assert not any("does not know" in error for error in errors(schema, {}))
    assert errors(schema, {}) != []


def test_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out.split("\n")[:-1] == list(SCHEMAS)


def test_a_command_that_prints_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "test", "rum"]) == 2
    assert capsys.readouterr().err == (
        "quarterdeck: no command `test rum` prints JSON\ndid you mean `qd schema test run`?\n"
    )


RUN = {
    "schema": 1,
    "run_id": "01J",
    "project": "p",
    "trigger": "cli",
    "level": "cold",
    "level_reason": "",
    "started_at": "2024-05-01T00:00:00.000000Z",
    "first_result_s": None,
    "duration_s": 1,
    "exit": 1,
    "note": "",
    "counts": dict.fromkeys(("passed", "failed", "error", "skipped", "xfailed", "xpassed", "deselected"), 0),
    "tests": [{"nodeid": "a", "outcome": "passed", "duration_s": 0.1, "error_class": None, "message": ""}],
    "collection_errors": [],
}


def test_the_schema_of_a_run_takes_a_run_and_nothing_else() -> None:
    schema = find("test run")
    assert errors(schema, RUN) == []
    assert errors(schema, {**RUN, "added_later": 1}) == []
    assert errors(schema, {**RUN, "exit": 6}) == ["$.exit: 6 is above 5"]
    assert errors(schema, {**RUN, "schema": 2}) == ["$.schema: 2 is not 1"]
    assert errors(schema, {**RUN, "level": "L3"}) == ["$.level: 'L3' is none of ['cold', 'L1', 'L2']"]
    assert errors(schema, {key: value for key, value in RUN.items() if key != "tests"}) == ["$: tests is missing"]


def test_the_schema_of_a_stream_takes_its_lines() -> None:
    schema = find("test watch")
    assert errors(schema, {"event": "changed", "t": 1.5, "files": ["a.py"]}) == []
    assert errors(schema, {"event": "changed", "t": 1.5}) != []
    assert errors(schema, {"event": "sneezed", "t": 1.5}) != []

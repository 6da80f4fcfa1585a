"""Variables of the environment: stronger than the file, and named when they are wrong."""

from __future__ import annotations

import pytest

from app.settings import SettingsError, load
from tests.settings.conftest import Write

RIGHT = {
    "QUARTERDECK_UI__THEME": ("nord", "ui.theme", "nord"),
    "QUARTERDECK_UI__EDITOR": ("", "ui.editor", ""),
    "QUARTERDECK_UI__CLOCK": (" No ", "ui.clock", False),
    "QUARTERDECK_TESTS__POLL_S": ("2", "tests.poll_s", 2.0),
    "QUARTERDECK_TESTS__RUN": ("affected", "tests.run", "affected"),
    "QUARTERDECK_DATABASE__POOL_SIZE": ("8", "database.pool_size", 8),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_variable_is_stronger_than_the_file(name: str, write: Write) -> None:
    text, key, value = RIGHT[name]
    path = write("[ui]\ntheme = 'gruvbox'\nclock = true\n[tests]\npoll_s = 5\n")
    loaded = load(path, {name: text})
    table, _, field = key.partition(".")
    assert getattr(getattr(loaded.settings, table), field) == value
    assert loaded.origin(key) == f"environment {name}"


def test_the_file_stays_in_force_beside_a_variable(write: Write) -> None:
    loaded = load(write("[ui]\ntheme = 'gruvbox'\nstart = 'tests'"), {"QUARTERDECK_UI__THEME": "nord"})
    assert (loaded.settings.ui.theme, loaded.settings.ui.start) == ("nord", "tests")
    assert loaded.origin("ui.start") == "config.toml:3"
    assert loaded.origin("ui.clock") == "default"


def test_tables_and_lists_are_json(write: Write) -> None:
    loaded = load(
        write("[keys]\na = '1'\nb = '2'\n[[projects]]\nname = 'x'\npath = '.'\n[[projects]]\nname = 'y'\npath = '.'"),
        {
            "QUARTERDECK_KEYS": '{"b": "3", "app.quit": "q"}',
            "QUARTERDECK_PROJECTS": '[{"name": "p", "path": "/p", "args": ["-x"]}]',
            "QUARTERDECK_LOG": '{"files": 9}',
            "QUARTERDECK_LOG__LEVEL": "ERROR",
        },
    )
    assert dict(loaded.settings.keys) == {"a": "1", "b": "3", "app.quit": "q"}
    assert [(project.name, project.args) for project in loaded.settings.projects] == [("p", ("-x",))]
    assert (loaded.settings.log.files, loaded.settings.log.level) == (9, "ERROR")
    assert loaded.origin("keys.a") == "config.toml:2"
    assert loaded.origin('keys."app.quit"') == "environment QUARTERDECK_KEYS"
    assert loaded.origin("projects[0].args") == "environment QUARTERDECK_PROJECTS"
    assert loaded.origin("projects[0].env") == "default"
    assert loaded.origin("projects[1].name") == "default"
    assert loaded.origin("log.files") == "environment QUARTERDECK_LOG"
    assert loaded.origin("log.max_mb") == "default"


def test_variables_of_other_kinds_are_left_alone() -> None:
    load(None, {"QUARTERDECK_HOME": "/x", "QUARTERDECK_TEST_MYSQL_URL": "x", "QUARTERDECK_": "", "PATH": "/bin"})


WRONG = {
    "QUARTERDECK_TESTS__POLL_S=soon": 'tests.poll_s: expected a number, got "soon"; for instance poll_s = 1.0',
    "QUARTERDECK_TESTS__POLL_S=2s": 'tests.poll_s: expected a number, got "2s"; write 2.0',
    "QUARTERDECK_TESTS__POLL_S=inf": 'tests.poll_s: expected a number, got "inf"; for instance poll_s = 1.0',
    "QUARTERDECK_TESTS__POLL_S=": 'tests.poll_s: expected a number, got ""; for instance poll_s = 1.0',
    "QUARTERDECK_TESTS__POLL_S=0": "tests.poll_s: expected at least 0.1, got 0.0; the default is 1.0",
    "QUARTERDECK_LOG__FILES=2.5": 'log.files: expected a whole number, got "2.5"; for instance files = 3',
    "QUARTERDECK_UI__CLOCK=perhaps": 'ui.clock: expected true or false, got "perhaps"; for instance clock = true',
    "QUARTERDECK_TESTS__RUN=al": 'tests.run: expected "all" or "affected", got "al"; did you mean "all"?',
    "QUARTERDECK_TESTS__RUNN=all": "unknown key; did you mean QUARTERDECK_TESTS__RUN?",
    "QUARTERDECK_TEST__RUN=all": "unknown key; did you mean QUARTERDECK_TESTS?",
    "QUARTERDECK_ZOO__X=1": (
        "unknown key; known tables: ui, keys, database, log, tests, git, feedback, content, repositories, projects"
    ),
    "QUARTERDECK_UI__THEME__NAME=x": "unknown key; ui.theme is no table",
    "QUARTERDECK_KEYS__A=b": """cannot be set one by one; write QUARTERDECK_KEYS='{"name": "value"}'""",
    "QUARTERDECK_PROJECTS__0__PATH=/x": (
        """cannot be set one by one; write QUARTERDECK_PROJECTS='[{"name": "trading", "path": "/code/trading"}]'"""
    ),
    "QUARTERDECK_PROJECTS=/x": (
        'projects: expected JSON; write QUARTERDECK_PROJECTS=\'[{"name": "trading", "path": "/code/trading"}]\''
    ),
    "QUARTERDECK_LOG=[1]": """log: expected JSON; write QUARTERDECK_LOG='{"key": "value"}'""",
    'QUARTERDECK_PROJECTS=[{"name": "a"}]': 'projects[0].path: missing; write path = "~/code/trading"',
    'QUARTERDECK_LOG={"file": 1}': "log.file: unknown key; did you mean log.files?",
    "QUARTERDECK_DATABASE__URL=hunter2": (
        "database.url: expected an address that begins with mysql://, mariadb:// or sqlite:///; "
        'write "mysql://user:password@host:3306/quarterdeck", or "" for the embedded database'
    ),
}


@pytest.mark.parametrize("assignment", WRONG)
def test_a_wrong_variable_is_named(assignment: str) -> None:
    name, _, text = assignment.partition("=")
    with pytest.raises(SettingsError) as caught:
        load(None, {name: text})
    assert str(caught.value) == f"environment {name}: {WRONG[assignment]}"

"""Which file is read, what its values become, and where secrets come from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest
from pydantic import ValidationError

from app.settings import Settings, SettingsError, load, project_specs
from app.testing.ignore import DEFAULT_WATCH
from tests.settings.conftest import Write


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that forgets when the test ends."""

    priority = 1.0

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("it is locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    """The keyring in force is one in memory."""
    before = keyring.get_keyring()
    memory = MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


# Which file


def test_without_any_file_everything_is_default() -> None:
    loaded = load(None, {})
    assert loaded.settings == Settings()
    assert loaded.path is None
    assert loaded.origin("ui.theme") == "default"


def test_the_current_folder_is_never_looked_at(write: Write) -> None:
    write("[ui]\ntheme = 'evil'\n[[projects]]\nname = 'x'\npath = '.'")
    assert load(None, {}).settings == Settings()


def test_the_users_file_then_the_variable_then_the_option(tmp_path: Path, own_home: Path) -> None:
    user, variable, option = own_home / "config" / "config.toml", tmp_path / "variable.toml", tmp_path / "option.toml"
    user.parent.mkdir(parents=True)
    for path, theme in ((user, "one"), (variable, "two"), (option, "three")):
        path.write_text(f"[ui]\ntheme = '{theme}'")
    environ = {"QUARTERDECK_CONFIG": str(variable)}
    assert load(None, {}).settings.ui.theme == "one"
    assert load(None, {"QUARTERDECK_CONFIG": ""}).settings.ui.theme == "one"
    assert load(None, environ).settings.ui.theme == "two"
    assert load(option, environ).settings.ui.theme == "three"


def test_a_tilde_in_the_name(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("[ui]\ntheme = 'nord'")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(None, {"QUARTERDECK_CONFIG": "~/config.toml"}).path == tmp_path / "config.toml"


# Values


def test_nothing_can_be_changed(write: Write) -> None:
    settings = load(write("[[projects]]\nname = 'a'\npath = '.'"), {}).settings
    for table, field in ((settings, "ui"), (settings.ui, "theme"), (settings.projects[0], "name")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(table, field, "x")


def test_settings_made_in_code_read_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_UI__THEME", "nord")
    assert Settings().ui.theme == "quarterdeck"


def test_whole_numbers_are_numbers(write: Write) -> None:
    assert load(write("[tests]\npoll_s = 2"), {}).settings.tests.poll_s == 2.0


def test_every_value_has_its_line(write: Write) -> None:
    loaded = load(write("ui.theme = 'x'\n[[projects]]\nname = 'a'\npath = '.'\nenv.A = '1'\nargs = [\n'-x']"), {})
    assert loaded.origin("ui.theme") == "config.toml:1"
    assert loaded.origin("projects[0].path") == "config.toml:4"
    assert loaded.origin("projects[0].env.A") == "config.toml:5"
    assert loaded.origin("projects[0].args[0]") == "config.toml:7"
    assert loaded.origin("projects[0].python") == "default"
    assert loaded.origin("tests.run") == "default"


# Projects


def test_paths_start_from_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "conf").mkdir()
    path = tmp_path / "conf" / "config.toml"
    path.write_text(
        "[[projects]]\nname = 'a'\npath = '../code'\npython = '.venv/bin/python'\nargs = ['-x']\nenv = { A = '1' }\n"
        "[[projects]]\nname = 'b'\npath = '~/b'\npython = '~/py'\nwatch = ['*.py']\nignore = ['gen/']\n"
        "[[projects]]\nname = 'c'\npath = '~nobody-of-that-name/c'\npython = 'sh'\n"
        "[[projects]]\nname = 'd'\npath = '/d'\npython = 'no-such-python'\n"
    )
    loaded = load(path, {})
    a, b, c, d = project_specs(loaded.settings, loaded.base)
    assert (a.path, a.python) == (tmp_path / "code", str(tmp_path / "code/.venv/bin/python"))
    assert (a.args, dict(a.env), a.watch, a.ignore) == (("-x",), {"A": "1"}, DEFAULT_WATCH, ())
    assert (b.path, b.python, b.watch, b.ignore) == (Path("/home/me/b"), "/home/me/py", ("*.py",), ("gen/",))
    assert c.path == tmp_path / "conf/~nobody-of-that-name/c"
    assert Path(c.python).is_absolute()
    assert (d.path, d.python) == (Path("/d"), "no-such-python")


def test_without_a_file_paths_start_from_the_current_folder(tmp_path: Path) -> None:
    loaded = load(None, {"QUARTERDECK_PROJECTS": '[{"name": "a", "path": "code"}]'})
    assert project_specs(loaded.settings, loaded.base)[0].path == tmp_path / "code"


# Secrets


def test_a_secret_from_the_keyring(ring: MemoryKeyring, write: Write) -> None:
    ring.set_password("quarterdeck", "mysql", "mysql://me:hunter2@db/qd")
    loaded = load(write("[database]\nurl = 'keyring:mysql'"), {})
    assert loaded.settings.database.url.get_secret_value() == "mysql://me:hunter2@db/qd"
    assert loaded.origin("database.url") == "config.toml:2, keyring:mysql"
    assert loaded.secrets() == ("mysql://me:hunter2@db/qd", "hunter2")
    assert "hunter2" not in repr(loaded)


def test_a_secret_from_a_variable(write: Write) -> None:
    loaded = load(None, {"QUARTERDECK_DATABASE__URL": "env:DB", "DB": "sqlite:///x.db"})
    assert loaded.settings.database.url.get_secret_value() == "sqlite:///x.db"
    assert loaded.origin("database.url") == "environment QUARTERDECK_DATABASE__URL, env:DB"


def test_an_entry_that_is_not_in_the_keyring(ring: MemoryKeyring, write: Write) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write("[database]\nurl = 'keyring:mysql'"), {})
    assert str(caught.value) == (
        "config.toml:2: database.url: the keyring has no entry mysql of quarterdeck; "
        "store it with: python -m keyring set quarterdeck mysql"
    )


def test_a_locked_keyring(ring: MemoryKeyring, write: Write) -> None:
    ring.locked = True
    with pytest.raises(SettingsError) as caught:
        load(write("[database]\nurl = 'keyring:mysql'"), {})
    assert str(caught.value) == ("config.toml:2: database.url: the keyring cannot be read (it is locked); unlock it")


@pytest.mark.usefixtures("ring")
def test_no_keyring_at_all(write: Write) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]  # keyring has no hints here
    with pytest.raises(SettingsError) as caught:
        load(write("[database]\nurl = 'keyring:mysql'"), {})
    assert str(caught.value) == (
        "config.toml:2: database.url: this machine has no keyring; "
        'write "env:NAME" and set that variable, in place of "keyring:mysql"'
    )


def test_a_wrong_address_in_the_keyring_is_not_shown(ring: MemoryKeyring, write: Write) -> None:
    ring.set_password("quarterdeck", "mysql", "hunter2")
    with pytest.raises(SettingsError) as caught:
        load(write("[database]\nurl = 'keyring:mysql'"), {})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None or "hunter2" not in str(caught.value.__context__)


def test_the_keyring_is_loaded_only_when_it_is_used(write: Write) -> None:
    write("[ui]\ntheme = 'x'")
    code = "import sys; from pathlib import Path; from app.settings import load; load(Path('config.toml'))\n"
    code += "print([name for name in sys.modules if name.split('.')[0] in ('keyring', 'textual', 'click', 'tomlkit')])"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.strip() == "[]"

"""The app takes over a changed file, and keeps the old settings when the new ones are wrong."""

from __future__ import annotations

from pathlib import Path

from app.settings import SettingsFile
from tests.settings.conftest import Write


def saved(file: SettingsFile) -> bool:
    """Whether a change is seen, once it has settled."""
    file.changed()
    return file.changed()


def test_a_change_is_seen_once_it_has_settled(write: Write) -> None:
    file = SettingsFile(write("[ui]\ntheme = 'one'"), {})
    assert not file.changed()
    write("[ui]\ntheme = 'other'")
    assert not file.changed()
    assert file.changed()
    assert file.reload() == ""
    assert file.current.settings.ui.theme == "other"
    assert not saved(file)


def test_a_replaced_file_is_a_change(write: Write, tmp_path: Path) -> None:
    path = write("[ui]\ntheme = 'one'")
    file = SettingsFile(path, {})
    (tmp_path / "new").write_text("[ui]\ntheme = 'two'")
    (tmp_path / "new").replace(path)
    assert saved(file)


def test_wrong_settings_leave_the_old_ones_in_force(write: Write) -> None:
    file = SettingsFile(write("[ui]\ntheme = 'one'"), {})
    before = file.current
    write("[ui]\ntheme = 1\nclock = 2")
    assert saved(file)
    assert file.reload() == (
        'config.toml:2: ui.theme: expected a string, got 1; write "1"\n'
        "config.toml:3: ui.clock: expected true or false, got 2; for instance clock = true\n"
        "The settings from before stay in force."
    )
    assert file.current is before
    assert not saved(file)
    write("[ui]\ntheme = 'three'")
    assert saved(file)
    assert file.reload() == ""
    assert file.current.settings.ui.theme == "three"


def test_a_file_that_is_gone_leaves_the_old_settings(write: Write) -> None:
    path = write("[ui]\ntheme = 'one'")
    file = SettingsFile(path, {})
    path.unlink()
    assert saved(file)
    assert file.reload() == "config.toml: the file is gone; put it back\nThe settings from before stay in force."
    assert file.current.settings.ui.theme == "one"


def test_a_file_that_was_not_there_is_taken_over(own_home: Path) -> None:
    file = SettingsFile(None, {})
    assert not saved(file)
    file.watched.parent.mkdir(parents=True)
    file.watched.write_text("[ui]\ntheme = 'new'")
    assert file.watched == own_home / "config" / "config.toml"
    assert saved(file)
    assert file.reload() == ""
    assert file.current.settings.ui.theme == "new"

"""Files that cannot be read as a configuration at all, and many problems at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.settings import SettingsError, load
from tests.settings.conftest import Write


def message(path: Path | None, environ: dict[str, str] | None = None) -> str:
    """What is said of this configuration."""
    with pytest.raises(SettingsError) as caught:
        load(path, environ or {})
    return str(caught.value)


def test_a_file_that_is_not_there() -> None:
    assert message(Path("nope.toml")) == (
        "nope.toml: there is no such file, but --config names it; `qd init --config nope.toml` writes one"
    )


def test_a_variable_that_names_no_file(tmp_path: Path) -> None:
    assert message(None, {"QUARTERDECK_CONFIG": str(tmp_path / "nope.toml")}) == (
        "nope.toml: there is no such file, but $QUARTERDECK_CONFIG names it; `qd init --config nope.toml` writes one"
    )


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    assert message(Path("conf")) == "conf: this is a folder; name the file in it, for instance conf/config.toml"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read every file: give that up for a moment."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_link_that_leads_to_itself(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to("config.toml")
    assert message(Path("config.toml")) == "config.toml: cannot be read: Too many levels of symbolic links"


def test_a_file_of_somebody_else(write: Write) -> None:
    path = write("")
    path.chmod(0)
    with as_nobody():
        said = message(path)
    assert said == "config.toml: cannot be read: Permission denied"


def test_a_folder_that_is_a_file(write: Write) -> None:
    assert message(write("") / "config.toml") == "config.toml/config.toml: cannot be read: Not a directory"


def test_latin_letters(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"# one\n# caf\xe9\n")
    assert message(Path("config.toml")) == "config.toml:2: the file is not UTF-8 (byte 0xe9); save it as UTF-8"


def test_utf_16(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes("[ui]".encode("utf-16"))
    assert message(Path("config.toml")) == "config.toml:1: the file is UTF-16; save it as UTF-8"


def test_something_huge(tmp_path: Path) -> None:
    with (tmp_path / "config.toml").open("wb") as file:
        file.truncate(3_000_000)
    assert message(Path("config.toml")) == (
        "config.toml: longer than 1 MB, which no configuration is; name another file"
    )


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[ui]\r\ntheme = 'nord'\r\n")
    loaded = load(Path("config.toml"), {})
    assert loaded.settings.ui.theme == "nord"
    assert loaded.origin("ui.theme") == "config.toml:2"


def test_all_problems_at_once_in_the_order_of_the_file(write: Write) -> None:
    path = write(
        "[zoo]\n[tests]\npoll_s = 'x'\nrun = 1\n[[projects]]\nname = 'a'\n[database]\nurl = 'env:NOPE'\npool_size = 0\n"
    )
    said = message(path, {"QUARTERDECK_UI__CLOCK": "perhaps", "QUARTERDECK_LOG__LEVL": "x"}).split("\n")
    assert [line.split(": ")[:2] for line in said] == [
        ["config.toml:1", "zoo"],
        ["config.toml:3", "tests.poll_s"],
        ["config.toml:4", "tests.run"],
        ["config.toml:5", "projects[0].path"],
        ["config.toml:8", "database.url"],
        ["config.toml:9", "database.pool_size"],
        ["environment QUARTERDECK_LOG__LEVL", "unknown key; did you mean QUARTERDECK_LOG__LEVEL?"],
        ["environment QUARTERDECK_UI__CLOCK", "ui.clock"],
    ]


def test_the_error_has_its_parts_for_the_screen(write: Write) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write("[ui]\nclock = 1\nthem = 2"), {})
    error = caught.value
    assert error.what == "2 problems in the configuration"
    assert [(problem.where, problem.key) for problem in error.problems] == [
        ("config.toml:2", "ui.clock"),
        ("config.toml:3", "ui.them"),
    ]


def test_one_problem_stands_for_the_error(write: Write) -> None:
    with pytest.raises(SettingsError) as caught:
        load(write("[ui]\nclock = 1"), {})
    assert (caught.value.where, caught.value.what) == (
        "config.toml:2",
        "ui.clock: expected true or false, got 1; write true",
    )


def test_a_file_elsewhere_is_named_so_that_it_can_be_opened(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("x = 1")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert message(path).startswith(f"{path}:1: x: ")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert message(path).startswith("~/config.toml:1: x: ")

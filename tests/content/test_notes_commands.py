"""`qd notes` as processes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from app.commands.schema import find
from tests.cli.schemas import errors

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and nothing of this machine's configuration."""
    for name in [name for name in os.environ if name.startswith("QUARTERDECK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def qd(*arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", "notes", *arguments],
        input=given,
        env={**os.environ, **variables},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )


def document(*arguments: str, given: str = "", **variables: str) -> dict[str, Any]:
    """The one document that was printed, which fits its schema."""
    done = qd(*arguments, "--json", given=given, **variables)
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    assert errors(find(f"notes {arguments[0]}"), printed) == []
    return printed


def test_a_note_is_made_found_linked_and_tagged() -> None:
    made = document("add", "Engine", "--tag", "Code", "--body", "-", given="How it *runs*; see [[Fuel]].")
    assert (made["note"]["slug"], made["note"]["tags"], made["state"]) == ("engine", ["code"], "applied")
    document("add", "Plans", "--body", "[[engine|that]]")
    assert [note["title"] for note in document("list")["notes"]] == ["Plans", "Engine"]
    first = document("list", "--limit", "1")
    assert [note["title"] for note in document("list", "--after", first["next"])["notes"]] == ["Engine"]
    hits = document("search", "tag:code", "run")["notes"]
    assert [(hit["title"], hit["snippet"]) for hit in hits] == [("Engine", "How it *runs*; see [[Fuel]].")]
    linked = document("links", "engine")
    assert linked["links"] == [{"slug": "fuel", "note": None}]
    assert [note["slug"] for note in linked["backlinks"]] == ["plans"]
    assert document("tag", "engine", "c++", "--remove", "CODE")["note"]["tags"] == ["c++"]


def test_a_note_gets_another_text_another_name_and_goes_to_the_trash(here: Path) -> None:
    document("add", "Engine", "--tag", "c++", "--body", "How it *runs*.")
    document("add", "Plans", "--body", "[[engine|that]]")
    editor = here / "editor"
    editor.write_text('#!/bin/sh\nprintf "It stops.\\n" > "$1"\n', "utf-8")
    editor.chmod(0o755)
    assert document("edit", "engine", EDITOR=str(editor))["note"]["body"] == "It stops."
    renamed = document("rename", "engine", "New engine")
    assert [each["slug"] for each in renamed["mended"]] == ["plans"]
    assert document("show", "plans")["note"]["body"] == "[[New engine|that]]"
    assert qd("show", "new engine").stdout == "# New engine\n#c++\n\nIt stops.\n"
    versions = document("history", "new-engine")["versions"]
    assert [each["reason"] for each in versions] == ["renamed", "saved", "created"]
    assert document("trash", "new-engine")["note"]["state"] == "trashed"
    assert [note["slug"] for note in document("list", "--trashed")["notes"]] == ["new-engine"]
    assert document("search", "stops")["notes"] == []
    assert document("trash", "new-engine", "--restore")["note"]["state"] == "active"


def test_an_earlier_version_is_shown_and_brought_back() -> None:
    document("add", "Engine", "--tag", "one", "--body", "first")
    document("edit", "engine", "--body", "second")
    document("tag", "engine", "two", "--remove", "one")
    document("rename", "engine", "Motor")
    was = document("show", "motor", "--version", "1")["note"]
    assert (was["title"], was["tags"], was["body"], was["version"]) == ("Engine", ["one"], "first", 1)
    assert qd("show", "motor", "--version", "2").stdout == "# Engine\n#one\n\nsecond\n"
    back = document("restore", "motor", "1")["note"]
    assert (back["title"], back["tags"], back["body"], back["version"]) == ("Motor", ["one"], "first", 5)
    assert document("restore", "motor", "5")["note"]["version"] == 5
    assert [each["body"] for each in document("history", "motor")["versions"]] == ["first", *["second"] * 3, "first"]
    for command in (("show", "motor", "--version", "9"), ("restore", "motor", "9")):
        done = qd(*command)
        assert (done.returncode, "there is no version 9" in done.stderr) == (2, True)


def test_an_editor_that_changes_nothing_makes_no_version() -> None:
    document("add", "A", "--body", "one\r\ntwo")
    note = document("edit", "a", EDITOR="true")["note"]
    assert (note["version"], note["body"]) == (1, "one\r\ntwo")
    done = qd("edit", "a", EDITOR="false")
    assert done.returncode == 2
    assert "the editor did not work" in done.stderr


def test_texts_say_what_became_of_a_note_and_when_on_the_clock_of_the_wall() -> None:
    assert qd("add", "Plan", "--tag", "One").stdout == "plan: version 1, tagged one\n"
    assert qd("tag", "plan", "two").stdout == "plan: version 2, tagged one two\n"
    at = document("history", "plan")["versions"][0]["at"]
    there = datetime.fromisoformat(at).astimezone(timezone(timedelta(hours=9)))
    assert at.endswith("Z")
    assert f"2  {there:%Y-%m-%d %H:%M:%S}  saved" in qd("history", "plan", TZ="JST-9").stdout
    assert qd("trash", "plan").stdout == "plan: in the trash\n"
    assert qd("show", "plan").stdout.startswith("# Plan (in the trash)\n")


def test_mistakes_are_told() -> None:
    assert "there is no note 'x'" in qd("show", "x").stderr
    assert "a note has a title" in qd("add", " ").stderr


def editor(folder: Path, script: str) -> str:
    """An editor that does this with its file, `$1`."""
    path = folder / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)
    return str(path)


def test_what_was_written_stays_when_it_is_refused(here: Path) -> None:
    document("add", "Zed", "--body", "old\r\n")
    temporary = here / "temporary"
    temporary.mkdir()
    for script, data, said in (
        ("printf 'new \\377' > \"$1\"", b"new \xff", "no UTF-8 at byte 5"),
        ("head -c 5000000 /dev/zero | tr '\\0' x > \"$1\"", b"x" * 5_000_000, "divide it"),
        ('printf new > "$1"; exit 1', b"new", "the editor did not work"),
    ):
        done = qd("edit", "zed", EDITOR=editor(here, script), TMPDIR=str(temporary))
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        (kept,) = temporary.iterdir()
        assert kept.name.startswith("qd-zed-")
        assert f"what you wrote is in {kept}" in done.stderr
        assert kept.read_bytes() == data
        kept.unlink()
    for command, said in (
        ("'unclosed", "No closing quotation"),
        (editor(here, 'rm "$1"'), "the editor left no file"),
        ("false", "the editor did not work"),
    ):
        done = qd("edit", "zed", EDITOR=command, TMPDIR=str(temporary))
        assert (done.returncode, said in done.stderr, "what you wrote" in done.stderr) == (2, True, False), done.stderr
    assert document("show", "zed")["note"]["body"] == "old\r\n"
    assert document("edit", "zed", EDITOR=editor(here, 'echo new >> "$1"'))["note"]["body"] == "old\nnew\n"
    assert list(temporary.iterdir()) == []


def test_what_is_no_utf8_is_refused_wherever_it_stands() -> None:
    document("add", "Zed", "--tag", "one")
    broken = "a\udcffb"
    for command in (
        ("add", "T1", "--body", broken),
        ("add", broken),
        ("add", "T1", "--tag", "x", "--tag", broken),
        ("edit", "zed", "--body", broken),
        ("tag", "zed", broken),
        ("tag", "zed", "--remove", broken),
        ("rename", "zed", broken),
    ):
        done = qd(*command)
        assert (done.returncode, "no UTF-8 at byte 2" in done.stderr) == (2, True), done.stderr
    assert "there is no note" in qd("show", broken).stderr
    assert [(note["slug"], note["tags"]) for note in document("list")["notes"]] == [("zed", ["one"])]


def test_standard_input_that_is_closed_is_told() -> None:
    document("add", "Zed")
    for command in ("add Z --body -", "edit zed --body -"):
        line = f"{shlex.quote(sys.executable)} -m app notes {command} <&-"
        done = subprocess.run(["bash", "-c", line], capture_output=True, encoding="utf-8", timeout=100, check=False)
        assert (done.returncode, "standard input: it is closed" in done.stderr) == (2, True), done.stderr

"""`qd content edit`, `rename`, `restore`, `archive` and `trash` as processes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.content.commanding import document, qd

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's configuration."""
    for name in [name for name in os.environ if name.startswith(("QUARTERDECK_", "GIT_", "EDITOR", "VISUAL"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def draft() -> dict[str, Any]:
    answers = json.dumps({"title": "First", "audience": "developers"})
    made: dict[str, Any] = document("new", "devlog", "--answers", "-", given=answers)["draft"]
    return made


def listed(*states: str) -> list[tuple[str, str]]:
    options = [part for state in states for part in ("--state", state)]
    return [(each["id"], each["state"]) for each in document("list", *options)["drafts"]]


def test_text_and_title_change_and_come_back(draft: dict[str, Any], tmp_path: Path) -> None:
    identity = draft["id"]
    changed = document("edit", identity, "--body", "-", given="Another text.\n")
    assert (changed["draft"]["body"], changed["draft"]["version"], changed["state"]) == (
        "Another text.\n",
        2,
        "applied",
    )
    # The same again is no version of its own.
    assert document("edit", identity, "--body", "-", given="Another text.\n")["draft"]["version"] == 2
    renamed = document("rename", identity[-7:], "  The \n second  ")["draft"]
    assert (renamed["title"], renamed["body"], renamed["version"]) == ("The second", "Another text.\n", 3)
    back = document("restore", identity, "1")["draft"]
    assert (back["title"], back["body"], back["version"]) == ("First", draft["body"], 4)
    shown = document("show", identity)
    assert [each["number"] for each in shown["versions"]] == [4, 3, 2, 1]
    assert shown["versions"][0]["reason"] == "restored"


def test_the_editor_is_used_and_loses_nothing(
    draft: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf 'More.\\n' >> \"$1\"\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    said = qd("edit", draft["id"]).stdout
    assert said == f"{draft['id']}: First; version 2, draft\n"
    assert document("show", draft["id"])["draft"]["body"].endswith("More.\n")
    editor.write_text("#!/bin/sh\nprintf '\\377' >> \"$1\"\n")
    done = qd("edit", draft["id"], code=2)
    assert "the editor wrote no UTF-8" in done.stderr
    kept = Path(done.stderr.rpartition("what you wrote is in ")[2].strip())
    try:
        assert kept.read_bytes().endswith(b"More.\n\xff")
    finally:
        kept.unlink()


@pytest.mark.parametrize(
    ("command", "state", "place"), [("archive", "archived", "archive"), ("trash", "trashed", "trash")]
)
def test_a_draft_is_put_away_and_taken_out(draft: dict[str, Any], command: str, state: str, place: str) -> None:
    identity = draft["id"]
    assert qd(command, identity).stdout == f"{identity}: First; in the {place}\n"
    assert (listed(), listed(state)) == ([], [(identity, state)])
    assert document(command, identity)["draft"]["state"] == state
    other = "trash" if command == "archive" else "archive"
    assert f"the draft is not in the {other}" in qd(other, identity, "--restore", code=2).stderr
    assert document(command, identity, "--restore")["draft"] == {
        **draft,
        "updated_at": document("show", identity)["draft"]["updated_at"],
    }
    assert listed() == [(identity, "draft")]
    done = qd(command, identity, "--restore", code=2)
    assert (f"the draft is not in the {place}" in done.stderr, "its state is draft" in done.stderr) == (True, True)


def test_what_cannot_be_done_is_said(draft: dict[str, Any]) -> None:
    for arguments, said in (
        (("edit", "nothing", "--body", "x"), "there is no draft 'nothing'"),
        (("rename", draft["id"], " "), "a title has at least one character"),
        (("rename", draft["id"], "a\udcff"), "TITLE: no UTF-8"),
        (("restore", draft["id"], "7"), "there is no version 7"),
        (("trash", "nothing"), "there is no draft 'nothing'"),
    ):
        done = qd(*arguments, code=2)
        assert (done.stdout, said in done.stderr) == ("", True), done.stderr
    assert document("show", draft["id"])["draft"] == draft

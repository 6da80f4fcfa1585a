"""`qd content new` on a terminal: what is missing is asked until it fits."""

from __future__ import annotations

import pytest

from tests.e2e.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_what_is_missing_is_asked(house: House) -> None:
    house.configure()
    editor = house.folder / "editor.sh"
    house.write(editor, '#!/bin/sh\necho "it is quicker" >> "$1"\n')
    editor.chmod(0o755)
    arguments = ("content", "new", "release-note", "--set", "everything=no")
    terminal = house.open(*arguments, env={"EDITOR": str(editor), "VISUAL": str(editor)})
    for question, answer in (
        ("Product:", "Desk\r"),
        ("Version:", "\r"),
        (r"Version:\s+Such as[^:]*\s+Version:", "1.2\r"),
        (r"Day \[\d{4}-\d\d-\d\d\]:", "gestern\r"),
        (r"is no date[^:]*: [^:]*Day \[[^]]*\]:", "2026-01-02\r"),
        (r"State \(preview, stable, security\) \[stable\]:", "\r"),
    ):
        terminal.wait_for(question)
        terminal.type(answer)
    terminal.wait_for("prints it")
    assert terminal.wait() == 0
    (head,) = house.ask("content", "list")["drafts"]
    assert head["title"] == "Desk 1.2"
    draft = house.ask("content", "show", head["id"])["draft"]
    assert draft["fields"]["when"] == "2026-01-02"
    assert "- it is quicker\n" in draft["body"]


def test_what_was_written_in_the_editor_stays_when_a_later_answer_fails(house: House) -> None:
    house.configure()
    editor = house.folder / "editor.sh"
    house.write(editor, '#!/bin/sh\ncase "$1" in *qd-options-*) printf "\\377" ;; *) echo "a reason" ;; esac > "$1"\n')
    editor.chmod(0o755)
    temporary = house.folder / "temporary"
    temporary.mkdir()
    given = ("title=One", "supersedes=", "deciders=x", "when=2026-01-02", "status=proposed")
    arguments = [word for each in given for word in ("--set", each)]
    variables = {"EDITOR": str(editor), "VISUAL": str(editor), "TMPDIR": str(temporary)}
    terminal = house.open("content", "new", "adr", *arguments, env=variables)
    terminal.wait_for("no UTF-8 at byte 1")
    assert terminal.wait() == 2
    kept = {path.name.split("-")[1]: path.read_bytes() for path in temporary.iterdir()}
    assert kept == {"problem": b"a reason\n", "options": b"\xff"}

"""`qd feedback add|import|list|export|decide|undo|redo|quarantine` as programs, on every database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.commands.schema import find
from tests.cli.conftest import Qd
from tests.cli.schemas import errors

URL = "QUARTERDECK_DATABASE__URL"


def said(qd: Qd, *arguments: str, code: int = 0, **variables: str) -> Any:
    """The document of a command, which fits its schema."""
    done = qd("feedback", *arguments, "--json", **variables)
    assert done.returncode == code, done.stderr
    document = json.loads(done.stdout)
    words = [word for word in arguments[:2] if word.isalpha()] if arguments[0] == "quarantine" else arguments[:1]
    assert errors(find(f"feedback {' '.join(words)}"), document) == []
    return document


def rows() -> list[dict[str, Any]]:
    made = [
        {
            "source": "cli",
            "input": f"question {n}",
            "output": "Ä 🎉\t[b]",
            "score": n / 10,
            "model_version": f"v{n % 2}",
        }
        for n in range(10)
    ]
    made[3]["tags"] = ["tone"]
    return [*made, made[0]]


def test_every_row_is_accounted_for_from_file_to_file(empty_database_url: str, qd: Qd, tmp_path: Path) -> None:
    file, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    hostile = ['{"source": "cli"', '{"source": "cli", "input": "a", "outptu": "b"}']
    file.write_text("\n".join([*map(json.dumps, rows()), *hostile]) + "\n")
    report = said(qd, "import", str(file), code=1)
    assert (report["rows"], report["created"], report["duplicate"], report["quarantined_total"]) == (13, 10, 1, 2)
    assert [each["line"] for each in report["quarantined"]] == [12, 13]

    listed = said(qd, "list", "--where", "tag:tone")
    assert [row["input"] for row in listed["rows"]] == ["question 3"]
    identity = listed["rows"][0]["id"]
    decided = said(qd, "decide", identity, "--verdict", "accept", "--tag", "late", "--correction", "better")
    assert decided["state"] == "applied"
    assert [row["id"] for row in said(qd, "list", "has:correction", "tag:late")["rows"]] == [identity]
    assert said(qd, "undo")["decision_id"] == decided["decision_id"]
    assert said(qd, "undo", code=1)["decision_id"] is None
    assert said(qd, "redo")["feedback_id"] == identity
    assert [row["id"] for row in said(qd, "list", "--state", "accepted")["rows"]] == [identity]

    first = said(qd, "list", "--limit", "6")
    second = said(qd, "list", "--limit", "6", "--after", first["next"])
    assert second["next"] is None
    assert len({row["id"] for row in first["rows"] + second["rows"]}) == 10

    exported = qd("feedback", "export")
    assert exported.returncode == 0, exported.stderr
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    assert all(errors(find("feedback export"), line) == [] for line in lines)
    assert sorted(line["input"] for line in lines) == sorted({row["input"] for row in rows()})
    assert {entry["kind"] for line in lines for entry in line["decisions"]} == {"decide", "undo", "redo"}
    assert qd("feedback", "export", "--output", str(out)).returncode == 0
    assert out.read_text() == exported.stdout

    elsewhere = {URL: empty_database_url}
    if not empty_database_url.startswith("sqlite"):
        assert qd("db", "upgrade", **elsewhere).returncode == 0
    report = said(qd, "import", str(out), **elsewhere)
    assert (report["rows"], report["created"], report["decisions"]) == (10, 10, 3)
    report = said(qd, "import", str(out), **elsewhere)
    assert (report["rows"], report["duplicate"], report["decisions"]) == (10, 10, 3)
    assert qd("feedback", "export", **elsewhere).stdout == exported.stdout


def test_adding_one_row(qd: Qd) -> None:
    given = ("--input", "q", "--output", "a", "--event-id", "7", "--context", '{"k": 1}', "--tag", "tone")
    first = said(qd, "add", *given)
    assert first["state"] == "created"
    assert said(qd, "add", *given) == {**first, "state": "duplicate"}
    done = qd("feedback", "add", '{"source": "cli", "input": "q", "output": "a", "outptu": "a"}')
    assert done.returncode == 2
    assert "did you mean `output`?" in done.stderr
    assert qd("feedback", "add", "--input", "q").returncode == 2
    assert len(said(qd, "list")["rows"]) == 1


def test_rows_are_kept_while_the_database_is_away(qd: Qd) -> None:
    away = {URL: "mysql://nobody@127.0.0.1:1/nothing"}
    added = said(qd, "add", "--input", "q", "--output", "a", **away)
    assert added["state"] == "spooled"
    assert said(qd, "decide", added["id"], "--verdict", "reject", **away)["state"] == "spooled"
    assert [row["state"] for row in said(qd, "list", "id:" + added["id"])["rows"]] == ["rejected"]


def test_what_is_in_quarantine_is_mended_tried_again_or_let_go(qd: Qd, home: Path, tmp_path: Path) -> None:
    file, mended = tmp_path / "rows.jsonl", tmp_path / "mended.json"
    file.write_text('{"source": "x", "input": "1"}\n{"source": "x", "input": "2", "output": "o", "more": 1}\n{\n')
    said(qd, "import", str(file), code=1)
    ids = [entry["id"] for entry in said(qd, "quarantine", "list")["entries"]]
    assert len(ids) == 3
    assert said(qd, "quarantine", "show", ids[0])["raw"] == '{"source": "x", "input": "1"}'
    mended.write_text('{"source": "x", "input": "1", "output": "o"}')
    assert said(qd, "quarantine", "mend", ids[0], str(mended))["created"] == 1
    assert len(said(qd, "quarantine", "retry", "--all", code=1)["left"]) == 2
    assert said(qd, "quarantine", "retry", ids[1], "--extra", "context")["created"] == 1
    assert said(qd, "quarantine", "drop", ids[2]) == {"schema": 1, "dropped": [ids[2]]}
    assert said(qd, "quarantine", "list")["entries"] == []
    assert [row["context"] for row in said(qd, "list", "input:2")["rows"]] == [{"more": 1}]


def test_what_cannot_be_done_is_said(qd: Qd) -> None:
    done = qd("feedback", "list", "--where", "tag:a stat:waiting")
    assert done.returncode == 2
    assert done.stderr == (
        "quarterdeck: filter, character 7: there is no field `stat`\n"
        "did you mean `state:`; text with a colon goes in quotes\n"
    )
    done = qd("feedback", "decide", "nothing", "--verdict", "accept")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no row of feedback has the id nothing" in done.stderr
    assert qd("feedback", "list", "--after", "x").returncode == 2
    assert qd("feedback", "import", "nowhere.jsonl").returncode == 2

"""`qd feedback add|import|list|export|decide|undo|redo|quarantine` as programs, on every database."""

from __future__ import annotations

import json
import subprocess
import sys
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
    assert (report["rows"], report["created"], report["decisions"], report["decisions_new"]) == (10, 10, 3, 3)
    report = said(qd, "import", str(out), **elsewhere)
    assert (report["rows"], report["duplicate"], report["decisions"], report["decisions_new"]) == (10, 10, 3, 0)
    told = "10 rows: 0 created, 10 there already; 3 decisions: 0 new, 3 there already\n"
    assert qd("feedback", "import", str(out), **elsewhere).stdout == told
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


def test_a_row_with_the_event_of_another_is_told_from_a_duplicate(empty_database_url: str, qd: Qd) -> None:
    variables: dict[str, Any] = {URL: empty_database_url}
    if not empty_database_url.startswith("sqlite"):
        assert qd("db", "upgrade", **variables).returncode == 0
    given = ("--event-id", "7", "--input", "q")
    kept = said(qd, "add", *given, "--output", "a", **variables)
    refused = said(qd, "add", *given, "--output", "b", code=1, **variables)
    why = "source_event_id: another row has this source_event_id and other content; the first one was kept"
    assert (refused["state"], refused["why"]) == ("quarantined", why)
    shown = said(qd, "quarantine", "show", refused["id"], **variables)
    assert json.loads(shown["raw"])["output"] == "b"
    done = qd("feedback", "add", *given, "--output", "b", **variables)
    # It is the same entry once more.
    assert (done.returncode, done.stdout) == (1, f"in quarantine as {refused['id']}: {why}\n")
    assert f"qd feedback quarantine show {refused['id']}" in done.stderr
    other = {"id": kept["id"], "source": "cli", "input": "another", "output": "row"}
    assert said(qd, "add", json.dumps(other), code=1, **variables)["why"].startswith("id: another row has")
    assert said(qd, "add", *given, "--output", "a", **variables) == {**kept, "state": "duplicate"}
    # What was let go is wanted by nobody, as in a file given again.
    assert said(qd, "quarantine", "drop", refused["id"], **variables)["dropped"] == [refused["id"]]
    assert said(qd, "add", *given, "--output", "b", **variables) == {**kept, "state": "duplicate"}


def test_a_row_without_input_and_output_is_refused(qd: Qd) -> None:
    for arguments, told in (
        (("--input", "", "--output", " \n"), "--input and --output are both empty\n"),
        (('{"source": "cli", "input": "\\u001b", "output": ""}',), "input and output are both empty\n"),
    ):
        done = qd("feedback", "add", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"quarterdeck: {told}say what the model was given, or what it answered\n"
    assert said(qd, "add", "--input", "", "--output", "a")["state"] == "created"


def test_rows_are_kept_while_the_database_is_away(qd: Qd, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    away: dict[str, Any] = {URL: f"sqlite:///{folder}/rows.db"}
    folder.touch()
    added = said(qd, "add", "--input", "q", "--output", "a", "--event-id", "7", **away)
    assert (added["state"], added["why"]) == ("spooled", None)
    assert said(qd, "decide", added["id"], "--verdict", "reject", **away)["state"] == "spooled"
    # Whether it is in conflict with another row is not known yet.
    assert said(qd, "add", "--input", "q", "--output", "b", "--event-id", "7", **away)["state"] == "spooled"
    folder.unlink()
    folder.mkdir()
    assert [row["state"] for row in said(qd, "list", "id:" + added["id"], **away)["rows"]] == ["rejected"]
    assert [entry["field"] for entry in said(qd, "quarantine", "list", **away)["entries"]] == ["source_event_id"]


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


def test_all_of_an_import_is_let_go_at_once(qd: Qd, tmp_path: Path) -> None:
    batches = []
    for name, count in (("a", 3), ("b", 2), ("c", 1)):
        (tmp_path / name).write_text("".join(f'{{"source": "{name}", "input": "{n}"}}\n' for n in range(count)))
        batches.append(said(qd, "import", str(tmp_path / name), code=1)["batch"])
    listed = said(qd, "quarantine", "list", "--batch", batches[0])["entries"]
    first, *others = [entry["id"] for entry in listed]
    said(qd, "quarantine", "drop", first)
    assert said(qd, "quarantine", "drop", "--batch", batches[0])["dropped"] == others
    assert qd("feedback", "quarantine", "drop", "--batch", batches[0]).stdout == "0 dropped\n"
    assert qd("feedback", "quarantine", "drop", "--all").stdout == "3 dropped\n"
    assert said(qd, "quarantine", "list")["entries"] == []
    assert len(said(qd, "quarantine", "list", "--state", "dropped")["entries"]) == 6
    for wrong in ((), (first, "--all"), ("--all", "--batch", batches[0])):
        done = qd("feedback", "quarantine", "drop", *wrong)
        assert (done.returncode, "name entries, or --batch, or --all" in done.stderr) == (2, True)


def test_rows_come_through_a_pipe(qd: Qd, environ: dict[str, str], tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows())

    def piped(text: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "app", "feedback", "import", "-", "--json"],
            env=environ,
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == (0 if text.endswith("}\n") else 1), done.stderr
        return json.loads(done.stdout)

    report = piped(lines + "{")
    assert (report["created"], report["duplicate"], report["quarantined_total"]) == (10, 1, 1)
    (entry,) = said(qd, "quarantine", "list")["entries"]
    assert (Path(entry["source"]).name, entry["line"]) == ("standard input", 12)
    said(qd, "decide", said(qd, "list")["rows"][0]["id"], "--verdict", "skip")
    report = piped(qd("feedback", "export").stdout)
    assert (report["duplicate"], report["decisions"]) == (10, 1)


def test_a_reader_that_goes_away_ends_an_export(qd: Qd, environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    row = {"source": "cli", "output": "o" * 1000}
    file.write_text("".join(json.dumps({**row, "input": str(n)}) + "\n" for n in range(500)))
    said(qd, "import", str(file))
    export = [sys.executable, "-m", "app", "feedback", "export"]
    with subprocess.Popen(export, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["input"] == "0"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_beginning_names_a_row(empty_database_url: str, qd: Qd, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    ids = ("row-alpha-1", "row-alpha-10", "row-beta")
    rows_ = [{"id": each, "source": "cli", "input": each, "output": "a"} for each in ids]
    file.write_text("\n".join([*map(json.dumps, rows_), '{"source": ']) + "\n")
    said(qd, "import", str(file), code=1)
    assert said(qd, "decide", "row-b", "--verdict", "accept")["feedback_id"] == "row-beta"
    # What is whole is meant, also where another id begins so.
    assert said(qd, "decide", "row-alpha-1", "--verdict", "reject")["feedback_id"] == "row-alpha-1"
    for given, told in (
        ("row-alpha", "row-alpha begins the id of more than one row of feedback: row-alpha-1, row-alpha-10\n"),
        ("row", "no row of feedback has the id row\n"),
    ):
        done = qd("feedback", "decide", given, "--verdict", "accept")
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    entry = said(qd, "quarantine", "list")["entries"][0]["id"]
    assert said(qd, "quarantine", "show", entry[:20])["id"] == entry
    assert said(qd, "quarantine", "drop", entry[:20])["dropped"] == [entry]


def test_an_export_without_decisions_is_taken_in_again(qd: Qd, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    said(qd, "add", "--input", "q", "--output", "a")
    assert qd("feedback", "export", "--no-decisions", "--output", str(out)).returncode == 0
    (line,) = map(json.loads, out.read_text().splitlines())
    assert (line["schema"], line["input"], "decisions" in line) == (1, "q", False)
    report = said(qd, "import", str(out))
    assert (report["rows"], report["duplicate"], report["quarantined"]) == (1, 1, [])
    out.write_text(json.dumps({**line, "schema": 2}) + "\n")
    assert said(qd, "import", str(out), code=1)["quarantined"][0]["why"].startswith("schema: is no field")


def test_an_import_says_what_it_expected(qd: Qd, tmp_path: Path) -> None:
    empty, foreign = tmp_path / "empty.csv", tmp_path / "foreign.csv"
    empty.write_text("")
    foreign.write_text("question,answer\nwhy,because\n")
    done = qd("feedback", "import", str(empty))
    assert (done.returncode, done.stdout) == (0, "0 rows: 0 created, 0 there already\n")
    assert "there are none: expected are rows with source, input and output" in done.stderr
    done = qd("feedback", "import", str(foreign))
    assert (done.returncode, "none of them keeps the contract: expected are rows" in done.stderr) == (1, True)


def test_the_list_of_refused_rows_cuts_with_a_mark(qd: Qd, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"source": "cli", "input": "q", "output": "a", "x" * 90: 1}) + "\n")
    said(qd, "import", str(file), code=1)
    (_, line) = qd("feedback", "quarantine", "list").stdout.splitlines()
    assert line.endswith("…")


def test_a_reviewer_is_a_name(qd: Qd) -> None:
    identity = said(qd, "add", "--input", "q", "--output", "a")["id"]
    said(qd, "decide", identity, "--verdict", "accept", "--reviewer", " ma\x1bra\udcff ")
    (line,) = map(json.loads, qd("feedback", "export").stdout.splitlines())
    assert line["decisions"][0]["reviewer"] == "mara\\udcff"
    for command in (("decide", identity, "--verdict", "skip"), ("next",), ("stats",), ("undo",)):
        for name in (" \x1b", "x" * 129):
            done = qd("feedback", *command, "--reviewer", name)
            assert done.returncode == 2
            assert done.stderr.startswith("quarterdeck: --reviewer: a name has 1 to 128 characters")


def test_an_empty_list_says_where_rows_come_from(qd: Qd) -> None:
    told = qd("feedback", "list").stdout
    assert told.startswith("there is no row yet: `qd feedback import FILE` and `qd feedback add` bring some")
    assert qd("feedback", "list", "tag:tone").stdout == "no row fulfils this\n"
    said(qd, "add", "--input", "q", "--output", "a")
    assert qd("feedback", "list", "--since", "tomorrow").returncode == 2
    assert qd("feedback", "list", "--state", "accepted").stdout == "no row fulfils this\n"


def test_a_wrong_time_is_told_as_the_option_that_holds_it(qd: Qd) -> None:
    for command in ("export", "list"):
        for since in ("yesterdayy", 'today" state:"waiting', ""):
            done = qd("feedback", command, "--since", since)
            assert (done.returncode, done.stdout) == (2, "")
            assert done.stderr == (
                f"quarterdeck: --since: `{since}` is no time\n"
                "write 2026-11-01, 2026-11-01T14:30, 2026-11-01T14:30Z, today, yesterday or 7d\n"
            )
    assert len(said(qd, "list", "--since", "2026-01-01 07:30", "--state", "waiting")["rows"]) == 0


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
    done = qd("feedback", "decide", "x" * 64, "--verdict", "accept")
    assert (done.returncode, "has the id xxx" in done.stderr) == (2, True)
    done = qd("feedback", "list", "tag:a", "text:\udcff")
    assert (done.returncode, done.stderr.partition("\n")[0]) == (
        2,
        "quarterdeck: filter, character 12: this is no character",
    )
    done = qd("feedback", "decide", "nothing", "--verdict", "accept", "--tag", "x" * 65)
    assert done.stderr.startswith("quarterdeck: --tag: ")
    assert qd("feedback", "list", "--after", "x").returncode == 2
    assert qd("feedback", "import", "nowhere.jsonl").returncode == 2

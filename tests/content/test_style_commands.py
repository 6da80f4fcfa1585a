"""`qd content lint` and `fix` as processes."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.commands.schema import find
from tests.cli.schemas import errors

ROOT = Path(__file__).parents[2]
BAD = "# Hello — you\r\n\r\nThe engine — fast — works. It was late — we left.\r\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and nothing of this machine's configuration."""
    for name in [name for name in os.environ if name.startswith("QUARTERDECK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def qd(*arguments: str, given: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run `qd content`."""
    return subprocess.run(
        [sys.executable, "-m", "app", "content", *arguments],
        input=given,
        env={**os.environ, **variables},
        capture_output=True,
        timeout=100,
        check=False,
    )


def document(done: subprocess.CompletedProcess[bytes], command: str) -> dict[str, Any]:
    """The one document that was printed, which fits its schema."""
    printed: dict[str, Any] = json.loads(done.stdout)
    assert errors(find(f"content {command}"), printed) == []
    return printed


def test_lint_tells_each_finding_and_exits_with_1_on_an_error(here: Path) -> None:
    (here / "a.md").write_bytes(BAD.encode())
    done = qd("lint", "a.md", "--json")
    printed = document(done, "lint")
    assert done.returncode == 1
    assert printed["file"] == "a.md"
    assert [
        (one["line"], one["column"], one["end_column"], one["fix"], one["replacement"]) for one in printed["findings"]
    ] == [
        (1, 8, 11, "safe", ": "),
        (3, 11, 14, "safe", ", "),
        (3, 18, 21, "safe", ", "),
        (3, 39, 43, "suggest", ". W"),
    ]
    assert {one["rule"] for one in printed["findings"]} == {"em-dash"}
    told = qd("lint", "a.md").stdout.decode()
    assert 'a.md:1:8: error: no dash between thoughts: " — " → ": "  [em-dash]\n' in told
    assert "4 errors; `qd content fix` puts 3 of them right\n" in told


def test_without_an_error_the_exit_code_is_0(here: Path) -> None:
    (here / "a.md").write_text("Really!\n", "utf-8")
    done = qd("lint", "a.md")
    assert (done.returncode, done.stdout.decode().splitlines()[-1]) == (0, "1 remark")
    assert qd("lint", "-", given=b"All is well.\n").stdout == b"nothing found\n"


def test_fix_puts_right_what_is_safe_and_keeps_all_else(here: Path) -> None:
    path, link = here / "a.md", here / "link.md"
    path.write_bytes(b"\xef\xbb\xbf" + BAD.encode())
    path.chmod(0o640)
    link.symlink_to(path)
    done = qd("fix", "link.md", "--json")
    printed = document(done, "fix")
    assert done.returncode == 1
    assert [one["line"] for one in printed["fixed"]] == [1, 3, 3]
    assert [(one["line"], one["column"], one["fix"]) for one in printed["left"]] == [(3, 37, "suggest")]
    better = "# Hello: you\r\n\r\nThe engine, fast, works. It was late — we left.\r\n"
    assert path.read_bytes() == b"\xef\xbb\xbf" + better.encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert sorted(one.name for one in here.iterdir()) == ["a.md", "link.md"]
    inode = path.stat().st_ino
    assert document(qd("fix", "a.md", "--json"), "fix")["fixed"] == []
    assert path.stat().st_ino == inode


def test_a_diff_writes_nothing_and_can_be_applied(here: Path) -> None:
    path = here / "a.md"
    path.write_bytes(BAD.encode() + b"On Github")
    done = qd("fix", "--diff", "a.md")
    assert path.read_bytes() == BAD.encode() + b"On Github"
    printed = document(qd("fix", "--diff", "--json", "a.md"), "fix")
    assert printed["diff"].encode() == done.stdout
    subprocess.run(["git", "apply", "--unsafe-paths", "-"], input=done.stdout, check=True)
    expected = "# Hello: you\r\n\r\nThe engine, fast, works. It was late — we left.\r\nOn GitHub"
    assert path.read_bytes() == expected.encode()


def test_standard_input_comes_out_better() -> None:
    done = qd("fix", "-", given=b"Wait \xe2\x80\xa6 \xff what\r")
    assert done.stdout == b"Wait... \xff what\r"
    assert done.returncode == 1
    printed = document(qd("fix", "-", "--json", given=b"On Github."), "fix")
    assert (printed["file"], printed["text"], printed["diff"]) == ("-", "On GitHub.", None)


def test_several_files_give_a_line_of_json_each(here: Path) -> None:
    (here / "a.md").write_bytes(BAD.encode())
    (here / "b.md").write_bytes(b"")
    printed = [json.loads(line) for line in qd("lint", "--json", "a.md", "b.md").stdout.splitlines()]
    assert [(one["schema"], one["file"], len(one["findings"])) for one in printed] == [(1, "a.md", 4), (1, "b.md", 0)]


def test_bytes_that_are_no_utf8_are_told_with_their_place(here: Path) -> None:
    (here / "a.md").write_bytes(b"Fine\nG\xc3\xbcnter \xe4 x")
    (finding,) = document(qd("lint", "a.md", "--json"), "lint")["findings"]
    assert (finding["rule"], finding["line"], finding["column"], finding["severity"]) == ("encoding", 2, 8, "error")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("none.md", "there is no such file"),
        (".", "this is a folder"),
        ("wide.md", "the file is UTF-16"),
        ("no\udcffsuch.md", "there is no such file"),
        ("/dev/null/x", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told(here: Path, file: str, told: str) -> None:
    (here / "wide.md").write_bytes("x".encode("utf-16"))
    for command in ("lint", "fix"):
        done = qd(command, file)
        assert done.returncode == 2
        assert told in done.stderr.decode()


@pytest.mark.slow
def test_a_file_of_5_mb_is_checked_and_put_right(here: Path) -> None:
    paragraph = (
        "The engine number {} reads — as it must — every rule, and tells `what — it` found… at once. On Github.\n\n"
    )
    text = "".join(paragraph.format(number) for number in range(50_000))
    assert len(text.encode()) > 5_000_000
    (here / "a.md").write_text(text, "utf-8")
    done = qd("fix", "a.md")
    assert done.returncode == 0
    after = (here / "a.md").read_text("utf-8")
    assert after.count("reads, as it must, every rule, and tells `what — it` found... at once. On GitHub.") == 50_000


def test_the_configuration_decides(here: Path) -> None:
    config = here / "config.toml"
    config.write_text(
        '[content.style]\noff = ["em-dash"]\n[[content.style.rules]]\nid = "hi"\nkind = "ban"\nmessage = "no"\n'
        'words = ["hello"]\nseverity = "error"\n[[content.style.overrides]]\ntarget = "discord"\noff = ["hi"]\n',
        "utf-8",
    )
    (here / "a.md").write_bytes(BAD.encode())
    found = document(qd("lint", "a.md", "--json", "--config", "config.toml"), "lint")["findings"]
    assert [finding["rule"] for finding in found] == ["hi"]
    assert qd("lint", "a.md", "--config", "config.toml", "--target", "discord").returncode == 0
    config.write_text('[content.style]\noff = ["em-dsh"]\n', "utf-8")
    done = qd("lint", "a.md", "--config", "config.toml")
    assert (done.returncode, b'did you mean "em-dash"?' in done.stderr) == (2, True)
    checked = subprocess.run(
        [sys.executable, "-m", "app", "config", "check", "--config", "config.toml"], capture_output=True, check=False
    )
    told = b'quarterdeck: config.toml:2: content.style.off: no rule "em-dsh"; did you mean "em-dash"?\n'
    assert (checked.returncode, checked.stderr) == (2, told)


def test_sarif_has_rules_places_and_fixes(here: Path) -> None:
    (here / "a b.md").write_bytes(BAD.encode())
    done = qd("lint", "--sarif", "a b.md")
    (run,) = json.loads(done.stdout)["runs"]
    assert done.returncode == 1
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["em-dash"]
    first = run["results"][0]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "a%20b.md"}
    assert place["region"] == {"startLine": 1, "startColumn": 8, "endLine": 1, "endColumn": 11}
    assert (first["level"], first["ruleIndex"]) == ("error", 0)
    assert first["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"] == {"text": ": "}
    assert qd("lint", "--sarif", "--json", "a b.md").returncode == 2


def vale(folder: Path, answer: str, code: int = 0) -> Mapping[str, str]:
    """A program on the PATH that is called like Vale and answers this."""
    folder.mkdir()
    (folder / "answer").write_text(answer, "utf-8")
    program = folder / "vale"
    program.write_text(
        f'#!/bin/sh\ncat > "{folder}/given"\necho "$@" > "{folder}/asked"\ncat "{folder}/answer"\nexit {code}\n'
    )
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_findings_of_vale_are_added(here: Path) -> None:
    alerts = [
        {
            "Action": {"Name": "replace", "Params": ["use"]},
            "Span": [5, 11],
            "Check": "Plain.Words",
            "Description": "",
            "Link": "",
            "Message": "Say 'use'.",
            "Severity": "error",
            "Match": "utilise",
            "Line": 3,
        },
        {
            "Action": {"Name": "", "Params": None},
            "Span": [1, 2],
            "Check": "A.B",
            "Message": "m",
            "Severity": "suggestion",
            "Line": 1,
        },
    ]
    variables = vale(here / "bin", json.dumps({"stdin.md": alerts}))
    (here / "a.md").write_text("Yes\n\nTo  utilise it.\n", "utf-8")
    done = qd("lint", "a.md", "--json", **variables)
    found = document(done, "lint")["findings"]
    assert done.returncode == 1
    assert [(one["rule"], one["severity"], one["text"], one["fix"], one["replacement"]) for one in found] == [
        ("vale.A.B", "info", "Ye", "none", None),
        ("plain-words", "info", "utilise", "suggest", "use"),
        ("vale.Plain.Words", "error", "utilise", "suggest", "use"),
    ]
    assert (here / "bin" / "given").read_text("utf-8") == "Yes\n\nTo  utilise it.\n"
    assert (here / "bin" / "asked").read_text("utf-8") == "--output=JSON --no-exit --ext=.md\n"
    variables = {**variables, "QUARTERDECK_CONTENT__STYLE__VALE": "false"}
    assert qd("lint", "a.md", **variables).returncode == 0


@pytest.mark.parametrize(
    "answer",
    ['{"Code": "E100", "Text": "no configuration", "Line": 0}', "no configuration", "", '{"a": [{"Line": 1}]}', "[]"],
)
def test_a_vale_that_fails_is_told_and_keeps_nothing_back(here: Path, answer: str) -> None:
    (here / "a.md").write_bytes(BAD.encode())
    done = qd("lint", "a.md", "--json", **vale(here / "bin", answer, code=2))
    assert done.returncode == 1
    assert len(document(done, "lint")["findings"]) == 4
    assert done.stderr.startswith(b"quarterdeck: a.md: Vale could not check: ")


def test_nothing_of_the_engine_is_loaded_by_the_app_and_no_screen_by_the_engine() -> None:
    code = (
        "import sys, app.tui, app.settings\n"
        "print([name for name in sys.modules if name.startswith('app.content.style.') and name[18:] != 'model'])\n"
        "import app.content.style.service\n"
        "print([name for name in sys.modules if name in ('sqlalchemy', 'app.db.engine', 'app.runtime')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"


def shell(command: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of the shell, in which `qd` is the command."""
    line = command.replace("qd ", f"{shlex.quote(sys.executable)} -m app ")
    return subprocess.run(
        ["bash", "-c", line], env={**os.environ, **variables}, capture_output=True, timeout=100, check=False
    )


@pytest.mark.parametrize("command", ["lint", "fix", "fix --diff"])
def test_what_has_no_end_is_refused(command: str) -> None:
    for given in ("/dev/zero", "- < /dev/zero", "<(cat /dev/zero)"):
        done = shell(f"qd content {command} {given}")
        assert done.returncode == 2, done.stderr
        assert b"this is no file" in done.stderr or b"longer than 64 MB" in done.stderr


def test_pipes_are_read(here: Path) -> None:
    (here / "a.md").write_bytes(BAD.encode())
    for given in ("<(cat a.md)", "- < a.md", "/dev/stdin < a.md"):
        assert b"em-dash" in shell(f"qd content lint {given}").stdout
    done = shell("qd content fix <(cat a.md)")
    assert (done.returncode, b"a pipe cannot be written into" in done.stderr) == (2, True), done.stderr
    assert done.stdout == b""


def test_standard_input_that_is_closed_is_told() -> None:
    for command in ("lint", "fix", "fix --diff"):
        done = shell(f"qd content {command} - <&-")
        assert (done.returncode, done.stderr[:46]) == (2, b"quarterdeck: standard input: it is closed\ngive")


def test_a_style_that_nobody_has_is_no_style(here: Path) -> None:
    (here / "a.md").write_bytes(b"# Hello\n")
    config = here / "config.toml"
    config.write_text(
        '[[content.targets]]\nname = "site"\nkind = "files"\nfolder = "out"\n'
        '[[content.style.overrides]]\ntarget = "chat"\noff = ["hedges"]\n',
        "utf-8",
    )
    for option, said in (
        ("--template=devlogg", b"did you mean devlog?"),
        ("--target=sit", b"there are: chat, site"),
    ):
        for command in ("lint", "fix"):
            done = qd(command, option, "--config", str(config), "a.md")
            assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    for option in ("--template=devlog", "--target=site", "--target=chat"):
        assert qd("lint", option, "--config", str(config), "a.md").returncode == 0
    assert b"none is configured" in qd("lint", "--target=x", "a.md").stderr

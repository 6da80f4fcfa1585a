"""`qd feedback import` of what can be read only once: pipes, as a shell makes them, and those with a name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Qd
from tests.cli.test_feedback_rows import rows, said

LINES = "".join(json.dumps(row) + "\n" for row in rows())
CELLS = "source,input,output\n" + "".join(f"cli,question {n},a\n" for n in range(3000))


@pytest.fixture
def export(qd: Qd, tmp_path: Path) -> str:
    """An export of ten rows, one of which is decided."""
    (tmp_path / "rows.jsonl").write_text(LINES)
    said(qd, "import", str(tmp_path / "rows.jsonl"))
    said(qd, "decide", said(qd, "list")["rows"][0]["id"], "--verdict", "accept")
    return qd("feedback", "export").stdout


@contextmanager
def written(path: Path, text: str) -> Iterator[Path]:
    """A pipe with a name, into which somebody writes a text."""
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(path.write_text, text)
        yield path
        # Fails where it was not read to its end.
        assert writing.result() == len(text)


def substituted(environ: dict[str, str], text: str) -> Any:
    """As `qd feedback import <(…)` does it."""
    reading, writing = os.pipe()
    with ThreadPoolExecutor(1) as threads, os.fdopen(writing, "w") as pipe:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "feedback", "import", f"/dev/fd/{reading}", "--json"],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[reading],
        )
        os.close(reading)
        done = threads.submit(process.communicate, timeout=60)
        pipe.write(text)
        pipe.close()
        out, problems = done.result()
    assert process.returncode == 0, problems
    return json.loads(out)


def test_an_export_comes_through_a_pipe_with_its_decisions(
    qd: Qd, environ: dict[str, str], tmp_path: Path, export: str
) -> None:
    elsewhere = {**environ, "QUARTERDECK_HOME": str(tmp_path / "other")}
    report = substituted(elsewhere, export)
    assert (report["rows"], report["created"], report["decisions"]) == (10, 10, 1)
    assert qd("feedback", "export", QUARTERDECK_HOME=elsewhere["QUARTERDECK_HOME"]).stdout == export


def test_an_export_comes_through_a_pipe_with_a_name(qd: Qd, tmp_path: Path, export: str) -> None:
    elsewhere = {"QUARTERDECK_HOME": str(tmp_path / "other")}
    with written(tmp_path / "pipe.jsonl", export) as pipe:
        report = said(qd, "import", str(pipe), **elsewhere)
    assert (report["rows"], report["created"], report["decisions"]) == (10, 10, 1)


@pytest.mark.parametrize(("text", "created"), [(LINES, 10), (CELLS, 3000)], ids=["lines", "cells"])
def test_rows_come_through_a_pipe_of_the_shell(qd: Qd, environ: dict[str, str], text: str, created: int) -> None:
    assert substituted(environ, text)["created"] == created


def test_what_is_wrong_in_a_pipe_is_told_with_its_name(qd: Qd, tmp_path: Path) -> None:
    with written(tmp_path / "pipe", '{"source": "cli"}\n') as pipe:
        said(qd, "import", str(pipe), code=1)
    (entry,) = said(qd, "quarantine", "list")["entries"]
    assert (entry["source"], entry["line"]) == (str(tmp_path / "pipe"), 1)
    with written(tmp_path / "packed", "PK\x03\x04") as pipe:
        done = qd("feedback", "import", str(pipe))
    assert (done.returncode, done.stderr.partition(":")[0]) == (2, "quarterdeck")
    assert f"{tmp_path / 'packed'}: the file is packed with zip" in done.stderr

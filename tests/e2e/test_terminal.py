"""The driver itself: what it answers, draws, types, measures and takes down."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import processes
from tests.e2e.escapes import Reader
from tests.e2e.program import ROOT, clean_environment
from tests.e2e.terminal import Terminal, key_bytes

ASKS = r"""
import os, re, select, sys, tty
tty.setraw(0)
def ask(question, end):
    os.write(1, question)
    got = b""
    while not re.search(end, got):
        if not select.select([0], [], [], 5)[0]:
            break
        got += os.read(0, 1000)
    return got
answers = [ask(b"\x1b[c", b"c"), ask(b"\x1b[3;5H\x1b[6n", b"R"), ask(b"\x1b[?2026$p", b"y"), ask(b"\x1b[?2048$p", b"y"),
           ask(b"\x1b[>31u\x1b[?u", b"u"), ask(b"\x1b[>q", rb"\\"), ask(b"\x1b]10;?\x07", b"\x07"),
           ask(b"\x1b]11;?\x1b\\", rb"\\"), ask(b"\x1b[18t", b"t"), ask(b"\x1bP+q544e\x1b\\", rb"\\")]
os.write(1, b"\x1b[2J\x1b[H" + b"\r\n".join(repr(answer).encode() for answer in answers) + b"\r\nasked\r\n")
os.read(0, 1)
"""
DRAWS = r"""
import os, signal, sys, time
while time.process_time() < 0.05:  # the system counts in hundredths of a second
    pass
def size(*_):
    columns, lines = os.get_terminal_size()
    # Not through sys.stdout: the signal may come while that is being flushed.
    os.write(1, f"\x1b[2J\x1b[H{columns} by {lines}".encode())
signal.signal(signal.SIGWINCH, size)
sys.stdout.write("before\r\n\x1b[?1049h\x1b[>4;1m\x1b[<u\x1bP1;2qignored\x1b\\\x1b[4:3m\x1b]0;title\x07")
sys.stdout.write("\x1b[?2026h\x1b[38;2;1;2;3m✗ drawn 漢字\x1b[0m\x1b[?2026l")
sys.stdout.flush()
for line in sys.stdin:
    if line == "end\n":
        break
    print(repr(line))
sys.stdout.write("\x1b[?1049lafter")
sys.stdout.flush()
sys.exit(3)
"""
LEAVES = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"], start_new_session=True)
orphan = os.fork()
if orphan == 0:
    os.setsid()
    import threading
    threading.Event().wait()
sum(range(3_000_000))
print("ready", flush=True)
sys.stdin.read()
"""


def program(tmp_path: Path, source: str) -> Terminal:
    """A terminal with a small Python program in it."""
    script = tmp_path / "program.py"
    script.write_text(source, "utf-8")
    return Terminal([sys.executable, script], home=tmp_path / "home", size=(80, 24))


def test_questions_are_answered(tmp_path: Path) -> None:
    with program(tmp_path, ASKS) as terminal:
        lines = terminal.wait_for("asked").splitlines()
    assert lines[:10] == [
        repr(answer)
        for answer in (
            b"\x1b[?62;22c",
            b"\x1b[3;5R",
            b"\x1b[?2026;2$y",
            b"\x1b[?2048;0$y",
            b"\x1b[?31u",
            b"\x1bP>|quarterdeck-tests(1)\x1b\\",
            b"\x1b]10;rgb:c7c7/cccc/d6d6\x07",
            b"\x1b]11;rgb:0e0e/1212/1818\x1b\\",
            b"\x1b[8;24;80t",
            b"\x1bP0+r\x1b\\",
        )
    ]


def test_screen_resize_typing_and_exit(tmp_path: Path) -> None:
    with program(tmp_path, DRAWS) as terminal:
        text = terminal.wait_for("drawn")
        assert text.splitlines()[0] == "✗ drawn 漢字"
        assert len(terminal.frames) == 1
        terminal.resize(40, 10)
        assert terminal.wait_for("40 by 10").count("\n") == 9
        terminal.type("hello\n")
        terminal.wait_for(r"'hello\\n'")
        terminal.type("end\n")
        assert terminal.wait() == 3
        assert "40 by 10" not in terminal.text()
        assert "after" in terminal.text()


def test_waiting_in_vain_shows_the_screen(tmp_path: Path) -> None:
    with program(tmp_path, DRAWS) as terminal:
        terminal.wait_for("drawn")
        with pytest.raises(TimeoutError, match="drawn"):
            terminal.wait_for("something else", 0.2)


def test_times_of_output(tmp_path: Path) -> None:
    with program(tmp_path, DRAWS) as terminal:
        drawn = terminal.moment(lambda text: "drawn" in text)
        assert terminal.started < drawn.at
        assert 0 < drawn.cpu_s < 5
        terminal.wait_for("drawn")
        before = terminal.output[-1].at
        terminal.type("x\n")
        assert terminal.next_output(before) > before
        terminal.settle(0.05, 2.0)


def test_everything_that_was_started_is_measured_and_ended(tmp_path: Path) -> None:
    with program(tmp_path, LEAVES) as terminal:
        terminal.wait_for("ready")
        usage = terminal.usage()
        assert len(usage.processes) == 3
        assert usage.processes[0].pid == terminal.pid
        assert usage.cpu_s > 0.02
        assert usage.rss_mb > usage.pss_mb > 1
        family = terminal.family()
        terminal.kill()
        left = terminal.family()
        assert {process.pid for process in left} == {process.pid for process in family} - {terminal.pid}
    assert not processes.gone(family, 5.0)


@pytest.mark.parametrize("cut", range(1, 40))
def test_sequences_may_be_split_anywhere(cut: int) -> None:
    data = "a\x1b[?1049h\x1b]11;?\x1b\\✗\x1b[31mb\x1b[>1u\x1b[c".encode()
    whole, split = Reader(), Reader()
    expected = list(whole.read(data))
    pieces = [*split.read(data[:cut]), *split.read(data[cut:])]
    drawn = b"".join(piece.data for piece in pieces if piece.kind == "draw")
    assert drawn == b"".join(piece.data for piece in expected if piece.kind == "draw")
    assert [piece for piece in pieces if piece.kind != "draw"] == [piece for piece in expected if piece.kind != "draw"]
    assert split.kitty == whole.kitty == [1]


def test_process_names_may_hold_anything() -> None:
    stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 1 2 3 4 100 50 30 20 20 0 1 0 5000 1000000 256 1 2 3"
    process = processes.parse(stat)
    assert (process.pid, process.name, process.parent, process.start) == (7, "a) b (c", 1, 5000)
    assert process.cpu_s == pytest.approx(150 * processes.TICK_S)
    assert process.reaped_cpu_s == pytest.approx(50 * processes.TICK_S)
    assert processes.read(os.getpid()) is not None


MARKED = """
import os, subprocess, sys
from tests.e2e import processes
with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
    found = processes.family(child.pid, "MARK", os.environ["MARK"])
    print([process.pid for process in found] == [child.pid], len(processes.line(os.getpid())) > 2)
"""


def test_who_looks_for_a_family_and_those_above_it_are_not_of_it(tmp_path: Path) -> None:
    """A terminal that was itself opened with the mark must not be taken down with the program."""
    line = shlex.join([sys.executable, "-c", MARKED]) + "; exit $?"
    env = {**os.environ, "MARK": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True True\n", "")


def test_the_environment_of_this_run_stays_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PYTEST_ADDOPTS", "PYTHONPATH", "COLUMNS", "QUARTERDECK_CONFIG", "NO_COLOR"):
        monkeypatch.setenv(name, "1")
    env = clean_environment(tmp_path, {"EXTRA": "2"})
    assert not {"PYTEST_ADDOPTS", "PYTHONPATH", "COLUMNS", "QUARTERDECK_CONFIG", "NO_COLOR"} & set(env)
    assert env["QUARTERDECK_HOME"] == str(tmp_path)
    assert env["EXTRA"] == "2"


@pytest.mark.parametrize(
    ("name", "sent"), [("down", b"\x1b[B"), ("ctrl+p", b"\x10"), ("alt+2", b"\x1b2"), ("R", b"R"), ("+", b"+")]
)
def test_keys(name: str, sent: bytes) -> None:
    assert key_bytes(name) == sent


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match="no such key"):
        key_bytes("hyper+x")

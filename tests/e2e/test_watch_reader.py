"""`qd test watch` does not outlive those who read it: it leaves when its output has no reader any more."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest

from tests.e2e import processes
from tests.e2e.house import House, hung
from tests.e2e.program import HOME, Program, clean_environment, qd

pytestmark = pytest.mark.e2e

READER_GONE = 128 + signal.SIGPIPE
PARENT = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
for line in child.stdout:
    if b'"ready"' in line:
        print(child.pid, flush=True)
"""


class Read(Program):
    """A watch of the house's shop whose output is read here, and its standard error."""

    def __init__(
        self, house: House, reader: int, writer: int, *, as_json: bool = True, ignore: signal.Signals | None = None
    ) -> None:
        self.house, self.reader = house, reader
        self._errors = house.folder / "errors.txt"
        command = qd("test", "watch", "--path", house.folder / "shop", "--python", sys.executable)
        with self._errors.open("wb") as errors:
            super().__init__(
                [*command, *(["--json"] if as_json else [])],
                home=house.home,
                cwd=house.folder,
                # Open to the end: that nobody gives orders any more is no reason to leave.
                stdin=subprocess.PIPE,
                stdout=writer,
                stderr=errors,
                preexec_fn=(lambda: signal.signal(ignore, signal.SIG_IGN)) if ignore is not None else None,
            )
        os.close(writer)

    def until(self, word: bytes) -> None:
        """Read until it has said this."""
        said = b""
        while word not in said:
            data = os.read(self.reader, 65536)
            assert data, f"ended: {self.errors()}"
            said += data

    def errors(self) -> str:
        """What it has written to standard error."""
        return self._errors.read_text("utf-8", "replace")

    def left(self, family: Sequence[processes.Process]) -> None:
        """It ends without a word, and with it all that it started."""
        assert self.process.wait(30) == READER_GONE, self.errors()
        assert self.errors() == ""
        assert not processes.gone(family, 10.0)
        assert not self.house.processes()
        assert self.process.stdin is not None
        self.process.stdin.close()


def pipe() -> tuple[int, int]:
    return os.pipe()


def sockets() -> tuple[int, int]:
    """As some parents give their children for streams."""
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
@pytest.mark.parametrize("channel", [pipe, sockets])
def test_it_leaves_while_it_has_nothing_to_say(
    house: House, channel: Callable[[], tuple[int, int]], as_json: bool
) -> None:
    house.project()
    watch = Read(house, *channel(), as_json=as_json)
    watch.until(b'"ready"' if as_json else b"watching ")
    family = watch.family()
    assert len(family) >= 3, "the watch, its supervisor and its server"
    os.close(watch.reader)
    watch.left(family)


def test_it_leaves_in_the_middle_of_a_run(house: House) -> None:
    shop = house.project()
    watch = Read(house, *pipe())
    watch.until(b'"ready"')
    pids = house.hanging(shop)
    family = (*hung(pids), *watch.family())
    os.close(watch.reader)
    watch.left(family)


def test_it_leaves_before_its_first_run_has_ended(house: House) -> None:
    pids = house.hanging(house.project())
    watch = Read(house, *pipe())
    family = (*hung(pids), *watch.family())
    os.close(watch.reader)
    watch.left(family)


def test_it_leaves_with_a_parent_that_is_killed(house: House) -> None:
    house.project()
    command = qd("test", "watch", "--path", house.folder / "shop", "--python", sys.executable, "--json")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment(house.home),
        cwd=house.folder,
    ) as parent:
        assert parent.stdout is not None
        watch = processes.read(int(parent.stdout.readline()))
        assert watch is not None
        family = processes.family(watch.pid, HOME, str(house.home))
        parent.kill()
        assert not processes.gone((watch, *family), 20.0)
        assert not house.processes()


def test_as_long_as_somebody_reads_it_stays(house: House) -> None:
    shop = house.project()
    first, writer = pipe()
    second = os.dup(first)
    watch = Read(house, first, writer)
    watch.until(b'"ready"')
    os.close(first)
    watch.reader = second
    house.write(shop / "pricing.py", "def price(net, rate):\n    return net\n")
    watch.until(b'"finished"')
    os.close(second)
    watch.left(())


def test_what_a_reader_says_is_no_end(house: House) -> None:
    house.project()
    watch = Read(house, *sockets())
    watch.until(b'"ready"')
    os.write(watch.reader, b"thanks")
    assert watch.process.stdin is not None
    watch.process.stdin.write(b'{"do": "all"}\n')
    watch.process.stdin.flush()
    watch.until(b'"finished"')
    os.close(watch.reader)
    watch.process.stdin.write(b'{"do": "all"}\n')
    watch.process.stdin.flush()
    watch.left(())


def test_a_terminal_that_was_hung_up_has_no_reader(house: House) -> None:
    """Where the signal that says so is ignored, as under `nohup`."""
    house.project()
    watch = Read(house, *pty.openpty(), ignore=signal.SIGHUP)
    watch.until(b'"ready"')
    os.close(watch.reader)
    assert watch.process.stdin is not None
    watch.process.stdin.write(b'{"do": "all"}\n')
    watch.process.stdin.flush()
    watch.left(())


def test_a_file_needs_no_reader(house: House) -> None:
    house.project()
    log = house.folder / "events.jsonl"
    watch = Read(house, -1, os.open(log, os.O_WRONLY | os.O_CREAT))
    assert watch.process.stdin is not None
    watch.process.stdin.write(b'{"do": "all"}\n')
    watch.process.stdin.flush()
    waiting = processes.until(lambda: () if log.read_bytes().count(b'"finished"') < 2 else watch.family(), 1, 60.0)
    assert processes.gone(waiting, 0.0) == waiting, "it stays until it is told to leave"
    watch.process.stdin.write(b'{"do": "quit"}\n')
    watch.process.stdin.close()
    assert watch.process.wait(30) == 0


def test_a_full_disk_is_told(house: House) -> None:
    house.project()
    watch = Read(house, -1, os.open("/dev/full", os.O_WRONLY))
    assert watch.process.wait(60) == 2
    assert watch.errors() == "quarterdeck: No space left on device\nmake room and try again\n"
    assert not house.processes()

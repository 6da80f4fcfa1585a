"""What `qd test watch` prints, and when it is time to leave because nobody reads it any more."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import stat
import sys
from collections.abc import Callable

import click

from app.commands.common import emit_line
from app.commands.text import NONE, NONE_FOUND, clean, duration
from app.events import TestStream

NO_TESTS = 5
"""pytest's exit code where it ran none."""
GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class WatchOutput:
    """Prints events on standard output, until writing fails or the last reader of a pipe or socket is gone."""

    def __init__(self, leave: asyncio.Event, *, as_json: bool) -> None:
        self._print: Callable[[TestStream], None] = _print_json if as_json else _print_text
        self._leave = leave
        self._flushing: asyncio.Handle | None = None
        self.error: OSError | None = None
        """Why nothing can be printed any more: BrokenPipeError when it is only that the reader is gone."""

    def follow(self) -> None:
        """Notice also while there is nothing to print that the reader goes."""
        loop = asyncio.get_running_loop()
        descriptor = sys.stdout.fileno()
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            # A terminal tells with a signal, and a file is never read to its end.
            return
        ends = select.poll()
        ends.register(descriptor, 0)

        def woken() -> None:
            # A socket wakes for data, too: then the next write will tell when its other end is gone.
            loop.remove_reader(descriptor)
            if any(event & GONE for _, event in ends.poll(0)):
                self._give_up(BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)))

        # Nothing can be read here: what wakes is the end of the other side, which every selector reports.
        loop.add_reader(descriptor, woken)

    def tell(self, event: TestStream) -> None:
        """Print an event, unless that has become impossible."""
        if self.error is not None:
            return
        try:
            self._print(event)
        except OSError as error:
            self._give_up(error)
            return
        if event.event != "result":
            self._flush()
        elif self._flushing is None:
            # Results that arrive together leave together: waking the reader for each costs both sides more than these.
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        try:
            sys.stdout.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.error = BrokenPipeError(*error.args) if _reader_is_gone(error) else error
        self._leave.set()


def _reader_is_gone(error: OSError) -> bool:
    """Whether there is nobody left to tell; a terminal that was hung up answers like a broken device."""
    if error.errno == errno.EIO:
        return stat.S_ISCHR(os.fstat(sys.stdout.fileno()).st_mode)
    return isinstance(error, ConnectionError)


def _print_json(event: TestStream) -> None:
    emit_line({"event": event.event, "t": event.t, **event.data})


def _print_text(event: TestStream) -> None:
    data = event.data
    if event.event == "ready":
        one = "" if data["files"] == 1 else "s"
        text = f"watching {data['files']} file{one} of {data['path']} ({data['level']})"
    elif event.event == "changed":
        files = data["files"]
        assert isinstance(files, list)
        text = f"saved {', '.join(files[:3])}{f' and {len(files) - 3} more' if len(files) > 3 else ''}"
    elif event.event == "result" and data["outcome"] in ("failed", "error"):
        text = f"  ✗ {data['nodeid']}"
    elif event.event == "affected_done":
        bad = data["bad"]
        text = f"affected {f'✗ {bad}' if bad else '✓'} in {duration(float(str(data['after_s'])))}"
    elif event.event in ("finished", "superseded"):
        counts = data["counts"]
        assert isinstance(counts, dict)
        told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or NONE
        note = f"  {data['note']}" if data["note"] else ""
        if data["exit"] == NO_TESTS and told == NONE:
            note = f"; {NONE_FOUND}"
        text = f"{event.event}: {told} in {duration(float(str(data['duration_s'])))} ({data['level']}){note}"
    elif event.event == "problem":
        text = str(data["detail"])
    elif event.event == "level":
        text = f"runs are {data['level']}" + (f": {data['reason']}" if data["reason"] else "")
    else:
        return
    click.echo(clean(text))

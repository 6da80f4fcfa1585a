"""The warm server (level L1): holds pytest, its plugins and the recorded modules, and forks a child for each run."""

from __future__ import annotations

import gc
import io
import os
import select
import signal
import sys
from typing import Any, Dict, List, Optional

from . import child, preload, private, processes
from .channel import Channel, Message
from .payload import read_payload
from .plugin import run_pytest


class Server:
    """Forks one child at a time, and tells the supervisor of its start and its end."""

    def __init__(self, channel: Channel, environ: Dict[str, str], warned: Dict[str, List[str]]) -> None:
        self.channel = channel
        self.environ = environ
        self.warned = warned
        self.child = 0
        self.wake_read, self.wake_write = os.pipe()
        for fd in (self.wake_read, self.wake_write):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def loop(self) -> Optional[Message]:
        """Serve until the supervisor goes away. In a forked child, return what that child has to run."""
        while True:
            ready, _, _ = select.select([self.channel.fileno(), self.wake_read], [], [])
            if self.wake_read in ready:
                os.read(self.wake_read, 4096)
                self._reap()
            if self.channel.fileno() not in ready:
                continue
            messages = self.channel.receive()
            if messages is None:
                self._leave()
            for message in messages or []:
                job = self._fork(message["fds"])
                if job is not None:
                    return job

    def _fork(self, fds: List[int]) -> Optional[Message]:
        payload_fd, events_fd, output_fd = fds
        parent = os.getpid()
        pid = os.fork()
        if pid:
            for fd in fds:
                os.close(fd)
            self.child = pid
            self.channel.send({"is": "forked", "pid": pid})
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.channel.close()
        os.close(self.wake_read)
        os.close(self.wake_write)
        processes.die_with_parent()
        if os.getppid() != parent:
            os._exit(0)
        processes.enter_session(output_fd)
        payload = read_payload(payload_fd)
        processes.limit(payload["memory_mb"])
        return dict(payload, events_fd=events_fd)

    def _reap(self) -> None:
        while self.child:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid == self.child:
                self.child = 0
                self.channel.send({"is": "died", "status": status})

    def _leave(self) -> None:
        if self.child:
            processes.kill_group(self.child)
        os._exit(0)


def _warm_up(payload: Message) -> Dict[str, Any]:
    gc.disable()
    report = preload.warm_up(payload)
    gc.enable()
    gc.collect()
    gc.freeze()
    if processes.tasks() > 1:
        # Some native pools end their threads at a fork and start them again when needed; those do no harm.
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)
    report["tasks"] = processes.tasks()
    threading = sys.modules.get("threading")
    names = [thread.name for thread in threading.enumerate()[1:]] if threading is not None else []
    report["thread_names"] = names
    return report


def _capture_in_memory() -> None:
    """Let pytest catch what tests print in a file that is nowhere on disk: it empties it three times for each test."""
    capture = sys.modules.get("_pytest.capture")
    on_disk = getattr(capture, "TemporaryFile", None)
    if on_disk is None or not hasattr(os, "memfd_create"):
        return

    def in_memory(*args: Any, **options: Any) -> Any:
        if args or options != {"buffering": 0}:
            return on_disk(*args, **options)
        return io.FileIO(os.memfd_create("captured"), "r+")

    vars(capture)["TemporaryFile"] = in_memory


def main(fds: List[int]) -> None:
    """Warm up, then serve; a forked child goes on to run pytest and never comes back."""
    processes.die_with_parent()
    channel = Channel(fds[0])
    payload = read_payload(fds[1])
    environ = dict(os.environ)
    private.hide()
    report = _warm_up(payload)
    server = Server(channel, environ, report["warned"])
    channel.send(dict(report, **{"is": "ready"}))
    job = server.loop()
    if job is None:
        return
    child.adopt_environment(environ, job["env"])
    preload.reseed()
    _capture_in_memory()
    child.become_pytest(job["cwd"], job["args"])
    sys.stdout.flush()
    child.run(job, job["events_fd"], run_pytest, warned=server.warned)

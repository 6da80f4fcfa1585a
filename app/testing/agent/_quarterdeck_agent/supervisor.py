"""The process between the app and the tests: starts runs, ends them with all they spawned, dies with the app.

It is started with the app's own interpreter and knows only the standard library, so that it works where the
project's interpreter does not. It never runs foreign code in itself. One run at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import tempfile
import time
from typing import Any, Dict, List, Optional, Tuple

from . import processes
from .channel import Channel, Message
from .output import CappedOutput
from .payload import read_payload

_GRACE_S = 0.15
_ABORT_S = 0.3
_GIVE_UP_S = 5.0
_POLL_S = 0.005
_BURST = 1 << 15
_PACE_S = 0.025
_PIPE_BYTES = 1 << 20
_MAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")


class Run:
    """The run under way."""

    def __init__(self, message: Message, payload: Message) -> None:
        self.id: int = message["id"]
        self.warm: bool = message["warm"]
        self.pid = 0
        self.status: Optional[int] = None
        self.why = ""
        self.output = CappedOutput(payload["output"], payload["output_kb"])
        self.output_fd = -1
        self.output_at = 0.0
        self.flowing_until = 0.0
        timeout = payload["timeout_s"]
        self.deadline: Optional[float] = time.monotonic() + timeout if timeout else None
        self.kill_at: Optional[float] = None
        self.leftovers_at: Optional[float] = None
        self.give_up_at: Optional[float] = None
        self.killed = 0


class Server:
    """The warm server, a child of ours that forks the runs."""

    def __init__(self, pid: int, channel: Channel, log: Any, generation: int) -> None:
        self.pid = pid
        self.channel = channel
        self.log = log
        self.generation = generation

    def last_words(self) -> str:
        """The end of what it printed."""
        try:
            size = self.log.seek(0, os.SEEK_END)
            self.log.seek(max(0, size - 4000))
            return str(self.log.read().decode("utf-8", "replace"))
        except OSError:
            return ""


class Supervisor:
    """A loop over the app's messages, the server's messages, the run's output, ended children and deadlines."""

    def __init__(self, control_fd: int) -> None:
        self.app = Channel(control_fd)
        self.run: Optional[Run] = None
        self.servers: Dict[int, Server] = {}
        self.serving = 0
        self.promoted = 0
        self.wake_read, wake_write = os.pipe()
        for fd in (self.wake_read, wake_write):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._leave())
        processes.become_subreaper()

    def loop(self) -> None:
        """Serve until the app goes away."""
        while True:
            ready = self._wait()
            if self.wake_read in ready:
                self._drain_wakeups()
            self._reap()
            if self.run is not None and self.run.output_fd in ready:
                self._read_output(self.run)
            for server in list(self.servers.values()):
                if server.channel.fileno() in ready:
                    self._hear_server(server)
            if self.app.fileno() in ready:
                messages = self.app.receive()
                if messages is None:
                    self._leave()
                for message in messages or []:
                    self._obey(message)
            if self.run is not None:
                self._advance(self.run)

    def _wait(self) -> List[int]:
        poll = select.poll()
        for fd in (self.app.fileno(), self.wake_read):
            poll.register(fd, select.POLLIN)
        for server in self.servers.values():
            poll.register(server.channel.fileno(), select.POLLIN)
        timeout: Optional[float] = None
        run = self.run
        if run is not None:
            now = time.monotonic()
            moments = [moment for moment in (run.deadline, run.kill_at) if moment is not None]
            if run.output_fd >= 0 and now >= run.output_at:
                poll.register(run.output_fd, select.POLLIN)
            elif run.output_fd >= 0:
                moments.append(run.output_at)
            if run.status is not None:
                moments.append(now + _POLL_S)
            if moments:
                timeout = max(0.0, (min(moments) - now) * 1000)
        return [fd for fd, _ in poll.poll(timeout)]

    def _drain_wakeups(self) -> None:
        try:
            while os.read(self.wake_read, 4096):
                pass
        except BlockingIOError:
            return

    # What the app asks

    def _obey(self, message: Message) -> None:
        fds = message["fds"]
        if message["do"] == "run":
            self._start_run(message, fds)
        elif message["do"] == "cancel":
            if self.run is not None and self.run.id == message["id"]:
                self._end_run(self.run, "cancelled")
        elif message["do"] == "warm":
            self._start_server(message["generation"], fds[0])
        elif message["do"] == "serve":
            self.promoted = message["generation"]
            self._promote()
        elif message["do"] == "cool":
            for server in list(self.servers.values()):
                if message["generation"] in (0, server.generation):
                    self._stop_server(server)

    def _start_run(self, message: Message, fds: List[int]) -> None:
        payload_fd, events_fd = fds
        payload = read_payload(os.dup(payload_fd))
        run = self.run = Run(message, payload)
        run.output_fd, output_write = _wide_pipe()
        if run.warm:
            server = self.servers.get(self.serving)
            if server is None or not server.channel.send({"do": "run"}, [payload_fd, events_fd, output_write]):
                run.why = "lost"
                run.status = 0
        else:
            argv = [*payload["python"], _MAIN, "child", str(payload_fd), str(events_fd)]
            run.pid = self._spawn(argv, payload, output_write, [payload_fd, events_fd])
            self.app.send({"is": "run", "id": run.id, "pid": run.pid})
        for fd in (payload_fd, events_fd, output_write):
            os.close(fd)

    def _spawn(self, argv: List[str], payload: Message, output_fd: int, keep: List[int]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            signal.set_wakeup_fd(-1)
            processes.default_signals()
            processes.die_with_parent()
            processes.enter_session(output_fd)
            processes.limit(payload.get("memory_mb", 0))
            for fd in keep:
                os.set_inheritable(fd, True)
            os.chdir(payload["cwd"])
            os.execve(argv[0], argv, payload["env"])
        except BaseException as error:
            os.write(2, ("cannot start %s: %s\n" % (argv[0], error)).encode("utf-8", "replace"))
        finally:
            os._exit(127)

    def _start_server(self, generation: int, payload_fd: int) -> None:
        payload = read_payload(os.dup(payload_fd))
        ours, theirs = socket.socketpair()
        # In memory where there is such a thing: a full disk is no reason to do without a server.
        log = os.fdopen(os.memfd_create("log"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()
        argv = [*payload["python"], _MAIN, "serve", str(theirs.fileno()), str(payload_fd)]
        pid = self._spawn(argv, payload, log.fileno(), [theirs.fileno(), payload_fd])
        theirs.close()
        os.close(payload_fd)
        self.servers[generation] = Server(pid, Channel(ours.detach()), log, generation)

    # Ending things

    def _promote(self) -> None:
        """Let the newest server that is wanted do the next runs; the one that it replaces may still hold a run."""
        if self.promoted in self.servers and self.promoted != self.serving and self.run is None:
            self.serving = self.promoted
            for server in list(self.servers.values()):
                if server.generation < self.serving:
                    self._stop_server(server)

    def _stop_server(self, server: Server) -> None:
        self.servers.pop(server.generation, None)
        doomed = processes.descendants(server.pid)
        server.channel.close()
        server.log.close()
        processes.kill_group(server.pid)
        for pid in [server.pid, *doomed]:
            processes.kill(pid)

    def _end_run(self, run: Run, why: str) -> None:
        if not run.why:
            run.why = why
        self._kill_run(run)

    def _kill_run(self, run: Run) -> None:
        run.kill_at = None
        if run.status is None and run.pid:
            doomed = processes.descendants(run.pid)
            processes.kill_group(run.pid)
            for pid in [run.pid, *doomed]:
                processes.kill(pid)
        if run.give_up_at is None:
            run.give_up_at = time.monotonic() + _GIVE_UP_S
        run.leftovers_at = time.monotonic()

    def _leave(self) -> None:
        """The app is gone: end everything, and then this process."""
        self.app.close()
        deadline = time.monotonic() + _GIVE_UP_S
        if self.run is not None and self.run.pid:
            processes.kill_group(self.run.pid)
        for server in list(self.servers.values()):
            self._stop_server(server)
        while time.monotonic() < deadline:
            left = processes.descendants(os.getpid())
            for pid in left:
                processes.kill(pid)
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                break
            time.sleep(_POLL_S)
        os._exit(0)

    # What happens

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            dead = [server for server in self.servers.values() if server.pid == pid]
            if dead:
                self._server_died(dead[0], status)
            elif self.run is not None and pid == self.run.pid and not self.run.warm:
                self._main_ended(self.run, status)

    def _server_died(self, server: Server, status: int) -> None:
        self._hear_server(server)
        words = server.last_words()
        run = self.run
        if run is not None and run.warm and run.status is None and server.generation == self.serving:
            run.why = run.why or "lost"
            if run.pid:
                processes.kill_group(run.pid)
            self._main_ended(run, 0)
        self._stop_server(server)
        self.app.send({"is": "cooled", "generation": server.generation, "status": status, "words": words})

    def _hear_server(self, server: Server) -> None:
        while select.select([server.channel.fileno()], [], [], 0)[0]:
            messages = server.channel.receive()
            if messages is None:
                return
            for message in messages:
                self._relay(server, message)

    def _relay(self, server: Server, message: Message) -> None:
        run = self.run
        message.pop("fds", None)
        if message["is"] == "ready":
            self.app.send(dict(message, generation=server.generation))
        elif run is None or not run.warm:
            return
        elif message["is"] == "forked":
            run.pid = message["pid"]
            if run.why:
                self._kill_run(run)
            self.app.send({"is": "run", "id": run.id, "pid": run.pid})
        elif message["is"] == "died":
            self._main_ended(run, message["status"])

    def _main_ended(self, run: Run, status: int) -> None:
        run.status = status
        now = time.monotonic()
        run.deadline = None
        run.leftovers_at = now if run.why else now + _GRACE_S
        run.give_up_at = now + _GIVE_UP_S
        if not processes.LINUX:
            processes.kill_group(run.pid)

    def _read_output(self, run: Run) -> bool:
        try:
            data = os.read(run.output_fd, 1 << 18)
        except BlockingIOError:
            return False
        if not data:
            os.close(run.output_fd)
            run.output_fd = -1
            return False
        run.output.add(data)
        # Let the dots of short tests gather instead of waking for each, but do not slow down who prints much.
        now = time.monotonic()
        if len(data) >= _BURST:
            run.flowing_until = now + _PACE_S
        run.output_at = now + _PACE_S if now >= run.flowing_until else 0.0
        return True

    def _advance(self, run: Run) -> None:
        now = time.monotonic()
        if run.deadline is not None and now >= run.deadline:
            run.deadline = None
            run.why = run.why or "timeout"
            # The faulthandler of pytest answers this signal with the stack of the test that hangs.
            processes.kill(run.pid, signal.SIGABRT)
            run.kill_at = now + _ABORT_S
        if run.kill_at is not None and now >= run.kill_at:
            self._kill_run(run)
        if run.status is None:
            if run.give_up_at is not None and now >= run.give_up_at:
                run.status = 0
            return
        left = self._leftovers()
        given_up = run.give_up_at is not None and now >= run.give_up_at
        if left and not given_up:
            if run.leftovers_at is not None and now >= run.leftovers_at:
                run.killed = max(run.killed, len(left))
                for pid in left:
                    processes.kill(pid)
            return
        self._finish(run, left)

    def _leftovers(self) -> List[int]:
        return processes.descendants(os.getpid(), [server.pid for server in self.servers.values()])

    def _finish(self, run: Run, left: List[int]) -> None:
        while run.output_fd >= 0 and self._read_output(run):
            pass
        if run.output_fd >= 0:
            os.close(run.output_fd)
        path = run.output.write()
        self.run = None
        ended: Dict[str, Any] = {"is": "ended", "id": run.id, "status": run.status, "why": run.why, "output": path}
        self.app.send(dict(ended, killed=run.killed, left=left))
        self._promote()


def _wide_pipe() -> Tuple[int, int]:
    """A pipe that is read without waiting, with room for what is printed while nobody reads."""
    read_fd, write_fd = os.pipe()
    os.set_blocking(read_fd, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # What one user's pipes may hold is limited: this one then stays as it is.
        with contextlib.suppress(OSError):
            fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return read_fd, write_fd


def main(fds: List[int]) -> None:
    """Supervise at the request of the app at the other end of the descriptor."""
    Supervisor(fds[0]).loop()

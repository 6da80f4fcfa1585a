"""Runs a project's tests: warm where that is known to be safe, cold otherwise, with the reason."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

from app.errors import UserError
from app.testing import interpreter, verdict
from app.testing.interpreter import Interpreter
from app.testing.model import Counts, Failure, Level, ProjectSpec
from app.testing.run import RunEvent, RunFinished, RunLimits, RunRequest, RunStarted, TestReported
from app.testing.supervisor import Attempt, Supervisor
from app.testing.warmth import Warmth
from app.testing.wire import Decoder

_SLICE_S = 0.006
_PACE_S = (0.008, 0.04)
_PACE_SHARE = 0.06
_LINGER_S = 5.0
_CATCH_UP_S = 0.25
_KEPT_OUTPUTS = 20


class Runner:
    """One project's runs, one at a time. Everything happens on the event loop; the work is done by other processes."""

    def __init__(
        self,
        spec: ProjectSpec,
        *,
        cache_dir: Path,
        limits: RunLimits,
        warm: bool = True,
        on_level: Callable[[Level, str], None] | None = None,
    ) -> None:
        self._spec = spec
        self._limits = limits
        self._cache_dir = cache_dir
        self._supervisor = Supervisor(self._on_server)
        self._warmth = Warmth(spec, self._supervisor, cache_dir, wanted=warm, on_level=on_level)
        self._interpreter: Interpreter | None = None
        self._attempt: Attempt | None = None
        self._wake: asyncio.Event | None = None
        self._caught_up = asyncio.Event()
        self._busy = False
        self._cancelled = False
        self._closed = False

    @property
    def level(self) -> Level:
        """What the next run will take."""
        return self._warmth.level

    @property
    def level_reason(self) -> str:
        """Why the next run will be cold; empty when it will not."""
        return self._warmth.reason

    @property
    def supervisor_pid(self) -> int:
        """The process below which everything of this project runs."""
        return self._supervisor.pid

    async def start(self) -> None:
        """Find the interpreter and begin to warm up. Raises UserError when no run is possible."""
        found = await self._prepare()
        self._warmth.begin(found)

    async def warmed(self) -> None:
        """Wait until the warm server is ready or given up."""
        await self._warmth.settled()

    def force_cold(self, reason: str) -> None:
        """Run cold until the project's environment changes or `allow_warm`."""
        self._warmth.forbid(reason)

    def allow_warm(self) -> None:
        """Take `force_cold` back."""
        self._warmth.allow()

    async def refresh(self, *, changed: Iterable[Path] = ()) -> None:
        """Rebuild the warm server if something has changed that it was built on. Cheap when nothing has."""
        del changed  # stat tells more: a package manager's changes lie outside the watched files
        if self._closed or self._busy:
            return
        try:
            found = await self._prepare()
        except UserError as error:
            self._interpreter = None
            self._warmth.stop(error.what)
            return
        self._warmth.begin(found)

    async def cancel(self) -> None:
        """End the current run and everything it has spawned; return when it is gone."""
        if not self._busy:
            return
        self._cancelled = True
        attempt = self._attempt
        if attempt is not None and not attempt.ended.done():
            self._supervisor.cancel(attempt)
            await asyncio.wait({attempt.ended})

    async def heard(self) -> None:
        """Wait until everything has been taken in that the run's processes have said so far; a moment at most."""
        if self._wake is None:
            return
        self._caught_up.clear()
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._caught_up.wait(), _CATCH_UP_S)

    async def close(self) -> None:
        """End everything that was started here."""
        self._closed = True
        self._cancelled = True
        self._warmth.stop("closed")
        await self._supervisor.close()

    async def run(self, request: RunRequest) -> AsyncGenerator[RunEvent, None]:
        """Run the tests. The last event is RunFinished. Raises UserError, before the first event, if it cannot run."""
        if self._busy:
            raise RuntimeError("a run of this project is under way")
        self._busy = True
        self._cancelled = False
        try:
            found = await self._prepare()
            warm, reason = self._warmth.choose(request, found)
            while True:
                decoder = Decoder()
                async with contextlib.aclosing(self._attempt_run(request, found, warm, reason, decoder)) as events:
                    async for event in events:
                        yield event
                if self._cancelled:
                    break
                if decoder.declined is not None:
                    warm, reason = False, decoder.declined[0]
                    self._warmth.declined(reason, decoder.declined[1], lasting=request.whole)
                elif decoder.never_began:
                    warm, reason = False, "the warm server ended"
                else:
                    break
            if decoder.modules is not None:
                self._warmth.learn(decoder.modules, complete=not warm and decoder.exit in (0, 1))
        finally:
            self._busy = False
            self._attempt = None
            if not self._closed and self._interpreter is not None:
                self._warmth.begin(self._interpreter)

    # One attempt

    async def _prepare(self) -> Interpreter:
        if self._closed:
            raise UserError("this project is no longer watched")
        if not self._spec.path.is_dir():
            raise UserError(
                f"the project's folder {self._spec.path} is gone",
                where=f"projects[{self._spec.name}].path",
                fix="restore it or correct the path",
            )
        known = self._interpreter
        if known is None or self._warmth.packages_changed(known):
            known = self._interpreter = await interpreter.find(self._spec)
        self._supervisor.ensure()
        return known

    async def _attempt_run(
        self, request: RunRequest, found: Interpreter, warm: bool, reason: str, decoder: Decoder
    ) -> AsyncGenerator[RunEvent, None]:
        started = time.monotonic()
        if self._cancelled:
            yield RunFinished(2, Counts(), 0.0, cancelled=True)
            return
        read_fd, write_fd = _pipe()
        try:
            payload = json.dumps(self._payload(request, found)).encode()
            attempt = self._attempt = self._supervisor.run(payload, write_fd, warm=warm)
        finally:
            os.close(write_fd)
        level: Level = "L1" if warm else "cold"
        announced = False
        try:
            async for line in self._lines(read_fd, attempt, decoder):
                for event in decoder.decode(line):
                    if not announced:
                        announced = True
                        yield RunStarted(level, reason, await attempt.pid)
                    yield event
                if not announced and (decoder.configured or decoder.exit is not None):
                    announced = True
                    yield RunStarted(level, reason, await attempt.pid)
            decoder.never_began = warm and not announced and attempt.ended.result()["why"] == "lost"
            if (decoder.declined is not None or decoder.never_began) and not self._cancelled:
                return
            if not announced:
                yield RunStarted(level, reason, await attempt.pid)
            for last in self._conclude(attempt.ended.result(), decoder, time.monotonic() - started):
                yield last
        finally:
            os.close(read_fd)
            if not attempt.ended.done():
                self._supervisor.cancel(attempt)
                await asyncio.wait({attempt.ended}, timeout=_LINGER_S)

    def _payload(self, request: RunRequest, found: Interpreter) -> dict[str, Any]:
        env = interpreter.environment(self._spec, request.env)
        if request.hash_seed is not None:
            env["PYTHONHASHSEED"] = str(request.hash_seed)
        return {
            "python": [found.path],
            "cwd": str(self._spec.path),
            "env": env,
            "args": [*self._spec.args, *request.args],
            "select": None if request.select is None else sorted(request.select),
            "skip": sorted(request.skip),
            "first": request.first,
            "record": request.whole,
            "output": str(self._output_path(request.run_id)),
            "output_kb": self._limits.output_kb,
            "timeout_s": self._limits.timeout_s,
            "memory_mb": self._limits.memory_mb,
        }

    def _output_path(self, run_id: str) -> Path:
        folder = self._cache_dir / "output" / "".join(c if c.isalnum() else "-" for c in self._spec.name)
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            kept = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime_ns)
            for path in kept[: max(0, len(kept) - _KEPT_OUTPUTS + 1)]:
                path.unlink(missing_ok=True)
        return folder / ("".join(c if c.isalnum() else "-" for c in run_id)[:100] + ".log")

    async def _lines(self, fd: int, attempt: Attempt, decoder: Decoder) -> AsyncIterator[str]:
        """Whole lines until the run and all its processes are gone, in slices that leave the loop room to breathe."""
        loop = asyncio.get_running_loop()
        wake = self._wake = asyncio.Event()
        attempt.ended.add_done_callback(lambda _: wake.set())
        linger: asyncio.TimerHandle | None = None
        open_ = True
        began = loop.time()
        slice_end = time.perf_counter() + _SLICE_S
        try:
            while True:
                ended = attempt.ended.done()
                try:
                    data = os.read(fd, 1 << 16) if open_ else b""
                    open_ = bool(data)
                except BlockingIOError:
                    data = b""
                if not data:
                    self._caught_up.set()
                    if ended:
                        return
                    wake.clear()
                    if open_:
                        loop.add_reader(fd, _wake, loop, fd, wake)
                    if not attempt.ended.done():
                        await wake.wait()
                    loop.remove_reader(fd)
                    slice_end = time.perf_counter() + _SLICE_S
                    continue
                for line in decoder.lines(data):
                    yield line
                    if time.perf_counter() > slice_end:
                        await asyncio.sleep(0)
                        slice_end = time.perf_counter() + _SLICE_S
                if decoder.exit is not None and linger is None:
                    linger = loop.call_later(_LINGER_S, self._supervisor.cancel, attempt)
                if not ended and len(data) < 1 << 15 and self._caught_up.is_set():
                    # Let a burst of short tests gather instead of waking for each; longer as the run goes on.
                    least, most = _PACE_S
                    wake.clear()
                    pause = loop.call_later(min(max(least, (loop.time() - began) * _PACE_SHARE), most), wake.set)
                    if not attempt.ended.done():
                        await wake.wait()
                    pause.cancel()
                    slice_end = time.perf_counter() + _SLICE_S
        finally:
            loop.remove_reader(fd)
            self._wake = None
            self._caught_up.set()
            if linger is not None:
                linger.cancel()

    def _conclude(self, ended: Any, decoder: Decoder, seconds: float) -> Iterable[RunEvent]:
        """The events that a process can no longer send: the test it died in, and the end."""
        why, path = ended["why"], str(ended.get("output", ""))
        if self._cancelled:
            yield RunFinished(2, decoder.counted(died=False), seconds, cancelled=True, output_path=path)
            return
        if decoder.exit is not None:
            yield RunFinished(
                decoder.exit, decoder.counted(died=False), seconds, _note(decoder, why, path), False, path
            )
            return
        output = verdict.read_output(path)
        note = "the process that runs the tests was lost"
        if why != "lost":
            note = verdict.cause_of_death(ended["status"], self._limits.timeout_s if why == "timeout" else 0.0)
        if decoder.current:
            failure = Failure("call", (), verdict.stack_in(output))
            yield TestReported(decoder.current, "error", 0.0, note, verdict.fingerprint(note), (failure,))
            note = f"{note} in {decoder.current}"
        elif said := verdict.complaint(0, output):
            note = f"{note}\n{said}"
        yield RunFinished(3, decoder.counted(died=bool(decoder.current)), seconds, note, False, path)

    def _on_server(self, message: Any) -> None:
        self._warmth.heard(message)


def _note(decoder: Decoder, why: str, path: str) -> str:
    parts: list[str] = []
    broken = len(decoder.broken)
    if decoder.exit == 4 and broken:
        parts += decoder.broken[:3]
    elif decoder.exit in (3, 4):
        parts.append(verdict.complaint(decoder.exit, verdict.read_output(path)))
    elif decoder.exit == 5:
        parts.append("no tests ran")
    if broken and decoder.exit == 2:
        parts.append(f"{broken} {'error' if broken == 1 else 'errors'} during collection")
    elif decoder.stopped:
        parts.append(decoder.stopped)
    if why == "cancelled":
        parts.append(f"the process did not end within {_LINGER_S:g} s of its last test and was ended")
    return "\n".join(part for part in parts if part)


def _wake(loop: asyncio.AbstractEventLoop, fd: int, wake: asyncio.Event) -> None:
    loop.remove_reader(fd)
    wake.set()


def _pipe() -> tuple[int, int]:
    read_fd, write_fd = os.pipe()
    os.set_blocking(read_fd, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, 1 << 20)
    return read_fd, write_fd

"""The only place that starts git.

Every call speaks plumbing to a git that cannot ask anybody anything: no terminal, no editor, no pager, no password
prompt, a session of its own and a time limit. Commands that only read take no lock, start no program that the
repository's configuration names, and may not reach the network, not even to fill in a partial clone.

The hooks import this module, so it loads nothing but small parts of the standard library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from app.git.environment import command, environment, ssh_command, uses_network
from app.git.failures import GitError, GitTimeoutError, cannot_start, failure

if TYPE_CHECKING:
    import asyncio

__all__ = ["Git", "GitError", "GitTimeoutError", "Output"]

TIMEOUT_S = 30.0
_TERM_S = 2.0
"""How long git may take to put its locks away before it is killed outright."""
_LINGER_S = 1.0
"""How long output is awaited after git has ended: a program left behind by a hook may hold the pipe for ever."""

_versions: dict[str, tuple[int, ...]] = {}


class Output(NamedTuple):
    """What a call of git gave."""

    stdout: bytes
    stderr: str
    code: int

    @property
    def text(self) -> str:
        """Standard output; bytes that are not UTF-8 survive as surrogates."""
        return self.stdout.decode("utf-8", "surrogateescape")

    @property
    def line(self) -> str:
        """Standard output without its last line end."""
        return self.text.removesuffix("\n")

    @property
    def records(self) -> list[str]:
        """The parts of NUL-separated output."""
        return self.text.removesuffix("\0").split("\0") if self.stdout else []


class Git:
    """git in one folder: a working tree, a folder of one, or a bare repository.

    With `fsmonitor` reading commands may ask the daemon that the user already runs for this repository.
    """

    def __init__(self, path: Path, *, fsmonitor: bool = False) -> None:
        self.path = path
        self.fsmonitor = fsmonitor
        self._ssh: str | None = None

    async def run(
        self,
        *args: str,
        input: bytes = b"",  # noqa: A002 -- the name it has in subprocess
        env: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        ok: tuple[int, ...] = (0,),
        on_stderr: Callable[[str], None] | None = None,
    ) -> Output:
        """Run a command and wait for its end.

        `env` is added to the environment and `config` to the configuration of this call; codes in `ok` are no error.
        `on_stderr` is given each line of standard error as it comes, progress included (ask for it with `--progress`).
        When it takes too long, and when the caller is cancelled, git and all that it has started are ended: first in
        a way that lets it put its locks away. Raises GitError.
        """
        import asyncio

        argv = command(args, fsmonitor=self.fsmonitor)
        variables = environment(args, env, config)
        await self._batch_ssh(args, variables)
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *argv,
                cwd=self.path,
                env=variables,
                stdin=asyncio.subprocess.PIPE if input else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        )
        try:
            process = await asyncio.shield(starting)
        except OSError as error:
            raise cannot_start(args, self.path, error) from error
        except asyncio.CancelledError:
            await _end(await starting)
            raise
        stdout, stderr = bytearray(), bytearray()
        try:
            async with asyncio.timeout(timeout_s):
                await _talk(process, input, stdout, stderr, on_stderr)
        except TimeoutError:
            await _end(process)
            raise GitTimeoutError(args, self.path, timeout_s, _said(stderr)) from None
        except BaseException:
            await _end(process)
            raise
        code = process.returncode
        assert code is not None
        output = Output(bytes(stdout), _said(stderr), code)
        if code not in ok:
            raise failure(args, self.path, code, output.stderr)
        return output

    def run_sync(
        self,
        *args: str,
        input: bytes = b"",  # noqa: A002 -- the name it has in subprocess
        env: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        ok: tuple[int, ...] = (0,),
    ) -> Output:
        """The same without an event loop, for hooks and threads."""
        variables = environment(args, env, config)
        if uses_network(args) and self._ssh is None:
            asked = self.run_sync("config", "--get", "core.sshCommand", ok=(0, 1))
            self._ssh = ssh_command(variables, asked.line)
        if uses_network(args) and self._ssh:
            variables["GIT_SSH_COMMAND"] = self._ssh
        try:
            process = subprocess.Popen(
                command(args, fsmonitor=self.fsmonitor),
                cwd=self.path,
                env=variables,
                stdin=subprocess.PIPE if input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise cannot_start(args, self.path, error) from error
        with process:
            try:
                stdout, errors = process.communicate(input or None, timeout=timeout_s)
            except subprocess.TimeoutExpired:
                _signal(process.pid, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_TERM_S)
                _signal(process.pid, signal.SIGKILL)
                _, errors = process.communicate()
                raise GitTimeoutError(args, self.path, timeout_s, _said(errors)) from None
            except BaseException:
                _signal(process.pid, signal.SIGTERM)
                raise
        output = Output(stdout, _said(errors), process.returncode)
        if output.code not in ok:
            raise failure(args, self.path, output.code, output.stderr)
        return output

    def stream_sync(
        self,
        *args: str,
        input: bytes = b"",  # noqa: A002 -- the name it has in subprocess
        timeout_s: float = TIMEOUT_S,
    ) -> Iterator[bytes]:
        """Standard output as it comes, for long output that is taken apart meanwhile, in a thread. Raises GitError.

        For commands that read all of their input before they write.
        """
        import tempfile
        from threading import Timer

        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    command(args, fsmonitor=self.fsmonitor),
                    cwd=self.path,
                    env=environment(args),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                )
            except OSError as error:
                raise cannot_start(args, self.path, error) from error
            late: list[bool] = []

            def end() -> None:
                late.append(True)
                _signal(process.pid, signal.SIGTERM)

            timer = Timer(timeout_s, end)
            timer.daemon = True
            timer.start()
            try:
                with process:
                    assert process.stdin is not None
                    assert process.stdout is not None
                    with contextlib.suppress(BrokenPipeError):
                        process.stdin.write(input)
                        process.stdin.close()
                    while part := os.read(process.stdout.fileno(), 1 << 18):
                        yield part
            except BaseException:
                _signal(process.pid, signal.SIGTERM)
                raise
            finally:
                timer.cancel()
            errors.seek(0)
            said = _said(errors.read())
        if late:
            raise GitTimeoutError(args, self.path, timeout_s, said)
        if process.returncode:
            raise failure(args, self.path, process.returncode, said)

    async def version(self) -> tuple[int, ...]:
        """The version of git, such as (2, 39, 5). Asked once."""
        path = os.environ.get("PATH", "")
        if path not in _versions:
            _versions[path] = _parse_version((await self.run("version")).text)
        return _versions[path]

    def version_sync(self) -> tuple[int, ...]:
        """The same without an event loop."""
        path = os.environ.get("PATH", "")
        if path not in _versions:
            _versions[path] = _parse_version(self.run_sync("version").text)
        return _versions[path]

    async def _batch_ssh(self, args: tuple[str, ...], variables: dict[str, str]) -> None:
        if not uses_network(args):
            return
        if self._ssh is None:
            asked = await self.run("config", "--get", "core.sshCommand", ok=(0, 1))
            self._ssh = ssh_command(variables, asked.line)
        if self._ssh:
            variables["GIT_SSH_COMMAND"] = self._ssh


def _parse_version(text: str) -> tuple[int, ...]:
    numbers = []
    for part in text.removeprefix("git version ").split(" ", 1)[0].strip().split(".")[:3]:
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _said(stderr: bytes | bytearray) -> str:
    return stderr.decode("utf-8", "replace").strip()


def _signal(pid: int, number: int) -> None:
    """To git, its hooks and all else that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


async def _talk(
    process: asyncio.subprocess.Process,
    given: bytes,
    stdout: bytearray,
    stderr: bytearray,
    on_stderr: Callable[[str], None] | None,
) -> None:
    """Feed and read until git has ended."""
    import asyncio

    async def feed(pipe: asyncio.StreamWriter) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            pipe.write(given)
            await pipe.drain()
        pipe.close()

    async def read(pipe: asyncio.StreamReader, into: bytearray) -> None:
        while part := await pipe.read(1 << 18):
            into += part

    async def read_lines(pipe: asyncio.StreamReader, tell: Callable[[str], None]) -> None:
        rest = b""
        while part := await pipe.read(1 << 16):
            stderr.extend(part)
            *lines, rest = (rest + part.replace(b"\r", b"\n")).split(b"\n")
            for line in lines:
                if line.strip():
                    tell(_said(line))
        if rest.strip():
            tell(_said(rest))

    assert process.stdout is not None
    assert process.stderr is not None
    errors = read_lines(process.stderr, on_stderr) if on_stderr else read(process.stderr, stderr)
    tasks = [asyncio.create_task(read(process.stdout, stdout)), asyncio.create_task(errors)]
    if process.stdin is not None:
        tasks.append(asyncio.create_task(feed(process.stdin)))
    try:
        waiting: set[asyncio.Task[None]] = set(tasks)
        while waiting:
            ended = process.returncode is not None
            _, waiting = await asyncio.wait(waiting, timeout=_LINGER_S)
            if ended:
                break
        while process.returncode is None and not await _ended(process, _LINGER_S):
            continue
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            raise error


async def _ended(process: asyncio.subprocess.Process, within_s: float) -> bool:
    """Whether the process ends in time. `wait()` alone may wait for those who hold its pipes, too."""
    import asyncio

    waiter = asyncio.create_task(process.wait())
    try:
        deadline = asyncio.get_running_loop().time() + within_s
        while process.returncode is None and asyncio.get_running_loop().time() < deadline:
            await asyncio.wait({waiter}, timeout=0.05)
    finally:
        waiter.cancel()
    return process.returncode is not None


async def _end(process: asyncio.subprocess.Process) -> None:
    """End git and all that it has started."""
    _signal(process.pid, signal.SIGTERM)
    try:
        await _ended(process, _TERM_S)
    finally:
        _signal(process.pid, signal.SIGKILL)
    await _ended(process, _TERM_S)

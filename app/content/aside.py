"""Work on texts in a process of its own: while a text is checked or split, keys do not wait for their turn.

`python -m app.content.aside` is that process. It answers one question after the other, as frames of a length and a
pickle on its standard streams, and ends when nobody is there any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from app.content.style.model import Finding, Fixed, Options
    from app.content.style.service import StyleService

WITHIN_S = 20.0
"""How long an answer may take. Rules of users are expressions that may never come to an end."""
_HEAD = 8
_NICE = 5


class AsideError(ValueError):
    """There is no answer; says why."""


class Aside:
    """The process, from the first question on. For one event loop; questions wait for each other."""

    def __init__(self, within_s: float = WITHIN_S) -> None:
        self._within_s = within_s
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._asked: set[asyncio.Task[Any]] = set()

    async def check(self, options: Options, template: str, text: str) -> tuple[Finding, ...]:
        """What is against the style of a template in a text. Raises AsideError."""
        found: tuple[Finding, ...] = await self._ask("check", options, template, text)
        return found

    async def mend(self, options: Options, template: str, text: str) -> Fixed:
        """The text with all safe fixes. Raises AsideError."""
        done: Fixed = await self._ask("mend", options, template, text)
        return done

    async def discord(self, text: str) -> tuple[str, ...]:
        """The messages that Discord would get. Raises AsideError."""
        parts: tuple[str, ...] = await self._ask("discord", text)
        return parts

    async def plain(self, text: str) -> str:
        """The text without its Markdown. Raises AsideError."""
        made: str = await self._ask("plain", text)
        return made

    async def close(self) -> None:
        """End the process."""
        for task in tuple(self._asked):
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)
        await self._end()

    async def _ask(self, name: str, *given: Any) -> Any:
        # Who asked may go away: the answer is taken from the stream all the same, so that the next one is the next.
        task = asyncio.get_running_loop().create_task(self._answer(name, given))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return await asyncio.shield(task)

    async def _answer(self, name: str, given: tuple[Any, ...]) -> Any:
        async with self._turn:
            try:
                async with asyncio.timeout(self._within_s):
                    process = self._process = self._process or await _started()
                    assert process.stdin is not None
                    assert process.stdout is not None
                    process.stdin.write(_frame((name, given)))
                    await process.stdin.drain()
                    size = int.from_bytes(await process.stdout.readexactly(_HEAD), "big")
                    raw = await process.stdout.readexactly(size)
            except TimeoutError:
                await self._end()
                raise AsideError(f"no answer after {self._within_s:g} s: a rule of your own may be endless") from None
            except (OSError, EOFError) as error:
                await self._end()
                raise AsideError(f"the process that works on texts ended: {error or type(error).__name__}") from None
            except asyncio.CancelledError:
                await self._end()
                raise
        done, answer = pickle.loads(raw)
        if not done:
            raise AsideError(answer)
        return answer

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _started() -> asyncio.subprocess.Process:
    # `-P`: the current folder may have a package `app` of its own.
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", ""))))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "app.content.aside",
        env={**os.environ, "PYTHONPATH": path},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


def _frame(content: Any) -> bytes:
    raw = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    return len(raw).to_bytes(_HEAD, "big") + raw


# In the process


@lru_cache(maxsize=4)
def _style(packed: bytes, template: str) -> StyleService:
    from app.content.style.service import StyleService

    return StyleService(pickle.loads(packed), template)


def _check(options: Options, template: str, text: str) -> tuple[Finding, ...]:
    return _style(pickle.dumps(options), template).check(text).findings


def _mend(options: Options, template: str, text: str) -> Fixed:
    return _style(pickle.dumps(options), template).mend(text)


def _discord(text: str) -> tuple[str, ...]:
    from app.content.render.discord import to_discord
    from app.content.render.split import split

    return tuple(split(to_discord(text)))


def _plain(text: str) -> str:
    from app.content.render.text import to_text

    return to_text(text)


_WORK: Mapping[str, Callable[..., Any]] = {"check": _check, "mend": _mend, "discord": _discord, "plain": _plain}


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the stream of questions ends."""
    while len(head := asked.read(_HEAD)) == _HEAD:
        name, given = pickle.loads(asked.read(int.from_bytes(head, "big")))
        try:
            answer = (True, _WORK[name](*given))
        except Exception as error:
            answer = (False, f"{error}" if str(error) else type(error).__name__)
        answers.write(_frame(answer))
        answers.flush()


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        # Keys go first where there are few cores.
        os.nice(_NICE)
        if sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(sys.stdin.buffer, sys.stdout.buffer)

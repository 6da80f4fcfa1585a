"""Handing a run over: to a command of this machine, or to a signed webhook. Both get the run's id, to do it once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.config.secrets import revealed
from app.errors import UserError
from app.feedback.receiver.signatures import sign
from app.feedback.retrain.model import Frozen, Pipeline, Run
from app.http import Client, UnreachableError

KEY = "Idempotency-Key"
SIGNATURE = "X-Quarterdeck-Signature"
TAIL_LINES = 20
TAIL_BYTES = 4000
GRACE_S = 5.0
GONE_LOOK_S = 0.05
LOG_HEAD = 1_000_000
LOG_TAIL = 1_000_000
"""Bytes of what a command prints that are kept, of its beginning and of its end."""
LOG_LOOK_S = 0.5
_PLACE = re.compile(r"\{(run|pipeline|manifest|data)\}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the consumer did: took the run, refused it for good, or failed and may be asked again.

    `done` means that it has also finished (True) or failed (False) what it took.
    """

    taken: bool
    detail: str = ""
    final: bool = False
    retry_after_s: float | None = None
    done: bool | None = None


Consumer = Callable[[Pipeline, Run, Frozen, Path], Awaitable[Outcome]]
"""Whoever takes runs. Called again with the same run until it was taken; what it prints may go to the file."""


async def hand_over(pipeline: Pipeline, run: Run, frozen: Frozen, output: Path) -> Outcome:
    """Give a run to its consumer; `output` keeps what a command prints. Never raises but when cancelled."""
    if pipeline.command:
        return await _command(pipeline, run, frozen, output)
    if pipeline.webhook:
        return await _webhook(pipeline, run, frozen)
    return Outcome(True, "no consumer is configured: take the files, and report how it went")


def argv(pipeline: Pipeline, run: Run, frozen: Frozen) -> list[str]:
    """The command with {run}, {pipeline}, {manifest} and {data} filled in; each argument stays one."""
    values = {"run": run.id, "pipeline": run.pipeline, "manifest": str(frozen.manifest), "data": str(frozen.data)}
    return [_PLACE.sub(lambda match: values[match[1]], argument) for argument in pipeline.command]


async def _command(pipeline: Pipeline, run: Run, frozen: Frozen, output: Path) -> Outcome:
    environment = {
        **os.environ,
        "QD_RETRAIN_RUN": run.id,
        "QD_RETRAIN_PIPELINE": run.pipeline,
        "QD_RETRAIN_MANIFEST": str(frozen.manifest),
        "QD_RETRAIN_DATA": str(frozen.data),
    }
    try:
        await asyncio.to_thread(output.unlink, missing_ok=True)
        # At its end wherever that is: the middle may be taken out, and a command of an app that was killed goes on.
        with output.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                *argv(pipeline, run, frozen),
                cwd=pipeline.folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        return Outcome(False, f"the command cannot be started: {error}")
    watching = asyncio.create_task(_keep_short(output))
    try:
        async with asyncio.timeout(pipeline.timeout_s):
            code = await process.wait()
    except TimeoutError:
        await _end(process)
        return Outcome(False, f"the command did not end within {pipeline.timeout_s:g} s{_said(output)}")
    except asyncio.CancelledError:
        await asyncio.shield(_end(process))
        raise
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(shorten, output)
    if code == 0:
        return Outcome(True, done=True if pipeline.result == "exit" else None)
    how = f"exit code {code}" if code > 0 else f"signal {-code}"
    return Outcome(False, f"the command failed with {how}{_said(output)}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the command with all that it started, which may stay when the command itself is gone."""
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await process.wait()
            while True:
                if not _signal(process, 0):
                    return
                await asyncio.sleep(GONE_LOOK_S)
    _signal(process, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await process.wait()


def _signal(process: asyncio.subprocess.Process, number: int) -> bool:
    """Send it to the command's group (0: nothing), as long as anybody is in there."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


async def _keep_short(output: Path) -> None:
    while True:
        await asyncio.sleep(LOG_LOOK_S)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(shorten, output)


def shorten(output: Path, head: int = LOG_HEAD, tail: int = LOG_TAIL) -> None:
    """Take the middle out of a file that somebody may be appending to, once it is twice as long as wanted."""
    with output.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size <= 2 * (head + tail):
            return
        file.seek(head)
        # The second cut tells of both.
        before = _LEFT_OUT.search(file.read(len(_left_out(0)) + 20))
        file.seek(size - tail)
        end = file.read()
        gone = size - head - len(end) + (int(before[1]) if before else 0)
        file.truncate(head)
        with output.open("ab") as more:
            more.write(_left_out(gone) + end)


def _left_out(number: int) -> bytes:
    return f"\n... {number} bytes are left out here ...\n".encode()


_LEFT_OUT = re.compile(rb"\A\n\.\.\. (\d+) bytes are left out here \.\.\.\n")


def _said(output: Path) -> str:
    """The end of what the command printed."""
    try:
        with output.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = deque((line for line in text.splitlines() if line.strip()), TAIL_LINES)
    return ":\n" + "\n".join(lines) if lines else ""


def body_of(run: Run, frozen: Frozen) -> dict[str, Any]:
    """What a webhook is sent: the manifest without the list of ids, and where the files are."""
    document = {name: value for name, value in frozen.document.items() if name != "ids"}
    return {
        "event": "retrain",
        "run_id": run.id,
        "pipeline": run.pipeline,
        "manifest": {**document, "path": str(frozen.manifest), "sha256": frozen.sha256},
        "data_path": str(frozen.data),
    }


async def _webhook(pipeline: Pipeline, run: Run, frozen: Frozen) -> Outcome:
    try:
        secret = revealed(pipeline.secret)
    except UserError as error:
        return Outcome(False, str(error))
    body = json.dumps(body_of(run, frozen), ensure_ascii=False, allow_nan=False).encode()
    headers: Mapping[str, str] = {
        "Content-Type": "application/json",
        KEY: run.id,
        **({SIGNATURE: sign(secret, body, int(time.time()))} if secret else {}),
    }
    # The address to the letter: a slash at its end may matter there.
    slash = pipeline.webhook.find("/", pipeline.webhook.index("//") + 2)
    base, path = (pipeline.webhook, "") if slash < 0 else (pipeline.webhook[:slash], pipeline.webhook[slash:])
    client = Client(base, timeout_s=pipeline.timeout_s)
    try:
        async with asyncio.timeout(pipeline.timeout_s):
            answer = await client.post(path, body, headers)
    except UnreachableError as error:
        return Outcome(False, str(error))
    except TimeoutError:
        return Outcome(False, f"no answer within {pipeline.timeout_s:g} s")
    finally:
        await client.close()
    if answer.ok:
        return Outcome(True)
    told = f"the webhook answered {answer.status}"
    # Asked too early, too often, while it works on the same key, or in trouble: later is another matter. All else stays
    # refused.
    again = answer.status in (408, 409, 425, 429) or answer.status >= 500
    return Outcome(False, told, final=not again, retry_after_s=answer.retry_after_s)

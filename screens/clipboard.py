"""Hands copied text to tmux, which by default does not pass on what programs inside it put into the clipboard."""

from __future__ import annotations

import asyncio
import logging
from asyncio.subprocess import DEVNULL, PIPE

log = logging.getLogger(__name__)

WAIT_S = 3.0


async def to_tmux(text: str) -> None:
    """Put the text into tmux's newest buffer, and through it into the terminal's clipboard."""
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux", "load-buffer", "-w", "-", stdin=PIPE, stdout=DEVNULL, stderr=PIPE
        )
    except OSError as error:
        log.info("tmux cannot be started: %s", error)
        return
    try:
        _, said = await asyncio.wait_for(process.communicate(text.encode("utf-8", "replace")), WAIT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        log.info("tmux did not take the copied text")
        return
    if process.returncode:
        log.info("tmux did not take the copied text: %s", said.decode("utf-8", "replace").strip())

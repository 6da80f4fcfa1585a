"""Reads a repository once, as the app does: `python git_read.py REPOSITORY CACHE [FILE]`; CACHE is a file or its place.

Prints as JSON, in seconds from the start of the reading: the first state with branches (`table`), the first with all
counts (`counted`) and the longest that the event loop was held up until then (`gap`); further the `processes` that were
started, and how many `branches` there are. Into FILE the counts go.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from app.git.cachefile import CacheFile
from app.git.model import RepositorySpec, RepositoryState, Rules
from app.git.reader import RepositoryReader

STEP_S = 0.002


class Ticker:
    """The longest time between two ticks beyond the planned one."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Tick from now on."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + STEP_S
        self._handle = loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        """Tick no more; a tick that is late already counts."""
        if self._handle is not None:
            self._handle.cancel()
        self.worst = max(self.worst, time.monotonic() - self._due)

    def _tick(self) -> None:
        self.worst = max(self.worst, time.monotonic() - self._due)
        self.start()


async def read(path: Path, cache: CacheFile) -> tuple[dict[str, float], RepositoryState]:
    """One reading up to its counts, those kept as after any reading: its figures and the state."""
    started: list[str] = []
    sys.addaudithook(lambda event, _: started.append(event) if event == "subprocess.Popen" else None)
    reader = RepositoryReader(RepositorySpec("measured", path), Rules(), cache)
    ticker, found = Ticker(), {"table": 0.0}
    await asyncio.sleep(0.05)
    ticker.start()
    began = time.monotonic()
    async with contextlib.aclosing(reader.read()) as states:
        async for state in states:
            now = time.monotonic() - began
            if state.error:
                raise SystemExit(state.error)
            found["table"] = found["table"] or now
            if state.counted:
                ticker.stop()
                found |= {"counted": now, "gap": ticker.worst, "processes": len(started)}
                found["branches"] = len(state.branches)
                # The reader keeps what it counted when it goes on.
                await anext(states, None)
                return found, state
    raise SystemExit("not everything was counted")


def told(state: RepositoryState) -> dict[str, list[int | None]]:
    """How far each branch is from its upstream and from the default branch."""
    return {
        branch.ref: [branch.ahead, branch.behind, branch.ahead_default, branch.behind_default]
        for branch in state.branches
    }


def main() -> None:
    """See the top."""
    path, cache = Path(sys.argv[1]), CacheFile(Path(sys.argv[2]))
    found, state = asyncio.run(read(path, cache))
    if len(sys.argv) > 3:
        Path(sys.argv[3]).write_text(json.dumps(told(state)), "utf-8")
    print(json.dumps(found))


if __name__ == "__main__":
    main()

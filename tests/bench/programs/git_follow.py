"""Follows repositories as the app does, without a screen: `python git_follow.py HOME REF REPOSITORY…`.

Every line of standard input is a command as JSON, what to `do`, and every line of standard output an answer with its
`t` on the monotonic clock:

- `settle`: answers when everything that was asked for has been read.
- `check`: compares the files of every repository with the last reading, as the safety net does now and then.
  `took` that long for all together (the median of some), and so many `processes` came of it.
- `usage`: `cpu_s` of this process so far, and so many `processes` started so far.

A `changed` comes unasked: a state in which REF of the first repository has another `oid` than before.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from app.events import Bus, GitChanged
from app.git.model import RepositorySpec, Rules
from app.git.service import GitService

CHECKS = 25


class Following:
    """The service, and what is told of it."""

    def __init__(self, home: Path, ref: str, paths: list[Path]) -> None:
        self._ref = ref
        self._oid = ""
        self._processes = 0
        sys.addaudithook(self._audit)
        bus = Bus()
        bus.subscribe(GitChanged, self._changed)
        specs = [RepositorySpec(f"repository {number}", path) for number, path in enumerate(paths)]
        self._first = specs[0].name
        self.service = GitService(specs, Rules(), bus=bus, cache_dir=home / "cache", data_dir=home / "data")

    def _audit(self, event: str, _: object) -> None:
        self._processes += event == "subprocess.Popen"

    def _changed(self, event: GitChanged) -> None:
        if event.state.name == self._first:
            oid = next((branch.oid for branch in event.state.branches if branch.ref == self._ref), "")
            if oid != self._oid:
                self._oid = oid
                say("changed", oid=oid)

    async def answer(self, command: str) -> None:
        """Do what is asked for."""
        if command == "settle":
            await self.service.settled()
            errors = [state.error for state in self.service.snapshot().repositories if state.error]
            say("settled", errors=errors)
        elif command == "check":
            before, took = self._processes, []
            for _ in range(CHECKS):
                at = time.monotonic()
                for follower in self.service._followers.values():
                    await follower.check()
                took.append(time.monotonic() - at)
            await self.service.settled()
            say("checked", took=median(took), processes=self._processes - before)
        elif command == "usage":
            say("usage", cpu_s=time.process_time(), processes=self._processes)


def say(event: str, **fields: object) -> None:
    """Write a line."""
    print(json.dumps({"event": event, "t": time.monotonic(), **fields}), flush=True)


async def follow(following: Following) -> None:
    """Answer until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await following.service.start()
    say("ready")
    try:
        while line := await reader.readline():
            await following.answer(json.loads(line)["do"])
    finally:
        await following.service.close()


def main() -> None:
    """See the top."""
    asyncio.run(follow(Following(Path(sys.argv[1]), sys.argv[2], [Path(path) for path in sys.argv[3:]])))


if __name__ == "__main__":
    main()

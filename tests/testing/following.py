"""A watcher on a real tree, with everything it said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from app.testing.watch import Batch, Watcher
from tests.waiting import until


def plant(root: Path, files: Mapping[str, str]) -> Path:
    """Write these files below `root`, which is made if it is not there."""
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


class Following:
    """Reads a watcher's batches. Each one is handed out once."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self.root = watcher.root
        self.batches: list[Batch] = []
        self._given = 0
        self._sentinels = 0

    async def next(self) -> Batch:
        """The next batch, waiting for it."""
        await until(lambda: len(self.batches) > self._given, what="a batch of changes")
        self._given += 1
        return self.batches[self._given - 1]

    async def changes(self) -> dict[str, str]:
        """What the next batch says, by path."""
        return {change.relative: change.kind for change in (await self.next()).changes}

    async def all_until(self, wanted: Mapping[str, str]) -> list[Batch]:
        """Batches up to the one with which these changes, and no others, have been told."""
        seen: dict[str, str] = {}
        batches = []
        while seen != dict(wanted):
            assert seen.items() <= wanted.items(), seen.items() - wanted.items()
            batches.append(await self.next())
            seen.update({change.relative: change.kind for change in batches[-1].changes})
        return batches

    async def nothing_else(self) -> None:
        """Fails when anything is told before a change made now."""
        self._sentinels += 1
        name = f"sentinel_{self._sentinels}.py"
        whole = self.root / f".{name}.new"
        whole.write_text("done = True\n")
        whole.replace(self.root / name)
        seen = await self.changes()
        assert seen == {name: "added"}, seen


@contextlib.asynccontextmanager
async def following(root: Path, **options: Any) -> AsyncIterator[Following]:
    """Watch `root` until the block ends; it begins when every file has been read."""
    watcher = Watcher(root, **options)
    follow = Following(watcher)

    async def read() -> None:
        async for batch in watcher.batches():
            follow.batches.append(batch)

    reading = asyncio.create_task(read())
    try:
        await watcher.ready()
        await until(lambda: watcher.settled or watcher.mode == "waiting", what="a watcher that knows its files")
        yield follow
    finally:
        await watcher.stop()
        await reading

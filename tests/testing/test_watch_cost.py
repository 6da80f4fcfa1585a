"""What watching costs: nothing at idle, no lag at the start, nothing for folders that do not matter."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from app.fileevents.inotify import InotifySource
from app.testing.scanner import Found, Scanner
from app.testing.watch import Watcher
from tests.testing.following import following, plant
from tests.waiting import until

linux = pytest.mark.skipif(sys.platform != "linux", reason="only inotify follows single folders; run it on Linux")


async def test_idle_watcher_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    steps = []
    step = Scanner.step

    def counted(self: Scanner, everything: bool) -> Found:
        steps.append(time.monotonic())
        return step(self, everything)

    async with following(root) as follow:
        await until(follow.watcher._proven.is_set, what="the probe's event")
        monkeypatch.setattr(Scanner, "step", counted)
        # Idleness shows only in time that passes.
        await asyncio.sleep(1.0)
        assert len(steps) <= 2


@linux
async def test_log_that_is_written_all_the_time_wakes_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root) as follow:
        await until(follow.watcher._proven.is_set, what="the probe's event")
        woken = []
        source = follow.watcher._source
        assert isinstance(source, InotifySource)
        monkeypatch.setattr(source, "_wake", lambda: (woken.append(1), follow.watcher._wake.set()))
        with (root / "app.log").open("w") as file:
            for number in range(1000):
                print(number, file=file, flush=True)
        await follow.nothing_else()
        assert len(woken) <= 3


@linux
async def test_ignored_folder_costs_no_watch(tmp_path: Path) -> None:
    names = [f"node_modules/pkg{number % 50}/deep/{number}.json" for number in range(2000)]
    root = plant(tmp_path / "project", {"a.py": "1\n", "pkg/b.py": "1\n", **dict.fromkeys(names, "")})
    async with following(root) as follow:
        source = follow.watcher._source
        assert isinstance(source, InotifySource)
        assert set(source._watches) == {"", "pkg"}
        assert follow.watcher.files == 2


@pytest.mark.slow
async def test_start_on_ten_thousand_files_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    root = tmp_path / "project"
    for folder in range(200):
        (root / f"pkg{folder}").mkdir(parents=True)
        for number in range(50):
            (root / f"pkg{folder}/m{number}.py").write_text(f"value = {number}\n")
    own: list[float] = []
    watcher = Watcher(root)

    async def probe() -> None:
        # The loop's own processor time: how long it was busy, whatever else the machine does.
        while not watcher.settled:
            started = time.thread_time()
            await asyncio.sleep(0.001)
            own.append(time.thread_time() - started)

    batches = watcher.batches()
    first = asyncio.ensure_future(anext(batches))
    await probe()
    assert watcher.files == 10_000
    assert max(own) < 0.02
    (root / "pkg7/m7.py").write_text("changed\n")
    assert [change.relative for change in (await first).changes] == ["pkg7/m7.py"]
    await watcher.stop()


async def test_save_while_the_files_are_still_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until a file's content is known, every save of it counts."""
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    monkeypatch.setattr(Scanner, "read_some", lambda _self, _seconds: False)
    async with following(root) as follow:
        (root / "a.py").write_text("1\n")
        assert await follow.changes() == {"a.py": "modified"}
        (root / "a.py").write_text("1\n")
        await follow.nothing_else()


async def test_slow_reader_gets_one_batch(tmp_path: Path) -> None:
    """What comes while nobody asks is put together, by its last state."""
    root = plant(tmp_path / "project", {"a.py": "1\n", "b.py": "1\n"})
    watcher = Watcher(root)
    batches = watcher.batches()
    first = asyncio.ensure_future(anext(batches))
    await until(lambda: watcher.settled, what="a watcher that knows its files")
    (root / "a.py").write_text("2\n")
    await first
    for text in ("3\n", "4\n"):
        (root / "a.py").write_text(text)
        await until(lambda: "a.py" in watcher._outbox, what="the change")
    (root / "b.py").unlink()
    (root / "c.py").write_text("1\n")
    await until(lambda: {"b.py", "c.py"} <= watcher._outbox.keys(), what="the changes")
    batch = await anext(batches)
    assert {change.relative: change.kind for change in batch.changes} == {
        "a.py": "modified",
        "b.py": "deleted",
        "c.py": "added",
    }
    await watcher.stop()

"""Where events do not arrive, are too few, or the project itself goes away."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.fileevents import inotify, sources
from app.fileevents.events import Events
from app.testing import mounts, scanner, watch
from app.testing.watch import Watcher
from tests.testing.following import following, plant
from tests.waiting import until


class Deaf:
    """A source that hears nothing until it is told to, as on a network mount."""

    def __init__(self, root: str, wake: Callable[[], None], wanted: Callable[[str], bool]) -> None:
        self.wake = wake
        self.heard = False
        self.folders: set[str] = set()

    def enter(self, folder: str) -> None:
        self.folders.add(folder)

    def leave(self, folder: str) -> None:
        self.folders.discard(folder)

    def take(self) -> Events:
        return Events(at=1.0, now={".quarterdeck-probe-1"}) if self.heard else Events()

    def close(self) -> None:
        self.folders.clear()


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "open_source", Deaf)
    monkeypatch.setattr(watch, "PROBE_S", (0.05, 0.05))


async def test_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root) as follow:
        await until(follow.watcher._proven.is_set, what="the probe's event")
        assert os.listdir(root) == ["a.py"]
        assert (follow.watcher.mode, follow.watcher.note) == ("events", "")


@pytest.mark.usefixtures("deaf")
async def test_polls_where_no_events_arrive(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n", "pkg/b.py": "1\n"})
    async with following(root, poll_s=0.05) as follow:
        await until(lambda: follow.watcher.mode == "polling", what="polling")
        assert follow.watcher.note == "polling: no file events arrive here"
        (root / "a.py").write_text("22\n")
        assert await follow.changes() == {"a.py": "modified"}
        (root / "pkg/c.py").write_text("1\n")
        assert await follow.changes() == {"pkg/c.py": "added"}
        shutil.rmtree(root / "pkg")
        await follow.all_until({"pkg/b.py": "deleted", "pkg/c.py": "deleted"})
        await follow.nothing_else()
        assert not list(root.glob(".quarterdeck*"))


@pytest.mark.usefixtures("deaf")
async def test_stops_polling_when_events_arrive_after_all(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    said = []
    async with following(root, poll_s=0.05, on_change=lambda: said.append(1)) as follow:
        await until(lambda: follow.watcher.mode == "polling", what="polling")
        source = follow.watcher._source
        assert isinstance(source, Deaf)
        source.heard = True
        await until(lambda: follow.watcher.mode == "events", what="events")
        assert follow.watcher.note == ""
        assert said


@pytest.mark.usefixtures("deaf")
async def test_never_polls_when_told_so(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root, polling="never", poll_s=0.05) as follow:
        await until(lambda: follow.watcher.note, what="a note")
        assert follow.watcher.note == "not polling: no file events arrive here"
        assert follow.watcher.mode == "events"


async def test_always_polls_when_told_so(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n", ".gitignore": "b.py\n"})
    async with following(root, polling="always", poll_s=0.05) as follow:
        assert follow.watcher.note == "polling: as configured"
        assert follow.watcher._source is None
        (root / "b.py").write_text("1\n")
        (root / "a.py").write_text("2\n")
        assert await follow.changes() == {"a.py": "modified"}
        (root / ".gitignore").unlink()
        assert await follow.changes() == {"b.py": "added"}
        await follow.nothing_else()


async def test_polling_sees_a_second_save_of_the_same_length(tmp_path: Path) -> None:
    """Saves within one tick of a coarse clock differ in nothing but content."""
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root, polling="always", poll_s=0.05) as follow:
        path = root / "a.py"
        path.write_text("2\n")
        before = path.stat()
        assert await follow.changes() == {"a.py": "modified"}
        path.write_text("3\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert await follow.changes() == {"a.py": "modified"}


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's; run these tests there")
async def test_polls_when_the_system_allows_no_more_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n", "one/b.py": "1\n", "two/c.py": "1\n"})
    enter = inotify.InotifySource.enter

    def limited(self: inotify.InotifySource, folder: str) -> None:
        if folder:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        enter(self, folder)

    monkeypatch.setattr(inotify.InotifySource, "enter", limited)
    async with following(root, poll_s=0.05) as follow:
        assert follow.watcher.note == f"polling: {scanner.LIMIT_REACHED}"
        (root / "two/c.py").write_text("22\n")
        assert await follow.changes() == {"two/c.py": "modified"}


async def test_polls_when_there_are_no_events_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(root: str, wake: Callable[[], None], wanted: Callable[[str], bool]) -> sources.Source:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(watch, "open_source", refuse)
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root, poll_s=0.05) as follow:
        assert "Too many open files" in follow.watcher.note
        (root / "a.py").write_text("22\n")
        assert await follow.changes() == {"a.py": "modified"}


async def test_polls_too_where_others_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "shared_type", lambda _path: "nfs4")
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root) as follow:
        assert follow.watcher.note == "polling: nfs4 tells nothing of changes made elsewhere"
        (root / "a.py").write_text("22\n")
        assert await follow.changes() == {"a.py": "modified"}


def test_shared_file_systems_are_told_by_the_mount_table(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "23 22 0:40 / /mnt/team rw - nfs4 server:/team rw\n"
        "24 23 8:2 / /mnt/team/local rw - ext4 /dev/sdb1 rw\n"
        "25 22 0:41 / /mnt/with\\040space rw shared:1 - cifs //server/x rw\n"
        "damaged line\n"
    )
    assert mounts.shared_type("/mnt/team/project", str(table)) == "nfs4"
    assert mounts.shared_type("/mnt/team/local/project", str(table)) == ""
    assert mounts.shared_type("/mnt/with space/p", str(table)) == "cifs"
    assert mounts.shared_type("/mnt/teams", str(table)) == ""
    assert mounts.shared_type("/home", str(tmp_path / "missing")) == ""


async def test_project_that_vanishes_and_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "RETURN_S", 0.02)
    root = plant(tmp_path / "project", {"a.py": "1\n", "pkg/b.py": "1\n"})
    async with following(root) as follow:
        os.rename(root, tmp_path / "away")
        await until(lambda: follow.watcher.mode == "waiting", what="the watcher to miss the project")
        assert follow.watcher.note == f"waiting: {root} is gone"
        (tmp_path / "away/pkg/b.py").write_text("2\n")
        os.rename(tmp_path / "away", root)
        batch = await follow.next()
        assert batch.bulk
        assert [change.relative for change in batch.changes] == ["pkg/b.py"]
        await until(lambda: follow.watcher.settled, what="the files to be read again")
        assert (follow.watcher.mode, follow.watcher.note) == ("events", "")
        (root / "a.py").write_text("3\n")
        assert await follow.changes() == {"a.py": "modified"}
        await follow.nothing_else()


async def test_project_that_is_deleted_and_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "RETURN_S", 0.02)
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root) as follow:
        shutil.rmtree(root)
        await until(lambda: follow.watcher.mode == "waiting", what="the watcher to miss the project")
        plant(tmp_path / "fresh", {"b.py": "1\n"})
        os.rename(tmp_path / "fresh", root)
        while not (batch := await follow.next()).bulk:
            pass
        assert {change.relative for change in batch.changes} >= {"b.py"}
        (root / "b.py").write_text("2\n")
        assert await follow.changes() == {"b.py": "modified"}


async def test_folder_above_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel tells nothing of this."""
    monkeypatch.setattr(watch, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(watch, "RETURN_S", 0.02)
    root = plant(tmp_path / "above/project", {"a.py": "1\n"})
    async with following(root) as follow:
        os.rename(tmp_path / "above", tmp_path / "other")
        await until(lambda: follow.watcher.mode == "waiting", what="the watcher to miss the project")
        os.rename(tmp_path / "other", tmp_path / "above")
        batch = await follow.next()
        assert batch.bulk
        assert batch.changes == ()


async def test_project_that_is_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "RETURN_S", 0.02)
    async with following(tmp_path / "project") as follow:
        assert follow.watcher.note == f"waiting: {tmp_path / 'project'} is gone"
        plant(tmp_path / "fresh", {"a.py": "1\n"})
        os.rename(tmp_path / "fresh", tmp_path / "project")
        assert (await follow.next()).bulk


async def test_project_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "RETURN_S", 0.02)
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    listed = os.listdir

    def refuse(path: str) -> list[str]:
        if path == str(root):
            raise PermissionError(path)
        return listed(path)

    with monkeypatch.context() as patch:
        patch.setattr(scanner.os, "listdir", refuse)
        async with following(root) as follow:
            assert follow.watcher.note == f"waiting: {root} cannot be read"
            patch.undo()
            assert (await follow.next()).bulk


async def test_watcher_that_breaks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: scanner.Scanner, everything: bool) -> scanner.Found:
        raise RuntimeError("a defect")

    monkeypatch.setattr(scanner.Scanner, "step", broken)
    watcher = Watcher(plant(tmp_path / "project", {"a.py": "1\n"}))
    with pytest.raises(RuntimeError, match="a defect"):
        await anext(watcher.batches())
    await watcher.ready()


async def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """No probe can be sent: events are taken to arrive, as they do on any local disk."""
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    watcher = Watcher(root)
    watcher._scanner.send_probe = lambda: False  # type: ignore[method-assign]  # root may write anywhere
    batches = watcher.batches()
    first = asyncio.ensure_future(anext(batches))
    await watcher.ready()
    (root / "a.py").write_text("22\n")
    assert (await first).changes[0].relative == "a.py"
    assert watcher.note == ""
    await watcher.stop()


async def test_stopping_ends_the_batches_and_frees_everything(tmp_path: Path) -> None:
    import threading

    root = plant(tmp_path / "project", {"a.py": "1\n"})
    before = set(os.listdir("/proc/self/fd")) if sys.platform == "linux" else set()
    async with following(root) as follow:
        await follow.watcher.stop()
        await follow.watcher.stop()
    await until(lambda: not [t for t in threading.enumerate() if t.name.startswith("watch")], what="no thread left")
    if before:
        assert len(os.listdir("/proc/self/fd")) <= len(before)


async def test_reader_that_stops_early_leaves_nothing(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    watcher = Watcher(root)

    async def one() -> None:
        async for _batch in watcher.batches():
            raise RuntimeError("the reader has had enough")

    reading = asyncio.create_task(one())
    await watcher.ready()
    (root / "a.py").write_text("22\n")
    with pytest.raises(RuntimeError):
        await reading
    await watcher.stop()
    assert watcher._source is None


async def test_watching_loads_no_library_where_the_system_tells(tmp_path: Path) -> None:
    """The library is for other systems; importing it costs as much as the whole start of a watcher."""
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from app.testing.watch import Watcher\n"
        "print([m for m in ('watchfiles', 'anyio') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

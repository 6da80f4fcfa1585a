"""Every way in which editors save: one change for a save that changes something, none for one that does not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.fileevents import sources
from app.testing import scanner, watch
from tests.testing.following import following, plant

Save = Callable[[Path, str], None]


@pytest.fixture(params=["system", "library"])
def _source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sources of events, and a machine too busy to finish a save within 50 ms."""
    if request.param == "library":
        monkeypatch.setattr(watch, "open_source", sources.LibrarySource)
    monkeypatch.setattr(scanner, "HOLD_S", 2.0)


pytestmark = pytest.mark.usefixtures("_source")


def in_place(path: Path, text: str) -> None:
    """VS Code, nano, most scripts."""
    path.write_text(text)


def truncate_then_write(path: Path, text: str) -> None:
    """A shell's `: > file; cat >> file`: for a moment the file is empty and closed."""
    path.write_bytes(b"")
    with path.open("a") as file:
        file.write(text)


def replace(path: Path, text: str) -> None:
    """Black, ruff, Helix, most formatters: a hidden neighbour renamed over the file."""
    beside = path.with_name(f".tmp_{path.name}.a8f3")
    beside.write_text(text)
    os.replace(beside, path)


def vim(path: Path, text: str) -> None:
    """Its test for a writable folder, its swap file, its backup, its flush to the disk."""
    swap = path.with_name(f".{path.name}.swp")
    swap.write_bytes(b"b0VIM 9.0")
    probe = path.with_name("4913")
    os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    probe.unlink()
    backup = path.with_name(f"{path.name}~")
    os.rename(path, backup)
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644)
    os.write(descriptor, text.encode())
    os.fsync(descriptor)
    os.close(descriptor)
    path.chmod(0o644)
    backup.unlink()
    swap.unlink()


def pycharm(path: Path, text: str) -> None:
    """The safe write of JetBrains: for a moment there is no file of this name."""
    new, old = path.with_name(f"{path.name}___jb_tmp___"), path.with_name(f"{path.name}___jb_old___")
    new.write_text(text)
    os.rename(path, old)
    os.rename(new, path)
    old.unlink()


def emacs(path: Path, text: str) -> None:
    """A lock that is a broken link named like a Python file, an autosave, a backup."""
    lock = path.with_name(f".#{path.name}")
    lock.symlink_to("someone@somewhere.123:456")
    autosave = path.with_name(f"#{path.name}#")
    autosave.write_text(text)
    backup = path.with_name(f"{path.name}~")
    os.rename(path, backup)
    path.write_text(text)
    shutil.copymode(backup, path)
    autosave.unlink()
    lock.unlink()


def gedit(path: Path, text: str) -> None:
    beside = path.with_name(".goutputstream-X4QK2B")
    beside.write_text(text)
    backup = path.with_name(f"{path.name}~")
    backup.unlink(missing_ok=True)
    os.link(path, backup)
    os.replace(beside, path)


def sed(path: Path, text: str) -> None:
    """`sed -i` itself, which replaces the whole text."""
    script = "1{r /dev/stdin\n};d"
    subprocess.run(["sed", "-i", script, str(path)], input=text, text=True, check=True)


SAVES = [in_place, truncate_then_write, replace, vim, pycharm, emacs, gedit, sed]


@pytest.mark.parametrize("save", SAVES)
async def test_save_is_told_once(tmp_path: Path, save: Save) -> None:
    root = plant(tmp_path / "project", {"pkg/orders.py": "price = 1\n", "pkg/other.py": ""})
    async with following(root) as follow:
        for number in range(3):
            save(root / "pkg/orders.py", f"price = {number}\nname = 'a'\n")
            assert await follow.changes() == {"pkg/orders.py": "modified"}
        await follow.nothing_else()


@pytest.mark.parametrize("save", SAVES)
async def test_save_without_a_change_is_told_not_at_all(tmp_path: Path, save: Save) -> None:
    root = plant(tmp_path / "project", {"pkg/orders.py": "price = 1\n"})
    async with following(root) as follow:
        save(root / "pkg/orders.py", "price = 1\n")
        await follow.nothing_else()


async def test_touch_and_chmod_are_no_change(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"orders.py": "price = 1\n"})
    async with following(root) as follow:
        (root / "orders.py").touch()
        (root / "orders.py").chmod(0o600)
        await follow.nothing_else()


async def test_change_that_is_taken_back_is_told_both_times(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"orders.py": "price = 1\n"})
    async with following(root) as follow:
        for text in ("price = 2\n", "price = 1\n"):
            (root / "orders.py").write_text(text)
            assert await follow.changes() == {"orders.py": "modified"}


async def test_same_length_within_one_clock_tick(tmp_path: Path) -> None:
    """Time and size say nothing of such a change; the content does."""
    root = plant(tmp_path / "project", {"orders.py": "price = 1\n"})
    async with following(root) as follow:
        path = root / "orders.py"
        path.write_text("price = 2\n")
        before = path.stat()
        assert await follow.changes() == {"orders.py": "modified"}
        path.write_text("price = 3\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert await follow.changes() == {"orders.py": "modified"}


async def test_batch_knows_when_its_first_event_came(tmp_path: Path) -> None:
    import time

    root = plant(tmp_path / "project", {"orders.py": "price = 1\n"})
    async with following(root) as follow:
        before = time.monotonic()
        (root / "orders.py").write_text("price = 2\n")
        batch = await follow.next()
        assert before <= batch.at <= time.monotonic()
        assert not batch.bulk
        assert batch.changes[0].path == root / "orders.py"


async def test_several_files_saved_together(tmp_path: Path) -> None:
    names = [f"part_{number}.py" for number in range(5)]
    root = plant(tmp_path / "project", dict.fromkeys(names, "a = 1\n"))
    async with following(root) as follow:
        for name in names:
            (root / name).write_text("a = 2\n")
        await follow.all_until(dict.fromkeys(names, "modified"))
        await follow.nothing_else()


async def test_names_with_spaces_letters_and_newlines(tmp_path: Path) -> None:
    root = tmp_path / "mein projekt — ünï"
    names = ["größe und preis.py", "数据/テスト.py", "new\nline.py", "[brackets] (x).py", "-dash.py"]
    plant(root, dict.fromkeys(names, "a = 1\n"))
    async with following(root) as follow:
        for name in names:
            (root / name).write_text("a = 2\n")
            assert await follow.changes() == {name: "modified"}


async def test_name_that_is_no_text(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"orders.py": ""})
    raw = os.fsencode(root) + b"/caf\xe9.py"
    async with following(root) as follow:
        Path(os.fsdecode(raw)).write_text("a = 1\n")
        change = (await follow.next()).changes[0]
        assert os.fsencode(change.path) == raw
        change.relative.encode()


async def test_big_file_is_compared_too(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"data.json": ""})
    async with following(root) as follow:
        with (root / "data.json").open("wb") as file:
            file.truncate(64 * 1024 * 1024)
        assert await follow.changes() == {"data.json": "modified"}
        with (root / "data.json").open("r+b") as file:
            file.write(b"[1]")
        assert await follow.changes() == {"data.json": "modified"}


async def test_file_that_stays_open_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "HOLD_S", 0.05)
    root = plant(tmp_path / "project", {"data.csv": "a\n"})
    async with following(root) as follow:
        with (root / "data.csv").open("a") as file:
            file.write("b\n")
            file.flush()
            assert await follow.changes() == {"data.csv": "modified"}

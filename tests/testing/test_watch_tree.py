"""Trees that change: renames, deletions, folders, branch switches, links, and what .gitignore says at the time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.fileevents import sources
from app.fileevents.events import Events
from app.testing import gathering, scanner, watch
from tests.testing.following import following, plant


@pytest.fixture(params=["system", "library"])
def _source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "library":
        monkeypatch.setattr(watch, "open_source", sources.LibrarySource)


def git(root: Path, *arguments: str) -> None:
    """Run git with no configuration but its own."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, "-C", str(root), *arguments], check=True, env=environment, capture_output=True)


@pytest.mark.usefixtures("_source")
async def test_new_and_deleted_file(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root) as follow:
        (root / "b.py").write_text("2\n")
        assert await follow.changes() == {"b.py": "added"}
        (root / "a.py").unlink()
        assert await follow.changes() == {"a.py": "deleted"}
        await follow.nothing_else()
        assert follow.watcher.files == 2


@pytest.mark.usefixtures("_source")
async def test_renamed_file_is_one_batch(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root) as follow:
        os.rename(root / "a.py", root / "b.py")
        assert await follow.changes() == {"a.py": "deleted", "b.py": "added"}
        await follow.nothing_else()


@pytest.mark.usefixtures("_source")
async def test_renamed_folder_is_one_batch_and_stays_watched(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"old/a.py": "1\n", "old/deep/b.py": "2\n"})
    async with following(root) as follow:
        os.rename(root / "old", root / "new")
        assert await follow.changes() == {
            "old/a.py": "deleted",
            "old/deep/b.py": "deleted",
            "new/a.py": "added",
            "new/deep/b.py": "added",
        }
        (root / "new/deep/b.py").write_text("3\n")
        assert await follow.changes() == {"new/deep/b.py": "modified"}
        await follow.nothing_else()


@pytest.mark.usefixtures("_source")
async def test_folder_that_comes_from_elsewhere_with_its_files(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    other = plant(tmp_path / "elsewhere", {"deep/b.py": "2\n", "notes.md": "", "c.py": "3\n"})
    async with following(root) as follow:
        os.rename(other, root / "inside")
        await follow.all_until({"inside/deep/b.py": "added", "inside/c.py": "added"})
        (root / "inside/deep/b.py").write_text("4\n")
        assert await follow.changes() == {"inside/deep/b.py": "modified"}


@pytest.mark.usefixtures("_source")
async def test_folders_made_and_filled_at_once(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root) as follow:
        plant(root, {"x/y/z/b.py": "2\n"})
        await follow.all_until({"x/y/z/b.py": "added"})
        (root / "x/y/z/b.py").write_text("3\n")
        assert await follow.changes() == {"x/y/z/b.py": "modified"}


@pytest.mark.usefixtures("_source")
async def test_deleted_folder(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n", "pkg/b.py": "2\n", "pkg/deep/c.py": "3\n"})
    async with following(root) as follow:
        shutil.rmtree(root / "pkg")
        await follow.all_until({"pkg/b.py": "deleted", "pkg/deep/c.py": "deleted"})
        plant(root, {"pkg/b.py": "2\n"})
        await follow.all_until({"pkg/b.py": "added"})
        (root / "pkg/b.py").write_text("3\n")
        assert await follow.changes() == {"pkg/b.py": "modified"}


@pytest.mark.slow
@pytest.mark.usefixtures("_source")
async def test_branch_switch_is_one_bulk_change(tmp_path: Path) -> None:
    names = [f"pkg{number % 40}/module_{number}.py" for number in range(2000)]
    root = plant(tmp_path / "project", dict.fromkeys(names, "branch = 'main'\n"))
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "main")
    git(root, "checkout", "-qb", "other")
    plant(root, dict.fromkeys(names[:1500], "branch = 'other'\n"))
    for name in names[1500:]:
        (root / name).unlink()
    plant(root, {"fresh/new.py": ""})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "other")
    async with following(root) as follow:
        git(root, "checkout", "-q", "main")
        wanted = dict.fromkeys(names[:1500], "modified") | dict.fromkeys(names[1500:], "added")
        batches = await follow.all_until(wanted | {"fresh/new.py": "deleted"})
        assert len(batches) <= 3
        assert any(batch.bulk for batch in batches)
        git(root, "checkout", "-q", "other")
        git(root, "checkout", "-q", "main")
        # There and back: whatever was told in between, in the end all is known as it is.
        (root / names[0]).write_text("edited\n")
        while names[0] not in (changes := await follow.changes()) or len(changes) > 1:
            pass
        await follow.nothing_else()


async def test_git_at_work_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "GIT_QUIET_S", 60.0)
    root = plant(tmp_path / "project", {"a.py": "1\n", "b.py": "1\n"})
    git(root, "init", "-q")
    async with following(root) as follow:
        lock = root / ".git/index.lock"
        lock.touch()
        (root / "a.py").write_text("2\n")
        (root / "b.py").write_text("2\n")
        (root / "a.py").write_text("3\n")
        lock.unlink()
        assert await follow.changes() == {"a.py": "modified", "b.py": "modified"}


async def test_lock_that_git_left_behind_delays_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "GIT_QUIET_S", 60.0)
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    git(root, "init", "-q")
    lock = root / ".git/index.lock"
    lock.touch()
    os.utime(lock, (1, 1))
    async with following(root) as follow:
        (root / "a.py").write_text("2\n")
        assert await follow.changes() == {"a.py": "modified"}


@pytest.mark.usefixtures("_source")
async def test_loop_of_links(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"pkg/a.py": "1\n"})
    (root / "pkg/again").symlink_to(root)
    (root / "pkg/self").symlink_to(root / "pkg")
    (root / "broken.py").symlink_to(root / "nowhere.py")
    (root / "circle.py").symlink_to(root / "circle.py")
    async with following(root) as follow:
        assert follow.watcher.files == 1
        (root / "pkg/a.py").write_text("2\n")
        assert await follow.changes() == {"pkg/a.py": "modified"}


async def test_link_to_a_neighbour_is_followed(tmp_path: Path) -> None:
    shared = plant(tmp_path / "shared", {"helpers/h.py": "1\n"})
    (shared / "back").symlink_to(tmp_path / "project")
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    (root / "lib").symlink_to(shared)
    (root / "twice").symlink_to(shared)
    (root / "everything").symlink_to("/")
    async with following(root) as follow:
        assert follow.watcher.files == 2
        (shared / "helpers/h.py").write_text("2\n")
        change = (await follow.next()).changes[0]
        assert change.relative in ("lib/helpers/h.py", "twice/helpers/h.py")


async def test_project_reached_through_a_link(tmp_path: Path) -> None:
    plant(tmp_path / "real", {"a.py": "1\n"})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    async with following(tmp_path / "link") as follow:
        (tmp_path / "real/a.py").write_text("2\n")
        batch = await follow.next()
        assert batch.changes[0].path == tmp_path / "link/a.py"


@pytest.mark.usefixtures("_source")
async def test_what_git_ignores_is_not_watched(tmp_path: Path) -> None:
    root = plant(
        tmp_path / "project",
        {
            ".gitignore": "build/\n*.log.py\n!keep.log.py\n",
            "pkg/.gitignore": "/local.py\n",
            "a.py": "1\n",
            "build/made.py": "1\n",
            "pkg/local.py": "1\n",
            "pkg/deep/local.py": "1\n",
            "x.log.py": "1\n",
            "keep.log.py": "1\n",
            "node_modules/thing/setup.py": "1\n",
            "env/pyvenv.cfg": "",
            "env/lib/site.py": "1\n",
            "__pycache__/a.py": "1\n",
        },
    )
    async with following(root) as follow:
        assert follow.watcher.files == 3
        for name in ("build/made.py", "pkg/local.py", "x.log.py", "node_modules/thing/setup.py", "env/lib/site.py"):
            (root / name).write_text("2\n")
        await follow.nothing_else()
        for name in ("keep.log.py", "pkg/deep/local.py"):
            (root / name).write_text("2\n")
            assert await follow.changes() == {name: "modified"}


@pytest.mark.usefixtures("_source")
async def test_changed_gitignore_counts_at_once_and_is_no_change_itself(tmp_path: Path) -> None:
    root = plant(
        tmp_path / "project", {".gitignore": "hidden/\n", "hidden/h.py": "1\n", "seen/s.py": "1\n", "a.py": "1\n"}
    )
    async with following(root) as follow:
        (root / ".gitignore").write_text("seen/\n")
        await follow.nothing_else()
        (root / "seen/s.py").write_text("2\n")
        await follow.nothing_else()
        (root / "hidden/h.py").write_text("2\n")
        assert await follow.changes() == {"hidden/h.py": "modified"}
        (root / ".gitignore").unlink()
        await follow.nothing_else()
        (root / "seen/s.py").write_text("3\n")
        assert await follow.changes() == {"seen/s.py": "modified"}


async def test_virtual_environment_made_while_watching(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root) as follow:
        (root / "env").mkdir()
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / "env")], check=True)
        plant(root, {"env/lib/python3/site-packages/thing/x.py": "1\n", "env/y.py": "1\n"})
        await follow.nothing_else()
        assert follow.watcher.files == 2


async def test_own_globs_and_own_ignores(tmp_path: Path) -> None:
    root = plant(
        tmp_path / "project",
        {"a.py": "1\n", "notes.md": "", "data/big/x.dat": "1", "data/y.dat": "1", ".gitignore": "data/\n"},
    )
    async with following(root, watch=("**/*.md", "data/**/*.dat"), ignore=("!data/", "data/big/")) as follow:
        (root / "a.py").write_text("2\n")
        (root / "data/big/x.dat").write_text("2")
        (root / "data/y.dat").write_text("2")
        assert await follow.changes() == {"data/y.dat": "modified"}
        (root / "notes.md").write_text("new\n")
        assert await follow.changes() == {"notes.md": "modified"}


async def test_special_files_block_nothing(tmp_path: Path) -> None:
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    os.mkfifo(root / "pipe.py")
    async with following(root) as follow:
        os.mkfifo(root / "other.py")
        await follow.nothing_else()


async def test_file_nobody_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time and size are all there is to compare."""
    from app.testing import contents

    root = plant(tmp_path / "project", {"a.py": "1\n", "secret.json": "1\n"})
    digest = contents._digest

    def refuse(path: str, status: os.stat_result) -> bytes:
        if path.endswith("secret.json"):
            raise PermissionError(path)
        return digest(path, status)

    monkeypatch.setattr(contents, "_digest", refuse)
    async with following(root) as follow:
        (root / "secret.json").write_text("longer\n")
        assert await follow.changes() == {"secret.json": "modified"}


async def test_events_that_the_system_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an overflow of the kernel's queue nobody knows what changed: everything is compared."""
    root = plant(tmp_path / "project", {"a.py": "1\n", "pkg/b.py": "1\n"})
    async with following(root) as follow:
        source = follow.watcher._source
        assert source is not None
        take = source.take

        def forgetful() -> Events:
            events = take()
            return Events(at=events.at, lost=bool(events.now or events.soon))

        monkeypatch.setattr(source, "take", forgetful)
        (root / "pkg/b.py").write_text("2\n")
        assert await follow.changes() == {"pkg/b.py": "modified"}
        (root / "a.py").unlink()
        assert await follow.changes() == {"a.py": "deleted"}


async def test_deletion_waits_for_the_file_to_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "HOLD_S", 30.0)
    root = plant(tmp_path / "project", {"a.py": "1\n"})
    async with following(root) as follow:
        (root / "a.py").unlink()
        (root / "b.py").write_text("1\n")
        (root / "a.py").write_text("2\n")
        await follow.all_until({"a.py": "modified", "b.py": "added"})

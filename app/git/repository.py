"""Where a repository keeps its things, and a cheap way to see whether they have changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from app.git.cli import Git
    from app.git.configuration import Configuration

OPERATION_FILES = (
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "BISECT_LOG",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
)
"""What git keeps beside a working tree's HEAD while something is in progress."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of a repository, as absolute paths without symbolic links.

    A linked working tree and a submodule have their own `git_dir` (HEAD, index); `common_dir` holds refs, objects and
    configuration, and is the same folder in a plain repository.
    """

    worktree: Path | None
    git_dir: Path
    common_dir: Path
    bare: bool = False
    object_format: str = "sha1"
    shallow: bool = False
    partial: bool = False
    grafts: bool = False
    ref_storage: Literal["files", "reftable"] = "files"

    @property
    def objects(self) -> Path:
        """The folder of the object database."""
        return self.common_dir / "objects"


@dataclass(frozen=True, slots=True)
class Signature:
    """What stat says of the files that matter. Two that are equal: nothing has changed between them."""

    refs: int
    """Branches, remotes' branches, HEADs, configuration."""
    worktree: int
    """The index and operations in progress."""


async def read_layout(git: Git, configuration: Configuration) -> Layout:
    """Ask git where everything is. Raises GitError."""
    facts = ("--is-bare-repository", "--is-inside-work-tree", "--is-shallow-repository", "--show-object-format")
    places = ("--git-dir", "--git-common-dir")
    said = await git.run("rev-parse", "--path-format=absolute", *facts, *places, "--show-cdup")
    bare, inside, shallow, object_format, *paths = said.text.split("\n")
    if len(paths) == (4 if inside == "true" else 3):
        git_dir, common_dir, up = paths[0], paths[1], paths[2]
    else:  # a path with a line end in it
        git_dir, common_dir = [
            done.line
            for done in await asyncio.gather(
                *(git.run("rev-parse", "--path-format=absolute", place) for place in places)
            )
        ]
        up = (await git.run("rev-parse", "--show-cdup")).line
    common = Path(common_dir)
    return Layout(
        worktree=(git.path / up).resolve() if inside == "true" else None,
        git_dir=Path(git_dir),
        common_dir=common,
        bare=bare == "true",
        object_format=object_format,
        shallow=shallow == "true",
        partial=configuration.partial,
        grafts=_has_content(common / "info" / "grafts"),
        ref_storage="reftable" if (common / "reftable" / "tables.list").exists() else "files",
    )


def signature(layout: Layout) -> Signature:
    """Look at the files: no process, well below a millisecond where the refs are packed."""
    common = layout.common_dir
    refs: list[object] = [
        _look(common / name) for name in ("HEAD", "packed-refs", "config", "config.worktree", "shallow")
    ]
    refs.append(_look(common / "info" / "grafts"))
    if layout.ref_storage == "reftable":
        refs.append(_look(common / "reftable" / "tables.list"))
    else:
        _walk(str(common / "refs"), refs)
    refs.append(_look(common / "objects" / "info" / "commit-graph"))
    refs.append(_look(common / "objects" / "info" / "commit-graphs" / "commit-graph-chain"))
    worktrees = common / "worktrees"
    with contextlib.suppress(OSError):
        for folder in sorted(worktrees.iterdir()):
            refs += [_look(folder / part) for part in ("HEAD", "gitdir", "locked", *OPERATION_FILES)]
    own = [_look(layout.git_dir / name) for name in ("HEAD", "index", *OPERATION_FILES)]
    return Signature(hash((own[0], *refs)), hash((*own, _look(common / "refs" / "stash"))))


def _look(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # Folders change whenever git works in them; that they are there is what counts.
    return (0, 0, found.st_ino) if S_ISDIR(found.st_mode) else (found.st_mtime_ns, found.st_size, found.st_ino)


def _walk(folder: str, into: list[object]) -> None:
    """All files below a folder: path, time, size, number."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _walk(entry.path, into)
                elif not entry.name.endswith(".lock"):
                    with contextlib.suppress(OSError):
                        found = entry.stat(follow_symlinks=False)
                        into.append((entry.path, found.st_mtime_ns, found.st_size, found.st_ino))
    except OSError:
        into.append((folder, None))


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False

"""What a folder holds at this moment, as git would name it: the commit, and the tree of its present content.

The tree is git's own id of the folder's content, changes and new files included, so that the same content has the same
id whether it is committed or not. It is computed in a copy of the index and a temporary object directory: the
repository gains no object and its index is neither locked nor touched.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.git.cli import Git, GitError
from app.git.model import Provenance

UNTRACKED_BYTES = 1 << 20
UNTRACKED_FILES = 2000
"""New files that are larger, or beyond this number, are data rather than source and are left out of the tree."""


@dataclass(frozen=True, slots=True)
class _Place:
    top: Path
    prefix: str
    index: Path
    objects: Path


class Provenances:
    """Answers for any number of folders, remembering where each one's repository lies and the trees of its commits."""

    def __init__(self) -> None:
        self._places: dict[Path, _Place] = {}
        self._trees: dict[tuple[Path, str], str] = {}

    async def of(self, folder: Path) -> Provenance | None:
        """The provenance of `folder`; None where it is in no repository, or in one without a commit."""
        try:
            place = self._places.get(folder)
            if place is None:
                place = self._places[folder] = await _find(folder)
            return await self._of(folder, place)
        except (GitError, OSError):
            self._places.pop(folder, None)
            return None

    async def _of(self, folder: Path, place: _Place) -> Provenance | None:
        git = Git(folder)
        said = await git.run(
            *("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames"),
            *("--ignore-submodules=dirty", "--", "."),
        )
        commit, changed = _parse(said.records, place)
        if commit is None:
            return None
        if changed:
            return Provenance(commit, await _tree_with(git, place, changed), dirty=True)
        tree = self._trees.get((folder, commit))
        if tree is None:
            tree = (await git.run("rev-parse", "--verify", "--end-of-options", f"{commit}:{place.prefix}")).line
            self._trees[folder, commit] = tree
        return Provenance(commit, tree, dirty=False)


async def _find(folder: Path) -> _Place:
    asked = ("--show-toplevel", "--show-prefix", "--git-path", "index", "--git-path", "objects")
    said = await Git(folder).run("rev-parse", *asked)
    top, prefix, index, objects = said.text.split("\n")[:4]
    return _Place(Path(top), prefix.rstrip("/"), folder / index, (folder / objects).resolve())


def _parse(records: list[str], place: _Place) -> tuple[str | None, list[str]]:
    """The commit, and the paths that differ from it, relative to the top."""
    commit: str | None = None
    changed: list[str] = []
    untracked: list[str] = []
    for record in records:
        if record.startswith("# branch.oid "):
            commit = record.removeprefix("# branch.oid ")
        elif record.startswith("? "):
            untracked.append(record[2:])
        elif record[:1] in ("1", "u"):
            # Fields before the path: eight, or ten for a conflict.
            changed.append(record.split(" ", 8 if record[0] == "1" else 10)[-1])
    changed += [path for path in untracked[:UNTRACKED_FILES] if _small(place.top / path)]
    return (None if commit == "(initial)" else commit), changed


def _small(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return found.st_size <= UNTRACKED_BYTES


async def _tree_with(git: Git, place: _Place, changed: list[str]) -> str:
    scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="quarterdeck-tree-"))
    try:
        if place.index.exists():
            await asyncio.to_thread(shutil.copyfile, place.index, scratch / "index")
        env = {
            "GIT_INDEX_FILE": str(scratch / "index"),
            "GIT_OBJECT_DIRECTORY": str(scratch),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(str(place.objects)),
        }
        top = Git(place.top)
        paths = "".join(f"{path}\0" for path in changed).encode("utf-8", "surrogateescape")
        await top.run("update-index", "--add", "--remove", "-z", "--stdin", input=paths, env=env)
        prefix = (f"--prefix={place.prefix}/",) if place.prefix else ()
        return (await top.run("write-tree", *prefix, env=env)).line
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


def _quoted(path: str) -> str:
    """A path for a colon-separated list in which quotes and backslashes protect colons."""
    if ":" not in path and not path.startswith('"'):
        return path
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'

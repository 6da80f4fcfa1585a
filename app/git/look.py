"""One look at a repository: everything that git and its files tell at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.git.configuration import Configuration, read_configuration
from app.git.failures import GitError, lock_told
from app.git.model import Changes, Head, Operation, Problem
from app.git.reading import Reading
from app.git.refs import HEADS, REMOTES, Refs, read_refs
from app.git.repository import Layout, read_layout
from app.git.worktree import daemon_at_work, operation_in_progress, read_changes, read_holds

if TYPE_CHECKING:
    from app.git.cli import Git
    from app.git.model import RepositorySpec, Rules

_OLD_LOCK_S = 60.0
"""A git that works normally holds a lock for a moment."""


@dataclass(frozen=True, slots=True)
class WorkingTree:
    """What a working tree is like. Without `changes` it could not be read, for the reason in `trouble`."""

    changes: Changes | None = None
    operation: Operation | None = None
    trouble: tuple[Problem, ...] = ()


async def look(git: Git, spec: RepositorySpec, rules: Rules, told: Callable[[Layout], None] | None = None) -> Reading:
    """Look at a repository, but not at what is changed in its working tree. Raises GitError.

    `told` is called as soon as it is known where everything is, while the refs are still being listed.
    """
    listing = asyncio.create_task(read_refs(git))
    try:
        configuration = await read_configuration(git)
        layout = await read_layout(git, configuration)
        git.fsmonitor = daemon_at_work(layout, configuration)
        if told:
            told(layout)
        refs = await listing
    except BaseException:
        listing.cancel()
        await asyncio.gather(listing, return_exceptions=True)
        raise
    return Reading(
        spec=spec,
        rules=rules,
        layout=layout,
        configuration=configuration,
        refs=refs,
        head=await _read_head(git, refs),
        at=time.time(),
        operation=operation_in_progress(layout.git_dir) if layout.worktree else None,
        holds=read_holds(layout),
        dangling=await _read_dangling(git, layout, configuration, refs),
        locks=tuple(_old_locks(layout)),
    )


async def look_at_worktree(git: Git, layout: Layout, configuration: Configuration) -> WorkingTree:
    """Look at the working tree alone. What goes wrong is said in the answer."""
    if layout.worktree is None:
        return WorkingTree()
    operation = operation_in_progress(layout.git_dir)
    try:
        return WorkingTree(await read_changes(git, configuration), operation)
    except GitError as error:
        problem = Problem("unreadable", "", f"what is changed cannot be read: {error.what}", error.fix)
        return WorkingTree(None, operation, (problem,))


async def _read_head(git: Git, refs: Refs) -> Head:
    for ref in refs.under(HEADS):
        if ref.is_head:
            return Head(ref.name.removeprefix(HEADS), ref.oid)
    named, at = await asyncio.gather(
        git.run("symbolic-ref", "-q", "HEAD", ok=(0, 1)),
        git.run("rev-parse", "-q", "--verify", "HEAD^{commit}", ok=(0, 1)),
    )
    branch = named.line.removeprefix(HEADS) or None
    return Head(branch, at.line, detached=branch is None, unborn=branch is not None and not at.line)


async def _read_dangling(git: Git, layout: Layout, configuration: Configuration, refs: Refs) -> dict[str, str]:
    """By remote, what its HEAD names although it is not there: git leaves those out of its list."""
    found = {}
    for remote in configuration.remotes:
        head = f"{REMOTES}{remote}/HEAD"
        if head not in refs.all and (layout.ref_storage != "files" or (layout.common_dir / head).is_file()):
            named = await git.run("symbolic-ref", "-q", head, ok=(0, 1, 128))
            if named.code == 0:
                found[remote] = named.line
    return found


def _old_locks(layout: Layout) -> list[tuple[str, str]]:
    places = [(layout.git_dir, name) for name in ("index", "HEAD")]
    places += [(layout.common_dir, name) for name in ("packed-refs", "config", "shallow")]
    locks = (folder / f"{name}.lock" for folder, name in places)
    return [(str(path), lock_told(path)) for path in locks if _age(path) > _OLD_LOCK_S]


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0

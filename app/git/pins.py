"""Refs of our own that keep what operations move or delete, until it is too old for anybody to want it back.

A pin stands at `refs/quarterdeck/trash/OPERATION/…` and holds the object that a ref had; without it `git gc` would
destroy the commits of a deleted branch. A deleted branch's reflog is kept as the reflog of its pin, where git also
counts it among what must be kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from app.git.cli import Git
from app.git.facts import HEADS, REMOTES, SYMBOLIC
from app.git.model import RefChange
from app.git.names import fold
from app.git.repository import Layout

ROOT = "refs/quarterdeck/trash/"
RETENTION_DAYS = 90
RETENTION_OPERATIONS = 500


def pins_of(op_id: str, changes: Iterable[RefChange]) -> dict[str, str]:
    """The pins that an operation needs, and the key of the change that each is for."""
    pins: dict[str, str] = {}
    taken: set[str] = set()
    for change in changes:
        if not change.old or change.old == change.new or change.old.startswith(SYMBOLIC):
            continue
        name = _name(change)
        number, free = 1, name
        # Two names that differ in case only are one file on some systems.
        while fold(free) in taken:
            number += 1
            free = f"{name}.{number}"
        taken.add(fold(free))
        pins[f"{ROOT}{op_id}/{free}"] = change.key
    return pins


async def pin(git: Git, objects: Mapping[str, str]) -> None:
    """Make these pins in one transaction; those that are there already stay. Raises GitError."""
    if objects:
        lines = "".join(f"update {ref} {oid}\n" for ref, oid in objects.items())
        # Without a reflog of its own: that place is for the branch's.
        await git.run(
            "update-ref",
            "--stdin",
            input=lines.encode("utf-8", "surrogateescape"),
            config={"core.logAllRefUpdates": "false"},
        )


async def unpin(git: Git, refs: Iterable[str]) -> int:
    """Give pins up; returns how many there were. Raises GitError."""
    wanted = set(refs)
    if not wanted:
        return 0
    said = await git.run("for-each-ref", "--format=%(refname)", ROOT)
    found = sorted(wanted.intersection(said.text.splitlines()))
    lines = "".join(f"delete {ref}\n" for ref in found)
    if found:
        await git.run("update-ref", "--stdin", input=lines.encode("utf-8", "surrogateescape"))
    return len(found)


async def keep_reflog(layout: Layout, ref: str, pinned: str) -> bool:
    """Copy a branch's reflog to its pin; False where there is none or it cannot be copied (reftable)."""
    if layout.ref_storage != "files":
        return False
    return await asyncio.to_thread(_copy, _log(layout, ref), _log(layout, pinned), replace=True)


async def restore_reflog(layout: Layout, pinned: str, ref: str) -> bool:
    """Give a branch that was just made again the reflog of its pin, unless it has got one of its own by now."""
    if layout.ref_storage != "files":
        return False
    return await asyncio.to_thread(_copy, _log(layout, pinned), _log(layout, ref), replace=False)


def _name(change: RefChange) -> str:
    if change.ref == "HEAD":
        return "head"
    if change.side == "remote":
        return f"remotes/{change.remote}/{change.ref.removeprefix(HEADS)}"
    if change.ref.startswith(REMOTES):
        return f"tracking/{change.ref.removeprefix(REMOTES)}"
    return f"heads/{change.ref.removeprefix(HEADS)}"


def _log(layout: Layout, ref: str) -> Path:
    return layout.common_dir / "logs" / ref


def _copy(source: Path, target: Path, *, replace: bool) -> bool:
    """Copy so that a crash leaves either nothing or the whole."""
    try:
        content = source.read_bytes()
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".quarterdeck-", dir=target.parent)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError):
        return False
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):
            Path(temporary).chmod(source.stat().st_mode & 0o777)
        if replace:
            Path(temporary).replace(target)
        else:
            _link(Path(temporary), target, content)
    except (FileExistsError, IsADirectoryError):
        return False
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
    return True


def _link(temporary: Path, target: Path, content: bytes) -> None:
    """Put the file in its place unless there is one. Some file systems have no links."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:
        with target.open("xb") as file:
            file.write(content)

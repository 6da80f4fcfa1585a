"""A working tree: what is changed in it, what is in progress there, and which branches it holds fast."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from app.git.model import Changes, Operation

if TYPE_CHECKING:
    from app.git.cli import Git
    from app.git.configuration import Configuration
    from app.git.repository import Layout

_TIMEOUT_S = 120.0
_HEADS = "refs/heads/"
_MARKS: tuple[tuple[str, Operation], ...] = (
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)


class Hold(NamedTuple):
    """Why git would refuse to delete a branch, though no working tree has it checked out."""

    by: Literal["rebase", "bisect"]
    where: str


async def read_changes(git: Git, configuration: Configuration) -> Changes:
    """What `git status` counts. Takes no lock and starts no program of the repository's own. Raises GitError.

    Changes inside submodules are not looked for, since that would run git with the configuration of each. Untracked
    files are passed over only where the repository itself asks for that.
    """
    untracked = configuration.settings.get("status.showuntrackedfiles", ())
    hidden = any(setting.own and setting.value in ("no", "false") for setting in untracked[-1:])
    done = await git.run(
        "status",
        "--porcelain=v2",
        "-z",
        "--show-stash",
        "--find-renames",
        f"--untracked-files={'no' if hidden else 'normal'}",
        "--ignore-submodules=dirty",
        config=configuration.harmless,
        timeout_s=_TIMEOUT_S,
    )
    return parse_changes(done.records)


def parse_changes(records: list[str]) -> Changes:
    """From the records of `git status --porcelain=v2 -z --show-stash`."""
    changed = staged = untracked = conflicts = stashes = 0
    remaining = iter(records)
    for record in remaining:
        kind = record[:2]
        if kind in ("1 ", "2 "):
            staged += record[2] != "."
            changed += record[3] != "."
            if kind == "2 ":
                next(remaining, "")  # what the file was called before
        elif kind == "? ":
            untracked += 1
        elif kind == "u ":
            conflicts += 1
        elif record.startswith("# stash "):
            stashes = int(record.removeprefix("# stash "))
    return Changes(changed, staged, untracked, conflicts, stashes)


def daemon_at_work(layout: Layout, configuration: Configuration) -> bool:
    """Whether git's own file watcher runs for this repository, so that asking it starts nothing."""
    wanted = configuration.get("core.fsmonitor").lower() in ("true", "yes", "on", "1")
    return wanted and (layout.git_dir / "fsmonitor--daemon.ipc").exists()


def operation_in_progress(git_dir: Path) -> Operation | None:
    """What has been begun in the working tree of this git folder and not ended."""
    if (git_dir / "rebase-merge").is_dir():
        return "rebase"
    if (git_dir / "rebase-apply").is_dir():
        return "am" if (git_dir / "rebase-apply" / "applying").exists() else "rebase"
    for name, operation in _MARKS:
        if (git_dir / name).exists():
            return operation
    todo = _text(git_dir / "sequencer" / "todo").split(maxsplit=1)
    return None if not todo else "revert" if todo[0] == "revert" else "cherry-pick"


def read_holds(layout: Layout) -> dict[str, Hold]:
    """The branches, by full name, that a rebase or a bisect in any working tree is at work on."""
    holds: dict[str, Hold] = {}
    for git_dir, where in _git_dirs(layout):
        for ref in _rebased(git_dir):
            holds.setdefault(ref, Hold("rebase", where))
        start = _text(git_dir / "BISECT_START").strip()
        if start:
            holds.setdefault(start if start.startswith("refs/") else _HEADS + start, Hold("bisect", where))
    return holds


def _git_dirs(layout: Layout) -> Iterator[tuple[Path, str]]:
    """Every working tree's git folder, and where the working tree is."""
    own = str(layout.worktree or layout.git_dir)
    yield layout.git_dir, own
    if layout.common_dir != layout.git_dir:
        yield layout.common_dir, str(layout.common_dir.parent)
    try:
        linked = sorted((layout.common_dir / "worktrees").iterdir())
    except OSError:
        return
    for folder in linked:
        if folder != layout.git_dir:
            yield folder, str(Path(_text(folder / "gitdir").removesuffix("\n")).parent)


def _rebased(git_dir: Path) -> Iterator[str]:
    for folder in ("rebase-merge", "rebase-apply"):
        name = _text(git_dir / folder / "head-name").strip()
        if name.startswith(_HEADS):
            yield name
    # With --update-refs further branches are moved at the end: name, before and after on a line each.
    lines = _text(git_dir / "rebase-merge" / "update-refs").splitlines()
    yield from (line for line in lines[::3] if line.startswith(_HEADS))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return ""

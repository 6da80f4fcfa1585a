"""What a branch's reflog tells of its past."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from app.git.repository import Layout

_PINS = "refs/quarterdeck/trash"
_WORK = re.compile(r"(?:commit|cherry-pick|am|revert)\b|merge .*: Merge made")
_REBASE = re.compile(r"(?:pull )?(?:--?\S+ )*rebase.*\(finish\)")
_ONWARD = re.compile(r"Fast-forward$|^Branch: renamed")
_REMOTE = re.compile(r"^pull\b|Created from (?:refs/)?remotes/|^clone: ")


class Trace(NamedTuple):
    """`worked`: commits were made on the branch, and it has never been set back behind them. `remote`: it was once
    made from a branch of a remote, or pulled from one."""

    worked: bool = False
    remote: bool = False


def read_trace(layout: Layout, ref: str, remotes: Iterable[str] = ()) -> Trace:
    """The past of a branch, as far as there is a file of it."""
    if layout.ref_storage != "files":
        return Trace()
    try:
        data = (layout.common_dir / "logs" / ref).read_bytes()
    except (OSError, ValueError):
        return Trace()
    return trace(data.decode("utf-8", "surrogateescape").splitlines(), remotes)


def last_pinned(layout: Layout, mirror: str) -> str:
    """What a remote-tracking ref held when an operation deleted it, or its branch on the remote; empty if none did."""
    place = layout.common_dir / "logs" / _PINS
    try:
        changed = place.stat().st_mtime_ns
    except OSError:
        return ""
    return _pinned(place, changed).get(mirror, "")


@lru_cache(maxsize=64)
def _pinned(place: Path, changed: int) -> Mapping[str, str]:
    """By remote-tracking ref, from the reflogs that are kept beside the pins, oldest operation first."""
    found: dict[str, str] = {}
    for operation in sorted(place.iterdir()):
        for kind in ("remotes", "tracking"):
            for path in (operation / kind).rglob("*"):
                try:
                    last = path.read_bytes().rstrip().rpartition(b"\n")[2].split(b" ", 2)
                except OSError:
                    continue
                if len(last) == 3:
                    name = path.relative_to(operation / kind).as_posix()
                    found[f"refs/remotes/{name}"] = last[1].decode("ascii", "replace")
    return found


def trace(lines: Iterable[str], remotes: Iterable[str] = ()) -> Trace:
    """From the lines of a reflog, oldest first."""
    created = tuple(f"branch: Created from {remote}/" for remote in remotes)
    worked = remote = False
    for line in lines:
        who, _, message = line.partition("\t")
        ids = who.split(" ", 2)
        if _WORK.match(message):
            worked = True
        elif _REBASE.match(message):
            worked = not message.endswith(f"onto {ids[1]}") if len(ids) > 1 else False
        elif not _ONWARD.search(message):
            worked = False
        remote = remote or _REMOTE.search(message) is not None or (bool(created) and message.startswith(created))
    return Trace(worked, remote)

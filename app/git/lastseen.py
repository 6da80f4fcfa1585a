"""The last state of every repository, kept between two starts so that the first frame has something to show.

Reading it must cost next to nothing: the file holds arrays, not objects, and needs only the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from app.git.model import (
    Branch,
    Changes,
    Commit,
    Head,
    Problem,
    Remote,
    RemoteBranch,
    RepositorySpec,
    RepositoryState,
)

FORMAT = 1
_COMMIT = ("oid", "time", "author", "subject")
_HEAD = ("branch", "oid", "detached", "unborn")
_CHANGES = ("changed", "staged", "untracked", "conflicts", "stashes")
_REMOTE = ("name", "url", "head", "push_url")
_PROBLEM = ("kind", "ref", "detail", "fix")
_BRANCH = (
    *("name", "oid", "upstream", "upstream_ref", "upstream_oid", "push_ref", "upstream_state", "ahead", "behind"),
    *("ahead_default", "behind_default", "lower_bound", "landed", "landed_why", "unpushed", "stale", "misnamed"),
    *("protected", "held_by", "held_where", "is_head", "is_default"),
)
_REMOTE_BRANCH = (
    *("remote", "name", "oid", "ahead_default", "behind_default", "landed", "landed_why", "stale", "protected"),
)
_STATE = (
    *(
        "name",
        "path",
        "default_branch",
        "operation",
        "bare",
        "shallow",
        "counted",
        "error",
        "error_fix",
        "trouble",
        "read_at",
    ),
)


def load(path: Path) -> tuple[RepositoryState, ...]:
    """What `save` has kept; empty when there is nothing, or nothing that can be read."""
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            return ()
        return tuple(_state(entry) for entry in document["repositories"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()


def of(specs: Iterable[RepositorySpec], path: Path) -> dict[str, RepositoryState]:
    """What is kept of these repositories, by name. One of the same name somewhere else is another repository."""
    places = {spec.name: str(spec.path) for spec in specs}
    return {state.name: state for state in load(path) if places.get(state.name) == state.path}


def save(path: Path, states: Iterable[RepositoryState]) -> None:
    """Replace the file in one step. Raises OSError when that is impossible, leaving the earlier file as it was."""
    import tempfile

    document = {"format": FORMAT, "repositories": [_entry(state) for state in states]}
    data = json.dumps(document, separators=(",", ":"))
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(data)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _values(thing: object, names: Sequence[str]) -> list[Any]:
    return [getattr(thing, name) for name in names]


def _named(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(names, values, strict=True))


def _entry(state: RepositoryState) -> dict[str, Any]:
    return {
        "state": _values(state, _STATE),
        "head": _values(state.head, _HEAD),
        "changes": None if state.changes is None else _values(state.changes, _CHANGES),
        "remotes": [_values(remote, _REMOTE) for remote in state.remotes],
        "problems": [_values(problem, _PROBLEM) for problem in state.problems],
        "branches": [[_values(branch, _BRANCH), _values(branch.last_commit, _COMMIT)] for branch in state.branches],
        "remote_only": [
            [_values(branch, _REMOTE_BRANCH), _values(branch.last_commit, _COMMIT)] for branch in state.remote_only
        ],
    }


def _state(entry: dict[str, Any]) -> RepositoryState:
    return RepositoryState(
        **_named(_STATE, entry["state"]),
        head=Head(*entry["head"]),
        changes=None if entry["changes"] is None else Changes(*entry["changes"]),
        remotes=tuple(Remote(**_named(_REMOTE, values)) for values in entry["remotes"]),
        problems=tuple(Problem(**_named(_PROBLEM, values)) for values in entry["problems"]),
        branches=tuple(
            Branch(**_named(_BRANCH, values), last_commit=Commit(*commit)) for values, commit in entry["branches"]
        ),
        remote_only=tuple(
            RemoteBranch(**_named(_REMOTE_BRANCH, values), last_commit=Commit(*commit))
            for values, commit in entry["remote_only"]
        ),
    )

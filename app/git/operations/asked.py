"""What screens and commands ask for, as the planners call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.git.model import OperationKind, RefChange


def named(kind: OperationKind, arguments: dict[str, object], names: object, remote: str = "") -> dict[str, object]:
    """The arguments as the planner of this kind calls them; `remote` is the one that the configuration names."""
    if kind in ("switch", "track") and "name" in arguments:
        return {**{key: value for key, value in arguments.items() if key != "name"}, "branch": arguments["name"]}
    if kind == "push":
        name = arguments.pop("name", "")
        return {**arguments, "branches": (name,)} if name else arguments
    if kind == "align":
        arguments = {**arguments, "remote": remote}
    if kind in ("prune", "align") and names:
        return {**arguments, "branches": names}
    return arguments


def short_name(change: RefChange) -> str:
    """The name of the branch that it is about."""
    return change.ref.removeprefix("refs/heads/")

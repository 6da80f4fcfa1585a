"""An operation as the journal holds it, and its way to text and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.git.model import ConfigChange, OperationKind, OperationState, Plan, RefChange, Refusal, Report

Value = TypeVar("Value", RefChange, ConfigChange, Refusal)

OPEN_STATES = ("planned", "pinned", "remote-done", "local-done")
"""States of an operation that has begun and not ended: it can be finished or undone."""
TITLE_LENGTH = 500
OWN_NOTES = ("head", "touched", "mirrored")
"""Names in `data` that the executor uses itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation on one repository. `plan` holds what is really to be done: what was ticked and still to do."""

    op_id: str
    repository: str
    path: str
    """Where git was called."""
    common_dir: str
    """The folder of the refs and objects, shared by all working trees: what identifies the repository."""
    plan: Plan
    state: OperationState = "planned"
    at: float = 0.0
    """time.time() of its beginning."""
    updated_at: float = 0.0
    revision: int = 0
    done: frozenset[str] = frozenset()
    """Keys of the changes that were carried out."""
    refused: tuple[Refusal, ...] = ()
    message: str = ""
    undoes: str | None = None
    undone_by: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)
    """Pin refs and the objects that they keep."""
    remotes: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the remotes concerned, without credentials."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What an operation's own act noted down for its undo; plain JSON."""
    unpinned: bool = False
    """Its pins were given up, since it is old: what it deleted may be gone."""

    @property
    def open(self) -> bool:
        """Begun and not ended."""
        return self.state in OPEN_STATES

    def report(self) -> Report:
        """What the user is told of it."""
        return Report(
            op_id=self.op_id,
            kind=self.plan.kind,
            repository=self.repository,
            dry_run=False,
            state=self.state,
            plan=self.plan.changes,
            config=self.plan.config,
            commands=self.plan.commands,
            done=tuple(change for change in self.plan.changes if change.key in self.done),
            refused=self.refused,
            message=self.message,
            at=self.at,
            undone_by=self.undone_by,
            undoes=self.undoes,
            title=self.plan.title,
        )


def dump(entry: Entry) -> str:
    """The entry as ASCII JSON; names of any bytes survive."""
    return json.dumps(asdict(entry) | {"done": sorted(entry.done)}, separators=(",", ":"))


def load(text: str) -> Entry:
    """The entry of what `dump` made, by this version of the app or another one."""
    found: dict[str, Any] = json.loads(text)
    plan = found["plan"]
    found["plan"] = Plan(
        kind=plan["kind"],
        repository=plan["repository"],
        title=plan["title"],
        changes=_values(RefChange, plan["changes"]),
        config=_values(ConfigChange, plan["config"]),
        commands=tuple(tuple(command) for command in plan["commands"]),
        refused=_values(Refusal, plan["refused"]),
        notes=tuple(plan["notes"]),
        remarks=tuple(plan.get("remarks", ())),
        arguments=plan["arguments"],
    )
    found["done"] = frozenset(found["done"])
    found["refused"] = _values(Refusal, found["refused"])
    known = {each.name for each in fields(Entry)}
    return Entry(**{name: value for name, value in found.items() if name in known})


def payload(entry: Entry) -> dict[str, Any]:
    """The entry by the contract `git.operation`."""
    kind: OperationKind = entry.plan.kind
    return {
        "op_id": entry.op_id,
        "revision": entry.revision,
        "repository": entry.repository,
        "path": entry.path,
        "kind": kind,
        "state": entry.state,
        "at": _moment(entry.at),
        "updated_at": _moment(entry.updated_at),
        "title": entry.plan.title[:TITLE_LENGTH],
        "message": entry.message,
        "undoes": entry.undoes,
        "undone_by": entry.undone_by,
        "changes": [
            {name: getattr(change, name) for name in ("ref", "side", "remote", "old", "new", "reason")}
            for change in entry.plan.changes
        ],
        "config": [asdict(change) for change in entry.plan.config],
        "commands": [list(command) for command in entry.plan.commands],
        "done": sorted(entry.done),
        "refused": [asdict(refusal) for refusal in entry.refused],
        "remotes": dict(entry.remotes),
    }


def _values(kind: type[Value], rows: list[dict[str, Any]]) -> tuple[Value, ...]:
    known = {each.name for each in fields(kind)}
    return tuple(kind(**{name: value for name, value in row.items() if name in known}) for row in rows)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

"""What `qd git` prints."""

from __future__ import annotations

from typing import get_args

from app.commands.schemas.build import (
    COUNT,
    FLAG,
    SECONDS,
    TEXT,
    TIME,
    Schema,
    choice,
    document,
    many,
    maybe,
    record,
)
from app.git.hooks import State
from app.git.hygiene.model import Severity
from app.git.model import Landed, Operation, OperationKind, OperationState, ProblemKind, Side, UpstreamState

_LANDED = maybe(choice(*get_args(Landed)))
_COMMIT = record(oid=TEXT, time=TIME, author=TEXT, subject=TEXT)
_COUNTS = {
    "ahead_default": maybe(COUNT),
    "behind_default": maybe(COUNT),
    "landed": _LANDED,
    "landed_why": TEXT,
    "stale": FLAG,
    "protected": FLAG,
    "last_commit": _COMMIT,
}
_BRANCH = record(
    name=TEXT,
    oid=TEXT,
    upstream=maybe(TEXT),
    upstream_state=choice(*get_args(UpstreamState)),
    ahead=maybe(COUNT),
    behind=maybe(COUNT),
    lower_bound=FLAG,
    unpushed=FLAG,
    misnamed=FLAG,
    held_by=maybe(TEXT),
    **_COUNTS,
)
_REPOSITORY = record(
    name=TEXT,
    path=TEXT,
    head=record(branch=maybe(TEXT), oid=TEXT, detached=FLAG, unborn=FLAG),
    default_branch=maybe(TEXT),
    operation=maybe(choice(*get_args(Operation))),
    changed=maybe(COUNT),
    staged=maybe(COUNT),
    untracked=maybe(COUNT),
    conflicts=maybe(COUNT),
    stashes=maybe(COUNT),
    bare=FLAG,
    shallow=FLAG,
    remotes=many(record(name=TEXT, url=TEXT, head=maybe(TEXT))),
    branches=many(_BRANCH),
    remote_only=many(record(name=TEXT, oid=TEXT, **_COUNTS)),
    problems=many(record(kind=choice(*get_args(ProblemKind)), ref=TEXT, detail=TEXT, fix=TEXT)),
    interrupted=many(record(op_id=TEXT, title=TEXT)),
    error=maybe(TEXT),
)

STATUS = document("qd git status", repositories=many(_REPOSITORY))

_CHANGE = record(
    ref=TEXT,
    side=choice(*get_args(Side)),
    remote=TEXT,
    old=TEXT,
    new=TEXT,
    reason=TEXT,
    recoverable=FLAG,
    ticked=FLAG,
    locked=TEXT,
    commits=COUNT,
)
_OPERATION: dict[str, Schema] = {
    "op_id": TEXT,
    "kind": choice(*get_args(OperationKind)),
    "repository": TEXT,
    "dry_run": FLAG,
    "title": TEXT,
    "plan": many(_CHANGE),
    "commands": many(many(TEXT)),
    "done": many(_CHANGE),
    "refused": many(record(ref=TEXT, why=TEXT, fix=TEXT)),
    "notes": many(TEXT),
    "state": choice(*get_args(OperationState)),
    "message": TEXT,
    "at": SECONDS,
    "undone_by": maybe(TEXT),
    "undoes": maybe(TEXT),
}


def _operation(kind: str) -> Schema:
    return document(f"qd git {kind}", **_OPERATION)


SWITCH = _operation("switch")
NEW = _operation("new")
RENAME = _operation("rename")
ALIGN = _operation("align")
SYNC = _operation("sync")
PUSH = _operation("push")
TRACK = _operation("track")
PRUNE = _operation("prune")
UNDO = _operation("undo")
REDO = _operation("redo")
FINISH = _operation("finish")
JOURNAL = document("qd git journal", repository=TEXT, operations=many(record(**_OPERATION)))

_FINDING = record(
    key=TEXT,
    kind=TEXT,
    severity=choice(*get_args(Severity)),
    paths=many(TEXT),
    detail=TEXT,
    fix=many(many(TEXT)),
    ticked=FLAG,
)
HYGIENE: Schema = {
    **document("qd git hygiene"),
    "anyOf": [record(repository=TEXT, findings=many(_FINDING)), record(**_OPERATION)],
}
HOOKS = document(
    "qd git hooks",
    folder=TEXT,
    dry_run=FLAG,
    hooks=many(record(name=TEXT, state=choice(*get_args(State)), path=TEXT, before=maybe(TEXT))),
    done=many(TEXT),
    notes=many(TEXT),
)
BROADCAST = document(
    "qd git broadcast",
    repository=TEXT,
    event=choice("push", "merge", "tag"),
    name=TEXT,
    old=maybe(TEXT),
    new=TEXT,
    text=TEXT,
    deliveries=many(record(target=TEXT, state=choice("sent", "failed"), error=maybe(TEXT))),
)

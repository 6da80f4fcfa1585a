"""What a plan comes down to: steps in order, each with the git commands that make some of its changes true.

The same steps are shown before, run, and run again after a crash for what is still to be done. A plan's `arguments`
say what its changes alone do not: `renames` (pairs of short names that `branch -m` joins), `case_renames` (those of
them that need a name in between), `checked_out` (the branch whose move takes the working tree along) and `fetch`
(remotes whose mirrored refs are moved by a fetch).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.git.facts import HEADS, REMOTES, SYMBOLIC, by_key
from app.git.model import ConfigChange, Plan, RefChange
from app.git.names import fold

Phase = Literal["remote", "local"]
NAMES_AT_ONCE = 300
"""Branches named in one command: systems bound the length of an argument list."""
PUSHES_AT_ONCE = 300


@dataclass(frozen=True, slots=True)
class Command:
    """One call of git: its arguments, and the lines that it is given on standard input."""

    args: tuple[str, ...]
    lines: tuple[str, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict)
    ok: tuple[int, ...] = (0,)
    """Codes that are no failure."""

    @property
    def shown(self) -> tuple[str, ...]:
        """As plans show it."""
        return ("git", *self.args, *(("<<<", *self.lines) if self.lines else ()))

    @property
    def input(self) -> bytes:
        """What standard input is given."""
        return "".join(f"{line}\n" for line in self.lines).encode("utf-8", "surrogateescape")


Changes = Sequence[RefChange]
Make = Callable[[Changes, Mapping[str, tuple[str, ...]]], tuple[Command, ...]]
"""Given the changes and settings that are still to be made, the commands. Settings: key and values wanted."""


@dataclass(frozen=True, slots=True)
class Step:
    """Some changes that are made together."""

    name: str
    phase: Phase
    make: Make
    changes: tuple[RefChange, ...] = ()
    config: tuple[ConfigChange, ...] = ()
    remote: str = ""
    optional: bool = False
    """What git refuses here is reported and left, and the rest goes on."""
    fetches: bool = False
    """The remote decides what the refs become."""
    renames: tuple[tuple[str, str], ...] = ()


def steps(plan: Plan) -> tuple[Step, ...]:
    """The steps of a plan, in order."""
    return tuple(step for step in _steps(plan) if step.changes or step.config)


def commands(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """What will be called when nothing has been done yet."""
    told: list[tuple[str, ...]] = []
    for step in steps(plan):
        wanted = {key: new for key, (_, new) in by_key(step.config).items() if not implied(plan, key, new)}
        told += [command.shown for command in step.make(step.changes, wanted)]
    return tuple(told)


def renames(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Old and new short names of branches that are renamed."""
    return _pairs(plan.arguments.get("renames"))


def case_renames(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Those that differ in case only, where file names ignore it."""
    return _pairs(plan.arguments.get("case_renames"))


def between(old: str) -> str:
    """The name that a branch bears between two names that differ in case only: the same in both directions."""
    return f"quarterdeck-renames-{hashlib.sha256(fold(old).encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def halfway(plan: Plan, branches: Collection[str]) -> frozenset[str]:
    """The full names of renames, both old and new, that stopped at the name in between."""
    stopped = [pair for pair in case_renames(plan) if between(pair[0]) in branches]
    return frozenset(HEADS + name for pair in stopped for name in pair)


def fetched(plan: Plan) -> tuple[str, ...]:
    """Remotes that are fetched."""
    found = plan.arguments.get("fetch")
    return tuple(str(name) for name in found) if isinstance(found, list | tuple) else ()


def is_mirrored(change: RefChange, remotes: Iterable[str]) -> bool:
    """Whether this is a ref that a fetch from one of these remotes moves."""
    return change.side == "local" and change.remote in remotes and change.ref.startswith(REMOTES)


def owner(key: str) -> str:
    """The branch that a setting belongs to, as a full name; empty for other settings."""
    if not key.startswith("branch."):
        return ""
    return HEADS + key[len("branch.") :].rpartition(".")[0]


def implied(plan: Plan, key: str, new: tuple[str, ...]) -> bool:
    """Whether deleting or renaming a branch brings this setting about."""
    branch = owner(key)
    if not branch:
        return False
    for old_name, new_name in renames(plan):
        if branch == HEADS + old_name and not new:
            return True
        if branch == HEADS + new_name:
            return new == carried(plan, key, new_name, old_name)
    gone = any(change.ref == branch and change.side == "local" and not change.new for change in plan.changes)
    return gone and not new


def carried(plan: Plan, key: str, new_name: str, old_name: str) -> tuple[str, ...]:
    """The values that a setting has just after `branch -m`: those of the old name."""
    variable = key[len("branch.") + len(new_name) + 1 :]
    old, _ = by_key(plan.config).get(f"branch.{old_name}.{variable}", ((), ()))
    return old


def push_arguments(changes: Changes, remote: str, *, atomic: bool = True) -> tuple[str, ...]:
    """One push that makes all of these changes, or none, and only where everything is as it was planned."""
    leases = [f"--force-with-lease={change.ref}:{change.old}" for change in changes]
    specs = [f"{change.new}:{change.ref}" for change in changes]
    flags = ("--atomic",) if atomic else ()
    return ("push", "--porcelain", *flags, "--no-follow-tags", *leases, "--", remote, *specs)


def fetch_arguments(remote: str) -> tuple[str, ...]:
    """A fetch that also forgets what the remote has deleted; never a tag, which may be only here."""
    quiet = ("--no-write-fetch-head", "--no-auto-maintenance", "--progress")
    return ("fetch", "--prune", "--no-prune-tags", *quiet, "--", remote)


def _steps(plan: Plan) -> Iterable[Step]:
    moving = [change for change in plan.changes if change.old != change.new]
    local = [change for change in moving if change.side == "local"]
    for remote in fetched(plan):
        mine = tuple(change for change in local if is_mirrored(change, (remote,)))
        yield Step(f"fetch {remote}", "remote", _fetch(remote), mine, remote=remote, fetches=True)
    local = [change for change in local if not is_mirrored(change, fetched(plan))]
    for remote in dict.fromkeys(change.remote for change in moving if change.side == "remote"):
        there = tuple(change for change in moving if change.side == "remote" and change.remote == remote)
        yield Step(f"push {remote}", "remote", _push(remote), there, remote=remote)
    yield from _local_steps(plan, local)
    yield Step("config", "local", _config(plan), config=plan.config)


def _local_steps(plan: Plan, local: list[RefChange]) -> Iterable[Step]:
    for pair in renames(plan):
        both = tuple(change for change in local if change.ref in (HEADS + pair[0], HEADS + pair[1]))
        yield Step(f"rename {pair[0]}", "local", _rename(pair, pair in case_renames(plan)), both, renames=(pair,))
    renamed = {HEADS + name for pair in renames(plan) for name in pair}
    local = [change for change in local if change.ref not in renamed]
    head = next((change for change in local if change.ref == "HEAD"), None)
    created = next((c for c in local if head and head.new == SYMBOLIC + c.ref and not c.old), None)
    checked_out = plan.arguments.get("checked_out")
    moved = [change for change in local if change.ref == checked_out and change.old and change.new]
    symbolic = [c for c in local if c.ref != "HEAD" and (c.old + c.new).startswith(SYMBOLIC)]
    deleted = [c for c in local if c.ref.startswith(HEADS) and not c.new]
    special = {change.ref for change in (head, created, *moved, *symbolic, *deleted) if change}
    plain = tuple(change for change in local if change.ref not in special)
    yield Step("refs", "local", _refs(plan), plain)
    if head is not None:
        yield Step("switch", "local", _switch(created), (head, created) if created else (head,))
    yield Step("working tree", "local", _move(plan), tuple(moved), optional=plan.kind == "sync")
    yield Step("delete", "local", _delete, tuple(deleted), optional=True)
    yield Step("remote heads", "local", _symbolic, tuple(symbolic))


def _fetch(remote: str) -> Make:
    def make(changes: Changes, config: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
        return (Command(fetch_arguments(remote)),) if changes else ()

    return make


def _push(remote: str) -> Make:
    def make(changes: Changes, config: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
        return tuple(Command(push_arguments(part, remote)) for part in _parts(changes, PUSHES_AT_ONCE))

    return make


def _rename(pair: tuple[str, str], by_way: bool) -> Make:
    def make(changes: Changes, config: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
        if not changes:
            return ()
        if pair[1].startswith("-"):
            # `git branch` makes no such names, though there may be some, and undo must be able to bring them back.
            return (Command(("update-ref", "--stdin"), tuple(_line(change) for change in changes)),)
        names = (pair[0], between(pair[0]), pair[1]) if by_way else pair
        return tuple(Command(("branch", "-m", "--", *names[at : at + 2])) for at in range(len(names) - 1))

    return make


def _refs(plan: Plan) -> Make:
    """Creating with `git branch` is what a user would type; restoring must not begin a reflog of its own."""

    def make(changes: Changes, config: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
        restoring = plan.kind in ("undo", "redo")
        typed = [c for c in changes if not restoring and c.ref.startswith(HEADS) and not c.old]
        made = [Command(("branch", "--no-track", "--", c.ref[len(HEADS) :], c.new)) for c in typed]
        # Deleted first: a name may have been a folder of names before.
        gone = tuple(_line(change) for change in changes if not change.new)
        come = tuple(_line(change) for change in changes if change.new and change not in typed)
        quiet = {"core.logAllRefUpdates": "false"} if restoring else {}
        if gone:
            made.append(Command(("update-ref", "--stdin"), gone))
        if come:
            made.append(Command(("update-ref", "--stdin"), come, quiet))
        return tuple(made)

    return make


def _line(change: RefChange) -> str:
    """A change of a ref as `update-ref --stdin` reads it: only where the ref is as planned."""
    if not change.new:
        return f"delete {change.ref} {change.old}"
    return f"update {change.ref} {change.new} {change.old}" if change.old else f"create {change.ref} {change.new}"


def _switch(created: RefChange | None) -> Make:
    def make(changes: Changes, config: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
        head = next((change for change in changes if change.ref == "HEAD"), None)
        if head is None:
            return ()
        if not head.new.startswith(SYMBOLIC):
            return (Command(("switch", "--detach", head.new)),)
        name = head.new[len(SYMBOLIC + HEADS) :]
        if created is not None and created in changes:
            return (Command(("switch", "--no-track", "-c", name, created.new)),)
        return (Command(("switch", "--no-guess", "--", name)),)

    return make


def _move(plan: Plan) -> Make:
    """Forward as a merge does. Back in a way that git refuses where it would lose changes of the user's own."""

    def make(changes: Changes, config: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
        if plan.kind != "undo":
            return tuple(Command(("merge", "--ff-only", "--no-stat", change.new)) for change in changes)
        # `reset --keep` takes a file for changed whose times alone are; the refresh looks inside and says so by code.
        refresh = Command(("update-index", "-q", "--refresh"), ok=(0, 1))
        return tuple(each for change in changes for each in (refresh, Command(("reset", "--keep", change.new))))

    return make


def _delete(changes: Changes, config: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
    """`branch -D` refuses what a working tree, a rebase or a bisect holds; full ids tell what it really deleted."""
    return tuple(
        Command(
            ("branch", "-D", "--", *(change.ref[len(HEADS) :] for change in part)),
            config={"core.abbrev": "no"},
            ok=(0, 1),
        )
        for part in _parts(changes, NAMES_AT_ONCE)
    )


def _symbolic(changes: Changes, config: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
    return tuple(
        Command(("symbolic-ref", change.ref, change.new[len(SYMBOLIC) :]))
        if change.new
        else Command(("symbolic-ref", "--delete", change.ref))
        for change in changes
    )


def _config(plan: Plan) -> Make:
    before = {key: old for key, (old, _) in by_key(plan.config).items()}

    def make(changes: Changes, config: Mapping[str, tuple[str, ...]]) -> tuple[Command, ...]:
        made: list[Command] = []
        for key, wanted in config.items():
            if len(wanted) == 1:
                several = ("--replace-all",) if len(before.get(key, ())) > 1 else ()
                made.append(Command(("config", "--local", *several, key, wanted[0])))
                continue
            if before.get(key) or not wanted:
                made.append(Command(("config", "--local", "--unset-all", key)))
            made += [Command(("config", "--local", "--add", key, value)) for value in wanted]
        return tuple(made)

    return make


def _parts(changes: Changes, size: int) -> Iterable[Changes]:
    return (changes[at : at + size] for at in range(0, len(changes), size))


def _pairs(found: object) -> tuple[tuple[str, str], ...]:
    return tuple((str(old), str(new)) for old, new in found) if isinstance(found, list | tuple) else ()

"""What one look at a repository gives, and what follows from it without asking git again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from app.git.cachefile import Pair
from app.git.configuration import Configuration
from app.git.model import Changes, Head, Operation, Problem, RepositorySpec, Rules
from app.git.reflog import Trace
from app.git.refs import HEADS, REMOTES, Ref, Refs
from app.git.repository import Layout
from app.git.worktree import Hold


@dataclass(frozen=True)
class Reading:
    """What one look at a repository gave, apart from counts and verdicts."""

    spec: RepositorySpec
    rules: Rules
    layout: Layout
    configuration: Configuration
    refs: Refs
    head: Head
    at: float
    """time.time() of the look."""
    operation: Operation | None = None
    holds: Mapping[str, Hold] = field(default_factory=dict)
    dangling: Mapping[str, str] = field(default_factory=dict)
    """By remote, what its HEAD names here although that is not there."""
    changes: Changes | None = None
    locks: tuple[tuple[str, str], ...] = ()
    """Lock files that have been there for long, and what is known of them."""
    trouble: tuple[Problem, ...] = ()
    """What went wrong while looking."""
    traces: Mapping[str, Trace] = field(default_factory=dict)
    """By full name, the past of branches where it counts."""

    @cached_property
    def trusted(self) -> bool:
        """Whether the history is whole and the real one."""
        return not (self.layout.shallow or self.layout.grafts or self.refs.replaced)

    @cached_property
    def remote(self) -> str:
        """The remote that counts; empty where there is none."""
        remotes = self.configuration.remotes
        if self.spec.remote in remotes:
            return self.spec.remote
        return "origin" if "origin" in remotes else next(iter(remotes), "")

    def remote_head(self, remote: str) -> str | None:
        """The short name of the branch that a remote's HEAD names here, there or not."""
        prefix = f"{REMOTES}{remote}/"
        target = self.refs.symbolic.get(f"{prefix}HEAD") or self.dangling.get(remote, "")
        return target.removeprefix(prefix) if target.startswith(prefix) else None

    @cached_property
    def default_branch(self) -> str | None:
        """The short name of the branch to which work goes."""
        if self.spec.default_branch:
            return self.spec.default_branch
        remote = self.remote
        if remote and remote not in self.dangling and (named := self.remote_head(remote)):
            return named
        if self.layout.bare and self.head.branch:
            return self.head.branch
        for name in (self.configuration.get("init.defaultbranch"), "main", "master"):
            if name and (HEADS + name in self.refs.all or f"{REMOTES}{remote}/{name}" in self.refs.all):
                return name
        local = self.refs.under(HEADS)
        return local[0].name.removeprefix(HEADS) if len(local) == 1 else None

    @cached_property
    def defaults(self) -> tuple[Ref | None, Ref | None]:
        """The default branch, here and as the remote was last seen."""
        name = self.default_branch
        if not name:
            return None, None
        return self.refs.all.get(HEADS + name), self.refs.all.get(f"{REMOTES}{self.remote}/{name}")


@dataclass(frozen=True, slots=True)
class Base:
    """What branches are compared with. `unpushed` says that the remote has not got all of it."""

    oid: str
    unpushed: bool = False


def choose_base(reading: Reading, counts: Mapping[Pair, tuple[int, int]]) -> Base | None:
    """The default branch here or on the remote, whichever has all of the other; else the remote's.

    None where there is no default branch.
    """
    here, there = reading.defaults
    if here is None or there is None:
        known = here or there
        return Base(known.oid, unpushed=False) if known else None
    between = counts.get((here.oid, there.oid))
    if here.oid != there.oid and between is not None and between[1] == 0:
        return Base(here.oid, unpushed=True)
    return Base(there.oid)

"""What stands in a repository and on its remotes now, in the terms of plans: a value for each ref and setting.

Plans say what a value was and what it is to be. Comparing both with what is there tells, at any moment and after any
crash, what is still to be done, what has been done, and what somebody else has changed meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import UserError
from app.git.cli import Git
from app.git.configuration import Configuration, RemoteSettings, read_configuration, without_credentials
from app.git.model import ConfigChange, Plan, RefChange
from app.git.repository import Layout, read_layout

HEADS = "refs/heads/"
REMOTES = "refs/remotes/"
SYMBOLIC = "ref: "
NETWORK_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Worktree:
    """A working tree of the repository. `head` is the full name of its branch, empty when detached or bare."""

    path: Path
    head: str
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """The branches of a remote as it says itself, by full name, and the branch that its HEAD names."""

    heads: Mapping[str, str] = field(default_factory=dict)
    head: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """A repository at one moment."""

    layout: Layout
    configuration: Configuration
    refs: Mapping[str, str] = field(default_factory=dict)
    """Every ref under heads, remotes and our own pins, and HEAD: object ids, or `ref: NAME` where symbolic."""
    worktrees: tuple[Worktree, ...] = ()
    servers: Mapping[str, Server] = field(default_factory=dict)
    """Of the remotes that were asked."""
    busy: Mapping[str, str] = field(default_factory=dict)
    """Branches, by full name, that a rebase or a bisect is at work on, which no working tree then names as its own."""

    def value(self, change: RefChange) -> str:
        """What this ref of a plan is now."""
        if change.side == "remote":
            return self.servers[change.remote].heads.get(change.ref, "")
        return self.refs.get(change.ref, "")

    def setting(self, key: str) -> tuple[str, ...]:
        """The values of a key in the repository's own configuration."""
        return tuple(each.value or "true" for each in self.configuration.settings.get(normal_key(key), ()) if each.own)

    def section(self, name: str) -> dict[str, tuple[str, ...]]:
        """The repository's own settings of one branch, by key."""
        prefix = f"branch.{name}."
        found = {key: self.setting(key) for key in self.configuration.settings if key.startswith(prefix)}
        return {key: values for key, values in found.items() if values and "." not in key[len(prefix) :]}

    @property
    def branches(self) -> dict[str, str]:
        """Local branches by their short names."""
        return {name[len(HEADS) :]: oid for name, oid in self.refs.items() if name.startswith(HEADS)}

    @property
    def head_branch(self) -> str:
        """The full name of the branch that is checked out here; empty when HEAD is detached."""
        value = self.refs.get("HEAD", "")
        return value[len(SYMBOLIC) :] if value.startswith(SYMBOLIC) else ""

    def holder(self, ref: str) -> Worktree | None:
        """The other working tree in which this branch is checked out."""
        mine = self.layout.worktree
        return next((each for each in self.worktrees if each.head == ref and each.path != mine), None)

    def tracking(self, remote: str, ref: str) -> str:
        """The ref here that mirrors this branch of a remote; empty when none does."""
        return mirrored(self.configuration.remote(remote).fetch, ref)


def normal_key(key: str) -> str:
    """A key of the configuration as git lists it: section and variable in lower case."""
    section, dot, rest = key.partition(".")
    middle, inner, variable = rest.rpartition(".")
    return f"{section.lower()}{dot}{middle}{inner}{variable.lower()}"


def mirrored(refspecs: Iterable[str], ref: str) -> str:
    """Where the refspecs of a fetch put this ref; empty for nowhere."""
    target = ""
    for spec in refspecs:
        if spec.startswith("^"):
            if _fits(spec[1:], ref) is not None:
                return ""
            continue
        source, _, destination = spec.removeprefix("+").partition(":")
        middle = _fits(source, ref)
        if middle is not None and destination and not target:
            target = destination.replace("*", middle, 1)
    return target


async def read_facts(git: Git, remotes: Collection[str] = ()) -> Facts:
    """Read everything anew. `remotes` are asked over the network. Raises GitError, UserError."""
    configuration = await read_configuration(git)
    layout, refs, worktrees = await asyncio.gather(
        read_layout(git, configuration), _read_refs(git, configuration), _read_worktrees(git)
    )
    asked = list(dict.fromkeys(remotes))
    servers = await asyncio.gather(*(read_server(git, configuration.remote(name)) for name in asked))
    busy = await asyncio.to_thread(_busy, layout.common_dir)
    return Facts(layout, configuration, refs, worktrees, dict(zip(asked, servers, strict=True)), busy)


async def read_server(git: Git, remote: RemoteSettings) -> Server:
    """Ask a remote for its branches, at the address that is pushed to. Raises GitError, UserError."""
    place = push_place(remote)
    said = await git.run(
        "ls-remote", "--quiet", "--symref", "--", place, "HEAD", "refs/heads/*", timeout_s=NETWORK_TIMEOUT_S
    )
    heads: dict[str, str] = {}
    head = ""
    for line in said.text.split("\n"):
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith(SYMBOLIC):
            head = value[len(SYMBOLIC) :]
        elif name.startswith(HEADS):
            heads[name] = value
    return Server(heads, head)


def push_place(remote: RemoteSettings) -> str:
    """What to give git so that it speaks to the place that is pushed to."""
    if not remote.urls and not remote.push_urls:
        raise UserError(f"there is no remote {remote.name}", fix="see git remote -v")
    places = tuple(dict.fromkeys(remote.push_urls))
    if len(places) > 1 or (not places and len(set(remote.urls)) > 1):
        raise UserError(
            f"{remote.name} is pushed to several addresses, which could not be changed as one",
            fix=f"leave one address: git remote set-url --push {remote.name} ADDRESS",
        )
    return places[0] if places and places != remote.urls else remote.name


def remotes_of(plan: Plan) -> tuple[str, ...]:
    """The remotes whose branches a plan changes."""
    return tuple(dict.fromkeys(change.remote for change in plan.changes if change.side == "remote"))


def addresses(facts: Facts, names: Iterable[str]) -> dict[str, str]:
    """The addresses of remotes as they may be shown and kept."""
    found = {name: facts.configuration.remote(name) for name in names}
    return {name: without_credentials((each.push_urls or each.urls or ("",))[0]) for name, each in found.items()}


def by_key(config: Iterable[ConfigChange]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The values before and after of every key of a plan."""
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for change in config:
        old, new = found.get(change.key, ((), ()))
        found[change.key] = (
            old if change.old is None else (*old, change.old),
            new if change.new is None else (*new, change.new),
        )
    return found


async def missing_objects(git: Git, oids: Iterable[str]) -> set[str]:
    """Those objects that are not in this repository."""
    asked = sorted({oid for oid in oids if oid and not oid.startswith(SYMBOLIC)})
    if not asked:
        return set()
    said = await git.run("cat-file", "--batch-check=%(objectname)", input="".join(f"{oid}\n" for oid in asked).encode())
    return {line.split(" ")[0] for line in said.text.splitlines() if line.endswith(" missing")}


async def _read_refs(git: Git, configuration: Configuration) -> dict[str, str]:
    said = await git.run(
        "for-each-ref", "--format=%(refname)%00%(objectname)%00%(symref)%00", HEADS, REMOTES, "refs/quarterdeck/"
    )
    fields = said.text.split("\0")
    refs: dict[str, str] = {}
    for at in range(0, len(fields) - 3, 3):
        symref = fields[at + 2]
        refs[fields[at].removeprefix("\n")] = SYMBOLIC + symref if symref else fields[at + 1]
    # A symbolic ref that points to nothing is not listed.
    for remote in configuration.remotes:
        name = f"{REMOTES}{remote}/HEAD"
        if name not in refs:
            found = await git.run("symbolic-ref", "-q", name, ok=(0, 1, 128))
            if found.code == 0:
                refs[name] = SYMBOLIC + found.line
    head = await git.run("symbolic-ref", "-q", "HEAD", ok=(0, 1))
    if head.code == 0:
        refs["HEAD"] = SYMBOLIC + head.line
    else:
        refs["HEAD"] = (await git.run("rev-parse", "--verify", "HEAD")).line
    return refs


async def _read_worktrees(git: Git) -> tuple[Worktree, ...]:
    said = await git.run("worktree", "list", "--porcelain", "-z")
    return tuple(_worktrees(said.text))


def _worktrees(text: str) -> Iterator[Worktree]:
    for block in text.split("\0\0"):
        lines = dict(line.partition(" ")[::2] for line in block.split("\0") if line)
        if "worktree" in lines:
            path = Path(lines["worktree"])
            with contextlib.suppress(OSError):
                path = path.resolve()
            yield Worktree(path, lines.get("branch", ""), "prunable" in lines)


def _busy(common_dir: Path) -> dict[str, str]:
    """What is in progress in any of the working trees, as git itself finds it out."""
    found: dict[str, str] = {}
    folders = [common_dir]
    with contextlib.suppress(OSError):
        folders += sorted((common_dir / "worktrees").iterdir())
    for folder in folders:
        for file, what in (("rebase-merge/head-name", "rebase"), ("rebase-apply/head-name", "rebase")):
            ref = _content(folder / file)
            if ref.startswith(HEADS):
                found[ref] = what
        for line in _content(folder / "rebase-merge" / "update-refs").split("\n"):
            if line.startswith(HEADS):
                found[line] = "rebase"
        name = _content(folder / "BISECT_START")
        if name:
            found[HEADS + name.removeprefix(HEADS)] = "bisect"
    return found


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape").strip("\n")
    except OSError:
        return ""


def _fits(pattern: str, ref: str) -> str | None:
    """What the star of a refspec stands for; None when it does not fit."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if pattern == ref else None
    if len(ref) < len(before) + len(after) or not ref.startswith(before) or not ref.endswith(after):
        return None
    return ref[len(before) : len(ref) - len(after)]

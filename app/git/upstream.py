"""What local branches follow, and which remote-tracking refs stand for branches of a remote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.git.configuration import BranchSettings, RemoteSettings
from app.git.model import Landed, UpstreamState
from app.git.reading import Reading
from app.git.reflog import Trace, last_pinned
from app.git.refs import HEADS, REMOTES, Ref


@dataclass(frozen=True, slots=True)
class Followed:
    """What a local branch follows."""

    state: UpstreamState
    name: str | None = None
    ref: str | None = None
    oid: str | None = None
    seen: str | None = None
    """What the upstream last held, where that is gone."""


def followed(reading: Reading, ref: Ref, seen: Mapping[str, str], landed: Landed | None = None) -> Followed:
    """Where a branch's upstream stands.

    That an upstream is set which is not there has two reasons: it was deleted on the remote, or it was never pushed.
    Deleted it was for certain if it has been seen here or an operation of ours deleted it, and by its traces if the
    branch came from there or its work has landed. Without any of that `never_pushed` is what it is called, though git
    keeps no trace of a branch that was pushed and deleted there before anybody looked: nobody is told to push it.
    """
    name = ref.name.removeprefix(HEADS)
    settings = reading.configuration.branch(name)
    tracking = ref.upstream
    if not tracking and not settings.merge:
        return Followed("none")
    shown = _short(tracking) if tracking else _unmapped(settings)
    target = reading.refs.all.get(tracking) if tracking else None
    if target is not None:
        same = settings.remote == "." or settings.merge == HEADS + name
        return Followed("ok" if same else "misnamed", shown, tracking, target.oid)
    last = (seen.get(tracking) or last_pinned(reading.layout, tracking) or None) if tracking else None
    past = reading.traces.get(ref.name, Trace())
    gone = last is not None or past.remote or landed in ("merged", "squashed", "rebased")
    return Followed("gone" if gone else "never_pushed", shown, tracking or None, None, last)


def remote_of(ref: str, remotes: Mapping[str, RemoteSettings]) -> str:
    """The remote to which a remote-tracking ref belongs, whose name may hold slashes; empty if there is none."""
    parts = ref.removeprefix(REMOTES).split("/")
    for count in range(len(parts) - 1, 0, -1):
        name = "/".join(parts[:count])
        if name in remotes:
            return name
    return ""


def source_of(ref: str, remote: RemoteSettings) -> str:
    """What a remote-tracking ref is called on its remote, by the narrowest of the fetch rules; empty if unknown."""
    best, found = -1, ""
    for rule in remote.fetch:
        source, _, target = rule.removeprefix("+").partition(":")
        before, star, after = target.partition("*")
        if not star:
            if target == ref:
                return source
        elif ref.startswith(before) and ref.endswith(after) and len(ref) >= len(before) + len(after):
            fixed = len(before) + len(after)
            if fixed > best:
                best, found = fixed, source.replace("*", ref[len(before) : len(ref) - len(after)], 1)
    return found


def tracking_of(source: str, remote: RemoteSettings) -> str:
    """The remote-tracking ref of a ref of a remote, by its fetch rules; empty if it is not fetched."""
    for rule in remote.fetch:
        before, star, after = rule.removeprefix("+").partition(":")[0].partition("*")
        target = rule.partition(":")[2]
        if not star and before == source:
            return target
        if star and source.startswith(before) and source.endswith(after) and len(source) >= len(before) + len(after):
            return target.replace("*", source[len(before) : len(source) - len(after)], 1)
    return ""


def push_of(reading: Reading, ref: Ref) -> str:
    """The remote-tracking ref of where `git push` would go, empty if that cannot be told.

    git itself does not say where a branch goes that is pulled from one remote and pushed to another by the default
    rules, though it pushes it there under its own name.
    """
    if ref.push:
        return ref.push
    configuration = reading.configuration
    name = ref.name.removeprefix(HEADS)
    settings = configuration.branch(name)
    remote = settings.push_remote or configuration.get("remote.pushdefault")
    if not remote or remote in (settings.remote, ".") or f"remote.{remote}.push" in configuration.settings:
        return ""
    if configuration.get("push.default", "simple") not in ("simple", "current"):
        return ""
    return tracking_of(ref.name, configuration.remote(remote))


def _short(tracking: str) -> str:
    return tracking.removeprefix(REMOTES) if tracking.startswith(REMOTES) else tracking.removeprefix(HEADS)


def _unmapped(settings: BranchSettings) -> str:
    """An upstream of a remote that is not there, or whose branches are not fetched."""
    merge = settings.merge.removeprefix(HEADS)
    return merge if settings.remote in ("", ".") else f"{settings.remote}/{merge}"

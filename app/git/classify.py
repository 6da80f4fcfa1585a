"""From what was read to what is said: the state of a repository and of each of its branches.

Pure functions over values. Whatever is doubtful is said so that nobody deletes for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.git.cachefile import Remembered, Verdict
from app.git.configuration import without_credentials
from app.git.model import Branch, Commit, Landed, Remote, RemoteBranch, RepositoryState
from app.git.names import is_protected, name_problem
from app.git.problems import find_problems
from app.git.reading import Base, Reading
from app.git.reflog import Trace
from app.git.refs import HEADS, REMOTES, Ref
from app.git.upstream import Followed, followed, push_of, remote_of, source_of

_DAY_S = 86400
CONTAINED = "every commit of it is there"
NOTHING_OWN = "no commits of its own"


def classify(
    reading: Reading, known: Remembered, base: Base | None, previous: RepositoryState | None = None
) -> RepositoryState:
    """The state of a repository, as far as it is known. What is still being counted stays as it was before.

    Long for thousands of branches, so for a thread. `counted` is set where no count is missing.
    """
    former = {branch.name: branch for branch in previous.branches} if previous else {}
    heads = {head for remote in reading.configuration.remotes if (head := reading.remote_head(remote))}
    making = _Making(reading, known, base, reading.default_branch, frozenset(heads))
    branches = tuple(making.branch(ref, former.get(ref.name.removeprefix(HEADS))) for ref in reading.refs.under(HEADS))
    remote_only = tuple(making.remote_only())
    state = RepositoryState(
        name=reading.spec.name,
        path=str(reading.spec.path),
        head=reading.head,
        default_branch=making.default,
        operation=reading.operation,
        changes=reading.changes,
        remotes=tuple(_remote(reading, name) for name in reading.configuration.remotes),
        branches=branches,
        remote_only=remote_only,
        bare=reading.layout.bare,
        shallow=reading.layout.shallow,
        counted=making.complete,
        busy=previous.busy if previous else "",
        trouble=previous.trouble if previous else "",
        read_at=reading.at,
        watch_note=previous.watch_note if previous else "",
    )
    return replace(state, problems=find_problems(reading, state))


class _Making:
    """Makes the branches of one state."""

    def __init__(
        self, reading: Reading, known: Remembered, base: Base | None, default: str | None, heads: frozenset[str]
    ) -> None:
        self.reading, self.known, self.base, self.default, self.heads = reading, known, base, default, heads
        self.complete = True
        rules = reading.rules
        self.stale_before = reading.at - rules.stale_days * _DAY_S if rules.stale_days > 0 else float("-inf")
        self.lower_bound = not reading.trusted
        self.followed: set[str] = set()

    def count(self, tip: str, other: str) -> tuple[int | None, int | None]:
        if tip == other:
            return 0, 0
        found = self.known.counts.get((tip, other))
        if found is None:
            self.complete = False
            return None, None
        return found

    def branch(self, ref: Ref, former: Branch | None) -> Branch:
        name = ref.name.removeprefix(HEADS)
        is_default = name == self.default
        landed, why = (None, "") if is_default else self.landed(ref)
        follows = followed(self.reading, ref, self.known.seen, landed)
        if follows.ref:
            self.followed.add(follows.ref)
        ahead = behind = ahead_default = behind_default = None
        if follows.oid:
            ahead, behind = self.count(ref.oid, follows.oid)
            if ahead is None and former and former.upstream_ref == follows.ref:
                ahead, behind = former.ahead, former.behind
        if self.base:
            ahead_default, behind_default = self.count(ref.oid, self.base.oid)
            if ahead_default is None and former:
                ahead_default, behind_default = former.ahead_default, former.behind_default
        protected = is_protected(name, self.reading.rules, self.default, *self.heads)
        held_by, where = self.held(ref)
        push = push_of(self.reading, ref)
        return Branch(
            name=name,
            oid=ref.oid,
            last_commit=_commit(ref),
            upstream=follows.name,
            upstream_ref=follows.ref,
            upstream_oid=follows.oid,
            push_ref=push if push and push != follows.ref else None,
            upstream_state=follows.state,
            ahead=ahead,
            behind=behind,
            ahead_default=ahead_default,
            behind_default=behind_default,
            lower_bound=self.lower_bound,
            landed=landed,
            landed_why=why,
            unpushed=follows.state == "gone" and self.left(ref, follows, landed),
            stale=not protected and ref.time < self.stale_before,
            misnamed=bool(name_problem(name, self.reading.rules, self.default, *self.heads)),
            protected=protected,
            held_by=held_by,
            held_where=where,
            is_head=self.reading.head.branch == name and not self.reading.head.unborn,
            is_default=is_default,
        )

    def left(self, ref: Ref, follows: Followed, landed: Landed | None) -> bool:
        """Whether commits may be nowhere but here: in doubt yes."""
        if landed in ("merged", "squashed", "rebased", "new") or follows.seen == ref.oid:
            return False
        if follows.seen is None:
            return True
        found = self.known.counts.get((ref.oid, follows.seen))
        return found is None or found[0] > 0

    def landed(self, ref: Ref) -> tuple[Landed | None, str]:
        if self.base is None or not self.reading.trusted:
            return None, ""
        verdict = self.known.verdicts.get((ref.oid, self.base.oid))
        if verdict is None:
            return None, ""
        landed, why = verdict.landed, verdict.why
        if verdict.contained:
            worked = self.reading.traces.get(ref.name, Trace()).worked
            landed, why = ("merged", CONTAINED) if worked else ("new", NOTHING_OWN)
        # Kept without the name, which may change: "every commit of it is there".
        why = why.replace(" there", f" in {self.default}", 1) if self.default else why
        if landed in ("merged", "squashed", "rebased") and self.base.unpushed:
            why += f"; {self.default} is not pushed yet"
        return landed, why

    def held(self, ref: Ref) -> tuple[str | None, str]:
        hold = self.reading.holds.get(ref.name)
        if hold:
            return hold.by, hold.where
        if ref.is_head:
            return "head", ref.worktree or str(self.reading.spec.path)
        return ("worktree", ref.worktree) if ref.worktree else (None, "")

    def remote_only(self) -> Iterator[RemoteBranch]:
        """Those that no local branch follows and that are branches on the remote as well."""
        sources = {name: self.reading.configuration.remote(name) for name in self.reading.configuration.remotes}
        for ref in self.reading.refs.under(REMOTES):
            if ref.name in self.followed:
                continue
            remote = remote_of(ref.name, sources)
            if not remote:
                continue
            name = ref.name[len(REMOTES) + len(remote) + 1 :]
            if name == "HEAD" or source_of(ref.name, sources[remote]) != HEADS + name:
                continue
            main = remote == self.reading.remote and name == self.default
            landed, why = (None, "") if main else self.landed(ref)
            ahead, behind = self.count(ref.oid, self.base.oid) if self.base else (None, None)
            protected = is_protected(name, self.reading.rules, self.default, *self.heads)
            yield RemoteBranch(
                remote=remote,
                name=name,
                oid=ref.oid,
                last_commit=_commit(ref),
                ahead_default=ahead,
                behind_default=behind,
                landed=landed,
                landed_why=why,
                stale=not protected and ref.time < self.stale_before,
                protected=protected,
            )


def verdict_of_contained(on_mainline: bool) -> Verdict:
    """Of a tip that is an ancestor of the base: beside its mainline it must have been merged."""
    return Verdict(None, contained=True) if on_mainline else Verdict("merged", CONTAINED)


def _commit(ref: Ref) -> Commit:
    return Commit(ref.oid, ref.time, ref.author, ref.subject, ref.parents)


def _remote(reading: Reading, name: str) -> Remote:
    settings = reading.configuration.remote(name)
    return Remote(
        name,
        without_credentials(settings.urls[0]) if settings.urls else "",
        reading.remote_head(name),
        without_credentials(settings.push_urls[0]) if settings.push_urls else "",
    )

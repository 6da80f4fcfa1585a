"""Counts and verdicts of one repository: what is known, what is missing, and finding that out.

The history stays in memory between two looks as long as there is room; what has been found out stays for good.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING

from app.git.cachefile import CacheFile, Pair, Remembered, Verdict
from app.git.classify import verdict_of_contained
from app.git.counts import Counts
from app.git.failures import GitError
from app.git.graph import History, extend, load
from app.git.landed import Candidate, Copies, judge
from app.git.patchids import Explainer, Unexplained
from app.git.reading import Base, Reading, choose_base
from app.git.refs import HEADS, REMOTES
from app.git.upstream import remote_of

if TYPE_CHECKING:
    from pathlib import Path

    from app.git.cli import Git
    from app.git.model import Landed
    from app.git.repository import Layout

_ROOM = 600_000
"""Commits kept in memory for all repositories together; about 100 bytes each."""
_FEW = 50
"""Counts that a walk of the history in memory gives in a few milliseconds."""
_EXPLAIN_MOST = 60
"""Branches that are explained, the youngest: an explanation costs a patch of each commit."""

_in_memory: weakref.WeakKeyDictionary[Tally, int] = weakref.WeakKeyDictionary()


class Tally:
    """Of one repository. One look at a time."""

    def __init__(self, git: Git, cache: CacheFile) -> None:
        self._git, self._cache = git, cache
        self._known: Remembered | None = None
        self._common_dir: Path | None = None
        self._passing = Remembered()
        """What holds for this look only, where git shows another history than there is."""
        self._history: History | None = None
        self._tips: set[str] = set()
        """Commits that are known to be in the history."""
        self._counts: Counts | None = None
        self._ahead: asyncio.Task[History | None] | None = None
        self._unsaved: dict[Pair, tuple[int, int]] = {}
        self._hopeless: set[Pair] = set()
        """Pairs of which git has lost one commit."""
        self._walking = threading.Lock()
        self._loading = threading.Lock()
        self._explainer = Explainer()

    def known(self, reading: Reading) -> Remembered:
        """What is known so far. For a thread the first time."""
        known = self._remembered(reading.layout)
        if reading.trusted:
            return known
        self._passing.seen = known.seen
        return self._passing

    def _remembered(self, layout: Layout) -> Remembered:
        with self._loading:
            if self._known is None or self._common_dir != layout.common_dir:
                self._known, self._common_dir = self._cache.load(layout.common_dir), layout.common_dir
            return self._known

    def prepare(self, layout: Layout) -> None:
        """Begin to load what will be needed, while the refs are still being listed."""
        if self._common_dir not in (None, layout.common_dir):
            self.forget()
        if self._history is None and self._ahead is None and not (layout.shallow or layout.grafts):
            self._ahead = asyncio.create_task(asyncio.to_thread(self._load_ahead, layout))

    def begin(self, reading: Reading) -> None:
        """Start a look: nothing from an untrusted history outlives it."""
        if not reading.trusted:
            self._passing = Remembered()
            self._history = self._counts = None
            self._tips.clear()
            self.leave()

    def missing(self, reading: Reading) -> int:
        """How many counts are missing. For a thread the first time."""
        known = self.known(reading)
        base = choose_base(reading, known.counts)
        counts, hopeless = known.counts, self._hopeless
        return sum(pair not in counts and pair not in hopeless for pair in wanted(reading, known, base))

    def at_hand(self, reading: Reading) -> bool:
        """Whether missing counts cost less than showing a state without them. For a thread the first time."""
        return self._history is not None and 0 < self.missing(reading) <= _FEW

    async def count(self, reading: Reading) -> None:
        """Find out all missing counts. Raises GitError, LookupError."""
        await self._load(reading)
        await asyncio.to_thread(self._count, reading)

    async def judge(self, reading: Reading) -> AsyncIterator[None]:
        """Find out all missing verdicts, with a step after each part of them. Raises GitError, LookupError."""
        known = self.known(reading)
        base = choose_base(reading, known.counts)
        if base is None or not reading.trusted:
            return
        tips = [tip for tip in _judged(reading) if (tip, base.oid) not in known.verdicts]
        if not tips:
            return
        await self._load(reading)
        found, candidates, own = await asyncio.to_thread(self._contained, reading, base, tips)
        await self._learn(reading, found)
        yield
        since = await asyncio.to_thread(self._since, candidates)
        copies = Copies(self._git, base.oid, since)
        left: list[Candidate] = []
        forks = {candidate.tip: candidate for candidate in candidates}
        harmless = reading.configuration.harmless
        async for reasons in judge(self._git, reading.layout, base.oid, candidates, harmless):
            how = await copies.how({tip: own[tip] for tip, why in reasons.items() if why})
            part = {
                (tip, base.oid): Verdict(how.get(tip), _told(how.get(tip), why, len(own[tip])))
                for tip, why in reasons.items()
            }
            left += [forks[tip] for tip, why in reasons.items() if not why]
            await self._learn(reading, part)
            yield
        explained = await self._explain(reading, base, since, left, own)
        await self._learn(reading, explained)
        yield

    def leave(self) -> None:
        """End a look."""
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    def forget(self) -> None:
        """Give the memory of the history back."""
        with self._walking:
            self._history = self._counts = None
            self._tips.clear()

    async def save(self, reading: Reading) -> None:
        """Keep what was counted, and what the upstreams are now for the day when one is gone."""
        known = self.known(reading)
        refs = reading.refs.all
        followed = (refs.get(ref.upstream) for ref in reading.refs.under(HEADS) if ref.upstream.startswith(REMOTES))
        fresh = {ref.name: ref.oid for ref in followed if ref is not None and known.seen.get(ref.name) != ref.oid}
        known.seen.update(fresh)
        counts, self._unsaved = self._unsaved, {}
        if fresh or counts:
            await asyncio.to_thread(self._cache.save, reading.layout.common_dir, counts=counts, seen=fresh)

    async def _learn(self, reading: Reading, verdicts: Mapping[Pair, Verdict]) -> None:
        if verdicts:
            self.known(reading).verdicts.update(verdicts)
            await asyncio.to_thread(self._cache.save, reading.layout.common_dir, verdicts=verdicts)

    def _load_ahead(self, layout: Layout) -> History | None:
        """In a thread: nothing where the counts of an earlier day are at hand, which are likely to do."""
        if self._remembered(layout).counts:
            return None
        try:
            return load(self._git, layout)
        except (GitError, LookupError):
            return None

    async def _load(self, reading: Reading) -> None:
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            found = await ahead
            if found is not None and self._history is None and reading.trusted:
                self._history, self._tips = found, set()
        await asyncio.to_thread(self._complete, reading)
        _make_room(self, len(self._history or ()))

    def _complete(self, reading: Reading) -> None:
        """In a thread: all tips are in the history then, except those that git does not find."""
        with self._walking:
            known_seen = self.known(reading).seen
            gone = [ref.upstream for ref in reading.refs.under(HEADS) if ref.upstream not in reading.refs.all]
            seen = [known_seen[upstream] for upstream in gone if upstream in known_seen]
            tips = {ref.oid for ref in (*reading.refs.under(HEADS), *reading.refs.under(REMOTES))}
            if self._history is None:
                self._history, self._tips = load(self._git, reading.layout, tips, use_file=reading.trusted), set()
            else:
                # What was asked before need not be asked again: looking up thousands takes longer than a walk.
                self._note(self._history, tips - self._tips)
                try:
                    extend(self._git, self._history, tips - self._tips, tips & self._tips)
                except LookupError:
                    self._history, self._tips = load(self._git, reading.layout, tips, use_file=reading.trusted), set()
                    self._counts = None
            self._note(self._history, tips - self._tips)
            if reading.trusted:
                extend(self._git, self._history, _present(self._git, seen, self._history), tips & self._tips)

    def _note(self, history: History, tips: set[str]) -> None:
        self._tips.update(tip for tip in tips if history.find(tip) is not None)

    def _count(self, reading: Reading) -> None:
        """In a thread."""
        with self._walking:
            known, history = self.known(reading), self._history
            assert history is not None
            here, there = reading.defaults
            anchor = there or here or next(iter(reading.refs.under(HEADS)), None)
            if anchor is None:
                return
            fresh: dict[Pair, tuple[int, int]] = {}
            counts = self._based(history, anchor.oid)
            if here and there and here.oid != there.oid:
                between = counts.between(here.oid, there.oid)
                if between is not None:
                    fresh[here.oid, there.oid] = known.counts[here.oid, there.oid] = between
            base = choose_base(reading, known.counts)
            if base is not None:
                counts = self._based(history, base.oid)
            for pair in wanted(reading, known, base):
                if pair not in known.counts and pair not in fresh:
                    tip, other = pair
                    found = counts.against_base(tip) if other == counts.base else counts.between(tip, other)
                    if found is not None:
                        fresh[pair] = found
                    else:
                        self._hopeless.add(pair)
            known.counts.update(fresh)
            if reading.trusted:
                self._unsaved.update(fresh)

    def _based(self, history: History, base: str) -> Counts:
        if self._counts is None or (self._counts.base != base and not self._counts.advance(base)):
            self._counts = Counts(history, base)
        return self._counts

    def _contained(
        self, reading: Reading, base: Base, tips: list[str]
    ) -> tuple[dict[Pair, Verdict], list[Candidate], dict[str, tuple[str, ...]]]:
        """In a thread: verdicts of those behind the base, and what is to be judged of the others."""
        with self._walking:
            assert self._history is not None
            counts = self._based(self._history, base.oid)
            found: dict[Pair, Verdict] = {}
            candidates: list[Candidate] = []
            own: dict[str, tuple[str, ...]] = {}
            for tip in tips:
                mine = counts.own(tip)
                if mine is not None and not mine.commits:
                    found[tip, base.oid] = verdict_of_contained(counts.on_mainline(tip))
                elif mine is not None:
                    candidates.append(Candidate(tip, counts.fork(mine)))
                    own[tip] = counts.authored(mine)
            return found, candidates, own

    def _since(self, candidates: list[Candidate]) -> str | None:
        """In a thread: the earliest fork, if all have one."""
        forks = [candidate.fork for candidate in candidates]
        with self._walking:
            counts = self._counts
            if counts is None or not forks or None in forks:
                return None
            return min((fork for fork in forks if fork), key=counts.place)

    async def _explain(
        self,
        reading: Reading,
        base: Base,
        since: str | None,
        left: list[Candidate],
        own: Mapping[str, tuple[str, ...]],
    ) -> dict[Pair, Verdict]:
        times = {ref.oid: ref.time for ref in reading.refs.all.values()}
        youngest = sorted(left, key=lambda candidate: -times.get(candidate.tip, 0))[:_EXPLAIN_MOST]
        wanted = [Unexplained(one.tip, one.fork, own[one.tip]) for one in youngest if one.fork]
        if not wanted:
            return {}
        name = reading.default_branch or "the default branch"
        found = await self._explainer.explain(self._git, base.oid, name, since, wanted)
        return {(tip, base.oid): Verdict(None, why) for tip, why in found.items()}


def wanted(reading: Reading, known: Remembered, base: Base | None) -> Iterator[Pair]:
    """The pairs whose counts a state needs."""
    refs = reading.refs
    here, there = reading.defaults
    if here and there and here.oid != there.oid:
        yield here.oid, there.oid
    for ref in refs.under(HEADS):
        if ref.upstream:
            target = refs.all.get(ref.upstream)
            other = target.oid if target else known.seen.get(ref.upstream)
            if other and other != ref.oid:
                yield ref.oid, other
        if base and ref.oid != base.oid:
            yield ref.oid, base.oid
    if base:
        for tip in _remote_tips(reading):
            if tip != base.oid:
                yield tip, base.oid


def _judged(reading: Reading) -> list[str]:
    """The tips whose work may have landed."""
    default = reading.default_branch
    heads = [ref.oid for ref in reading.refs.under(HEADS) if ref.name != f"{HEADS}{default}"]
    return list(dict.fromkeys((*heads, *_remote_tips(reading))))


def _remote_tips(reading: Reading) -> Iterator[str]:
    """Of the branches of remotes that no local branch follows."""
    followed = {ref.upstream for ref in reading.refs.under(HEADS)}
    remotes = {name: reading.configuration.remote(name) for name in reading.configuration.remotes}
    for ref in reading.refs.under(REMOTES):
        if ref.name not in followed and remote_of(ref.name, remotes):
            yield ref.oid


def _present(git: Git, oids: list[str], history: History) -> list[str]:
    """Those that are still in the repository, of commits that are not in the history yet."""
    asked = [oid for oid in oids if history.find(oid) is None]
    if not asked:
        return []
    given = "".join(f"{oid}\n" for oid in asked).encode()
    kinds = git.run_sync("cat-file", "--batch-check=%(objecttype)", input=given).text.splitlines()
    return [oid for oid, kind in zip(asked, kinds, strict=False) if kind == "commit"]


def _told(how: Landed | None, why: str, commits: int) -> str:
    if how == "rebased":
        return f"{'its commit is' if commits == 1 else f'all its {commits} commits are'} there as copies; {why}"
    return why


def _make_room(tally: Tally, commits: int) -> None:
    """Of the histories in memory the ones that were used longest ago go first."""
    _in_memory.pop(tally, None)
    _in_memory[tally] = commits
    for other in list(_in_memory):
        if sum(_in_memory.values()) <= _ROOM or other is tally:
            break
        other.forget()
        del _in_memory[other]

"""The Git area's whole public face: what a screen, the command line or another area may ask of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app.errors import UserError
from app.events import Badge, Bus, GitChanged, TestStream
from app.git import hooks as hook_files
from app.git import journal_store, lastseen, plans, undo
from app.git.badge import badge_of
from app.git.cachefile import CacheFile
from app.git.cli import Git
from app.git.executor import Executor
from app.git.fetching import Fetcher
from app.git.follower import Follower
from app.git.hygiene import fixes
from app.git.hygiene.model import Finding
from app.git.journal import FILE as JOURNAL_FILE
from app.git.journal import Journal
from app.git.model import (
    Commit,
    GitSnapshot,
    OperationKind,
    Plan,
    Problem,
    Provenance,
    Report,
    RepositorySpec,
    RepositoryState,
    Rules,
)
from app.git.operations import make_plan
from app.git.operations.asked import named, short_name
from app.git.provenance import Provenances
from app.git.reader import RepositoryReader
from app.git.saves import Saves

if TYPE_CHECKING:
    from app.db.spool import Spool
    from app.git.entries import Entry

log = logging.getLogger(__name__)

CACHE = "git.db"
READ_AT_ONCE = 4
"""Repositories that are read beside each other."""
KEEP_S = 30.0
"""How long after a change the last-seen file is written."""

__all__ = ["GitService", "Provenances"]


class GitService:
    """Follows every configured repository. State comes over the bus as GitChanged; operations are asked for here."""

    def __init__(
        self,
        specs: Sequence[RepositorySpec],
        rules: Rules,
        *,
        bus: Bus,
        cache_dir: Path,
        data_dir: Path,
        spool: Spool | None = None,
        last_seen: Path | None = None,
        config: Path | None = None,
        templates: Path | None = None,
        projects: Mapping[str, Path] | None = None,
    ) -> None:
        """Counts are cached in `cache_dir`; the journal of operations lies in `data_dir` and goes through `spool`.

        `config` is the configuration that installed hooks read, where it is not in the usual place; `templates` is the
        folder of the user's own templates for summaries. `projects` are the folders of the watched projects by their
        names: what is saved there changes the working tree that it lies in.
        """
        self.rules = rules
        self._bus = bus
        self._spool = spool
        self._last_seen = last_seen
        self._config = config
        self._base = config.parent if config is not None and config.is_file() else Path.cwd()
        self._templates = templates
        gate = asyncio.Semaphore(READ_AT_ONCE)
        cache = CacheFile(cache_dir / CACHE)
        earlier = lastseen.of(specs, last_seen) if last_seen else {}
        self._followers = {
            spec.name: Follower(
                spec,
                RepositoryReader(spec, rules, cache),
                gate=gate,
                on_state=self._changed,
                last_seen=earlier.get(spec.name),
            )
            for spec in specs
        }
        self._executor = Executor(
            Journal(data_dir / JOURNAL_FILE),
            locks=data_dir / "git-locks",
            record=self._record,
            handlers={fixes.KIND: fixes.HygieneHandler()},
        )
        self._fetcher = Fetcher(self._busy)
        self._provenances = Provenances()
        self._places: dict[tuple[str, str], dict[str, int]] = {}
        """Where in its branch each commit stood when it was last listed."""
        self._badge: Badge | None = None
        self._interrupted: tuple[Report, ...] = ()
        self._operations: dict[str, asyncio.Task[Report]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._saves = Saves(projects or {}, specs, lambda name: self._followers[name].ask())
        self._sooner = asyncio.Event()
        """Something is due earlier than it was."""
        self._keeping: asyncio.TimerHandle | None = None
        self._unfollow: Callable[[], None] = lambda: None

    # Life

    async def start(self) -> None:
        """Begin to follow; the readings come in by and by."""
        self._unfollow = self._bus.subscribe(TestStream, self._saves.hear)
        for name, follower in self._followers.items():
            self._fetcher.follow(name, follower.spec.fetch_every_s)
            follower.start()
        await self._find_interrupted()
        self._spawn(self._tick())

    async def close(self) -> None:
        """Stop following. An operation under way is let finish: it is short, and safe only when whole."""
        self._unfollow()
        await asyncio.gather(*self._operations.values(), return_exceptions=True)
        await self._fetcher.close()
        self._saves.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, *(each.close() for each in self._followers.values()), return_exceptions=True)
        if self._keeping is not None:
            self._keeping.cancel()
        await self._keep_last_seen()

    # Reading

    def snapshot(self) -> GitSnapshot:
        """All repositories as they are known now, in the configuration's order."""
        return GitSnapshot(tuple(self._shown(follower) for follower in self._followers.values()))

    async def refresh(self, repository: str | None = None) -> None:
        """Read a repository, or all of them, again; returns when that is done."""
        followers = [self._follower(repository)] if repository is not None else list(self._followers.values())
        for follower in followers:
            follower.ask()
        await asyncio.gather(*(follower.settled() for follower in followers))

    async def settled(self) -> GitSnapshot:
        """All repositories once everything that was asked for has been read."""
        await asyncio.gather(*(follower.settled() for follower in self._followers.values()))
        return self.snapshot()

    async def commits(self, repository: str, ref: str, *, limit: int = 100, after: str = "") -> tuple[Commit, ...]:
        """Commits of a ref, newest first, those that follow the commit `after`. Raises UserError."""
        places = self._places.setdefault((repository, ref), {})
        skip = places.get(after, 0) if after else 0
        found = await self._reader(repository).commits(ref, limit, skip)
        places.update({commit.oid: skip + number for number, commit in enumerate(found, 1)})
        return found

    async def provenance(self, folder: Path) -> Provenance | None:
        """What a folder holds now; None outside of repositories."""
        return await self._provenances.of(folder)

    # Doing

    async def fetch(self, repositories: Sequence[str]) -> None:
        """Fetch all remotes of these repositories. What goes wrong stands in the repository's state."""
        await asyncio.gather(*(self._fetch(name) for name in repositories))

    def cancel(self, repository: str) -> None:
        """End what can be ended there: a fetch. An operation that has begun is carried through."""
        self._follower(repository)
        self._fetcher.cancel(repository)

    async def plan(self, kind: OperationKind, repository: str, **arguments: object) -> Plan:
        """What an operation would do; nothing is changed. Raises UserError when it cannot be done at all."""
        follower = self._follower(repository)
        if kind == "hygiene":
            findings = arguments.get("findings")
            chosen = findings if isinstance(findings, list | tuple) else await self.hygiene(repository)
            return fixes.plan(repository, chosen)
        state = await follower.settled()
        if state.error:
            raise UserError(state.error, where=state.path, fix=state.error_fix)
        names = arguments.pop("names", None)
        arguments = named(kind, arguments, names, follower.spec.remote)
        plan = await make_plan(kind, self._git(repository), state, self.rules, **arguments)
        if kind == "prune" and names:
            wanted = {str(name) for name in names} if isinstance(names, list | tuple) else set()
            plan = plans.keep(plan, (change for change in plan.changes if short_name(change) in wanted))
        return plan

    def commands_of(self, plan: Plan, ticked: frozenset[str]) -> tuple[tuple[str, ...], ...]:
        """The exact commands of a plan with these changes ticked; asks nothing of git."""
        return plans.select(plan, ticked).commands

    async def perform(self, plan: Plan, ticked: frozenset[str] | None = None, *, dry_run: bool = False) -> Report:
        """Carry out what is ticked of a plan. Raises UserError when it cannot begin."""
        name = plan.repository
        git = self._git(name)
        return await self._operate(name, plan.title, self._executor.perform(git, plan, ticked, dry_run=dry_run))

    async def plan_undo(self, repository: str, op_id: str = "") -> Plan:
        """What undoing an operation would do: the given one, or the last. Raises UserError when there is none."""
        return await undo.plan_undo(self._executor, self._git(repository), self.rules, op_id)

    async def plan_redo(self, repository: str, op_id: str = "") -> Plan:
        """What doing an undone operation again would do. Raises UserError when there is none."""
        return await undo.plan_redo(self._executor, self._git(repository), self.rules, op_id)

    def interrupted(self) -> tuple[Report, ...]:
        """Operations that a crash, or a failure half-way, left in the middle; oldest first."""
        return self._interrupted

    async def settle(self, op_id: str, how: Literal["finish", "undo"]) -> Report:
        """Finish or undo an interrupted operation. Raises UserError."""
        entry = await self._executor.entry(op_id)
        work = undo.settle(self._executor, Git(Path(entry.path)), self.rules, op_id, how)
        return await self._operate(entry.repository, f"{how} {entry.plan.title}", work)

    async def hygiene(self, repository: str) -> tuple[Finding, ...]:
        """What is wrong with the tracked files, the worst first. Raises UserError."""
        from app.git.hygiene.auditing import audit_of

        return await asyncio.to_thread(audit_of, self._git(repository), self.rules)

    async def hooks(self, repository: str) -> hook_files.HooksReport:
        """How the hooks of a repository stand. Raises UserError."""
        return await asyncio.to_thread(hook_files.status, self._follower(repository).spec.path)

    async def install_hooks(self, repository: str) -> hook_files.HooksReport:
        """Install ours, or bring them up to date; those that were there stay in force. Raises UserError."""
        return await asyncio.to_thread(hook_files.install, self._follower(repository).spec.path, config=self._config)

    async def uninstall_hooks(self, repository: str) -> hook_files.HooksReport:
        """Take ours away and put back those that were there before. Raises UserError."""
        return await asyncio.to_thread(hook_files.uninstall, self._follower(repository).spec.path)

    async def broadcast(self, repository: str, what: str = "", *, to: str = "") -> str:
        """A summary of a push, a merge or a tag, sent to the target `to` if there is one. Raises UserError.

        Relative paths start from the configuration's folder, as those do that stand in it.
        """
        from app.git import broadcast

        spec = self._follower(repository).spec
        _, text = await broadcast.summary(spec, what, self._templates)
        if to:
            await broadcast.target(to, self._base).deliver(text)
        return text

    async def journal(self, repository: str = "", *, limit: int = 100, after: str = "") -> tuple[Report, ...]:
        """Operations of this machine, newest first; those older than the operation `after`."""
        journal = self._executor.journal
        if not repository:
            entries = await asyncio.to_thread(journal.everywhere, limit, before=after)
        else:
            reader = self._reader(repository)
            layout = reader.layout or (await self._follower(repository).settled(), reader.layout)[1]
            if layout is None:
                return ()
            entries = await asyncio.to_thread(journal.latest, str(layout.common_dir), limit, before=after)
        return tuple(entry.report() for entry in entries)

    # Inside

    def _follower(self, name: str) -> Follower:
        follower = self._followers.get(name)
        if follower is None:
            known = ", ".join(self._followers) or "none"
            raise UserError(f"no repository named {name!r}", fix=f"followed repositories: {known}")
        return follower

    def _reader(self, name: str) -> RepositoryReader:
        reader = self._follower(name).reader
        assert isinstance(reader, RepositoryReader), "made in __init__"
        return reader

    def _git(self, name: str) -> Git:
        return Git(self._follower(name).spec.path)

    def _shown(self, follower: Follower) -> RepositoryState:
        state = follower.state
        if self._fetcher.needs_credentials(follower.spec.name):
            detail = "the remote asks for a login that git cannot answer here; it is not fetched by itself any more"
            problem = Problem("needs_credentials", "", detail, "run git fetch in a terminal")
            state = replace(state, problems=(*state.problems, problem))
        return state

    def _changed(self, state: RepositoryState) -> None:
        follower = self._followers[state.name]
        self._bus.publish(GitChanged(self._shown(follower)))
        if state.error or state.watch_note:
            self._sooner.set()
        badge = badge_of(self.snapshot().repositories)
        if badge != self._badge:
            self._badge = badge
            self._bus.publish(badge)
        if self._keeping is None and self._last_seen is not None:
            self._keeping = asyncio.get_running_loop().call_later(KEEP_S, self._keep_soon)

    def _busy(self, name: str, busy: str) -> None:
        if name in self._followers:
            self._followers[name].set_busy(busy)

    async def _fetch(self, name: str, *, by_itself: bool = False) -> None:
        follower = self._follower(name)
        state = follower.state
        remotes = () if state.error else tuple(each.name for each in state.remotes)
        error = await self._fetcher.fetch(name, Git(follower.spec.path), remotes, by_itself=by_itself)
        if error is None or error.kind != "stopped":  # What the user stopped is no trouble, and mends none.
            follower.set_trouble(f"{error.what} ({error.fix})" if error is not None and error.fix else str(error or ""))
        follower.ask(status=False)
        await follower.settled()

    async def _operate(self, name: str, title: str, work: Coroutine[Any, Any, Report]) -> Report:
        """One operation at a time in a repository, its name on screen, and the state read again after it."""
        if name in self._operations:
            work.close()
            raise UserError(f"an operation is under way in {name}", fix="wait until it has ended")
        task = self._operations[name] = asyncio.create_task(self._whole(work))
        self._busy(name, title)
        try:
            return await asyncio.shield(task)
        finally:
            if task.done():
                self._ended(name)
            else:
                task.add_done_callback(lambda _: self._ended(name))

    async def _whole(self, work: Coroutine[Any, Any, Report]) -> Report:
        """An operation, and then a look at what is left open."""
        try:
            return await work
        finally:
            await self._find_interrupted()

    async def _find_interrupted(self) -> None:
        try:
            self._interrupted = tuple(entry.report() for entry in await self._executor.interrupted())
        except UserError as error:
            log.warning("the journal of git operations cannot be read: %s", error)

    def _ended(self, name: str) -> None:
        self._operations.pop(name, None)
        self._busy(name, "")
        if name in self._followers:
            self._followers[name].ask()

    async def _record(self, entry: Entry) -> None:
        """Without a database the local journal is all there is."""
        if self._spool is not None:
            await journal_store.put(self._spool, entry)

    async def _tick(self) -> None:
        """The one clock of the area: safety nets and fetches that are due."""
        while True:
            now = time.monotonic()
            for follower in self._followers.values():
                if follower.due <= now:
                    await follower.check()
            for name in self._fetcher.due():
                self._spawn(self._fetch(name, by_itself=True))
            nearest = min([now + 60, self._fetcher.next_due(), *(each.due for each in self._followers.values())])
            self._sooner.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(1.0, nearest - time.monotonic())):
                    await self._sooner.wait()

    def _keep_soon(self) -> None:
        self._keeping = None
        self._spawn(self._keep_last_seen())

    async def _keep_last_seen(self) -> None:
        if self._last_seen is None:
            return
        states = [replace(follower.state, busy="") for follower in self._followers.values()]
        try:
            await asyncio.to_thread(lastseen.save, self._last_seen, states)
        except OSError as error:
            log.info("the last state of the repositories is not kept: %s", error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
